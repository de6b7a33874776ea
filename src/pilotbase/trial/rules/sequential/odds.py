"""Odds of a plan: how often a sequential pass/fail criterion meets, fails or stays open.

Exact forward dynamic programming over the two processes of :func:`bernoulli_evalue`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, overload

import numpy as np

from .arguments import Counts, Floats, read_alpha, read_integer, read_open_unit
from .bernoulli import log_bernoulli_evalue

Real = TypeVar("Real", float, Floats)


@dataclass(frozen=True, slots=True)
class OperatingCharacteristics(Generic[Real]):
    """Probabilities of the three answers, and the mean number of units judged.

    ``meets + fails + undecided = 1``; floats when p was a scalar, arrays of p's shape otherwise.
    """

    meets: Real
    fails: Real
    undecided: Real
    expected_units: Real


@overload
def operating_characteristics(
    threshold: float,
    alpha: float,
    cap: int,
    p: float,
    population: int | None = None,
    *,
    alpha_fails: float | None = None,
) -> OperatingCharacteristics[float]: ...
@overload
def operating_characteristics(
    threshold: float,
    alpha: float,
    cap: int,
    p: Sequence[float] | Floats,
    population: int | None = None,
    *,
    alpha_fails: float | None = None,
) -> OperatingCharacteristics[Floats]: ...
def operating_characteristics(
    threshold: float,
    alpha: float,
    cap: int,
    p: float | Sequence[float] | Floats,
    population: int | None = None,
    *,
    alpha_fails: float | None = None,
) -> OperatingCharacteristics[float] | OperatingCharacteristics[Floats]:
    """Exact odds of the criterion "pass rate >= threshold" when the true pass rate is p.

    Units arrive one by one. The criterion *meets* at the first n with
    ``bernoulli_evalue(s, n, threshold, alternative="greater") >= 1/alpha`` and *fails* at the
    first n with the "less" e-value >= 1/alpha_fails; if neither happened after ``cap`` units
    it is *undecided*. (Both at once cannot happen: each e-value exceeds one only on its own
    side of the threshold.) For "pass rate <= threshold" call it with 1 - p and 1 - threshold.

    :param threshold: strictly between 0 and 1.
    :param alpha: error level of *meets*, strictly between 0 and 1.
    :param cap: largest number of units, at least 1; with ``population`` at most N are drawn.
    :param p: true pass rate(s) in [0, 1]; with ``population=N`` the rate K/N of the population,
        where K must be a whole number, and draws are without replacement.
    :param alpha_fails: error level of *fails*; None means alpha.
    :raises ValueError: an argument outside its range, named in the message.
    """
    tau = float(read_open_unit(threshold, "threshold"))
    levels = read_alpha(alpha), read_alpha(alpha if alpha_fails is None else alpha_fails)
    last = read_integer(cap, "cap", 1)
    rates = np.asarray(p, dtype=np.float64)
    if not np.all((rates >= 0.0) & (rates <= 1.0)):
        raise ValueError(f"p must lie in [0, 1], got {p!r}")
    passing = None
    if population is not None:
        last = min(last, read_integer(population, "population", 1))
        passing = _passing_counts(rates, population)
    tops, bottoms = stopping_boundaries(tau, levels, last, population)
    meets, fails, units = _forward(tops, bottoms, rates.ravel(), passing, population)
    # The chain loses no mass but to rounding; what is neither met nor failed is open.
    results = [meets, fails, np.maximum(1.0 - meets - fails, 0.0), units]
    if rates.ndim == 0:
        return OperatingCharacteristics(*(float(result[0]) for result in results))
    return OperatingCharacteristics(*(result.reshape(rates.shape) for result in results))


def _passing_counts(rates: Floats, population: int) -> Floats:
    product = rates.ravel() * population
    counts = np.rint(product)
    if np.any(np.abs(product - counts) > 1e-6):
        raise ValueError(
            f"p must be a multiple of 1/population={population} when population is given"
        )
    return counts


def stopping_boundaries(
    threshold: float, alphas: tuple[float, float], cap: int, population: int | None
) -> tuple[Counts, Counts]:
    """For n = 1..cap: fewest successes that meet (n+1 if none do), most that fail (-1 if none).

    Found by bisection over s, as the e-values are monotone in the number of successes.
    """
    n = np.arange(1, cap + 1)

    def fewest(alpha: float, tau: float) -> Counts:
        low, high = np.zeros_like(n), n + 1
        while np.any(low < high):
            middle = np.minimum((low + high) // 2, n)
            log_e = log_bernoulli_evalue(
                middle, n, tau, alternative="greater", population=population
            )
            met = log_e >= -math.log(alpha)
            low, high = np.where(met, low, middle + 1), np.where(met, middle, high)
        return low

    return fewest(alphas[0], threshold), n - fewest(alphas[1], 1.0 - threshold)


def _forward(
    tops: Counts,
    bottoms: Counts,
    rates: Floats,
    passing: Floats | None,
    population: int | None,
) -> tuple[Floats, Floats, Floats]:
    """P(meets), P(fails), E[units] for each rate; only undecided tallies are carried along."""
    meets, fails, units = np.zeros_like(rates), np.zeros_like(rates), np.zeros_like(rates)
    alive, low = np.ones((1, rates.size)), 0  # alive[i] = P(undecided with low + i successes)
    for drawn in range(tops.size):
        units += alive.sum(axis=0)
        chance = rates
        if passing is not None and population is not None:
            tallies = np.arange(low, low + len(alive))[:, None]
            chance = np.clip((passing - tallies) / (population - drawn), 0.0, 1.0)
        after = np.zeros((len(alive) + 1, rates.size))
        after[:-1] = alive * (1.0 - chance)
        after[1:] += alive * chance
        first = max(int(bottoms[drawn]) + 1 - low, 0)
        end = max(min(int(tops[drawn]) - low, len(after)), first)
        fails += after[:first].sum(axis=0)
        meets += after[end:].sum(axis=0)
        alive, low = after[first:end], low + first
        if not len(alive):
            break
    return meets, fails, units
