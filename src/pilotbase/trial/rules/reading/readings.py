"""What is read off evidence; every number is rounded for the record and can be written as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Any, Literal

from pilotbase.kernel.canonical import plain

Verdict = Literal["meets", "fails", "undecided"]
DIGITS, LOG_DECIMALS = 9, 6


@dataclass(frozen=True)
class PartReading:
    """One claim as read.

    Attributes:
        label, items: as in `Part`.
        verdict: meets, fails, undecided.
        exact: whether the whole finite set was compared in whole numbers.
        estimate, interval, threshold: on the reader's scale; None where nothing was counted.
        units: items read until the decision, all if open; population: of how many, None if
            without end.
        resolution: 1 where items are pass/fail. successes: how many of them passed; else None.
        errors, outages: items in the evidence with a fault of the candidate, an outage of the base.
        decided_at: items read when it was decided; None while open.
        log_evalue_meets, log_evalue_fails: natural logarithms of the e-values at that moment.
        p_meets, p_fails: 1 over the largest e-value until then; exact p-values for one look.
        further: how many further items would decide, if things go on as they have; None where
            that cannot be said.
        reason: why it is undecided, in both languages; None when it is decided.
    """

    label: str
    items: str
    verdict: Verdict
    exact: bool
    estimate: float | None
    interval: tuple[float, float] | None
    threshold: float
    units: int
    population: int | None
    resolution: int
    successes: int | None
    errors: int
    outages: int
    decided_at: int | None
    log_evalue_meets: float
    log_evalue_fails: float
    p_meets: float
    p_fails: float
    further: int | None = None
    reason: Mapping[str, str] | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON data; infinite numbers as the strings "inf" and "-inf"."""
        data: dict[str, Any] = plain(asdict(self))
        return data


@dataclass(frozen=True)
class CriterionReading:
    """A criterion as read: it meets when each part meets and fails when one fails.

    The figures are those of the ``binding`` part, the one on which the verdict hangs: the worst
    of those that fail, else of those that are open, else of all. A band has two bounds in
    ``threshold`` and an interval that lies within them when it meets.

    Attributes:
        direction: how the criterion is bounded, as in the scenario file.
        log_evalue_meets: the smallest over parts. log_evalue_fails: the largest, less the
            logarithm of their number. p_meets: the largest. p_fails: the smallest, times their
            number.
        gap: as in `CriterionEvidence`.
        binding: index into ``parts``; None when there are none.
    """

    criterion: int
    dimension: str
    metric: str
    by: str
    blocking: bool
    verdict: Verdict
    exact: bool
    direction: Literal["at_least", "at_most", "between"]
    estimate: float | None
    interval: tuple[float, float] | None
    threshold: float | tuple[float, float] | None
    items: str
    units: int
    population: int | None
    resolution: int | None
    successes: int | None
    errors: int
    outages: int
    decided_at: int | None
    log_evalue_meets: float
    log_evalue_fails: float
    p_meets: float
    p_fails: float
    further: int | None
    reason: Mapping[str, str] | None
    gap: Mapping[str, str] | None
    binding: int | None
    parts: tuple[PartReading, ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON data; infinite numbers as the strings "inf" and "-inf"."""
        data: dict[str, Any] = plain(asdict(self))
        return data


def nine_digits(value: float, rounding: str = ROUND_HALF_EVEN) -> float:
    """The number to 9 significant digits; infinities stay.

    >>> nine_digits(2 / 3), nine_digits(2 / 3, ROUND_FLOOR)
    (0.666666667, 0.666666666)
    """
    if not math.isfinite(value) or value == 0.0:
        return value + 0.0
    exact = Decimal(value)
    last = Decimal(1).scaleb(exact.adjusted() - DIGITS + 1)
    return float(exact.quantize(last, rounding=rounding))


def outward(interval: tuple[float, float]) -> tuple[float, float]:
    """Both ends to 9 digits, away from each other: rounding never moves an end past a bound."""
    low, high = interval
    return nine_digits(low, ROUND_FLOOR), nine_digits(high, ROUND_CEILING)


def log_recorded(value: float) -> float:
    """A log e-value to 6 decimals, towards 0: a record never claims more than there is.

    >>> log_recorded(-2.9999999), log_recorded(math.inf)
    (-2.999999, inf)
    """
    if not math.isfinite(value):
        return value
    steps: int = 10**LOG_DECIMALS
    return math.trunc(value * steps) / steps + 0.0
