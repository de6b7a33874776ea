"""How many further units would decide an open criterion, if things go on as they have."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from .arguments import (
    Alternative,
    Counts,
    Flags,
    read_alpha,
    read_integer,
    read_open_unit,
    read_tally,
    read_unit_values,
)
from .bernoulli import (
    log_ceiling_counts,
    log_ceiling_rates,
    log_evalue_counts,
    log_evalue_rates,
)
from .bounded import log_bounded_evalue
from .counts import boundary_count

_BOTH: tuple[Alternative, Alternative] = ("greater", "less")
_FIRST_LOOK = 256  # further units projected at first; each look after it is longer
_LOOK_MAX = 8192


def units_to_decide(
    successes: int,
    n: int,
    threshold: float,
    alpha: float,
    *,
    population: int | None = None,
    limit: int = 10**6,
) -> int | None:
    """Fewest further units after which one of the two e-values reaches 1/alpha.

    Projected, not promised: of m units in all, ``successes/n * m``, rounded half up, are assumed to
    pass. 0 when the tally decides already.

    :param limit: further units looked at, at least 1.
    :return: None when nothing within ``limit`` decides: a rate that sits on the threshold, no
        unit yet (with ``population`` all N then decide), or a tie of the whole population.
    :raises ValueError: an argument outside its range, named in the message.
    """
    successes, n = read_integer(successes, "successes", 0), read_integer(n, "n", 0)
    read_tally(successes, n, population)
    read_open_unit(threshold, "threshold")
    level = -math.log(read_alpha(alpha))
    furthest = _furthest(n, population, limit)
    if n == 0:
        return population if population is not None and population <= furthest else None
    start, size = 0, _FIRST_LOOK
    while start <= furthest:
        further = np.arange(start, min(start + size, furthest + 1))
        totals = n + further
        decided = _decided(_projected(successes, n, totals), totals, threshold, level, population)
        if decided.any():
            return int(further[decided.argmax()])
        start, size = start + size, min(2 * size, _LOOK_MAX)
    return None


def _decided(
    successes: Counts, totals: Counts, threshold: float, level: float, population: int | None
) -> Flags:
    """Where either e-value reaches its level; the costly tail only where its ceiling does."""
    failures, decided = totals - successes, np.zeros(totals.shape, dtype=bool)
    tau = np.full(totals.shape, threshold)
    for greater in (True, False):
        if population is None:
            near = log_ceiling_rates(successes, failures, tau, greater=greater) >= level
            log_e = log_evalue_rates(successes[near], failures[near], tau[near], greater=greater)
        else:
            size = np.full(totals.shape, population)
            edge = boundary_count(tau, size, greater=greater)
            tally = successes, failures, edge, size
            near = log_ceiling_counts(*tally, greater=greater) >= level
            log_e = log_evalue_counts(*(array[near] for array in tally), greater=greater)
        decided[near] |= log_e >= level
    return decided


def units_to_decide_bounded(
    values: ArrayLike,
    threshold: float,
    alpha: float,
    population: int | None = None,
    limit: int = 10**6,
) -> int | None:
    """:func:`units_to_decide` for values in [0, 1]: the observed ones are repeated in order.

    :return: None when nothing within ``limit`` decides, as in :func:`units_to_decide`.
    :raises ValueError: an argument outside its range, named in the message.
    """
    x = read_unit_values(values, "values", population)
    level = -math.log(read_alpha(alpha))
    furthest = _furthest(x.size, population, limit)
    if x.size == 0:
        return population if population is not None and population <= furthest else None
    size = _FIRST_LOOK
    while True:
        size = min(size, furthest)
        projected = np.resize(x, x.size + size)
        decided = np.zeros(size + 1, dtype=bool)
        for alternative in _BOTH:
            path = log_bounded_evalue(
                projected, threshold, alternative=alternative, population=population
            )
            decided |= path[x.size - 1 :] >= level
        if decided.any():
            return int(decided.argmax())
        if size == furthest:
            return None
        size *= 4


def _furthest(n: int, population: int | None, limit: int) -> int:
    most = read_integer(limit, "limit", 1)
    return most if population is None else min(most, population - n)


def _projected(successes: int, n: int, totals: Counts) -> Counts:
    """successes/n of each total, rounded half up, in whole numbers."""
    result: Counts = (2 * successes * totals + n) // (2 * n)
    return result
