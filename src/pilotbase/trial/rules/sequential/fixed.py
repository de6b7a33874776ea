"""One look at a fixed number of units: exact tests and bounds for a pass rate.

For plans that declare ``evidence: fixed``. The error level holds for one look, announced before;
looking again and again is what the sequential e-values are for.
Sources: Clopper and Pearson, Biometrika 1934; the hypergeometric test is its form for units
drawn without replacement.
"""

from __future__ import annotations

from typing import overload

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from .arguments import (
    Alternative,
    Counts,
    Flags,
    Floats,
    Side,
    read_alpha,
    read_alternative,
    read_open_unit,
    read_side,
    read_tally,
    shaped,
)
from .counts import boundary_count
from .roots import bisect_counts
from .tails import log_hypergeometric_cdf


@overload
def fixed_pvalue(
    successes: int,
    n: int,
    threshold: float,
    *,
    alternative: Alternative,
    population: int | None = None,
) -> float: ...
@overload
def fixed_pvalue(
    successes: ArrayLike,
    n: ArrayLike,
    threshold: ArrayLike,
    *,
    alternative: Alternative,
    population: ArrayLike | None = None,
) -> float | Floats: ...
def fixed_pvalue(
    successes: ArrayLike,
    n: ArrayLike,
    threshold: ArrayLike,
    *,
    alternative: Alternative,
    population: ArrayLike | None = None,
) -> float | Floats:
    """Exact one-sided p-value of a tally.

    "greater" tests the null p <= tau: P(X >= successes) for X binomial (n, tau); "less" tests
    p >= tau: P(X <= successes). With ``population=N`` X is hypergeometric with the count on
    the null's edge, floor(tau*N) resp. ceil(tau*N), as in :func:`bernoulli_evalue`; with n = N the
    p-value is 0.0 or 1.0.

    :return: float for scalars, else an array of the broadcast shape, in [0, 1]; 1.0 at n=0.
    :raises ValueError: an argument outside its range, named in the message.
    """
    greater = read_alternative(alternative)
    tau = read_open_unit(threshold, "threshold")
    hits, units, size = read_tally(successes, n, population)
    arrays = np.broadcast_arrays(hits, units, tau, *(() if size is None else (size,)))
    s, m, t, *rest = (np.ravel(array) for array in arrays)
    if rest:
        edge = boundary_count(t, rest[0], greater=greater)
        p = _hypergeometric_pvalue(s, m, edge, rest[0], greater=greater)
    else:
        p = _binomial_upper_tail(s, m, t) if greater else _binomial_upper_tail(m - s, m, 1.0 - t)
    return shaped(p.reshape(arrays[0].shape))


def _binomial_upper_tail(s: Counts, n: Counts, rate: Floats) -> Floats:
    inside = np.maximum(s, 1)
    return np.where(s == 0, 1.0, special.betainc(inside, np.maximum(n - inside, 0) + 1, rate))


def _hypergeometric_pvalue(
    s: Counts, n: Counts, edge: Counts, size: Counts, *, greater: bool
) -> Floats:
    if greater:
        # P(X >= s) counts the failures drawn: at most n - s of the N - edge.
        s, edge = n - s, size - edge
    result: Floats = np.exp(log_hypergeometric_cdf(s, size, edge, n))
    return result


@overload
def fixed_bound(
    successes: int, n: int, alpha: float, *, side: Side, population: int | None = None
) -> float: ...
@overload
def fixed_bound(
    successes: ArrayLike,
    n: ArrayLike,
    alpha: float,
    *,
    side: Side,
    population: ArrayLike | None = None,
) -> float | Floats: ...
def fixed_bound(
    successes: ArrayLike,
    n: ArrayLike,
    alpha: float,
    *,
    side: Side,
    population: ArrayLike | None = None,
) -> float | Floats:
    """Exact one-sided bound of error alpha: the thresholds that :func:`fixed_pvalue` keeps.

    Clopper-Pearson; with ``population=N`` the inversion of the hypergeometric test, a multiple
    of 1/N, exact at n = N. "lower" at 0 successes is 0.0, "upper" at n successes is 1.0.

    :param alpha: error of this one side, strictly between 0 and 1.
    :return: float for scalars, else an array of the broadcast shape.
    :raises ValueError: an argument outside its range, named in the message.
    """
    lower, level = read_side(side), read_alpha(alpha)
    hits, units, size = read_tally(successes, n, population)
    arrays = np.broadcast_arrays(hits, units, *(() if size is None else (size,)))
    s, m, *rest = (np.ravel(array) for array in arrays)
    s = s if lower else m - s
    if rest:
        count = _lower_count(s, m, rest[0], level)
        bound = (count if lower else rest[0] - count) / rest[0]
    else:
        inside = np.maximum(s, 1)
        rate = np.where(s == 0, 0.0, special.betaincinv(inside, m - s + 1, level))
        bound = rate if lower else 1.0 - rate
    return shaped(bound.reshape(arrays[0].shape))


def _lower_count(s: Counts, n: Counts, size: Counts, alpha: float) -> Counts:
    """The smallest count of passing units at which so many successes are no surprise."""

    def surprising(count: Counts) -> Flags:
        edge = np.maximum(count - 1, 0)
        p = _hypergeometric_pvalue(s, n, edge, size, greater=True)
        result: Flags = (count == 0) | (p <= alpha)
        return result

    return bisect_counts(surprising, np.zeros_like(size), size)
