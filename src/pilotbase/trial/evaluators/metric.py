"""What an evaluator is: one `Metric`, declared in one short file and named by one entry point.

A metric says what is counted and what one row's answer is worth in [0, 1]. It does not test, sort,
average or draw: units, committed order, faults, outages, groups, baselines and intervals are the
same for every metric and are dealt with in `pilotbase.trial.rules`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

from pilotbase.kernel import canonical
from pilotbase.kernel.text import Text
from pilotbase.scenario.schema import LANGUAGE_TASKS, Criterion, Task
from pilotbase.trial.cases import Cases, Floats, Predictions
from pilotbase.trial.reply import Question, Reply

Dimension = Literal["quality", "calibration", "efficiency", "fairness", "robustness", "safety"]
Counted = Literal["all", "positives", "called", "pairs", "on_scope", "off_scope"]
Mark = Callable[[Question, Sequence[Reply], Criterion], float]
TABLE_TASKS: tuple[Task, ...] = ("classification", "detection", "regression", "forecast")
EVERY_TASK: tuple[Task, ...] = (*TABLE_TASKS, *LANGUAGE_TASKS)
NUMBERS: tuple[Task, ...] = ("regression", "forecast")
_MARKED_BY = ("k", "tolerance", "form", "rubric", "judge", "repeats", "limit")


def marked(cases: Cases, predictions: Predictions, criterion: Criterion) -> Floats:
    """The marks that `Metric.mark` gave when the answers came in; NaN where there is none."""
    return predictions.marks.get(mark_key(criterion), np.full(cases.rows, np.nan))


def mark_key(criterion: Criterion) -> str:
    """Names the marks of a criterion: criteria that differ in their bound alone share them."""
    return _mark_key(criterion.metric, *(repr(getattr(criterion, word)) for word in _MARKED_BY))


@cache
def _mark_key(metric: str, *words: str) -> str:
    return f"{metric}:{canonical.digest(list(words)).removeprefix('sha256:')[:12]}"


@dataclass(frozen=True)
class Metric:
    """One way to score answers.

    Attributes:
        name: what a scenario file calls it.
        title, definition: its name and one line that says what is divided by what.
        dimension: what it is about; a criterion that compares groups is about fairness and one
            under a perturbation about robustness, whatever its metric (`dimension_of`).
        tasks: the tasks it can score.
        better: whether a good candidate has a high or a low value; a faulty answer gets the other.
        counted: the denominator. all: every scored row. positives: rows whose target is 1.
            called: rows that the candidate calls (a faulty answer counts as a call).
            pairs: a positive and a negative row that the same fit has scored.
            on_scope, off_scope: questions whose answer the documents hold, or do not.
        value: ``value(cases, predictions, criterion)`` gives (rows,) floats in [0, 1], NaN where
            the answer lacks what is needed. Rows that are not counted may hold anything. For
            pairs it gives any finite number per row, which ``compare`` then reads. A metric of
            language leaves it out and gives ``mark``.
        mark: ``mark(question, replies, criterion)`` is what one case is worth in [0, 1], NaN where
            the answers lack what is needed: pure, of this case alone, called once when its
            answers are there. ``replies`` holds one, or ``criterion.repeats`` where `joint`.
        joint: whether ``mark`` reads all repeats at once; otherwise their marks are averaged.
        compare: pairs only: (pairs,) values in [0, 1] from the numbers of the positive and of the
            negative rows; -inf and inf stand for answers that are missing and must be the worst
            (or, for the base's outages, the best) whatever the other number is.
        pass_fail: whether every value is 0 or 1.
        capped: whether values are divided by the criterion's ``cap``.
        root: whether a reader is shown the square root of the mean (RMSE).
        over_prevalence: whether a reader is shown the mean over the share of positives (lift).
        needs: the field of the criterion without which it means nothing.
        asks: who gives the marks where they are not computed: a judge, corrected by people on a
            part, or people alone; ``mark`` is then left out.
        unmeasured: whose fault a NaN is: the candidate's, or the base's own (time, cost).
    """

    name: str
    title: Text
    definition: Text
    dimension: Dimension
    tasks: tuple[Task, ...]
    better: Literal["higher", "lower"]
    counted: Counted
    value: Callable[[Cases, Predictions, Criterion], Floats] = marked
    compare: Callable[[Floats, Floats], Floats] | None = None
    pass_fail: bool = False
    capped: bool = False
    root: bool = False
    over_prevalence: bool = False
    needs: Literal["cap", "limit", "k", "tolerance", "form", "rubric", "under"] | None = None
    mark: Mark | None = None
    joint: bool = False
    asks: Literal["judge", "people"] | None = None
    unmeasured: Literal["candidate", "base"] = "candidate"

    def scale(self, criterion: Criterion) -> float:
        """From the mean of unit values to the reader's unit: the cap, or 1."""
        return (criterion.cap or 1.0) if self.capped else 1.0

    def shown(self, mean: float, criterion: Criterion) -> float:
        """The reader's number for a mean of unit values."""
        return self.scale(criterion) * (math.sqrt(mean) if self.root else mean)

    def claimed(self, shown: float, criterion: Criterion) -> float:
        """The mean of unit values behind the reader's number; inverse of `shown`."""
        mean = shown / self.scale(criterion)
        return mean**2 if self.root else mean

    def shown_range(self, criterion: Criterion) -> tuple[float, float]:
        """Least and greatest value a reader can be shown."""
        return 0.0, math.inf if self.over_prevalence else self.shown(1.0, criterion)


def dimension_of(metric: Metric, criterion: Criterion) -> Dimension:
    """What the criterion is about: fairness and robustness come before the metric's own."""
    if criterion.gap_by or criterion.ratio_by or criterion.worst_of:
        return "fairness"
    return "robustness" if criterion.under is not None else metric.dimension
