"""Bounded unit values: against integrals, enumeration, simulation and the bounds themselves."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from pilotbase.trial.rules.sequential import (
    bernoulli_bound,
    bounded_bound,
    bounded_evalue,
    bounded_interval,
    log_bernoulli_evalue,
    log_bounded_evalue,
    log_bounded_evalues,
)

BOTH = ("greater", "less")
steady = settings(max_examples=60, deadline=None, derandomize=True)
unit_values = st.lists(st.floats(0, 1, allow_subnormal=False), min_size=1, max_size=40)


def integrated_evalue(x: np.ndarray, means: np.ndarray) -> float:
    value, _ = integrate.quad(
        lambda f: float(np.prod(1 - f + f * x / means)), 0, 1, epsabs=0, epsrel=1e-11, limit=200
    )
    return value


@pytest.mark.parametrize("tau", [0.1, 0.5, 0.85])
def test_it_is_the_integral_of_the_definition(tau):
    x = np.random.default_rng(3).beta(4, 2, 60)
    expected = integrated_evalue(x, np.full(60, tau))
    assert bounded_evalue(x, tau, alternative="greater") == pytest.approx(expected, rel=1e-9)
    mirrored = integrated_evalue(1 - x, np.full(60, 1 - tau))
    assert bounded_evalue(x, tau, alternative="less") == pytest.approx(mirrored, rel=1e-9)


@pytest.mark.parametrize("alternative", BOTH)
@pytest.mark.parametrize("n", [0, 1, 32, 33, 1_000, 9_000])
def test_many_samples_at_once_are_each_on_its_own(n, alternative):
    samples = np.random.default_rng(6).beta(4, 2, (11, n))
    together = log_bounded_evalues(samples, 0.6, alternative=alternative)
    assert together.shape == samples.shape
    for row, path in zip(samples, together, strict=True):
        alone = log_bounded_evalue(row, 0.6, alternative=alternative)
        np.testing.assert_allclose(path, alone, rtol=0, atol=1e-12)
    with pytest.raises(ValueError, match="samples must be two-dimensional"):
        log_bounded_evalues(samples[0], 0.6, alternative=alternative)


def test_without_replacement_the_null_speaks_of_what_is_left():
    x, tau, population = np.random.default_rng(4).beta(4, 2, 50), 0.6, 120
    before = np.concatenate([[0.0], np.cumsum(x)[:-1]])
    means = (population * tau - before) / (population - np.arange(50))
    expected = integrated_evalue(x, means)
    found = bounded_evalue(x, tau, alternative="greater", population=population)
    assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("alternative", BOTH)
def test_on_zeros_and_ones_it_is_the_pass_fail_evalue(alternative):
    passed = (np.random.default_rng(5).random(2_000) < 0.84).astype(float)
    path = log_bounded_evalue(passed, 0.8, alternative=alternative)
    tally = np.cumsum(passed), np.arange(1, 2_001)
    expected = log_bernoulli_evalue(*tally, 0.8, alternative=alternative)
    np.testing.assert_allclose(path[:127], expected[:127], atol=1e-11)
    np.testing.assert_allclose(path, expected, atol=1e-6)
    bound = bounded_bound(passed[:500], 0.05, side="lower")
    assert bound == pytest.approx(bernoulli_bound(int(passed[:500].sum()), 500, 0.05, side="lower"))


@pytest.mark.parametrize("population", [None, 9_300])
def test_the_path_is_each_prefix_by_itself(population):
    x = np.random.default_rng(6).beta(8, 3, 9_000)  # longer than one slab of the engine
    path = log_bounded_evalue(x, 0.7, alternative="greater", population=population)
    assert path.shape == (9_000,)
    for n in (1, 31, 32, 33, 500, 8_192, 8_193, 9_000):
        last = bounded_evalue(x[:n], 0.7, alternative="greater", population=population)
        assert math.log(last) == pytest.approx(path[n - 1], rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("values", [[0.0, 1.0], [0.0, 0.3, 1.0]])
@pytest.mark.parametrize("tau", [0.2, 0.55])
def test_mean_is_at_most_one_for_every_distribution_of_the_null(values, tau):
    n = 5
    sequences = list(itertools.product(range(len(values)), repeat=n))
    e = {
        side: np.array([bounded_evalue(np.take(values, q), tau, alternative=side)
                        for q in sequences])
        for side in BOTH
    }  # fmt: skip
    grid = np.linspace(0, 1, 6)
    for weights in itertools.product(grid, repeat=len(values) - 1):
        if sum(weights) > 1 + 1e-12:
            continue
        law = np.array([*weights, max(1 - sum(weights), 0.0)])
        mean = float(law @ values)
        chances = np.prod(law[np.array(sequences)], axis=1)
        if mean <= tau + 1e-12:
            assert float(chances @ e["greater"]) <= 1 + 1e-9
        if mean >= tau - 1e-12:
            assert float(chances @ e["less"]) <= 1 + 1e-9


@pytest.mark.parametrize("alternative", BOTH)
@pytest.mark.parametrize("values", [[0, 0, 1, 1, 0], [0.1, 0.4, 0.9, 1.0, 0.0], [1, 1, 1, 1, 0.5]])
def test_over_all_orders_of_a_finite_set_mean_and_crossings_are_bounded(values, alternative):
    size, mean = len(values), float(np.mean(values))
    offsets = (0.0, 0.03, 0.15) if alternative == "greater" else (0.0, -0.03, -0.15)
    for tau in (mean + offset for offset in offsets):
        paths = np.exp([
            log_bounded_evalue(order, tau, alternative=alternative, population=size)
            for order in itertools.permutations(values)
        ])  # fmt: skip
        assert np.all(paths.mean(axis=0) <= 1 + 1e-9)
        for alpha in (0.2, 0.5):
            assert np.mean(paths.max(axis=1) >= 1 / alpha) <= alpha
        assert np.all(paths[:, -1] == 0.0)  # the null is true, and known to be


@pytest.mark.parametrize("population", [None, 300])
def test_it_rarely_reaches_twenty_at_the_edge_of_the_null(population):
    runs, n = 400, 250
    rng, crossed = np.random.default_rng(8), 0
    for _ in range(runs):
        if population is None:
            x, tau = rng.beta(6, 2, n), 0.75
        else:
            whole = rng.beta(6, 2, population)
            x, tau = rng.permutation(whole)[:n], float(whole.mean())
        path = log_bounded_evalue(x, tau, alternative="greater", population=population)
        crossed += bool(path.max() >= math.log(20))
    assert crossed <= stats.binom.ppf(0.999, runs, 0.05)


def test_interval_misses_the_mean_rarely_over_all_times():
    runs, looks, missed = 60, (8, 30, 100), 0
    rng = np.random.default_rng(9)
    for _ in range(runs):
        x = rng.beta(2, 5, looks[-1])
        ends = [bounded_interval(x[:n], 0.1) for n in looks]
        missed += any(not low <= 2 / 7 <= high for low, high in ends)
    assert missed <= stats.binom.ppf(0.999, runs, 0.1)


def test_interval_narrows_and_adapts_to_the_variance():
    rng = np.random.default_rng(10)
    noisy, calm = rng.integers(0, 2, 1_000).astype(float), rng.beta(50, 50, 1_000)

    def width(x: np.ndarray) -> float:
        low, high = bounded_interval(x)
        assert low < x.mean() < high
        return high - low

    assert width(noisy) < width(noisy[:300]) < width(noisy[:50])
    assert width(calm) < width(noisy) / 4
    # Hoeffding's one-look interval knows neither the variance nor optional stopping.
    assert width(calm) < 2 * math.sqrt(math.log(2 / 0.05) / 2_000)


@steady
@given(
    values=unit_values,
    tau=st.floats(0.01, 0.99),
    alpha=st.sampled_from([0.05, 0.3]),
    spare=st.one_of(st.none(), st.integers(0, 30)),
)
def test_bound_and_verdict_agree(values, tau, alpha, spare):
    population = None if spare is None else len(values) + spare
    for side, alternative, sign in (("lower", "greater", 1), ("upper", "less", -1)):
        bound = bounded_bound(values, alpha, side=side, population=population)
        assert 0 <= bound <= 1
        if abs(bound - tau) > 1e-9:
            e = bounded_evalue(values, tau, alternative=alternative, population=population)
            assert (e >= 1 / alpha) == (sign * (bound - tau) > 0)


@steady
@given(
    values=unit_values,
    tau=st.floats(0.01, 0.9),
    step=st.floats(0, 0.1),
    raised=st.integers(0, 39),
    spare=st.one_of(st.none(), st.integers(0, 30)),
)
def test_monotone_in_the_threshold_and_in_the_last_value(values, tau, step, raised, spare):
    population = None if spare is None else len(values) + spare

    def log_e(x: list[float], threshold: float, alternative: str) -> float:
        return log_bounded_evalue(x, threshold, alternative=alternative, population=population)[-1]

    assert log_e(values, tau + step, "greater") <= log_e(values, tau, "greater") + 1e-9
    assert log_e(values, tau + step, "less") >= log_e(values, tau, "less") - 1e-9
    better = [*values[:-1], 1.0]
    assert log_e(better, tau, "greater") >= log_e(values, tau, "greater") - 1e-9
    assert log_e(better, tau, "less") <= log_e(values, tau, "less") + 1e-9


@steady
@given(values=st.lists(st.integers(0, 100), min_size=1, max_size=30), tau=st.integers(1, 99))
def test_exact_once_all_are_drawn(values, tau):
    x, size = np.array(values) / 100, len(values)
    total, edge = sum(values), tau * size
    above = log_bounded_evalue(x, tau / 100, alternative="greater", population=size)[-1]
    below = log_bounded_evalue(x, tau / 100, alternative="less", population=size)[-1]
    assert above == (math.inf if total > edge else -math.inf)
    assert below == (math.inf if total < edge else -math.inf)
    low, high = bounded_interval(x, population=size)
    assert (low, high) == (pytest.approx(x.mean()), pytest.approx(x.mean()))
    assert bounded_bound(x, 0.05, side="lower", population=size) == pytest.approx(x.mean())


def test_settled_before_the_end_and_for_good():
    x = [1.0, 1.0, 1.0, 0.0, 0.5]
    path = log_bounded_evalue(x, 0.25, alternative="greater", population=10)
    assert np.isfinite(path[:2]).all() and (path[2:] == math.inf).all()
    path = log_bounded_evalue(x, 0.96, alternative="greater", population=10)
    assert np.isfinite(path[:3]).all() and (path[3:] == -math.inf).all()
    assert bounded_bound(x, 0.05, side="lower", population=10) >= 0.35
    assert bounded_bound(x, 0.05, side="upper", population=10) <= 0.85


def test_thresholds_that_no_mean_can_reach():
    x = [0.0, 0.4, 0.0]
    for tau, alternative, expected in (
        (-0.1, "greater", math.inf),
        (1.0, "greater", -math.inf),
        (1.2, "greater", -math.inf),
        (1.1, "less", math.inf),
        (0.0, "less", -math.inf),
    ):
        for population in (None, 5):
            path = log_bounded_evalue(x, tau, alternative=alternative, population=population)
            assert (path == expected).all(), (tau, alternative)
    path = log_bounded_evalue(x, 0.0, alternative="greater")
    assert path[0] == pytest.approx(-math.log(2)) and (path[1:] == math.inf).all()


def test_no_value_is_no_evidence():
    assert bounded_evalue([], 0.5, alternative="greater") == 1.0
    assert log_bounded_evalue([], 0.5, alternative="less").shape == (0,)
    for population in (None, 7):
        assert bounded_interval([], population=population) == (0.0, 1.0)


@pytest.mark.parametrize("population", [None, 3_000])
def test_long_runs_of_extremes_neither_overflow_nor_vanish(population):
    ones = log_bounded_evalue(np.ones(2_000), 1e-12, alternative="greater", population=population)
    zeros = log_bounded_evalue(np.zeros(2_000), 1e-12, alternative="greater", population=population)
    assert not np.isnan(ones).any() and ones[-1] > 10_000
    # Zeros leave the uniform mixture one part in n+1 (64 nodes give that exactly up to n=127).
    np.testing.assert_allclose(zeros[:127], -np.log(np.arange(2, 129)), rtol=1e-12)
    assert np.isfinite(zeros).all() and (np.diff(zeros) < 0).all()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"values": [0.2, 1.2]}, "values"),
        ({"values": [0.2, math.nan]}, "values"),
        ({"values": [[0.2]]}, "one-dimensional"),
        ({"population": 1}, "population"),
        ({"population": 0}, "population"),
        ({"threshold": math.nan}, "threshold"),
        ({"alternative": "two-sided"}, "alternative"),
    ],
)
def test_refusals_name_the_argument(arguments, named):
    good = {"values": [0.2, 0.4], "threshold": 0.5, "alternative": "greater"}
    with pytest.raises(ValueError, match=named):
        bounded_evalue(**{**good, **arguments})
    with pytest.raises(ValueError, match="alpha"):
        bounded_interval([0.5], 1.5)
    with pytest.raises(ValueError, match="side"):
        bounded_bound([0.5], 0.05, side="both")
