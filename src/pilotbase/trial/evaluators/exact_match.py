"""Exact match: the answer is one of the accepted ones, whatever its case and punctuation."""

from __future__ import annotations

from collections.abc import Sequence

from pilotbase.kernel.text import Text
from pilotbase.scenario.schema import Criterion
from pilotbase.trial.evaluators.metric import Metric
from pilotbase.trial.evaluators.said import declined, wording
from pilotbase.trial.reply import Question, Reply
from pilotbase.trial.rules.wordforms import compared


def exact(question: Question, replies: Sequence[Reply], criterion: Criterion) -> float:
    """1 for an accepted answer; where none is accepted, 1 for a refusal (as in SQuAD 2.0)."""
    (reply,) = replies
    if declined(question, reply) or not question.expected:
        return float(declined(question, reply) and not question.expected)
    said = compared(wording(question, reply))
    return float(any(said == compared(accepted) for accepted in question.expected))


METRIC = Metric(
    name="exact_match",
    title=Text("Exact match", "完全匹配"),
    definition=Text(
        "Answers that are an accepted one, compared without case, width, articles and "
        "punctuation, among all; where none is accepted, a refusal is right.",
        "与任一可接受答案一致的回答占全部的比例, 不计大小写、全半角、"
        "冠词与标点; 没有可接受答案时, 拒答为正确。",
    ),
    dimension="quality",
    tasks=("answer",),
    better="higher",
    counted="all",
    mark=exact,
    pass_fail=True,
)
