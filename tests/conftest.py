"""What several rooms' tests share: a home in which every built-in scenario has been run once."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from pilotbase import Base
from pilotbase.desk.answers import RunResponse
from pilotbase.desk.verbs import TourRequest, tour

_IRIS = "rfc3987_syntax"


class _Late(ModuleType):
    """Stands in for the package until it is first asked; the answer is the package's own."""

    def is_valid_syntax(self, term: str, value: str) -> bool:
        if sys.modules[_IRIS] is self:
            del sys.modules[_IRIS]
        valid: bool = importlib.import_module(_IRIS).is_valid_syntax(term, value)
        return valid


def _load_grammars_of_iris_late() -> None:
    """`jsonschema` loads them, if there, with itself: seconds in every process, for two files."""
    if _IRIS not in sys.modules and importlib.util.find_spec(_IRIS):
        sys.modules[_IRIS] = _Late(_IRIS)


_load_grammars_of_iris_late()


@dataclass(frozen=True)
class Toured:
    """A home after ``pilotbase tour``."""

    base: Base
    runs: tuple[RunResponse, ...]
    reports: Path

    def run(self, scenario: str) -> RunResponse:
        return next(run for run in self.runs if run.scenario == scenario)


@pytest.fixture(scope="session")
def toured(tmp_path_factory: pytest.TempPathFactory) -> Toured:
    """Every built-in scenario, run for real, once for the whole session."""
    base = Base(tmp_path_factory.mktemp("toured") / "home")
    found = tour(base.context, TourRequest())
    return Toured(base, found.runs, found.reports)


@pytest.hookimpl(tryfirst=True)  # the plugin reads the groups in the same hook
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With `pytest -n`: a file's tests stay in one process, all files that tour in the same one.

    So the tour is still run once, and what a module shares is still made once.
    """
    if not config.pluginmanager.hasplugin("xdist"):
        return
    touring = {item.path for item in items if "toured" in getattr(item, "fixturenames", ())}
    for item in items:
        group = "toured" if item.path in touring else item.nodeid.partition("::")[0]
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(autouse=True)
def _a_home_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test reads or writes the user's home."""
    monkeypatch.setenv("PILOTBASE_HOME", str(tmp_path / "default-home"))
    monkeypatch.delenv("PILOTBASE_LANG", raising=False)
    yield
