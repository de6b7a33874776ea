"""Marks: what each answer in words is worth to each criterion, given as soon as it is there.

Answers are not kept in memory: a mark is a number, and a hundred thousand of them are small.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pilotbase.kernel.plugins import load
from pilotbase.scenario.schema import Criterion, Scenario, Under
from pilotbase.trial.evaluators.metric import Metric, mark_key
from pilotbase.trial.people import people_key
from pilotbase.trial.reply import Question, Reply


@dataclass(frozen=True)
class Wanted:
    """One mark that is wanted of every case.

    Attributes:
        key: where it is kept, `mark_key`.
        version: the perturbation it is given under; 0 for none.
    """

    key: str
    metric: Metric
    criterion: Criterion
    version: int

    @property
    def keys(self) -> tuple[str, ...]:
        """Where its marks are kept: people's beside those of a judge."""
        asks = self.metric.asks is not None
        return (self.key, people_key(self.criterion)) if asks else (self.key,)

    def of(self, question: Question, replies: Sequence[Reply | None]) -> float:
        """The mark in [0, 1]; NaN where the answer to be marked is missing.

        Args:
            replies: one a repeat; None where the candidate gave none, which counts as its worst.
        """
        mark = self.metric.mark
        if mark is None:
            return math.nan  # a judge or people give it, see `judging`
        asked = replies[: self.criterion.repeats]
        worst = 0.0 if self.metric.better == "higher" else 1.0
        if self.metric.joint or len(asked) == 1:
            said = [reply for reply in asked if reply is not None]
            if len(said) < len(asked):
                return worst if len(asked) > 1 else math.nan
            return mark(question, said, self.criterion)
        marks = [
            math.nan if reply is None else mark(question, (reply,), self.criterion)
            for reply in asked
        ]
        return math.fsum(worst if math.isnan(m) else m for m in marks) / len(marks)


def wanted_marks(scenario: Scenario, under: Sequence[Under]) -> tuple[Wanted, ...]:
    """The marks that the criteria of a scenario want, each once."""
    found: dict[tuple[str, int], Wanted] = {}
    for criterion in scenario.acceptance:
        metric: Metric = load("pilotbase.evaluators", criterion.metric)
        if metric.mark is None and metric.asks is None:
            continue
        version = 0 if criterion.under is None else 1 + list(under).index(criterion.under)
        wanted = Wanted(mark_key(criterion), metric, criterion, version)
        found.setdefault((wanted.key, version), wanted)
    return tuple(found.values())


def repeats_of(scenario: Scenario, under: Sequence[Under]) -> tuple[int, ...]:
    """How often each version of a case is asked."""
    versions = [None, *under]
    return tuple(
        max((c.repeats for c in scenario.acceptance if c.under == version), default=1)
        for version in versions
    )
