"""Logarithms of binomial and hypergeometric tails, accurate where the tails underflow."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import special

from .arguments import Counts, Floats

_NEGLIGIBLE = 1e-17

_Ratio = Callable[..., Floats]


def log_choose(n: Counts, k: Counts) -> Floats:
    """log of the binomial coefficient; -inf where k < 0 or k > n. Shapes broadcast."""
    inside = (k >= 0) & (k <= n)
    chosen = np.where(inside, k, 0)
    size = np.where(inside, n, 0)
    value = -np.log1p(size) - special.betaln(size - chosen + 1.0, chosen + 1.0)
    return np.where(inside, value, -np.inf)


def _descending_sum(x: Counts, ratio: _Ratio, *parameters: NDArray[np.generic]) -> Floats:
    """1 + r(x) + r(x) r(x-1) + ... with r(x) = pmf(x-1)/pmf(x): the lower tail over pmf(x).

    Below the mode the ratios are under one and shrink, so that some nine standard deviations
    of terms suffice; a ratio of zero is the end of the support. ``ratio(x, *parameters)`` is
    elementwise over arrays of one shape (1-D).
    """
    total = np.ones(x.shape)
    term, place, at = total.copy(), np.arange(x.size), x.astype(np.float64)
    while place.size:
        term = term * ratio(at, *parameters)
        total[place] += term
        at = at - 1.0
        live = term > _NEGLIGIBLE * total[place]
        if 2 * np.count_nonzero(live) <= live.size:
            term, place, at = term[live], place[live], at[live]
            parameters = tuple(parameter[live] for parameter in parameters)
    return total


def _binomial_ratio(x: Floats, draws: Counts, odds: Floats) -> Floats:
    return x / ((draws - x + 1.0) * odds)


def binomial_tail_ratio(x: Counts, draws: Counts, odds: Floats) -> Floats:
    """P(X <= x) / P(X = x) for X binomial with odds p/(1-p); 1-D, x below the mode."""
    return _descending_sum(x, _binomial_ratio, draws, odds)


def _hypergeometric_ratio(x: Floats, total: Counts, marked: Counts, draws: Counts) -> Floats:
    ratio = x * (total - marked - draws + x) / ((marked - x + 1.0) * (draws - x + 1.0))
    return np.maximum(ratio, 0.0)


def _log_lower_tail(x: Counts, total: Counts, marked: Counts, draws: Counts) -> Floats:
    """log P(X <= x) summed downwards; for x up to the mode."""
    log_pmf = (
        log_choose(marked, x) + log_choose(total - marked, draws - x) - log_choose(total, draws)
    )
    return log_pmf + np.log(_descending_sum(x, _hypergeometric_ratio, total, marked, draws))


def log_hypergeometric_cdf(x: Counts, total: Counts, marked: Counts, draws: Counts) -> Floats:
    """log P(X <= x), X = marked units among ``draws`` of ``total`` without replacement.

    1-D arrays of one length. Exact 0 at and above the top of the support, -inf below its bottom.
    """
    result = np.where(x >= np.minimum(marked, draws), 0.0, -np.inf)
    inside = (x >= np.maximum(0, draws - (total - marked))) & (result < 0.0)
    below = inside & (x <= (draws + 1) * (marked + 1) // (total + 2))
    above = inside & ~below
    result[below] = _log_lower_tail(x[below], total[below], marked[below], draws[below])
    # Above the mode the sum runs over the unmarked draws of the complement.
    rest = (draws - x - 1)[above], total[above], (total - marked)[above], draws[above]
    result[above] = np.log1p(-np.exp(_log_lower_tail(*rest)))
    return result
