"""E-values for the difference, or the ratio, of two groups' means.

The null "mean_a - ratio*mean_b <= margin" leaves one of the means open. Over the open mean
("nuisance") runs an infimum; for each value of it two one-sample betting processes multiply.
Sources: Waudby-Smith and Ramdas, JRSS-B 2024 (the capital processes); Ramdas, Gruenwald, Vovk and
Shafer, Statistical Science 2023 (infimum of test martingales over a composite null).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .arguments import (
    Alternative,
    Floats,
    Side,
    read_alpha,
    read_alternative,
    read_side,
    read_unit_values,
)
from .betting import TIE, cautious_stakes, growth, log_capitals
from .roots import last_above

_TOLERANCE = 1e-9  # of a bound
_STEP = 1e-8  # of the nuisance mean, in which the least favourable one is enclosed


@dataclass(frozen=True, slots=True)
class _Group:
    """Values of one group, with the smallest and largest mean that they leave possible."""

    values: Floats
    counts: Floats | None
    population: int | None
    low: float
    high: float

    @classmethod
    def read(cls, values: ArrayLike, name: str, population: int | None) -> _Group:
        x = read_unit_values(values, name, population)
        if population is None:
            # Independent units: the order does not matter, so few distinct values are counted.
            distinct, counts = np.unique(x, return_counts=True)
            if distinct.size <= x.size // 4:
                return cls(distinct, counts.astype(np.float64), None, 0.0, 1.0)
            return cls(x, None, None, 0.0, 1.0)
        total = float(x.sum())
        return cls(x, None, population, total / population, 1.0 - (x.size - total) / population)

    def mirrored(self) -> _Group:
        """The same group with 1 - x for x."""
        return _Group(
            1.0 - self.values, self.counts, self.population, 1.0 - self.high, 1.0 - self.low
        )

    def log_capitals_above(self, *means: float) -> Floats:
        """log capital against "the mean is at most m" for each of some m; falls as m grows."""
        if self.values.size == 0:
            return np.zeros(len(means))
        returns = growth(self.values, np.array(means)[:, None], self.population)
        return log_capitals(returns, cautious_stakes(), self.counts)


def log_difference_evalue(
    x_a: ArrayLike,
    x_b: ArrayLike,
    margin: float,
    *,
    alternative: Alternative,
    population: tuple[int, int] | None = None,
    ratio: float = 1.0,
) -> float:
    """Natural logarithm of :func:`difference_evalue`; same arguments and errors."""
    greater = read_alternative(alternative)
    a, b = _read_groups(x_a, x_b, population, ratio)
    if not np.isfinite(margin):
        raise ValueError(f"margin must be a finite number, got {margin!r}")
    if not greater:
        a, b, margin = a.mirrored(), b.mirrored(), 1.0 - ratio - margin
    return _log_evalue_above(a, b, float(margin), ratio)


def difference_evalue(
    x_a: ArrayLike,
    x_b: ArrayLike,
    margin: float,
    *,
    alternative: Alternative,
    population: tuple[int, int] | None = None,
    ratio: float = 1.0,
) -> float:
    """Evidence, as an e-value, about mean_a - ratio*mean_b against a margin.

    "greater" tests the null mean_a - ratio*mean_b <= margin, "less" the null >= margin (the
    same test of 1-x against 1 - ratio - margin)::

        E = infimum over q of  A(margin + ratio*q) * B(q)

    A(m) is the betting capital of group a against "mean_a <= m", B(q) that of group b against
    "mean_b >= q", each a mixture over constant stakes of density 3/4 (1-f)/sqrt(f), as in
    :func:`log_bounded_evalue` but with more weight on the small stakes that the least
    favourable q calls for.

    Valid: let the null hold with mean_b = q0. Then mean_a <= margin + ratio*q0, and A falls as
    its argument grows, so E <= A(margin + ratio*q0) B(q0) <= A(mean_a) B(mean_b): a nonnegative
    martingale of mean one under any interleaving of the groups. So P(E ever >= 1/alpha) <= alpha.

    Computed from below: log A is convex and falling in log m, log(margin + ratio*q) is concave
    in q, so h = log A + log B is convex in q. Where h(q + step) >= h(q) the minimiser lies below
    q + step, elsewhere above q: root finding brackets it in some [l, r] of width 2e-8, and E is
    reported as A(margin + ratio*r) * B(l), which by monotonicity is at most the infimum: the
    bracket can cost power, never validity.

    Groups may differ in size and all values are used; values of 0 and 1 are the special case of
    pass/fail units. A small group leaves E near or below one; an empty group says nothing of
    its mean. With ``population=(N_a, N_b)`` each group is drawn without replacement, q runs over
    the means still possible, +inf and 0 are returned as soon as the null is impossible or
    certain, and one of the two once both groups are exhausted.

    :param x_a: 1-D values in [0, 1]; likewise ``x_b``. Each in its own committed order.
    :param margin: any finite number; one that no pair of means reaches gives +inf or 0.
    :param alternative: "greater" or "less".
    :param population: sizes of the two finite groups, or None for independent units.
    :param ratio: > 0; 1 compares means, 0.8 with margin 0 tests a four-fifths rule.
    :return: float in [0, +inf].
    :raises ValueError: an argument outside its range, named in the message.
    """
    log_e = log_difference_evalue(
        x_a, x_b, margin, alternative=alternative, population=population, ratio=ratio
    )
    with np.errstate(over="ignore"):
        return float(np.exp(log_e))


def difference_bound(
    x_a: ArrayLike,
    x_b: ArrayLike,
    alpha: float,
    *,
    side: Side,
    population: tuple[int, int] | None = None,
    ratio: float = 1.0,
) -> float:
    """One-sided anytime-valid bound for mean_a - ratio*mean_b, inverted from its e-value.

    "lower": the smallest margin that ``difference_evalue(..., alternative="greater") >= 1/alpha``
    does not reject; "upper" likewise with "less". The e-value is monotone in the margin.

    :return: float in [-ratio, 1]; exact once both populations are exhausted.
    :raises ValueError: as :func:`difference_evalue`, and for alpha or side.
    """
    lower = read_side(side)
    level = -math.log(read_alpha(alpha))
    a, b = _read_groups(x_a, x_b, population, ratio)
    if lower:
        return _lower_bound(a, b, level, ratio)
    return 1.0 - ratio - _lower_bound(a.mirrored(), b.mirrored(), level, ratio)


def _read_groups(
    x_a: ArrayLike, x_b: ArrayLike, population: tuple[int, int] | None, ratio: float
) -> tuple[_Group, _Group]:
    if not (0.0 < ratio < math.inf):
        raise ValueError(f"ratio must be a positive finite number, got {ratio!r}")
    sizes = (None, None) if population is None else population
    if not isinstance(sizes, (tuple, list)) or len(sizes) != 2:
        raise ValueError(f"population must be None or (N_a, N_b), got {population!r}")
    return _Group.read(x_a, "x_a", sizes[0]), _Group.read(x_b, "x_b", sizes[1])


def _lower_bound(a: _Group, b: _Group, level: float, ratio: float) -> float:
    low, high = a.low - ratio * b.high, a.high - ratio * b.low
    return last_above(lambda d: _log_evalue_above(a, b, d, ratio) - level, low, high, _TOLERANCE)


def _log_evalue_above(a: _Group, b: _Group, margin: float, ratio: float) -> float:
    """log E for the alternative mean_a - ratio*mean_b > margin."""
    if a.high - ratio * b.low <= margin + TIE:
        return -math.inf
    # Means of b under which the null could still hold.
    left, right = max(b.low, (a.low - margin) / ratio), b.high
    if left > right + TIE:
        return math.inf
    other = b.mirrored()

    def log_a(*points: float) -> Floats:
        return a.log_capitals_above(*(min(margin + ratio * q, a.high) for q in points))

    def log_b(*points: float) -> Floats:
        return other.log_capitals_above(*(1.0 - q for q in points))

    def falls(q: float) -> float:
        """By how much log A + log B falls in a step from q, per value; itself falling in q."""
        (a_here, a_there), (b_here, b_there) = log_a(q, q + _STEP), log_b(q, q + _STEP)
        drop = a_here - a_there + b_here - b_there
        return float(drop / (_STEP * (a.values.size + b.values.size + 1)))

    low = last_above(falls, left, max(left, right - _STEP), _STEP)
    return float(log_a(min(low + 2.0 * _STEP, right))[0] + log_b(low)[0])
