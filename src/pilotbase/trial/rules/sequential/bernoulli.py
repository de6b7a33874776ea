"""E-values of pass/fail units against a threshold.

Sources: Ramdas, Gruenwald, Vovk and Shafer, "Game-theoretic statistics and safe anytime-valid
inference", Statistical Science 2023; Howard, Ramdas, McAuliffe and Sekhon, "Time-uniform,
nonparametric, nonasymptotic confidence sequences", Annals of Statistics 2021; for sampling
without replacement Waudby-Smith and Ramdas, "Confidence sequences for sampling without
replacement", NeurIPS 2020.
"""

from __future__ import annotations

from typing import overload

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from .arguments import (
    Alternative,
    Counts,
    Floats,
    read_alternative,
    read_open_unit,
    read_tally,
    shaped,
)
from .counts import boundary_count
from .tails import binomial_tail_ratio, log_choose, log_hypergeometric_cdf

_TINY = 1e-30


@overload
def log_bernoulli_evalue(
    successes: int,
    n: int,
    threshold: float,
    *,
    alternative: Alternative,
    population: int | None = None,
) -> float: ...
@overload
def log_bernoulli_evalue(
    successes: ArrayLike,
    n: ArrayLike,
    threshold: ArrayLike,
    *,
    alternative: Alternative,
    population: ArrayLike | None = None,
) -> float | Floats: ...
def log_bernoulli_evalue(
    successes: ArrayLike,
    n: ArrayLike,
    threshold: ArrayLike,
    *,
    alternative: Alternative,
    population: ArrayLike | None = None,
) -> float | Floats:
    """Natural logarithm of :func:`bernoulli_evalue`, for counts where the e-value overflows.

    Same arguments and errors; -inf and +inf are ordinary results with ``population``.
    """
    greater = read_alternative(alternative)
    tau = read_open_unit(threshold, "threshold")
    hits, units, size = read_tally(successes, n, population)
    arrays = np.broadcast_arrays(hits, units, tau, *(() if size is None else (size,)))
    shape = arrays[0].shape
    s, m, t, *rest = (np.ravel(array) for array in arrays)
    if rest:
        edge = boundary_count(t, rest[0], greater=greater)
        log_e = log_evalue_counts(s, m - s, edge, rest[0], greater=greater)
    else:
        log_e = log_evalue_rates(s, m - s, t, greater=greater)
    return shaped(np.where(m == 0, 0.0, log_e).reshape(shape))


@overload
def bernoulli_evalue(
    successes: int,
    n: int,
    threshold: float,
    *,
    alternative: Alternative,
    population: int | None = None,
) -> float: ...
@overload
def bernoulli_evalue(
    successes: ArrayLike,
    n: ArrayLike,
    threshold: ArrayLike,
    *,
    alternative: Alternative,
    population: ArrayLike | None = None,
) -> float | Floats: ...
def bernoulli_evalue(
    successes: ArrayLike,
    n: ArrayLike,
    threshold: ArrayLike,
    *,
    alternative: Alternative,
    population: ArrayLike | None = None,
) -> float | Floats:
    """Evidence, as an e-value, that the pass rate lies on one side of a threshold.

    Without ``population`` the units are independent trials of rate p. "greater" tests the null
    p <= tau::

        E = 1/(1-tau) * integral from tau to 1 of (p/tau)^s ((1-p)/(1-tau))^(n-s) dp

    the likelihood under a prior uniform on the alternative's side over the likelihood on the
    null's boundary. "less" tests p >= tau with the prior uniform on (0, tau).

    It is a test supermartingale at every p0 <= tau: one more unit multiplies the integrand by
    p/tau or (1-p)/(1-tau), whose mean p0 p/tau + (1-p0)(1-p)/(1-tau) increases in p0 (as
    p > tau) and is 1 at p0 = tau. So P(E ever reaches 1/alpha) <= alpha, whatever the
    stopping rule (Ville).

    With ``population=N`` the units are drawn without replacement from N units of which K pass.
    The prior is uniform on the counts K > tau*N (resp. K < tau*N), the boundary of the null is
    K0 = floor(tau*N) (resp. ceil), and the likelihood of a sequence is
    K(K-1).. (s factors) * (N-K)(N-K-1).. (n-s factors) / N(N-1).. (n factors). The same
    argument holds step by step, with (K-s)/(N-n) for p. E is +inf once the null is impossible
    and 0 once every alternative is; with all N units drawn it is one of the two. K = tau*N
    belongs to both nulls: see :func:`half_unit_threshold` for deciding ties.

    :param successes: units that passed, 0 <= successes <= n.
    :param n: units judged; 0 gives 1.0.
    :param threshold: tau, strictly between 0 and 1.
    :param alternative: "greater" or "less".
    :param population: N >= n, or None for independent units.
    :return: float for scalars, else an array of the broadcast shape; +inf where it overflows.
    :raises ValueError: an argument outside its range, named in the message.
    """
    log_e = log_bernoulli_evalue(
        successes, n, threshold, alternative=alternative, population=population
    )
    with np.errstate(over="ignore"):
        return shaped(np.exp(log_e))


def log_ceiling_rates(s: Counts, f: Counts, tau: Floats, *, greater: bool) -> Floats:
    """An upper bound of log E without its tail probability: cheap, and close where E is large."""
    low, high = (tau, 1.0 - tau) if greater else (1.0 - tau, tau)
    s, f = (s, f) if greater else (f, s)
    powers = special.xlogy(s, low) + special.xlogy(f + 1.0, high)
    result: Floats = special.betaln(s + 1.0, f + 1.0) - powers
    return result


def log_evalue_rates(s: Counts, f: Counts, tau: Floats, *, greater: bool) -> Floats:
    """log E for independent units; 1-D arrays of one length.

    E = B(s+1,f+1) P(Beta(s+1,f+1) > tau) / (tau^s (1-tau)^(f+1)), and that probability is
    P(X <= s), X ~ Bin(s+f+1, tau). As P(X = s) cancels all powers, E = P(X <= s)/P(X = s)/(f+1),
    which is used where the tail is tiny.
    """
    ceiling = log_ceiling_rates(s, f, tau, greater=greater)
    low, high = (tau, 1.0 - tau) if greater else (1.0 - tau, tau)
    s, f = (s, f) if greater else (f, s)
    tail = special.betaincc(s + 1.0, f + 1.0, low)
    tiny = tail < _TINY
    result: Floats = ceiling + np.log(np.where(tiny, 1.0, tail))
    x, misses = s[tiny], f[tiny]
    ratio = binomial_tail_ratio(x, x + misses + 1, low[tiny] / high[tiny])
    result[tiny] = np.log(ratio) - np.log1p(misses)
    return result


def log_ceiling_counts(
    s: Counts, f: Counts, edge: Counts, size: Counts, *, greater: bool
) -> Floats:
    """As :func:`log_ceiling_rates`, without replacement; +-inf where the draws settle E."""
    if not greater:
        s, f, edge = f, s, size - edge
    settled = np.where(s > edge, np.inf, -np.inf)
    open_ = (s <= edge) & (f < size - edge)
    with np.errstate(invalid="ignore"):
        log_likelihood = log_choose(edge, s) + log_choose(size - edge, f)
        ceiling = log_choose(size + 1, s + f + 1) - np.log(size - edge) - log_likelihood
    return np.where(open_, ceiling, settled)


def log_evalue_counts(s: Counts, f: Counts, edge: Counts, size: Counts, *, greater: bool) -> Floats:
    """log E for units without replacement, by one hypergeometric tail; 1-D arrays of one length.

    Of all (n+1)-subsets of N+1 places, C(K,s) C(N-K,f) have their (s+1)-th smallest place at
    K (counted from 0). Hence the sum of that product over K >= a equals
    C(N+1,n+1) * P(X <= s), X = number of n+1 draws that fall among the first a of N+1 places.
    """
    result = log_ceiling_counts(s, f, edge, size, greater=greater)
    if not greater:
        s, f, edge = f, s, size - edge
    open_ = np.isfinite(result)
    s, f, edge, size = s[open_], f[open_], edge[open_], size[open_]
    result[open_] += log_hypergeometric_cdf(s, size + 1, edge + 1, s + f + 1)
    return result
