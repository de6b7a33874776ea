"""Differences of two groups: validity by enumeration and simulation, exactness, inversion."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pilotbase.trial.rules.sequential import (
    difference_bound,
    difference_evalue,
    log_difference_evalue,
)
from pilotbase.trial.rules.sequential.betting import cautious_stakes, growth, log_capital

BOTH = ("greater", "less")
steady = settings(max_examples=20, deadline=None, derandomize=True)
grid_values = st.lists(st.integers(0, 4).map(lambda v: v / 4), max_size=8)


def zeros_and_ones(n: int, ones: int) -> np.ndarray:
    return (np.arange(n) < ones).astype(float)


def test_it_is_the_infimum_over_the_nuisance_mean():
    rng = np.random.default_rng(13)
    x_a, x_b, margin, ratio = rng.beta(7, 2, 90), rng.beta(3, 3, 60), 0.1, 0.9
    q = np.linspace(0, 1, 4_001)
    products = [
        log_capital(growth(x_a, min(margin + ratio * v, 1.0), None), cautious_stakes())
        + log_capital(growth(1 - x_b, 1 - v, None), cautious_stakes())
        for v in q
    ]
    found = log_difference_evalue(x_a, x_b, margin, alternative="greater", ratio=ratio)
    assert found <= min(products) + 1e-9  # reported from below, never above the infimum
    assert found == pytest.approx(min(products), abs=2e-3)
    # log A + log B is convex in q, which the bracketing of the minimiser relies on.
    assert np.all(np.diff(products, 2) > -1e-9)


@pytest.mark.parametrize(("margin", "ratio"), [(0.0, 1.0), (0.2, 1.0), (0.0, 0.8)])
def test_mean_is_at_most_one_for_all_pairs_of_rates_in_the_null(margin, ratio):
    n_a, n_b = 5, 4
    e = {
        side: np.array([[difference_evalue(zeros_and_ones(n_a, a), zeros_and_ones(n_b, b), margin,
                                           alternative=side, ratio=ratio)
                         for b in range(n_b + 1)] for a in range(n_a + 1)])
        for side in BOTH
    }  # fmt: skip
    for p_a, p_b in itertools.product(np.linspace(0, 1, 11), repeat=2):
        chances = np.outer(
            stats.binom.pmf(np.arange(n_a + 1), n_a, p_a),
            stats.binom.pmf(np.arange(n_b + 1), n_b, p_b),
        )
        gap = p_a - ratio * p_b
        if gap <= margin + 1e-12:
            assert float((chances * e["greater"]).sum()) <= 1 + 1e-9
        if gap >= margin - 1e-12:
            assert float((chances * e["less"]).sum()) <= 1 + 1e-9


def test_without_replacement_the_mean_over_all_orders_is_at_most_one():
    a, b = [1.0, 1.0, 0.5, 0.0], [1.0, 0.0, 0.5]
    gap = float(np.mean(a) - np.mean(b))
    for n_a, n_b in ((3, 1), (2, 3)):
        for side, margin in (("greater", gap), ("greater", gap + 0.1), ("less", gap)):
            e = [
                difference_evalue(x, y, margin, alternative=side, population=(4, 3))
                for x in itertools.permutations(a, n_a)
                for y in itertools.permutations(b, n_b)
            ]
            assert np.mean(e) <= 1 + 1e-9


def test_it_rarely_reaches_twenty_at_the_edge_of_the_null():
    runs, looks, crossed = 150, (20, 40, 60), 0
    rng = np.random.default_rng(14)
    for _ in range(runs):
        x_a, x_b = (rng.random(60) < 0.7).astype(float), (rng.random(60) < 0.6).astype(float)
        crossed += any(
            log_difference_evalue(x_a[:n], x_b[: n // 2], 0.1, alternative="greater")
            >= math.log(20)
            for n in looks
        )
    assert crossed <= stats.binom.ppf(0.999, runs, 0.05)


def test_a_large_gap_is_found_and_a_small_group_stays_open():
    wide = zeros_and_ones(120, 108), zeros_and_ones(100, 55)
    assert difference_evalue(*wide, 0.1, alternative="greater") > 20
    assert difference_evalue(*wide, 0.1, alternative="less") < 1
    same = zeros_and_ones(600, 480), zeros_and_ones(600, 480)
    assert difference_evalue(*same, 0.1, alternative="less") > 20
    for few in ([], [1.0], [0.0, 1.0]):
        for side in BOTH:
            assert 0 < difference_evalue(few, wide[1], 0.1, alternative=side) < 2
            assert 0 < difference_evalue(wide[0], few, 0.1, alternative=side) < 2
    assert difference_evalue([], [], 0.1, alternative="less") == pytest.approx(1)


def test_more_of_the_larger_group_is_used():
    x_b = zeros_and_ones(60, 30)
    e = [difference_evalue(zeros_and_ones(n, round(0.9 * n)), x_b, 0.1, alternative="greater")
         for n in (20, 60, 200, 600)]  # fmt: skip
    assert e == sorted(e) and e[-1] > 2 * e[1]


@steady
@given(a=grid_values.filter(bool), b=grid_values.filter(bool), step=st.integers(-8, 8))
def test_exact_once_both_groups_are_exhausted(a, b, step):
    margin, sizes = step / 8, (len(a), len(b))
    gap = 840 * sum(int(4 * v) for v in a) // len(a) - 840 * sum(int(4 * v) for v in b) // len(b)
    edge = step * 420
    above = log_difference_evalue(a, b, margin, alternative="greater", population=sizes)
    below = log_difference_evalue(a, b, margin, alternative="less", population=sizes)
    assert above == (math.inf if gap > edge else -math.inf)
    assert below == (math.inf if gap < edge else -math.inf)
    for side in ("lower", "upper"):
        bound = difference_bound(a, b, 0.05, side=side, population=sizes)
        assert bound == pytest.approx(np.mean(a) - np.mean(b), abs=1e-12)


@steady
@given(
    a=grid_values,
    b=grid_values,
    margin=st.floats(-0.9, 0.9),
    ratio=st.sampled_from([0.8, 1.0]),
    spare=st.one_of(st.none(), st.integers(0, 9)),
    alpha=st.sampled_from([0.1, 0.6]),
)
def test_bound_and_verdict_agree(a, b, margin, ratio, spare, alpha):
    population = None if spare is None else (len(a) + spare + 1, len(b) + spare + 1)
    for side, alternative, sign in (("lower", "greater", 1), ("upper", "less", -1)):
        bound = difference_bound(a, b, alpha, side=side, population=population, ratio=ratio)
        assert -ratio - 1e-12 <= bound <= 1 + 1e-12
        if abs(bound - margin) > 1e-6:
            log_e = log_difference_evalue(
                a, b, margin, alternative=alternative, population=population, ratio=ratio
            )
            assert (log_e >= -math.log(alpha)) == (sign * (bound - margin) > 0)


@steady
@given(a=grid_values, b=grid_values, margin=st.floats(-1, 0.9), step=st.floats(0, 0.1))
def test_monotone_in_the_margin_and_mirrored(a, b, margin, step):
    def log_e(x, y, d, side):
        return log_difference_evalue(x, y, d, alternative=side)

    assert log_e(a, b, margin + step, "greater") <= log_e(a, b, margin, "greater") + 1e-6
    swapped = log_e(b, a, -margin, "less")
    assert log_e(a, b, margin, "greater") == pytest.approx(swapped, abs=1e-5)


def test_margins_that_no_pair_of_means_can_reach():
    x = [0.0, 1.0, 1.0]
    for margin, side, expected in (
        (1.0, "greater", 0.0),
        (1.5, "greater", 0.0),
        (-1.1, "greater", math.inf),
        (1.1, "less", math.inf),
        (-1.0, "less", 0.0),
    ):
        for population in (None, (5, 9)):
            found = difference_evalue(x, x, margin, alternative=side, population=population)
            assert found == expected, (margin, side)
    # mean_a <= -1 + mean_b needs mean_a = 0, which a single success excludes.
    assert difference_evalue(x, x, -1.0, alternative="greater", population=(5, 9)) == math.inf


@pytest.mark.parametrize("population", [None, (700, 500)])
def test_a_few_hundred_values_of_any_kind(population):
    rng = np.random.default_rng(15)
    x_a, x_b = rng.beta(8, 2, 600), rng.beta(6, 3, 400)
    low = difference_bound(x_a, x_b, 0.05, side="lower", population=population)
    high = difference_bound(x_a, x_b, 0.05, side="upper", population=population)
    assert low < x_a.mean() - x_b.mean() < high and high - low < 0.2
    assert isinstance(low, float) and isinstance(high, float)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"x_a": [1.2]}, "x_a"),
        ({"x_b": [math.nan]}, "x_b"),
        ({"margin": math.nan}, "margin"),
        ({"ratio": 0.0}, "ratio"),
        ({"population": (1, 5)}, "x_a"),
        ({"population": (5,)}, "population"),
        ({"alternative": "equal"}, "alternative"),
    ],
)
def test_refusals_name_the_argument(arguments, named):
    good = {"x_a": [0.5, 1.0], "x_b": [0.5], "margin": 0.1, "alternative": "less"}
    with pytest.raises(ValueError, match=named):
        difference_evalue(**{**good, **arguments})
    with pytest.raises(ValueError, match="alpha"):
        difference_bound([0.5], [0.5], 0.0, side="lower")
    with pytest.raises(ValueError, match="side"):
        difference_bound([0.5], [0.5], 0.05, side="a")
