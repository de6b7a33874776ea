"""Do raters agree? Krippendorff's alpha; explained on the page rules/agreement.

Sources: Krippendorff, *Computing Krippendorff's Alpha-Reliability* (2011) and *Content Analysis*,
4th ed. (2018), ch. 12; Zapf, Castell, Morawietz, Karch, *BMC Medical Research Methodology* 16:93
(2016) for the bootstrap over units.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pilotbase.kernel.text import Text
from pilotbase.trial.cases import Floats
from pilotbase.trial.rules.draws import uniforms
from pilotbase.trial.rules.reading.readings import nine_digits, outward

Scale = Literal["nominal", "ordinal", "interval", "ratio"]
REPLICATES, LEVEL = 1_000, 0.95
VALUES_MOST = 1_000  # distinct ratings: a scale, not a measurement
UNITS_LEAST = 5  # a bootstrap over fewer units says nothing
UNDEFINED_MOST = 0.05  # share of replicates without variation, above which no interval is given

NOTHING_SHARED = Text(
    "No unit has two ratings: agreement cannot be seen.",
    "没有任何单元得到两个评分, 无从看出是否一致。",
)
NO_VARIATION = Text(
    "Every shared rating is the same value: raters may agree or may not look; alpha cannot tell.",
    "所有可比对的评分都是同一个值: 是意见一致还是没有细看, α 系数无法区分。",
)


@dataclass(frozen=True)
class Agreement:
    """Alpha with what it rests on.

    Attributes:
        alpha: 1 is full agreement, 0 what chance gives, below 0 systematic disagreement; None
            where it is undefined, and ``reason`` says why.
        interval: (low, high), percentile bootstrap over units; None where there are too few.
        metric: how far apart two ratings are.
        raters: with at least one rating. units: with at least two. ratings: in those units.
        method: how the interval was made, in words.
    """

    alpha: float | None
    interval: tuple[float, float] | None
    metric: Scale
    raters: int
    units: int
    ratings: int
    method: str
    reason: Mapping[str, str] | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON data."""
        return asdict(self)


@dataclass(frozen=True)
class _Table:
    """Ratings counted.

    Attributes:
        counts: (units, values) how often each value was given to each unit, values ascending.
        apart: (values, values) squared distance of two ratings; None where it goes by ranks, which
            depend on the units that are looked at.
        within: (units,) distances summed over the unit's ordered pairs; None with ``apart``.
    """

    counts: Floats
    apart: Floats | None
    within: Floats | None


def krippendorff_alpha(
    ratings: ArrayLike, metric: Scale, *, seed: int = 0, replicates: int = REPLICATES
) -> Agreement:
    """Agreement of raters beyond chance, alpha = 1 - observed / expected disagreement.

    Only units with two or more ratings count. The interval resamples units and is drawn from
    ``seed`` by a hash, so that it is the same everywhere; it is for orientation, not for verdicts.

    Args:
        ratings: (raters, units), NaN where there is none. Nominal codes are any numbers; ratio
            ratings are at least 0.
        metric: nominal (same or not), ordinal (by ranks), interval (squared distance), ratio
            (squared distance over the sum).
        replicates: resamples, 0 for no interval.

    Raises:
        ValueError: not two-dimensional, infinite, negative on a ratio scale, an unknown metric, or
            more than 1,000 distinct values.
    """
    read = _read(ratings, metric)
    table = _tabled(read, metric)
    found = _alpha(table, np.ones(len(table.counts)))
    reason = None
    if found is None:
        reason = (NO_VARIATION if len(table.counts) else NOTHING_SHARED).as_dict()
    interval = None if found is None else _interval(table, seed, replicates)
    drawn = f"percentile bootstrap over units, {LEVEL:.0%}, {replicates} resamples, seed {seed}"
    return Agreement(
        alpha=None if found is None else nine_digits(found),
        interval=interval,
        metric=metric,
        raters=int((~np.isnan(read)).any(axis=1).sum()),
        units=len(table.counts),
        ratings=int(table.counts.sum()),
        method=drawn if interval else "no interval",
        reason=reason,
    )


def alpha_without_each(ratings: ArrayLike, metric: Scale) -> list[float | None]:
    """Alpha when each rater in turn is left out: one that it rises without disagrees with the rest.

    Shapes and errors as `krippendorff_alpha`; None where the others leave it undefined.
    """
    read = _read(ratings, metric)
    left_out = [_tabled(np.delete(read, rater, axis=0), metric) for rater in range(len(read))]
    found = [_alpha(table, np.ones(len(table.counts))) for table in left_out]
    return [None if alpha is None else nine_digits(alpha) for alpha in found]


def _read(ratings: ArrayLike, metric: str) -> Floats:
    if metric not in get_args(Scale):
        raise ValueError(f"metric must be one of {', '.join(get_args(Scale))}, got {metric!r}")
    read = np.asarray(ratings, dtype=np.float64)
    if read.ndim != 2:
        raise ValueError(f"ratings must be (raters, units), got {read.ndim} dimensions")
    if np.isinf(read).any():
        raise ValueError("ratings must be finite, NaN where there is none")
    if metric == "ratio" and (read < 0).any():
        raise ValueError("ratings on a ratio scale must be at least 0")
    return read


def _tabled(read: Floats, metric: Scale) -> _Table:
    shared = read[:, (~np.isnan(read)).sum(axis=0) >= 2]
    values = np.unique(shared[~np.isnan(shared)])
    if values.size > VALUES_MOST:
        raise ValueError(f"ratings take {values.size} values, more than {VALUES_MOST}: round them")
    counts = np.zeros((shared.shape[1], values.size))
    for rater in shared:
        given = np.flatnonzero(~np.isnan(rater))
        counts[given, np.searchsorted(values, rater[given])] += 1.0
    if metric == "ordinal":
        return _Table(counts, None, None)
    apart = _apart(values, metric)
    return _Table(counts, apart, np.asarray(((counts @ apart) * counts).sum(axis=1)))


def _apart(values: Floats, metric: Scale) -> Floats:
    if metric == "nominal":
        return np.asarray(values[:, None] != values, dtype=np.float64)
    apart = np.asarray((values[:, None] - values) ** 2)
    if metric == "ratio":
        sums = values[:, None] + values
        apart = np.divide(apart, sums**2, out=np.zeros_like(apart), where=sums > 0)
    return apart


def _alpha(table: _Table, weights: Floats) -> float | None:
    """Alpha of units taken ``weights`` times each; None without variation."""
    totals = weights @ table.counts
    n = float(totals.sum())
    if np.count_nonzero(totals) < 2:
        return None
    if table.apart is None or table.within is None:
        within, expected = _by_ranks(table.counts, totals)
    else:
        within, expected = table.within, float(totals @ table.apart @ totals)
    observed = float(weights @ (within / (table.counts.sum(axis=1) - 1.0))) / n
    return 1.0 - observed / (expected / (n * (n - 1.0)))


def _by_ranks(counts: Floats, totals: Floats) -> tuple[Floats, float]:
    """Sums of squared distances between ranks, within each unit and over all ratings.

    Krippendorff's ordinal distance of c and k, the ratings from c to k less half of both ends,
    squared, is the squared distance of the two values' mid-ranks.
    """
    rank = np.cumsum(totals) - 0.5 * totals
    within = 2.0 * (counts.sum(axis=1) * (counts @ rank**2) - (counts @ rank) ** 2)
    n = float(totals.sum())
    return within, 2.0 * (n * float(totals @ rank**2) - float(totals @ rank) ** 2)


def _interval(table: _Table, seed: int, replicates: int) -> tuple[float, float] | None:
    units = len(table.counts)
    if units < UNITS_LEAST or replicates < 1:
        return None
    found = []
    for replicate in range(replicates):
        drawn = uniforms(seed, "agreement", str(replicate), units)
        taken: NDArray[np.int64] = (drawn * units).astype(np.int64)
        weights = np.bincount(taken, minlength=units).astype(np.float64)
        found.append(_alpha(table, weights))
    defined = [alpha for alpha in found if alpha is not None]
    if len(defined) < (1.0 - UNDEFINED_MOST) * replicates:
        return None
    low, high = np.quantile(defined, [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0])
    return outward((float(low), float(high)))
