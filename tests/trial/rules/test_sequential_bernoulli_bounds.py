"""Intervals and bounds for a pass rate: by direct inversion, and in agreement with verdicts."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special

from pilotbase.trial.rules.sequential import (
    bernoulli_bound,
    bernoulli_evalue,
    bernoulli_interval,
    operating_characteristics,
)

steady = settings(max_examples=80, deadline=None, derandomize=True)


@pytest.mark.parametrize(("s", "n"), [(0, 5), (5, 5), (45, 50), (1, 400), (830, 1000)])
@pytest.mark.parametrize("alpha", [0.05, 0.3])
def test_interval_is_where_the_mixture_martingale_stays_low(s, n, alpha):
    def log_m(p: float) -> float:
        return special.betaln(s + 1, n - s + 1) - special.xlogy(s, p) - special.xlog1py(n - s, -p)

    low, high = bernoulli_interval(s, n, alpha)
    level = -math.log(alpha)
    expected_low = 0.0 if s == 0 else optimize.brentq(lambda p: log_m(p) - level, 1e-12, s / n)
    expected_high = 1.0 if s == n else optimize.brentq(lambda p: log_m(p) - level, s / n, 1 - 1e-12)
    assert (low, high) == (pytest.approx(expected_low), pytest.approx(expected_high))
    assert isinstance(low, float) and isinstance(high, float)


@pytest.mark.parametrize("population", [1, 6, 17])
@pytest.mark.parametrize("alpha", [0.05, 0.4])
def test_interval_without_replacement_holds_the_counts_not_excluded(population, alpha):
    for n in range(population + 1):
        for s in range(n + 1):
            weights = [math.comb(k, s) * math.comb(population - k, n - s)
                       for k in range(population + 1)]  # fmt: skip
            mean = sum(weights) / (population + 1)
            kept = [k for k, w in enumerate(weights) if w > 0 and mean / w < 1 / alpha]
            expected = kept[0] / population, kept[-1] / population
            assert bernoulli_interval(s, n, alpha, population) == expected, (s, n)


def test_interval_covers_at_all_times():
    """Exact: the chance that the mixture martingale at the true p ever reaches 1/alpha."""
    p, alpha, cap = 0.85, 0.05, 250
    n = np.arange(1, cap + 1)
    alive, missed = np.array([1.0]), 0.0
    for m in n:
        after = np.zeros(m + 1)
        after[:-1] += alive * (1 - p)
        after[1:] += alive * p
        low, high = bernoulli_interval(np.arange(m + 1), m, alpha)
        outside = (p < low) | (p > high)
        missed += after[outside].sum()
        alive = np.where(outside, 0.0, after)
    assert 0.01 < missed <= alpha


@steady
@given(
    n=st.integers(0, 400),
    share=st.floats(0, 1),
    tau=st.floats(0.01, 0.99),
    alpha=st.sampled_from([0.01, 0.05, 0.2]),
    population=st.one_of(st.none(), st.integers(400, 800)),
)
def test_bound_and_verdict_agree(n, share, tau, alpha, population):
    s = round(share * n)
    for side, alternative, sign in (("lower", "greater", 1), ("upper", "less", -1)):
        bound = bernoulli_bound(s, n, alpha, side=side, population=population)
        e = bernoulli_evalue(s, n, tau, alternative=alternative, population=population)
        if abs(bound - tau) > 1e-9:
            assert (e >= 1 / alpha) == (sign * (bound - tau) > 0)


@pytest.mark.parametrize("population", [1, 5, 9])
@pytest.mark.parametrize("alpha", [0.05, 0.5])
def test_bound_without_replacement_by_trying_every_count(population, alpha):
    for n in range(population + 1):
        for s in range(n + 1):
            kept = [k for k in range(population)
                    if bernoulli_evalue(s, n, (k + 0.5) / population, alternative="greater",
                                        population=population) < 1 / alpha]  # fmt: skip
            expected = (kept[0] if kept else population) / population
            found = bernoulli_bound(s, n, alpha, side="lower", population=population)
            assert found == expected, (s, n)
            upper = bernoulli_bound(n - s, n, alpha, side="upper", population=population)
            assert upper == (population - round(expected * population)) / population


def test_bounds_are_exact_once_all_are_known():
    for s in range(11):
        assert bernoulli_bound(s, 10, 0.05, side="lower", population=10) == s / 10
        assert bernoulli_bound(s, 10, 0.05, side="upper", population=10) == s / 10
        assert bernoulli_interval(s, 10, population=10) == (s / 10, s / 10)


def test_bound_just_rejects_and_nothing_is_known_without_units():
    low = bernoulli_bound(45, 50, 0.05, side="lower")
    assert bernoulli_evalue(45, 50, low, alternative="greater") == pytest.approx(20)
    for size in (None, 30):
        assert bernoulli_bound(0, 0, 0.05, side="lower", population=size) == 0.0
        assert bernoulli_bound(0, 0, 0.05, side="upper", population=size) == 1.0
        assert bernoulli_interval(0, 0, population=size) == (0.0, 1.0)
    assert bernoulli_bound(0, 9, 0.05, side="lower") == 0.0
    assert bernoulli_bound(9, 9, 0.05, side="upper") == 1.0


@pytest.mark.parametrize("population", [None, 90])
def test_arrays_give_what_scalars_give(population):
    s, n = np.array([0, 3, 45, 60]), np.array([0, 9, 50, 60])
    low, high = bernoulli_interval(s, n, 0.1, population)
    bounds = {x: bernoulli_bound(s, n, 0.1, side=x, population=population)
              for x in ("lower", "upper")}  # fmt: skip
    for i in range(4):
        one = int(s[i]), int(n[i])
        assert bernoulli_interval(*one, 0.1, population) == (low[i], high[i])
        for side, found in bounds.items():
            scalar = bernoulli_bound(*one, 0.1, side=side, population=population)
            assert isinstance(scalar, float) and scalar == found[i]


def test_a_lower_bound_above_the_threshold_is_as_rare_as_a_false_meets():
    odds = operating_characteristics(0.8, 0.05, 300, 0.8)
    assert 0 < odds.meets <= 0.05


def test_refusals_name_the_argument():
    for alpha in (0.0, 1.0, math.nan, -1.0):
        with pytest.raises(ValueError, match="alpha"):
            bernoulli_interval(1, 2, alpha)
        with pytest.raises(ValueError, match="alpha"):
            bernoulli_bound(1, 2, alpha, side="lower")
    with pytest.raises(ValueError, match="side"):
        bernoulli_bound(1, 2, 0.05, side="left")
    with pytest.raises(ValueError, match="successes"):
        bernoulli_interval(3, 2)
