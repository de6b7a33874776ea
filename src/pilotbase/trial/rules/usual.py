"""The usual fixed-n intervals, for orientation beside a verdict; no verdict is made of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pilotbase.trial.cases import Floats

Z = 1.959963984540054  # 97.5 % point of the standard normal distribution
Interval = tuple[float, float]


@dataclass(frozen=True)
class Usual:
    """An estimate with its usual 95 % interval from ``n`` rows or pairs."""

    estimate: float
    interval: Interval
    n: int
    method: str


def share(passed: int, n: int) -> Usual:
    """A proportion, n at least 1, with Wilson's interval (JASA 1927)."""
    p, shrink = passed / n, 1.0 + Z**2 / n
    centre = (p + Z**2 / (2 * n)) / shrink
    half = Z / shrink * math.sqrt(p * (1.0 - p) / n + Z**2 / (4 * n**2))
    # At the ends the formula gives 0 and 1 up to rounding.
    low = centre - half if passed else 0.0
    high = centre + half if passed < n else 1.0
    return Usual(p, (low, high), n, "Wilson")


def mean(values: Floats) -> Usual | None:
    """A mean with the normal interval; None with fewer than two values."""
    if values.size < 2:
        return None
    centre = float(values.mean())
    half = Z * float(values.std(ddof=1)) / math.sqrt(values.size)
    return Usual(centre, (centre - half, centre + half), values.size, "normal")


def root_mean_square(errors: Floats) -> Usual | None:
    """The root of the mean square, its interval the root of the one of the mean square."""
    found = mean(errors**2)
    if found is None:
        return None
    low, high = found.interval
    interval = (math.sqrt(max(0.0, low)), math.sqrt(high))
    return Usual(math.sqrt(found.estimate), interval, found.n, "normal, of the mean square")


def auc(positive: NDArray[np.bool_], score: Floats, fold: NDArray[np.int64]) -> Usual | None:
    """AUC over pairs of one fit, with the variance of DeLong et al. (Biometrics 1988).

    Fits are weighed by their pairs. None where no fit has two rows of each class.
    """
    found = [
        (pairs, *_placements(positive[rows], score[rows]))
        for f in np.unique(fold)
        if (rows := fold == f).any()
        and (pairs := int(positive[rows].sum()) * int((~positive[rows]).sum()))
        and min(positive[rows].sum(), (~positive[rows]).sum()) >= 2
    ]
    total = sum(pairs for pairs, _, _ in found)
    if not total:
        return None
    centre = sum(pairs * area for pairs, area, _ in found) / total
    variance = sum((pairs / total) ** 2 * spread for pairs, _, spread in found)
    half = Z * math.sqrt(variance)
    return Usual(centre, (max(0.0, centre - half), min(1.0, centre + half)), total, "DeLong")


def _placements(positive: NDArray[np.bool_], score: Floats) -> tuple[float, float]:
    """AUC and its variance from each row's share of pairs in the right order (ties one half)."""
    from scipy.stats import rankdata

    rank, above, below = rankdata(score), score[positive], score[~positive]
    of_positive = (rank[positive] - rankdata(above)) / below.size
    of_negative = 1.0 - (rank[~positive] - rankdata(below)) / above.size
    variance = of_positive.var(ddof=1) / above.size + of_negative.var(ddof=1) / below.size
    return float(of_positive.mean()), float(variance)
