# Two commands matter: `make run` and `make test`. Each sets up what is missing by itself.
#   WHEELS=folder   install from that folder only, without a network
#   JOBS=3          test processes at once; on two processors, because many tests wait
#   PYTHON=python3  the interpreter to build the environment with (3.11 or newer)
VENV   ?= .venv
PYTHON ?= $(shell command -v python3.11 || command -v python3)
JOBS   ?= 3
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check install --quiet
ifdef WHEELS
PIP    := PIP_NO_INDEX=1 PIP_FIND_LINKS=$(abspath $(WHEELS)) $(PIP)
endif

# Tests start many processes; without their bytecode each would compile the project again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test check compiled wheels clean

run: $(VENV)/run.stamp
	@$(BIN)/pilotbase tour

test: $(VENV)/test.stamp
	@sh .ci/system-packages
	@$(MAKE) --no-print-directory --jobs=2 check compiled
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup

check: $(VENV)/test.stamp
	@$(BIN)/ruff format --check --quiet . || { echo "run: $(BIN)/ruff format ."; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

# The tests' bytecode, made while mypy leaves a processor free; what is wrong with them, they say.
compiled: $(VENV)/test.stamp
	@$(BIN)/python -m pytest --collect-only >/dev/null 2>&1 || true

# Every wheel that `make run` and `make test` need, for a machine without a network.
wheels: $(VENV)/run.stamp
	$(BIN)/python -m pip wheel --quiet --wheel-dir $(or $(WHEELS),wheels) '.[test]' hatchling

$(VENV)/run.stamp: pyproject.toml
	@echo "setting up $(VENV) (about a minute, once) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; say PYTHON=...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) --editable .
	@touch $@

$(VENV)/test.stamp: $(VENV)/run.stamp
	@$(PIP) --editable '.[test]'
	@touch $@

clean:
	rm -rf $(VENV) dist build
