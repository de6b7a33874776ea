"""One look: against scipy's distributions, brute force and each other; ties in finite sets."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pilotbase.trial.rules.sequential import (
    bernoulli_evalue,
    bounded_evalue,
    fixed_bound,
    fixed_pvalue,
    half_unit_threshold,
)

steady = settings(max_examples=80, deadline=None, derandomize=True)


@pytest.mark.parametrize(("s", "n"), [(0, 0), (0, 4), (4, 4), (45, 50), (830, 1000)])
@pytest.mark.parametrize("tau", [0.02, 0.8])
def test_pvalue_is_the_binomial_tail(s, n, tau):
    above = fixed_pvalue(s, n, tau, alternative="greater")
    below = fixed_pvalue(s, n, tau, alternative="less")
    assert above == pytest.approx(stats.binom.sf(s - 1, n, tau), rel=1e-9)
    assert below == pytest.approx(stats.binom.cdf(s, n, tau), rel=1e-9)


@pytest.mark.parametrize(("population", "tau"), [(1, 0.5), (13, 0.7), (40, 0.25), (120, 0.9)])
def test_pvalue_without_replacement_is_the_hypergeometric_tail(population, tau):
    low, high = (
        math.floor(Fraction(str(tau)) * population),
        math.ceil(Fraction(str(tau)) * population),
    )
    for n in range(0, population + 1, max(1, population // 13)):
        s = np.arange(n + 1)
        above = fixed_pvalue(s, n, tau, alternative="greater", population=population)
        below = fixed_pvalue(s, n, tau, alternative="less", population=population)
        np.testing.assert_allclose(above, stats.hypergeom.sf(s - 1, population, low, n), atol=1e-12)
        np.testing.assert_allclose(below, stats.hypergeom.cdf(s, population, high, n), atol=1e-12)


def test_pvalue_is_certain_once_all_are_known():
    for s in range(11):
        above = fixed_pvalue(s, 10, 0.8, alternative="greater", population=10)
        below = fixed_pvalue(s, 10, 0.8, alternative="less", population=10)
        assert (above, below) == (float(s <= 8), float(s >= 8))


@pytest.mark.parametrize(("s", "n"), [(0, 12), (12, 12), (45, 50), (830, 1000)])
def test_bound_is_clopper_pearson(s, n):
    lower, upper = (fixed_bound(s, n, 0.05, side=side) for side in ("lower", "upper"))
    assert lower == pytest.approx(stats.binomtest(s, n, alternative="greater")
                                  .proportion_ci(0.95, "exact").low)  # fmt: skip
    assert upper == pytest.approx(stats.binomtest(s, n, alternative="less")
                                  .proportion_ci(0.95, "exact").high)  # fmt: skip


@steady
@given(
    n=st.integers(0, 200),
    share=st.floats(0, 1),
    tau=st.floats(0.01, 0.99),
    population=st.one_of(st.none(), st.integers(200, 300)),
)
def test_bound_and_pvalue_agree(n, share, tau, population):
    s = round(share * n)
    for side, alternative, sign in (("lower", "greater", 1), ("upper", "less", -1)):
        bound = fixed_bound(s, n, 0.05, side=side, population=population)
        p = fixed_pvalue(s, n, tau, alternative=alternative, population=population)
        if abs(bound - tau) > 1e-9:
            assert (p <= 0.05) == (sign * (bound - tau) > 0)


def test_one_look_asks_for_less_than_many():
    p = fixed_pvalue(86, 100, 0.8, alternative="greater")
    assert p < 0.1 and bernoulli_evalue(86, 100, 0.8, alternative="greater") < 1 / p


def test_arrays_give_what_scalars_give():
    s, n, population = np.array([0, 5, 45]), np.array([0, 9, 50]), np.array([60, 70, 80])
    for size in (None, population):
        p = fixed_pvalue(s, n, 0.8, alternative="less", population=size)
        b = fixed_bound(s, n, 0.1, side="upper", population=size)
        for i in range(3):
            one = None if size is None else int(size[i])
            scalar = fixed_pvalue(int(s[i]), int(n[i]), 0.8, alternative="less", population=one)
            assert isinstance(scalar, float) and scalar == p[i]
            assert fixed_bound(int(s[i]), int(n[i]), 0.1, side="upper", population=one) == b[i]


@pytest.mark.parametrize(
    ("tau", "population", "resolution", "at_least", "expected"),
    [
        (0.8, 10, 1, True, 0.75),
        (0.81, 10, 1, True, 0.85),
        (0.29, 100, 1, True, 0.285),
        (1 - 0.9, 100, 1, False, 0.105),
        (0.5, 3, 1, True, 0.5),
        (0.5, 3, 1, False, 0.5),
        (0.8, 10, 2, True, 0.775),
        (1.0, 4, 1, True, 0.875),
        (0.0, 4, 1, False, 0.125),
        (0.0, 4, 1, True, -0.125),
    ],
)
def test_half_a_step_aside(tau, population, resolution, at_least, expected):
    found = half_unit_threshold(tau, population, resolution, at_least=at_least)
    assert isinstance(found, float) and found == pytest.approx(expected, abs=1e-15)


@steady
@given(
    units=st.lists(st.integers(0, 4), min_size=1, max_size=12),
    percent=st.integers(1, 99),
    at_least=st.booleans(),
)
def test_all_known_decides_exactly_also_in_a_tie(units, percent, at_least):
    size, x = len(units), np.array(units) / 4
    mean, tau = Fraction(sum(units), 4 * size), Fraction(percent, 100)
    holds = mean >= tau if at_least else mean <= tau
    edge = half_unit_threshold(percent / 100, size, 4, at_least=at_least)
    above = bounded_evalue(x, edge, alternative="greater", population=size)
    below = bounded_evalue(x, edge, alternative="less", population=size)
    assert {above, below} == {0.0, math.inf}
    assert (above if at_least else below) == (math.inf if holds else 0.0)


@steady
@given(size=st.integers(1, 60), share=st.floats(0, 1), percent=st.integers(1, 99))
def test_all_known_decides_pass_fail_exactly_also_in_a_tie(size, share, percent):
    passed = round(share * size)
    edge = half_unit_threshold(percent / 100, size, 1, at_least=True)
    e = bernoulli_evalue(passed, size, edge, alternative="greater", population=size)
    p = fixed_pvalue(passed, size, edge, alternative="greater", population=size)
    holds = 100 * passed >= percent * size
    assert (e, p) == ((math.inf, 0.0) if holds else (0.0, 1.0))


def test_refusals_name_the_argument():
    for threshold, population, resolution, named in (
        (1.1, 5, 1, "threshold"),
        (0.5, 0, 1, "population"),
        (0.5, 5, 0, "resolution"),
    ):
        with pytest.raises(ValueError, match=named):
            half_unit_threshold(threshold, population, resolution, at_least=True)
    with pytest.raises(ValueError, match="alternative"):
        fixed_pvalue(1, 2, 0.5, alternative="more")
    with pytest.raises(ValueError, match="threshold"):
        fixed_pvalue(1, 2, 1.0, alternative="less")
    with pytest.raises(ValueError, match="population"):
        fixed_bound(1, 2, 0.05, side="lower", population=1)
