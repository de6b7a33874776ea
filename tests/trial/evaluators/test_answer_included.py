"""The metric that looks for an accepted answer inside a quoted line."""

from __future__ import annotations

import pytest

from pilotbase.scenario.schema import Criterion
from pilotbase.trial.evaluators.answer_included import METRIC, WORDS_MAX
from pilotbase.trial.reply import Question, Reply

QUESTION = Question("How many rows?", expected=("442", "four hundred and forty-two"), on_scope=True)


def mark(question: Question, reply: Reply) -> float:
    assert METRIC.mark is not None
    criterion = Criterion(metric="answer_included", at_least=0.9)
    return METRIC.mark(question, (reply,), criterion)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Number of Instances: 442", 1.0),
        ("There are Four hundred, and forty-two [a-1].", 1.0),
        ("Number of Instances: 1442", 0.0),
        ("It holds 4 42 rows", 0.0),
        ("", 0.0),
        ("442 " + "and so on " * WORDS_MAX, 0.0),
    ],
)
def test_whole_words_in_a_short_reply_count(text: str, expected: float) -> None:
    assert mark(QUESTION, Reply(text)) == expected


def test_a_refusal_and_a_question_without_answers_count_as_wrong() -> None:
    assert mark(QUESTION, Reply("442", refused=True)) == 0.0
    assert mark(Question("Why?", on_scope=True), Reply("442")) == 0.0


def test_chinese_is_compared_by_characters() -> None:
    question = Question("哪里?", expected=("比利时",), on_scope=True)
    assert mark(question, Reply("数据来自比利时的家庭。")) == 1.0
    assert mark(question, Reply("数据来自比例时。")) == 0.0
