"""Intervals and bounds for a pass rate, inverted from the e-values that decide."""

from __future__ import annotations

import math
from typing import overload

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from .arguments import Counts, Flags, Floats, Side, read_alpha, read_side, read_tally, shaped
from .bernoulli import log_evalue_counts, log_evalue_rates
from .roots import bisect_counts, bisect_rates
from .tails import log_choose


@overload
def bernoulli_bound(
    successes: int, n: int, alpha: float, *, side: Side, population: int | None = None
) -> float: ...
@overload
def bernoulli_bound(
    successes: ArrayLike,
    n: ArrayLike,
    alpha: float,
    *,
    side: Side,
    population: ArrayLike | None = None,
) -> float | Floats: ...
def bernoulli_bound(
    successes: ArrayLike,
    n: ArrayLike,
    alpha: float,
    *,
    side: Side,
    population: ArrayLike | None = None,
) -> float | Floats:
    """One-sided anytime-valid bound for the pass rate, inverted from the process that decides.

    "lower" is the smallest threshold tau that
    ``bernoulli_evalue(..., tau, alternative="greater") >= 1/alpha`` does not reject, "upper" the
    largest that "less" does not reject. So the e-value rejects exactly the thresholds below the
    lower bound (above the upper one), and a picture of bound against threshold cannot disagree
    with the verdict. The e-value is monotone in tau: with u = (p-tau)/(1-tau) the integral is
    that of (1 + u(1-tau)/tau)^s (1-u)^(n-s) over (0, 1), which falls as tau grows; the count form
    falls likewise.

    With ``population=N`` the bound is a multiple of 1/N, and exact once all N are known.

    :param alpha: strictly between 0 and 1.
    :param side: "lower" or "upper".
    :return: float for scalars, else an array; 0 (1) when nothing is rejected.
    :raises ValueError: an argument outside its range, named in the message.
    """
    lower = read_side(side)
    level = -math.log(read_alpha(alpha))
    hits, units, size = read_tally(successes, n, population)
    arrays = np.broadcast_arrays(hits, units, *(() if size is None else (size,)))
    s, m, *rest = (np.ravel(array) for array in arrays)
    s, f = (s, m - s) if lower else (m - s, s)
    if rest:
        count = _lower_count(s, f, rest[0], level)
        bound = (count if lower else rest[0] - count) / rest[0]
    else:
        rate = _lower_rate(s, f, level)
        bound = rate if lower else 1.0 - rate
    return shaped(bound.reshape(arrays[0].shape))


def _lower_rate(s: Counts, f: Counts, level: float) -> Floats:
    def rejected(tau: Floats) -> Flags:
        return log_evalue_rates(s, f, tau, greater=True) >= level

    # E is at most 1 at the observed rate, so the bound lies below it.
    return bisect_rates(rejected, np.zeros(s.shape), (s / np.maximum(s + f, 1)).astype(np.float64))


def _lower_count(s: Counts, f: Counts, size: Counts, level: float) -> Counts:
    """The smallest count of passing units whose null (at most that count) is not rejected."""

    def rejected(count: Counts) -> Flags:
        log_e = log_evalue_counts(s, f, np.maximum(count - 1, 0), size, greater=True)
        result: Flags = (count == 0) | (log_e >= level)
        return result

    return bisect_counts(rejected, np.zeros_like(size), size)


@overload
def bernoulli_interval(
    successes: int, n: int, alpha: float = 0.05, population: int | None = None
) -> tuple[float, float]: ...
@overload
def bernoulli_interval(
    successes: ArrayLike,
    n: ArrayLike,
    alpha: float = 0.05,
    population: ArrayLike | None = None,
) -> tuple[float | Floats, float | Floats]: ...
def bernoulli_interval(
    successes: ArrayLike,
    n: ArrayLike,
    alpha: float = 0.05,
    population: ArrayLike | None = None,
) -> tuple[float | Floats, float | Floats]:
    """Two-sided anytime-valid interval for the pass rate, of error at most alpha over all n.

    All p at which the mixture martingale M(p) stays below 1/alpha, where
    M(p) = B(s+1, n-s+1) / (p^s (1-p)^(n-s)): the likelihood under a prior uniform on (0, 1)
    over the likelihood at p. Not intersected over time, so it depends on the tally alone.
    With ``population=N`` the prior is uniform on the counts 0..N,
    M(K) = C(N+1, n+1) / ((N+1) C(K,s) C(N-K,n-s)), and the ends are multiples of 1/N.

    :return: (low, high), floats for scalars, else arrays; (0.0, 1.0) at n=0.
    :raises ValueError: an argument outside its range, named in the message.
    """
    level = -math.log(read_alpha(alpha))
    hits, units, size = read_tally(successes, n, population)
    arrays = np.broadcast_arrays(hits, units, *(() if size is None else (size,)))
    s, m, *rest = (np.ravel(array) for array in arrays)
    f = m - s
    if rest:
        low = _mixture_low_count(s, f, rest[0], level) / rest[0]
        high = (rest[0] - _mixture_low_count(f, s, rest[0], level)) / rest[0]
    else:
        low, high = _mixture_low_rate(s, f, level), 1.0 - _mixture_low_rate(f, s, level)
    shape = arrays[0].shape
    return shaped(low.reshape(shape)), shaped(high.reshape(shape))


def _mixture_low_rate(s: Counts, f: Counts, level: float) -> Floats:
    log_marginal = special.betaln(s + 1.0, f + 1.0)

    def outside(p: Floats) -> Flags:
        log_likelihood = special.xlogy(s, p) + special.xlog1py(f, -p)
        result: Flags = log_marginal - log_likelihood >= level
        return result

    return bisect_rates(outside, np.zeros(s.shape), (s / np.maximum(s + f, 1)).astype(np.float64))


def _mixture_low_count(s: Counts, f: Counts, size: Counts, level: float) -> Counts:
    log_marginal = log_choose(size + 1, s + f + 1) - np.log1p(size)

    def below(count: Counts) -> Flags:
        """The counts under the interval, and the bottom one so that bisection can start."""
        log_likelihood = log_choose(count - 1, s) + log_choose(size - count + 1, f)
        result: Flags = (count == 0) | (log_marginal - log_likelihood >= level)
        return result

    # The likelihood rises up to this count, which always lies inside.
    mode = np.clip(s * (size + 1) // np.maximum(s + f, 1), s, size - f)
    return bisect_counts(below, np.zeros_like(size), mode)
