"""Consistency: whether a question that is asked again gets the same answer again."""

from __future__ import annotations

from collections.abc import Sequence

from pilotbase.kernel.text import Text
from pilotbase.scenario.schema import Criterion
from pilotbase.trial.evaluators.metric import Metric
from pilotbase.trial.evaluators.said import declined, wording
from pilotbase.trial.reply import Question, Reply
from pilotbase.trial.rules.consistency import agreement_of
from pilotbase.trial.rules.wordforms import compared, token_f1

ALIKE_MIN = 0.8
"""Two answers whose token F1 is at least this say the same."""

READ_MAX = 20_000
"""Characters that are read of each answer; more in common than that need not be shown."""


def consistent(question: Question, replies: Sequence[Reply], criterion: Criterion) -> float:
    """The share of pairs of replies that say the same: both decline, or neither and in like words.

    NaN with fewer than two replies.
    """
    said = [
        None if declined(question, reply) else compared(wording(question, reply)[:READ_MAX])
        for reply in replies
    ]

    def same(one: str, other: str) -> bool:
        a, b = said[int(one)], said[int(other)]
        if a is None or b is None:
            return a is b
        return token_f1(a, b) >= ALIKE_MIN

    return agreement_of([str(number) for number in range(len(replies))], same)


METRIC = Metric(
    name="consistency",
    title=Text("Same answer when asked again", "重复提问一致率"),
    definition=Text(
        "Probability that two replies to one question say the same, by token F1 of 0.8 or both "
        "declining, averaged over all.",
        "同一问题的两次回复一致 (词元 F1 不低于 0.8, 或均拒答) 的概率, 对全部案例取平均。",
    ),
    dimension="robustness",
    tasks=("answer",),
    better="higher",
    counted="all",
    mark=consistent,
    joint=True,
)
