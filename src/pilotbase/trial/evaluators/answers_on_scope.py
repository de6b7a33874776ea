"""Answers on scope: a question that the documents answer is not declined (no over-refusal)."""

from __future__ import annotations

from collections.abc import Sequence

from pilotbase.kernel.text import Text
from pilotbase.scenario.schema import Criterion
from pilotbase.trial.evaluators.metric import Metric
from pilotbase.trial.evaluators.said import answered
from pilotbase.trial.reply import Question, Reply


def answers(question: Question, replies: Sequence[Reply], criterion: Criterion) -> float:
    """1 where the reply says something and does not decline, right or wrong."""
    (reply,) = replies
    return float(answered(question, reply))


METRIC = Metric(
    name="answers_on_scope",
    title=Text("Answers in scope", "范围内作答率"),
    definition=Text(
        "Questions in scope that are answered rather than declined, right or wrong; over-refusal "
        "is what is missing to 1.",
        "范围内问题中作答而未拒答的比例, 不论对错; 与 1 之差即过度拒答率。",
    ),
    dimension="quality",
    tasks=("answer",),
    better="higher",
    counted="on_scope",
    mark=answers,
    pass_fail=True,
)
