"""What tables of questions and documents must hold: every fault at its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pilotbase.catalog.check import data_faults
from pilotbase.catalog.rules.columns import feature_columns
from pilotbase.catalog.table import Table, content_digest, plain_frame
from pilotbase.kernel.errors import Fault
from pilotbase.kernel.text import Text
from pilotbase.scenario.read import ScenarioFile, scenario_of

ASK: dict[str, Any] = {
    "id": "ask",
    "title": {"en": "Ask", "zh": "提问"},
    "need": {"en": "To know.", "zh": "求知。"},
    "item": "A2.1",
    "owner": {"name": "Works", "principal": "Lin Hai"},
    "affects_people": False,
    "task": "answer",
    "data": {"csv": "q.csv"},
    "target": "answer",
    "question": "question",
    "scope": "scope",
    "sources": "sources",
    "language": "language",
    "documents": {"data": {"csv": "d.csv"}},
    "split": {"by": "frozen"},
    "acceptance": [
        {"metric": "recall_at_k", "k": 3, "at_least": 0.9},
        {"metric": "numeric_match", "tolerance": 0, "at_least": 0.9},
    ],
    "candidates": [
        {
            "id": "model",
            "chat": {
                "url": "https://api.example.org/v1",
                "model": "m",
                "prompt": "{documents} {question} {kind}",
            },
        }
    ],
}
QUESTIONS: dict[str, list[Any]] = {
    "question": ["How many rows?", "有多少行?", "Who is asking?"],
    "answer": ["442", "四百四十二 | 442", None],
    "scope": [1, 1, 0],
    "sources": ["a-1", "a-1 a-2", None],
    "language": ["en", "zh", "en"],
    "kind": ["count", "count", "far"],
}
PASSAGES: dict[str, list[Any]] = {"passage": ["a-1", "a-2"], "text": ["442 rows.", "共442行。"]}


def scenario(**changes: Any) -> ScenarioFile:
    return scenario_of(json.dumps(ASK | changes, indent=1), Path("ask.yaml"))


def table(columns: dict[str, Any]) -> Table:
    data = plain_frame(pd.DataFrame(columns), "test")
    digest = content_digest(data)
    return Table(data, Text("test", "测试"), digest, digest)


def faults(
    file: ScenarioFile | None = None,
    questions: dict[str, Any] | None = None,
    passages: dict[str, Any] | None = None,
) -> list[Fault]:
    asked, documents = table(QUESTIONS | (questions or {})), table(PASSAGES | (passages or {}))
    found = data_faults(file or scenario(), asked, documents)
    for fault in found:
        assert fault.message.en != fault.message.zh and fault.line > 0
        assert fault.expected is not None or fault.nearest is not None
    return found


def test_a_good_pair_of_tables_has_no_fault() -> None:
    assert [fault.render("en") for fault in faults()] == []


def test_columns_of_the_task_are_no_features() -> None:
    assert feature_columns(scenario().scenario, list(QUESTIONS)) == ("kind",)


@pytest.mark.parametrize(
    ("column", "cells", "code", "path"),
    [
        ("question", ["How?", " ", "Who?"], "empty_question", "question"),
        ("scope", [1, 2, 0], "scope", "scope"),
        ("scope", [1, None, 0], "scope", "scope"),
        ("language", ["en", "fr", "zh"], "language", "language"),
        ("answer", [442, None, None], "no_answer", "target"),
        ("answer", ["442", "many", None], "no_number", "target"),
        ("sources", ["a-1", None, None], "no_sources", "sources"),
        ("sources", ["a-1", "a-1 b-1", None], "unknown_source", "sources"),
    ],
)
def test_cells_of_questions(column: str, cells: list[Any], code: str, path: str) -> None:
    (fault,) = faults(questions={column: cells})
    assert (fault.code, fault.path) == (f"data.{code}", path)
    assert "row 2" in fault.message.en and "第 2 行" in fault.message.zh


@pytest.mark.parametrize(
    ("column", "cells", "code", "path"),
    [
        ("passage", ["a-1", "a-1"], "passage_id", "documents.passage"),
        ("passage", ["a-1", "a 2"], "passage_id", "documents.passage"),
        ("passage", ["a-1", None], "passage_id", "documents.passage"),
        ("text", ["442 rows.", None], "passage_text", "documents.text"),
        ("text", ["442 rows.", "x" * 100_001], "passage_text", "documents.text"),
    ],
)
def test_cells_of_documents(column: str, cells: list[Any], code: str, path: str) -> None:
    found = faults(passages={column: cells}, questions={"sources": ["a-1", "a-1", None]})
    assert [(fault.code, fault.path) for fault in found] == [(f"data.{code}", path)]


def test_columns_that_are_not_there_are_named() -> None:
    for word in ("question", "scope", "sources", "language", "target"):
        (fault,) = faults(scenario(**{word: "questian"}), questions={"questiam": ["a", "b", "c"]})
        assert (fault.code, fault.path) == ("data.missing_column", word)
        assert fault.nearest in ("question", "questiam")
    documents = {"data": {"csv": "d.csv"}, "passage": "pasage"}
    (fault,) = faults(scenario(documents=documents))
    assert (fault.path, fault.nearest) == ("documents.passage", "passage")


def test_a_prompt_asks_for_columns_that_are_there() -> None:
    chat = ASK["candidates"][0]["chat"] | {"prompt": "{question} {kimd}"}
    (fault,) = faults(scenario(candidates=[{"id": "model", "chat": chat}]))
    assert (fault.code, fault.nearest) == ("data.prompt_name", "kind")


def test_out_of_scope_nothing_is_expected_and_without_such_criteria_nowhere() -> None:
    acceptance = [{"metric": "refusal", "at_least": 0.9}]
    blank = {"answer": [None] * 3, "sources": [None] * 3}
    assert faults(scenario(acceptance=acceptance), questions=blank) == []
