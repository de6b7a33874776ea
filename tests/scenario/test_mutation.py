"""Any mutation of a good file either reads or is a ScenarioError: never anything else."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pilotbase.kernel.errors import ScenarioError
from pilotbase.scenario.draft import Known
from pilotbase.scenario.read import ScenarioFile, read_scenario, scenario_of
from pilotbase.scenario.tree import tree_of

GOOD = (Path(__file__).parent / "files" / "good.yaml").read_text(encoding="utf-8")
DATA = tree_of(GOOD).data
FILE = Path("scenario.yaml")
KNOWN = Known(("accuracy", "auc", "recall"), ("sklearn.load_digits",), ("note-reader",))

SNIPPETS = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        ["\n", "\t", ": ", "- ", "? ", "*a", "&a ", "!!x ", "| ", "> ", '"', "'", "{", "}", "[",
         "]", "#", "%YAML 1.1\n", "---\n", "...\n", "\\", "@", "`", "\ufeff", "<<: ", "~",
         "\x85", "\r"]
    ),
)  # fmt: skip
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(["recall", "sex", "sklearn.a.B", "12.50 CNY", "../x", "unit", "a" * 300]),
)


def _sections(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    words = st.text(max_size=6)
    return st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3)


VALUES = st.recursive(SCALARS, _sections, max_leaves=6)


def reads_or_says_why(text: str) -> ScenarioFile | None:
    """The file, or None after looking at every fault."""
    try:
        return scenario_of(text, FILE, known=KNOWN)
    except ScenarioError as error:
        lines = text.count("\n") + text.count("\r") + text.count("\x85") + 2
        assert error.faults
        for fault in error.faults:
            assert fault.code.startswith("scenario.")
            assert 1 <= fault.line <= lines and fault.column >= 1
            assert fault.render("en", "f") and fault.render("zh", "f")
        json.dumps(error.as_dict()).encode()
        return None


@given(st.lists(st.tuples(st.integers(0, len(GOOD)), st.integers(0, 30), SNIPPETS), max_size=3))
@settings(max_examples=80, deadline=None, derandomize=True)
def test_edits_of_the_text(edits: list[tuple[int, int, str]]) -> None:
    text = GOOD
    for at, length, snippet in edits:
        text = text[:at] + snippet + text[at + length :]
    reads_or_says_why(text)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = [path] if path else []
    for key, item in inner:
        here = (*path, key)
        found += _places(item, here) if isinstance(item, (dict, list)) else [here]
    return found


PLACES = _places(DATA)


@given(st.lists(st.tuples(st.sampled_from(PLACES), VALUES), min_size=1, max_size=3))
@settings(max_examples=90, deadline=None, derandomize=True)
def test_other_values_in_any_place(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    data = copy.deepcopy(DATA)
    for path, value in changes:
        section = data
        try:
            for part in path[:-1]:
                section = section[part]
            section[path[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change has taken the place away
    # JSON is YAML; infinite numbers and NaN are then words like any other.
    reads_or_says_why(json.dumps(data, ensure_ascii=False))


@given(st.sampled_from(PLACES))
@settings(max_examples=50, deadline=None, derandomize=True)
def test_anything_left_out(path: tuple[Any, ...]) -> None:
    data = copy.deepcopy(DATA)
    section = data
    for part in path[:-1]:
        section = section[part]
    del section[path[-1]]
    reads_or_says_why(json.dumps(data, ensure_ascii=False))


@given(st.binary(max_size=200))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_any_bytes(tmp_path_factory: Any, raw: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_bytes(raw)
    try:
        read_scenario(file, known=KNOWN)
    except ScenarioError as error:
        assert error.faults


def test_what_is_read_twice_is_the_same() -> None:
    known = Known(
        ("accuracy", "auc", "brier", "called_share", "cost", "latency", "recall"),
        (),
        ("note-reader",),
    )
    first, second = (scenario_of(GOOD, FILE, known=known) for _ in range(2))
    assert first.scenario == second.scenario and first.digest == second.digest
