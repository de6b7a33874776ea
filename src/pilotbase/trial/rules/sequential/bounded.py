"""E-values, bounds and intervals for the mean of unit values in [0, 1].

Source: Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting",
JRSS-B 2024 (betting capital, hedged intervals, sampling without replacement).
"""

from __future__ import annotations

import math

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
from .betting import TIE, growth, log_capital, log_capital_path, log_capital_paths, uniform_stakes
from .roots import last_above


def log_bounded_evalue(
    values: ArrayLike,
    threshold: float,
    *,
    alternative: Alternative,
    population: int | None = None,
) -> Floats:
    """Evidence about the mean of values in [0, 1], as the whole path of log e-values.

    "greater" tests the null mean <= tau by the capital of a gambler who stakes a constant
    share f of it against the null::

        E_t = integral over f in (0,1) of product over i <= t of (1 - f + f x_i / m_i)

    with m_i = tau, or with ``population=N`` the mean (N tau - x_1 - .. - x_(i-1)) / (N - i + 1)
    that the null's edge leaves to the next value drawn without replacement. Each factor has
    conditional mean at most one when the mean is at most tau, so E is a test supermartingale.
    "less" is the same test of 1 - x against 1 - tau.

    The mixture over f needs neither alpha nor tuning, is monotone in tau (every factor falls as
    m grows), and on 0/1 values without ``population`` it is :func:`bernoulli_evalue`. It decided
    earlier than predictable plug-in stakes in all settings of ``bench/betting_stakes.py``.

    A null that the values exclude gives +inf (x drawn so far sum to more than N tau; tau < 0),
    an alternative that they exclude -inf (tau >= 1, or N tau out of reach); with all N drawn
    every path ends in one of the two, and a mean of exactly tau gives -inf on both sides.

    :param values: the unit values in committed order, 1-D, in [0, 1].
    :param threshold: tau; outside [0, 1] the answer is certain and is returned as such.
    :param alternative: "greater" or "less".
    :param population: N >= number of values, or None for independent units.
    :return: array of shape (n,), natural logarithms, -inf and +inf allowed.
    :raises ValueError: an argument outside its range, named in the message.
    """
    x, tau = _oriented(values, threshold, alternative, population)
    path = log_capital_path(growth(x, tau, population), uniform_stakes())
    sums, left = np.cumsum(x), _reach(np.arange(1.0, x.size + 1.0), population)
    return _settled(path, sums, left, tau, population)


def log_bounded_evalues(
    samples: ArrayLike, threshold: float, *, alternative: Alternative
) -> Floats:
    """:func:`log_bounded_evalue` of each row of independent units, all at once.

    :param samples: unit values in [0, 1], 2-D: one sample a row.
    :return: array of shape (samples, n), natural logarithms, -inf and +inf allowed.
    :raises ValueError: as :func:`log_bounded_evalue`.
    """
    rows = np.asarray(samples, dtype=np.float64)
    if rows.ndim != 2:
        raise ValueError(f"samples must be two-dimensional, got {rows.ndim} dimensions")
    x, tau = _oriented(rows.ravel(), threshold, alternative, None)
    x = x.reshape(rows.shape)
    paths = log_capital_paths(growth(x, tau, None), uniform_stakes())
    return _settled(paths, np.cumsum(x, axis=1), np.inf, tau, None)


def bounded_evalue(
    values: ArrayLike,
    threshold: float,
    *,
    alternative: Alternative,
    population: int | None = None,
) -> float:
    """The last e-value of :func:`log_bounded_evalue`; no value yet gives 1.0 (if tau is possible).

    :return: float in [0, +inf].
    :raises ValueError: as :func:`log_bounded_evalue`.
    """
    x, tau = _oriented(values, threshold, alternative, population)
    with np.errstate(over="ignore"):
        return float(np.exp(_log_last(x, tau, population)))


def bounded_bound(
    values: ArrayLike, alpha: float, *, side: Side, population: int | None = None
) -> float:
    """One-sided anytime-valid bound for the mean, inverted from the process that decides.

    "lower": the smallest threshold that ``bounded_evalue(..., alternative="greater") >= 1/alpha``
    does not reject; "upper" likewise with "less". The e-value is monotone in the threshold, so
    rejection at tau and tau lying beyond the bound are the same event (to 1e-13).

    :param alpha: strictly between 0 and 1.
    :return: float in [0, 1]; with ``population`` never outside what the values drawn leave
        possible, and the exact mean once all N are known.
    :raises ValueError: as :func:`log_bounded_evalue`, and for alpha or side.
    """
    lower = read_side(side)
    level = -math.log(read_alpha(alpha))
    x = read_unit_values(values, "values", population)
    if not lower:
        return 1.0 - _lower_bound(1.0 - x, level, population)
    return _lower_bound(x, level, population)


def bounded_interval(
    values: ArrayLike, alpha: float = 0.05, population: int | None = None
) -> tuple[float, float]:
    """Two-sided anytime-valid interval for the mean: the hedged betting confidence sequence.

    All m at which max(E_greater(m), E_less(m)) / 2 stays below 1/alpha, that is the two
    one-sided bounds at alpha/2, at the last value and not intersected over time.

    :return: (low, high); (0.0, 1.0) without values; both the exact mean once all N are drawn.
    :raises ValueError: as :func:`log_bounded_evalue`, and for alpha.
    """
    half = read_alpha(alpha) / 2.0
    return (
        bounded_bound(values, half, side="lower", population=population),
        bounded_bound(values, half, side="upper", population=population),
    )


def _oriented(
    values: ArrayLike, threshold: float, alternative: str, population: int | None
) -> tuple[Floats, float]:
    """Values and threshold turned so that the alternative is "greater"."""
    greater = read_alternative(alternative)
    x = read_unit_values(values, "values", population)
    if not np.isfinite(threshold):
        raise ValueError(f"threshold must be a finite number, got {threshold!r}")
    return (x, float(threshold)) if greater else (1.0 - x, 1.0 - float(threshold))


def _reach(drawn: Floats | int, population: int | None) -> Floats | float:
    """How many values are still to come (without ``population`` their number is unlimited)."""
    return np.inf if population is None else population - drawn


def _settled(
    log_e: Floats, sums: Floats, left: Floats | float, tau: float, population: int | None
) -> Floats:
    """Where what was drawn already excludes the null or the alternative, say so."""
    if population is None:
        certain = np.full(log_e.shape, tau >= 1.0)
        excluded = np.full(log_e.shape, tau < 0.0) | ((tau == 0.0) & (sums > 0.0))
    else:
        slack = TIE * population
        certain = sums + left <= population * tau + slack
        excluded = sums > population * tau + slack
    return np.where(excluded, np.inf, np.where(certain, -np.inf, log_e))


def _log_last(x: Floats, tau: float, population: int | None) -> float:
    log_e = log_capital(growth(x, tau, population), uniform_stakes()) if x.size else 0.0
    left = _reach(x.size, population)
    return float(_settled(np.asarray(log_e), np.asarray(x.sum()), left, tau, population))


def _lower_bound(x: Floats, level: float, population: int | None) -> float:
    if x.size == 0:
        return 0.0
    total = float(x.sum())
    if population is None:
        # E is at most one at the observed mean, so the bound lies below it.
        low, high = 0.0, total / x.size
    else:
        low, high = total / population, (total + population - x.size) / population
    return last_above(lambda tau: _log_last(x, tau, population) - level, low, high)
