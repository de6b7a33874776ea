"""Numeric match: the answer holds the expected number, give or take a tolerance."""

from __future__ import annotations

from collections.abc import Sequence

from pilotbase.kernel.text import Text
from pilotbase.scenario.schema import Criterion
from pilotbase.trial.evaluators.metric import Metric
from pilotbase.trial.evaluators.said import declined, wording
from pilotbase.trial.reply import Question, Reply
from pilotbase.trial.rules.numerals import numbers

NUMBERS_MAX = 8
"""An answer with more different numbers than this names none in particular."""


def near(question: Question, replies: Sequence[Reply], criterion: Criterion) -> float:
    """1 where a number of the answer is within ``tolerance`` of an accepted one, in its unit."""
    (reply,) = replies
    if declined(question, reply) or not question.expected:
        return float(declined(question, reply) and not question.expected)
    said = dict.fromkeys(numbers(wording(question, reply)))
    if not said and isinstance(reply.data, (int, float)) and not isinstance(reply.data, bool):
        said = dict.fromkeys(numbers(repr(reply.data)))
    # A number that stands in the question is given back rather than found, unless it is all.
    asked = set(numbers(question.text))
    found = [number for number in said if number not in asked] or list(said)
    if len(found) > NUMBERS_MAX:
        return 0.0
    wanted = [first[0] for accepted in question.expected if (first := numbers(accepted))]
    tolerance = criterion.tolerance or 0.0
    return float(any(one.within(other, tolerance) for one in wanted for other in said))


METRIC = Metric(
    name="numeric_match",
    title=Text("Numeric match", "数值匹配"),
    definition=Text(
        "Answers with a number within the tolerance of the expected one, in its unit, among all; "
        "figures, percent and Chinese numerals are read.",
        "含有与预期数值之差在容差内 (按预期的单位) 的数的回答占全部的比例; "
        "可读阿拉伯数字、百分数与中文数字。",
    ),
    dimension="quality",
    tasks=("answer",),
    better="higher",
    counted="all",
    mark=near,
    pass_fail=True,
    needs="tolerance",
)
