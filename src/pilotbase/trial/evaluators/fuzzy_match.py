"""Fuzzy match: how many words, or Chinese characters, answer and expectation share (token F1)."""

from __future__ import annotations

from collections.abc import Sequence

from pilotbase.kernel.text import Text
from pilotbase.scenario.schema import Criterion
from pilotbase.trial.evaluators.metric import Metric
from pilotbase.trial.evaluators.said import declined, wording
from pilotbase.trial.reply import Question, Reply
from pilotbase.trial.rules.wordforms import compared, token_f1


def shared(question: Question, replies: Sequence[Reply], criterion: Criterion) -> float:
    """The best token F1 over the accepted answers; where none is accepted, 1 for a refusal."""
    (reply,) = replies
    if declined(question, reply) or not question.expected:
        return float(declined(question, reply) and not question.expected)
    said = compared(wording(question, reply))
    return max(token_f1(said, compared(accepted)) for accepted in question.expected)


METRIC = Metric(
    name="fuzzy_match",
    title=Text("Fuzzy match (token F1)", "模糊匹配 (词元 F1)"),
    definition=Text(
        "Mean over all cases of the token F1 with the nearest accepted answer: words in English, "
        "characters in Chinese.",
        "与最接近的可接受答案的词元 F1 在全部案例上的平均: 英文按词, 中文按字。",
    ),
    dimension="quality",
    tasks=("answer",),
    better="higher",
    counted="all",
    mark=shared,
)
