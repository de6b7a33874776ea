"""What a claim counts: finished items in committed order, and what their answers are worth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pilotbase.scenario.schema import Criterion
from pilotbase.trial.cases import FAULT, OK, OUTAGE, PENDING, Cases, Floats, Ints, Predictions
from pilotbase.trial.evaluators.metric import Metric

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Counted:
    """Finished items in committed order.

    Attributes:
        values: ``values(fault, outage)`` gives (items,) floats in [0, 1], where a row that is the
            candidate's fault is worth ``fault`` and one that the base lost is worth ``outage``.
        faults, outages: (items,) whether the item holds such a row.
        at: (items,) place in the committed order at which the item is complete; ascending.
        population: items in the finite set, finished or not; None for future cases.
        pass_fail: whether values can only be 0 or 1.
        noun: what an item is, e.g. "units".
    """

    values: Callable[[float, float], Floats]
    faults: Flags
    outages: Flags
    at: Ints
    population: int | None
    pass_fail: bool
    noun: str


@dataclass(frozen=True)
class Answers:
    """One metric's row values, and whose fault each missing one is.

    Attributes:
        value: (rows,) what `Metric.value` gives.
        status: (rows,) as in `Predictions`, with unusable answers turned into faults or outages.
        counted: (rows,) whether the row is in the metric's denominator, as far as is known.
    """

    value: Floats
    status: NDArray[np.uint8]
    counted: Flags

    @classmethod
    def of(
        cls, metric: Metric, cases: Cases, predictions: Predictions, criterion: Criterion
    ) -> Answers:
        value = metric.value(cases, predictions, criterion)
        status = predictions.status.copy()
        unusable = (status == OK) & np.isnan(value)
        status[unusable] = FAULT if metric.unmeasured == "candidate" else OUTAGE
        counted = cases.scored.copy()
        if metric.counted == "positives":
            counted &= cases.target == 1
        elif metric.counted == "called":
            called = (status == OK) & (predictions.label == 1)
            counted &= called | (status == FAULT) | (status == OUTAGE)
        elif metric.counted in ("on_scope", "off_scope") and cases.language is not None:
            counted &= cases.language.scope == (1 if metric.counted == "on_scope" else 0)
        return cls(value, status, counted)

    def worth(self, fault: float, outage: float) -> Floats:
        """(rows,) values; a pending row is 0, which nobody looks at."""
        value = np.where(self.status == OK, self.value, 0.0)
        value = np.where(self.status == FAULT, fault, value)
        return np.where(self.status == OUTAGE, outage, value)

    def of_the_base(self) -> Answers:
        """The base's own baseline: what is missing in it is never the candidate's fault."""
        status = np.where(self.status == FAULT, OUTAGE, self.status).astype(np.uint8)
        return Answers(self.value, status, self.counted)


@dataclass(frozen=True)
class Setting:
    """What all parts of a criterion share.

    Attributes:
        finished: units in committed order, up to the first that is pending.
        complete: whether no scored row is pending.
        seed: of the committed order; pairs are drawn from it.
        future: whether the units stand for cases to come.
        pairs_most: how many pairs at most are kept as evidence.
    """

    metric: Metric
    cases: Cases
    criterion: Criterion
    finished: Ints
    complete: bool
    seed: bytes
    future: bool
    pairs_most: int


def finished_units(cases: Cases, order: Ints, *statuses: NDArray[np.uint8]) -> Ints:
    """Units in committed order up to the first that is still pending.

    A slow answer thus holds back all later ones; taking units as they finish would let a
    candidate whose wrong answers are slow look better than it is.
    """
    waiting = np.zeros(cases.units, dtype=np.bool_)
    for status in statuses:
        waiting |= any_by_unit(cases, cases.scored & (status == PENDING))
    queue = order[any_by_unit(cases, cases.scored)[order]]
    stop = np.flatnonzero(waiting[queue])
    return queue[: stop[0]] if stop.size else queue


def any_by_unit(cases: Cases, rows: Flags) -> Flags:
    """(units,) whether any of the unit's rows is flagged."""
    flagged = np.zeros(cases.units, dtype=np.bool_)
    flagged[cases.unit[rows]] = True
    return flagged


def mean_by_unit(cases: Cases, rows: Flags, value: Floats) -> Floats:
    """(units,) mean of the value over the unit's flagged rows; 0 where it has none."""
    unit = cases.unit[rows]
    total = np.bincount(unit, weights=value[rows], minlength=cases.units)
    return total / np.maximum(np.bincount(unit, minlength=cases.units), 1)


def one_row_each(cases: Cases) -> bool:
    """Whether no unit owns more than one scored row."""
    return bool(np.all(np.bincount(cases.unit[cases.scored], minlength=1) <= 1))
