"""A finite set of which everything is known: the claim is compared in whole numbers."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from pilotbase.trial.evidence import Part
from pilotbase.trial.rules.reading.claim import as_fraction


def holds(part: Part, *, meets: bool) -> bool:
    """Whether the claim holds of the complete set; equality counts as holding.

    Args:
        meets: take the base's outages at their worst for the claim, else at their best.
    """
    x = part.x if meets or part.x_fails is None else part.x_fails
    y = part.y if meets or part.y_fails is None else part.y_fails
    mean = _mean(x, part.resolution)
    if part.kind in ("pass_fail", "bounded"):
        left, right = mean, as_fraction(part.threshold)
    else:
        left = as_fraction(part.weight) * mean
        left -= as_fraction(part.ratio) * _mean(y, part.resolution)
        right = as_fraction(part.margin)
    return left >= right if part.at_least else left <= right


def _mean(values: Sequence[int], resolution: int) -> Fraction:
    return Fraction(sum(values), len(values) * resolution)
