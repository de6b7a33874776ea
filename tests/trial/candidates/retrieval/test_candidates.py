"""The retrieval agent and the baseline: what they answer, cite and refuse."""

from __future__ import annotations

import csv
import io
import time
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotbase.catalog.datasets import description_questions, descriptions
from pilotbase.trial.candidates.retrieval.agent import Retrieval
from pilotbase.trial.candidates.retrieval.lookup import Lookup

PASSAGES = [
    {"passage": "tides-1", "text": "Tides\nNumber of observations: 62\nheight - metres"},
    {"passage": "tides-2", "text": "Tides\nMeasured by the harbour office of Cuxhaven."},
    {"passage": "storms-1", "text": "Storms\nNumber of observations: 31\nwind - metres a second"},
]


def asked(factory: Any, question: str, **parameters: Any) -> dict[str, Any]:
    model = factory(**parameters)
    model.read(PASSAGES)
    answer = model.answer(question, {})
    assert isinstance(answer, dict)
    return answer


def test_the_agent_quotes_the_line_that_answers_and_cites_its_passage() -> None:
    answer = asked(Retrieval, "How many observations of tides are there?", lines=1)
    assert answer["text"] == "Number of observations: 62"
    assert answer["cites"] == [{"passage": "tides-1", "quote": "Number of observations: 62"}]
    assert answer["retrieved"][0] == "tides-1" and not answer["refused"]


def test_a_chinese_question_finds_the_english_line() -> None:
    assert asked(Retrieval, "风暴 storms 数据有多少个观测?", lines=1, coverage=0.3)["text"] == (
        "Number of observations: 31"
    )


@pytest.mark.parametrize(
    "question", ["Who won the chess match in Oslo?", "怎么做红烧肉?", "???", "", "什么"]
)
def test_the_agent_refuses_what_the_passages_do_not_say(question: str) -> None:
    answer = asked(Retrieval, question)
    assert answer["refused"] and answer["text"] == "" and answer["cites"] == []


def test_coverage_decides_what_is_refused() -> None:
    question = "Which harbour office measured the salt of Cuxhaven?"
    assert not asked(Retrieval, question, coverage=0.5)["refused"]
    assert asked(Retrieval, question, coverage=0.9)["refused"]


@pytest.mark.parametrize("factory", [Retrieval, Lookup])
def test_without_documents_they_refuse(factory: Any) -> None:
    assert factory().answer("How many tides?")["refused"]


def test_the_baseline_says_the_first_line_of_the_passage_with_most_shared_words() -> None:
    answer = asked(Lookup, "number of observations of storms")
    assert answer["text"] == "Number of observations: 31"
    assert answer["retrieved"][0] == "storms-1"
    assert not asked(Lookup, "the number of my door")["refused"]
    assert asked(Lookup, "怎么做红烧肉?")["refused"]


@given(st.text(max_size=80))
def test_whatever_is_asked_each_quote_stands_in_its_passage(question: str) -> None:
    texts = {one["passage"]: one["text"] for one in PASSAGES}
    for factory in (Retrieval, Lookup):
        answer = asked(factory, question)
        assert set(answer["retrieved"]) <= set(texts)
        assert answer["refused"] != bool(answer["cites"])
        assert all(cite["quote"] in texts[cite["passage"]] for cite in answer["cites"])


def marks(rows: list[dict[str, str]], model: Any) -> tuple[float, float, float]:
    """Share of sources found among the first three, of on-scope answers, of off-scope refusals."""
    on = [row for row in rows if row["scope"] == "1"]
    off = [row for row in rows if row["scope"] == "0"]
    answers = [model.answer(row["question"], {}) for row in on]
    found = [row["sources"] in a["retrieved"][:3] for row, a in zip(on, answers, strict=True)]
    refused = [model.answer(row["question"], {})["refused"] for row in off]
    kept = [not answer["refused"] for answer in answers]
    return sum(found) / len(on), sum(kept) / len(on), sum(refused) / len(off)


def test_on_its_development_questions_it_reaches_what_it_was_set_to() -> None:
    path = files("pilotbase.scenario.packs").joinpath("questions/development.csv")
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
    model = Retrieval()
    model.read(descriptions.load().frame[["passage", "text"]].to_dict("records"))
    found, kept, refused = marks(rows, model)
    assert len(rows) == 98
    assert found >= 0.9 and kept >= 0.8 and refused >= 0.95


def test_development_questions_are_not_among_those_of_the_pack_which_take_seconds() -> None:
    path = files("pilotbase.scenario.packs").joinpath("questions/development.csv")
    own = {row["question"] for row in csv.DictReader(io.StringIO(path.read_text("utf-8")))}
    questions = description_questions.load().frame["question"].tolist()
    assert not own & set(questions)
    model = Retrieval()
    model.read(descriptions.load().frame[["passage", "text"]].to_dict("records"))
    started = time.process_time()
    answers = [model.answer(question) for question in questions]
    assert time.process_time() - started < 5
    assert answers == [model.answer(question) for question in questions]
