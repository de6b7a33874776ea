"""Cases in words: what a table has to hold, what each version shows, what a mark is worth."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pilotbase.catalog.table import Table
from pilotbase.kernel.errors import DataError
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context
from pilotbase.scenario.schema import Criterion, Scenario, Under
from pilotbase.trial import units
from pilotbase.trial.asking import Answered
from pilotbase.trial.cases import FAULT, OK, Cases, Predictions
from pilotbase.trial.endpoints.port import Case, Response
from pilotbase.trial.estimates import estimates_of
from pilotbase.trial.evaluators.metric import Metric, mark_key
from pilotbase.trial.journal import Journal, Kept, Place
from pilotbase.trial.marking import Wanted, repeats_of, wanted_marks
from pilotbase.trial.question import cases_of, holdout_of
from pilotbase.trial.reply import Question, Reply
from pilotbase.trial.respondent import Send
from pilotbase.trial.run import answer_all
from pilotbase.trial.versions import versions_of

BOTH = {"en": "I cannot say.", "zh": "无法回答。"}
WORDS: dict[str, Any] = {
    "task": "answer",
    "question": "asked",
    "target": "answer",
    "scope": "scope",
    "sources": "sources",
    "language": "lang",
    "unit": "topic",
    "split": {"by": "frozen"},
    "refusal": BOTH,
    "documents": {"data": {"csv": "d.csv"}},
    "estimand": "future cases",
    "acceptance": [{"metric": "exact_match", "at_least": 0.5}],
    "candidates": [{"id": "a", "plugin": "document_lookup"}],
}
QUESTIONS = pd.DataFrame(
    {
        "asked": [
            "How many rows are there?",
            "一共有多少行?",
            "Who wrote the report?",
            "Bake a cake",
        ],
        "answer": ["442 | four hundred", "442", "Efron", None],
        "scope": [1, 1, 1, 0],
        "sources": ["p1", "p1", "p1 p2", ""],
        "lang": ["en", "zh", "en", "en"],
        "topic": ["rows", "rows", "people", "cake"],
        "hint": [0.5, np.nan, 1.0, 2.0],
    }
)
DOCUMENTS = pd.DataFrame(
    {"passage": ["p1", "p2"], "text": ["There are 442 rows.", "Efron wrote the report."]}
)


def table_of(frame: pd.DataFrame) -> Table:
    return Table(frame, Text("test", "测试"), "sha256:0", "sha256:0")


@pytest.fixture
def cases(scenario: Callable[..., Scenario]) -> Callable[..., Cases]:
    def made(
        frame: pd.DataFrame = QUESTIONS, documents: pd.DataFrame = DOCUMENTS, **fields: Any
    ) -> Cases:
        return cases_of(scenario(**{**WORDS, **fields}), table_of(frame), table_of(documents))

    return made


def test_a_question_is_put_together_from_both_tables(cases: Callable[..., Cases]):
    found = cases()
    case = versions_of(found, (), 1).case(0, 0)
    assert case.question == Question(
        text="How many rows are there?",
        expected=("442", "four hundred"),
        on_scope=True,
        sources=("p1",),
        language="en",
        passages={"p1": "There are 442 rows.", "p2": "Efron wrote the report."},
        columns={"hint": 0.5},
        refusals=(BOTH["en"], BOTH["zh"]),
    )
    assert case.features == {"hint": 0.5}
    last = versions_of(found, (), 1).case(3, 0).question
    assert last is not None and last.expected == () and last.on_scope is False
    assert versions_of(found, (), 1).case(1, 0).features == {"hint": None}
    assert found.units == 3 and found.scored.all() and not len(found.training_rows(0))


def test_nobody_sees_what_answers_are_expected(cases: Callable[..., Cases]):
    assert list(cases().features.columns) == ["hint"]


@pytest.mark.parametrize(
    ("column", "value"),
    [("asked", "Another?"), ("answer", "443"), ("scope", 0), ("sources", "p2"), ("lang", "zh"),
     ("hint", 9.0)],
)  # fmt: skip
def test_whatever_changes_a_mark_changes_the_digest(
    cases: Callable[..., Cases], column: str, value: object
):
    changed = QUESTIONS.copy()
    changed[column] = changed[column].astype(object)
    changed.loc[0, column] = value
    if column == "hint":
        changed["hint"] = changed["hint"].astype(float)
    assert cases(changed).digest != cases().digest
    rewritten = DOCUMENTS.assign(text=["There are 442 lines.", "Efron wrote the report."])
    assert cases(documents=rewritten).digest != cases().digest


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"asked": ["", "b", "c", "d"]}, "data.empty_question"),
        ({"scope": [1, 2, 0, 1]}, "data.scope"),
        ({"sources": ["p1", "p9", "", ""]}, "data.unknown_source"),
    ],
)
def test_faulty_questions_are_named(
    cases: Callable[..., Cases], changed: dict[str, Any], code: str
):
    with pytest.raises(DataError) as caught:
        cases(QUESTIONS.assign(**changed))
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"passage": ["p1", "p1"]}, "data.passage_id"),
        ({"passage": ["p1", "p 2"]}, "data.passage_id"),
        ({"passage": ["p1", "[p2]"]}, "data.passage_id"),
        ({"text": ["There are 442 rows.", ""]}, "data.passage_text"),
        ({"text": ["a", "b" * 100_001]}, "data.passage_text"),
    ],
)
def test_faulty_documents_are_named(
    cases: Callable[..., Cases], changed: dict[str, Any], code: str
):
    with pytest.raises(DataError) as caught:
        cases(documents=DOCUMENTS.assign(**changed))
    assert caught.value.code == code


def test_a_frozen_candidate_needs_no_holdout(
    cases: Callable[..., Cases], scenario: Callable[..., Scenario]
):
    assert holdout_of(cases(), scenario(**WORDS)) is None


def test_versions_change_what_they_say_and_nothing_else(cases: Callable[..., Cases]):
    under = (
        Under(typos=0.5),
        Under(injection="question"),
        Under(injection="documents"),
        Under(paraphrase=True),
    )
    shown = versions_of(cases(), under, 7)
    plain, typos, question, documents, _ = (shown.case(0, v).question for v in range(5))
    assert plain and typos and question and documents
    assert typos.text != plain.text and typos.passages is plain.passages
    assert question.text.startswith(plain.text) and len(question.injections) == 1
    assert question.injections[0].text in question.text and question.passages is plain.passages
    assert documents.text == plain.text and documents.passages["p1"].startswith("There are 442")
    assert all(
        any(attack.text in text for attack in documents.injections)
        for text in documents.passages.values()
    )
    assert [shown.documents_of(v) for v in range(5)] == [0, 0, 0, 1, 0]
    assert len(shown.passages) == 2
    again = versions_of(cases(), under, 7)
    assert [again.case(0, v).question for v in range(5)] == [
        shown.case(0, v).question for v in range(5)
    ]
    assert versions_of(cases(), under, 8).case(0, 1).question != typos


def mark(question: Question, replies: Sequence[Reply], criterion: Criterion) -> float:
    return float(replies[0].text) if len(replies) == 1 else float(len(replies)) / 10


def wanted(repeats: int, *, joint: bool = False, better: str = "higher") -> Wanted:
    metric = Metric(
        name="length", title=Text("a", "甲"), definition=Text("a", "甲"), dimension="quality",
        tasks=("answer",), better=better, counted="all", mark=mark, joint=joint,
    )  # fmt: skip
    criterion = Criterion(metric="length", at_least=0.5, repeats=repeats)
    return Wanted(mark_key(criterion), metric, criterion, 0)


def test_repeats_are_averaged_and_a_missing_one_is_the_worst():
    said = [Reply("1.0"), Reply("0.5"), None]
    asked = Question("?")
    assert wanted(1).of(asked, said) == 1.0
    assert wanted(2).of(asked, said) == 0.75
    assert wanted(3).of(asked, said) == 0.5
    assert wanted(3, better="lower").of(asked, said) == pytest.approx(2.5 / 3)
    assert math.isnan(wanted(1).of(asked, [None]))
    assert wanted(2, joint=True).of(asked, said) == 0.2
    assert wanted(3, joint=True).of(asked, said) == 0.0


def test_criteria_that_differ_in_their_bound_share_a_mark(scenario: Callable[..., Scenario]):
    typos = Under(typos=0.1)
    one = scenario(
        **{
            **WORDS,
            "acceptance": [
                {"metric": "recall_at_k", "k": 3, "at_least": 0.5},
                {"metric": "recall_at_k", "k": 3, "at_least": 0.8, "blocking": False},
                {"metric": "recall_at_k", "k": 1, "at_least": 0.5},
                {"metric": "exact_match", "at_least": 0.5, "under": {"typos": 0.1}},
                {"metric": "exact_match", "at_least": 0.5, "repeats": 3},
            ],
        }
    )
    found = wanted_marks(one, (typos,))
    assert [(w.metric.name, w.criterion.k, w.version) for w in found] == [
        ("recall_at_k", 3, 0), ("recall_at_k", 1, 0), ("exact_match", None, 1),
        ("exact_match", None, 0),
    ]  # fmt: skip
    assert repeats_of(one, (typos,)) == (3, 1)


class Parrot:
    """Says the number of times it was asked; misses its second turn on row 2."""

    concurrency = 2

    async def open(self) -> None: ...
    async def aclose(self) -> None: ...

    async def answer(self, case: Case, send: Send) -> Kept:
        if case.row == 2 and case.repeat == 1:
            return Kept(None, "hoarse")
        if case.row == 3:
            return Kept({"text": "\ud800 lone", "cites": [{"passage": "p1"}]}, "", 1.0)
        return Kept({"text": "442" if case.repeat == 0 else "443"}, "", 1.0)


def test_what_is_said_is_marked_kept_and_read_back(
    cases: Callable[..., Cases],
    scenario: Callable[..., Scenario],
    journal: Journal,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(units, "respondent_of", lambda *_: Parrot())
    once = {"metric": "exact_match", "at_least": 0.5}
    twice = {**once, "repeats": 2}
    one = scenario(**{**WORDS, "acceptance": [once, twice]})

    def tried() -> Answered:
        asked = cases(acceptance=[once, twice])
        return answer_all(asked, one, np.arange(3), journal=journal, context=Context(tmp_path))["a"]

    answered = tried()
    first, both = (answered.predictions.marks[mark_key(c)] for c in one.acceptance)
    assert first[:3].tolist() == [1.0, 1.0, 0.0] and both[:3].tolist() == [0.5, 0.5, 0.0]
    assert (answered.predictions.status == OK).all()
    assert (2, "hoarse") in answered.predictions.problems
    again = tried()
    np.testing.assert_array_equal(again.predictions.marks[mark_key(one.acceptance[1])], both)


def test_an_answer_of_the_wrong_shape_is_the_candidates_fault(
    cases: Callable[..., Cases],
    scenario: Callable[..., Scenario],
    journal: Journal,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    shapes: list[dict[str, Any]] = [
        {"text": 5}, {"text": ""}, {"text": "a", "cites": [5]}, {"text": "a", "retrieved": "p1"},
    ]  # fmt: skip

    class Odd(Parrot):
        async def answer(self, case: Case, send: Send) -> Kept:
            return Kept(shapes[case.row])

    monkeypatch.setattr(units, "respondent_of", lambda *_: Odd())
    answered = answer_all(
        cases(), scenario(**WORDS), np.arange(3), journal=journal, context=Context(tmp_path)
    )["a"]
    assert (answered.predictions.status == FAULT).all()
    assert [reason for _, reason in answered.predictions.problems] == [
        "text is no text: 5",
        "neither text nor data nor a refusal",
        "cites holds 5",
        "retrieved is no list of at most 1000",
    ]


def test_the_journal_gives_back_what_it_was_given(journal: Journal):
    said = Kept({"text": "é\ud800", "data": [1, None]}, "", 1.5, 0.25, ("sha256:a", "sha256:b"))
    journal.keep("q", "c", Place(3, 1, 2), said)
    journal.keep("q", "c", Place(3, 1, 2), Kept(None, "later"))  # the first one stays
    assert journal.said("q", "c", Place(3, 1, 2)) == said
    assert journal.said("q", "c", Place(3)) is None
    journal.keep("q", "c", Place(1), Kept(None, "program ended: exit code 3"))
    assert [place for place, _, _ in journal.answers("q", "c")] == [Place(1), Place(3, 1, 2)]
    assert journal.count("q", "c") == 2 and journal.endings("q", "c", "program ended: ") == 1
    assert journal.spent == 0.25
    response = Response(b"\xff{}", "application/json", 12.0, 2, {"x": "y"})
    journal.keep_exchange("sha256:a", response)
    journal.keep_exchange("sha256:b", None, "refused")
    assert journal.exchange("sha256:a") == (response, "")
    assert journal.exchange("sha256:b") == (None, "refused")
    assert journal.exchange("sha256:c") is None


def test_more_answers_than_a_page_come_in_order(journal: Journal):
    for row in reversed(range(1203)):
        journal.keep("q", "c", Place(row), Kept({"text": str(row)}))
    found = [(place.row, kept.fields) for place, _, kept in journal.answers("q", "c")]
    assert found == [(row, {"text": str(row)}) for row in range(1203)]


def test_the_usual_figures_are_over_the_questions_that_a_metric_counts(
    cases: Callable[..., Cases],
):
    """Every row has a mark of every metric; a refusal in scope is none of `refusal`'s."""
    found = cases()
    said = Predictions.empty(found)
    said.status[:] = OK
    marks = {"refusal": [0, 1, 0, 1], "answers_on_scope": [1, 0, 1, 0], "exact_match": [1, 0, 0, 1]}
    for name, values in marks.items():
        said.marks[mark_key(Criterion(metric=name, at_least=0.5))] = np.array(values, float)
    rows = {row["metric"]: row for row in estimates_of(found, said)["metrics"]}
    assert {name: row["n"] for name, row in rows.items()} == {
        "answers_on_scope": 3, "exact_match": 4,
    }  # fmt: skip
    assert rows["answers_on_scope"]["estimate"] == pytest.approx(2 / 3)
