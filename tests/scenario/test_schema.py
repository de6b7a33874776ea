"""The published JSON Schema: current, valid, complete, and of one mind with what is accepted."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pilotbase.scenario.grammar import grammar_findings
from pilotbase.scenario.schema import json_schema
from pilotbase.scenario.taxonomy import AREAS, ITEM_IDS, ITEMS, item
from pilotbase.scenario.tree import tree_of

ROOT = Path(__file__).parents[2]
GOOD = (Path(__file__).parent / "files" / "good.yaml").read_text(encoding="utf-8")
DATA = tree_of(GOOD).data
VALIDATOR = Draft202012Validator(json_schema())


def test_the_published_file_is_current() -> None:
    published = (ROOT / "docs" / "scenario.schema.json").read_text(encoding="utf-8")
    current = json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
    assert published == current, "write `pilotbase scenario schema` to docs/scenario.schema.json"


def test_it_is_a_schema_of_its_draft_with_an_identity() -> None:
    Draft202012Validator.check_schema(json_schema())
    assert json_schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert json_schema()["$id"] == "urn:pilotbase:scenario:1"


def test_every_section_and_word_is_explained() -> None:
    for name, section in [("Scenario", json_schema()), *json_schema()["$defs"].items()]:
        assert section["description"] and section["title"], name
        for word, node in section["properties"].items():
            refers = "$ref" in json.dumps(node)  # to a section that has a title of its own
            assert node.get("description") or "$ref" in node, f"{name}.{word}"
            assert node.get("title") or refers, f"{name}.{word}"


def test_it_accepts_the_good_file() -> None:
    VALIDATOR.validate(DATA)
    assert grammar_findings(DATA)[1] == []


def _section(data: Any, path: tuple[Any, ...]) -> Any:
    for part in path:
        data = data[part]
    return data


WRONG = [
    ((), "item", "A9.9"),
    ((), "affects_people", "yes"),
    ((), "taks", "detection"),
    ((), "acceptance", []),
    (("data",), "encoding", "latin-1"),
    (("split",), "folds", 1),
    (("split",), "folds", "5"),
    (("plan",), "alpha", 0),
    (("acceptance", 0), "at_least", "0.9"),
    (("acceptance", 6), "between", [0.5]),
    (("candidates", 0), "id", "Two words"),
    (("candidates", 0, "cutoff"), "called_share", 1),
    (("groups", "sex"), "labels", {"1": "women"}),
]


@pytest.mark.parametrize(("path", "word", "value"), WRONG)
def test_it_refuses_what_the_check_refuses(path: tuple[Any, ...], word: str, value: Any) -> None:
    data = copy.deepcopy(DATA)
    _section(data, path)[word] = value
    assert not VALIDATOR.is_valid(data)
    findings = grammar_findings(data)[1]
    assert {finding.path[: len(path) + 1] for finding in findings} == {(*path, word)}


@given(
    st.sampled_from([(path, word) for path, word, _ in WRONG]),
    st.one_of(
        st.none(), st.booleans(), st.integers(-3, 60), st.text(max_size=4),
        st.floats(-2, 2).filter(lambda x: not x.is_integer()),
        st.lists(st.integers(0, 3), max_size=3),
        st.sampled_from(["A1.1", "regression", "ok-id", "utf-8"]),
    ),
)  # fmt: skip
@settings(max_examples=100, deadline=None, derandomize=True)
def test_the_schema_and_the_grammar_are_of_one_mind(place: tuple[Any, str], value: Any) -> None:
    """Whole numbers written 5.0 are left out: a number to one, no count to the other."""
    path, word = place
    data = copy.deepcopy(DATA)
    _section(data, path)[word] = value
    assert VALIDATOR.is_valid(data) == (grammar_findings(data)[1] == [])


def test_the_taxonomy_is_that_of_the_schema() -> None:
    assert tuple(json_schema()["properties"]["item"]["enum"]) == ITEM_IDS
    assert len(ITEMS) == 17 and len(AREAS) == 6
    assert item("A4.3").area.title.zh == "民生福祉"
    assert all(one.title.en and one.title.zh and one.area in AREAS for one in ITEMS)
    with pytest.raises(KeyError):
        item("A7.1")
