"""E-values of pass/fail units: against integrals, enumeration and simulation."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from pilotbase.trial.rules.sequential import bernoulli_evalue, log_bernoulli_evalue

BOTH = ("greater", "less")
steady = settings(max_examples=60, deadline=None, derandomize=True)


def falling(count: int, factors: int) -> int:
    return math.prod(count - i for i in range(factors))


def counted_evalue(s: int, n: int, tau: Fraction, alternative: str, population: int) -> float:
    """The definition, summed over every count in exact arithmetic."""

    def likelihood(k: int) -> int:
        return falling(k, s) * falling(population - k, n - s)

    if alternative == "greater":
        counts = [k for k in range(population + 1) if k > tau * population]
        edge = math.floor(tau * population)
    else:
        counts = [k for k in range(population + 1) if k < tau * population]
        edge = math.ceil(tau * population)
    mixed = Fraction(sum(likelihood(k) for k in counts), len(counts))
    if likelihood(edge) == 0:
        return math.inf if mixed > 0 else 0.0
    return float(mixed / likelihood(edge))


def integrated_evalue(s: int, n: int, tau: float, alternative: str) -> float:
    ends = (tau, 1.0) if alternative == "greater" else (0.0, tau)

    def ratio(p: float) -> float:
        return (p / tau) ** s * ((1 - p) / (1 - tau)) ** (n - s)

    near = min(max(s / n, ends[0]), ends[1])
    value, _ = integrate.quad(ratio, *ends, points=[near], epsabs=0, epsrel=1e-11, limit=200)
    return value / (ends[1] - ends[0])


@pytest.mark.parametrize("alternative", BOTH)
@pytest.mark.parametrize("tau", [0.05, 0.5, 0.8, 0.98])
@pytest.mark.parametrize(("s", "n"), [(0, 1), (1, 1), (7, 9), (0, 40), (40, 40), (83, 100)])
def test_it_is_the_integral_of_the_definition(s, n, tau, alternative):
    expected = integrated_evalue(s, n, tau, alternative)
    assert bernoulli_evalue(s, n, tau, alternative=alternative) == pytest.approx(expected, rel=1e-9)


def test_closed_forms_by_hand():
    # One success: integral of p/tau over (tau, 1) is (1+tau)/(2 tau); one failure gives 1/2.
    assert bernoulli_evalue(1, 1, 0.8, alternative="greater") == pytest.approx(1.8 / 1.6)
    assert bernoulli_evalue(0, 1, 0.8, alternative="greater") == pytest.approx(0.5)
    # No success in n: integral of (1-u)^n, however far the tail underflows.
    assert bernoulli_evalue(0, 100_000, 0.9, alternative="greater") == pytest.approx(1 / 100_001)


def test_it_stays_a_logarithm_where_the_evalue_overflows():
    n = 1_000_000
    # n successes of n: (tau^-n - tau) / ((1-tau)(n+1)), and tau is nothing beside tau^-n.
    exact = -n * math.log(0.9) - math.log(0.1) - math.log(n + 1)
    assert log_bernoulli_evalue(n, n, 0.9, alternative="greater") == pytest.approx(exact, rel=1e-12)
    assert bernoulli_evalue(n, n, 0.9, alternative="greater") == math.inf
    assert log_bernoulli_evalue(0, n, 0.1, alternative="less") == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize("population", [1, 2, 7, 12])
@pytest.mark.parametrize("tau", ["0.05", "0.25", "0.5", "0.7", "0.9"])
@pytest.mark.parametrize("alternative", BOTH)
def test_without_replacement_it_is_the_sum_over_all_counts(population, tau, alternative):
    for n in range(population + 1):
        for s in range(n + 1):
            expected = counted_evalue(s, n, Fraction(tau), alternative, population)
            found = bernoulli_evalue(
                s, n, float(tau), alternative=alternative, population=population
            )
            assert found == pytest.approx(expected, rel=1e-10), (s, n)


@pytest.mark.parametrize(("s", "n"), [(0, 150), (80, 100), (99, 100), (150, 190), (3, 100), (0, 0)])
@pytest.mark.parametrize("alternative", BOTH)
def test_without_replacement_at_a_few_hundred_units(s, n, alternative):
    expected = counted_evalue(s, n, Fraction("0.83"), alternative, 211)
    found = bernoulli_evalue(s, n, 0.83, alternative=alternative, population=211)
    assert found == pytest.approx(expected, rel=1e-9)


def test_a_threshold_is_read_by_its_decimals():
    # 0.29 * 100 is 28.999999999999996 in binary; the null is "at most 29 of 100".
    assert bernoulli_evalue(29, 100, 0.29, alternative="greater", population=100) == 0.0
    assert bernoulli_evalue(30, 100, 0.29, alternative="greater", population=100) == math.inf
    assert bernoulli_evalue(29, 100, 0.29, alternative="less", population=100) == 0.0
    # 1 - 0.9 is 0.09999999999999998; the null is "at least 10 of 100".
    assert bernoulli_evalue(10, 100, 1 - 0.9, alternative="less", population=100) == 0.0
    assert bernoulli_evalue(9, 100, 1 - 0.9, alternative="less", population=100) == math.inf


def test_exact_as_soon_as_the_draws_settle_it():
    # 8 of 10 needed to exceed 0.75: seven successes leave it open, eight settle it.
    assert 1 < bernoulli_evalue(7, 7, 0.75, alternative="greater", population=10) < math.inf
    assert bernoulli_evalue(8, 8, 0.75, alternative="greater", population=10) == math.inf
    assert bernoulli_evalue(0, 3, 0.75, alternative="greater", population=10) == 0.0
    assert bernoulli_evalue(0, 3, 0.75, alternative="less", population=10) == math.inf


@pytest.mark.parametrize("alternative", BOTH)
@pytest.mark.parametrize("tau", [0.3, 0.8])
def test_mean_is_at_most_one_at_every_rate_of_the_null(tau, alternative):
    for n in range(1, 10):
        e = bernoulli_evalue(np.arange(n + 1), n, tau, alternative=alternative)
        for p in np.linspace(0, 1, 21):
            mean = float(e @ stats.binom.pmf(np.arange(n + 1), n, p))
            if (p <= tau) if alternative == "greater" else (p >= tau):
                assert mean <= 1 + 1e-12
        at_edge = float(e @ stats.binom.pmf(np.arange(n + 1), n, tau))
        assert at_edge == pytest.approx(1)


@pytest.mark.parametrize("alternative", BOTH)
@pytest.mark.parametrize("tau", [0.3, 0.75])
def test_mean_is_at_most_one_at_every_count_of_the_null(tau, alternative):
    population = 9
    for k, n in itertools.product(range(population + 1), range(1, population + 1)):
        if (k > tau * population) if alternative == "greater" else (k < tau * population):
            continue
        s = np.arange(max(0, n - population + k), min(k, n) + 1)
        e = bernoulli_evalue(s, n, tau, alternative=alternative, population=population)
        assert float(e @ stats.hypergeom.pmf(s, population, k, n)) <= 1 + 1e-9


@pytest.mark.parametrize("alternative", BOTH)
def test_one_step_ahead_it_is_a_supermartingale(alternative):
    tau, n = 0.7, np.arange(0, 40)
    for p in (0.05, 0.4, 0.7) if alternative == "greater" else (0.7, 0.85, 1.0):
        for m in n:
            s = np.arange(m + 1)
            now = bernoulli_evalue(s, m, tau, alternative=alternative)
            passed = bernoulli_evalue(s + 1, m + 1, tau, alternative=alternative)
            failed = bernoulli_evalue(s, m + 1, tau, alternative=alternative)
            assert np.all(p * passed + (1 - p) * failed <= now * (1 + 1e-10))


@pytest.mark.parametrize(("tau", "alternative"), [(0.8, "greater"), (0.8, "less"), (0.3, "less")])
def test_it_rarely_reaches_twenty_at_the_edge_of_the_null(tau, alternative):
    runs, n = 600, 300
    passed = np.random.default_rng(20250826).random((runs, n)) < tau
    e = log_bernoulli_evalue(
        np.cumsum(passed, axis=1), np.arange(1, n + 1), tau, alternative=alternative
    )
    crossed = int(np.count_nonzero(e.max(axis=1) >= math.log(20)))
    # At most 0.05 by Ville; 99.9 % binomial margin for the simulation.
    assert crossed <= stats.binom.ppf(0.999, runs, 0.05)


def test_it_rarely_reaches_twenty_without_replacement():
    runs, population, k = 600, 200, 160
    rng = np.random.default_rng(7)
    order = rng.permuted(np.tile(np.arange(population) < k, (runs, 1)), axis=1)
    e = log_bernoulli_evalue(
        np.cumsum(order, axis=1),
        np.arange(1, population + 1),
        k / population,
        alternative="greater",
        population=population,
    )
    crossed = int(np.count_nonzero(e.max(axis=1) >= math.log(20)))
    assert crossed <= stats.binom.ppf(0.999, runs, 0.05)


@steady
@given(
    n=st.integers(1, 300),
    share=st.floats(0, 1),
    tau=st.floats(0.02, 0.97),
    step=st.floats(0.0, 0.02),
    population=st.one_of(st.none(), st.integers(300, 900)),
)
def test_monotone_in_successes_and_in_the_threshold(n, share, tau, step, population):
    s = min(int(share * n), n - 1)

    def log_e(successes: int, threshold: float, alternative: str) -> float:
        return log_bernoulli_evalue(
            successes, n, threshold, alternative=alternative, population=population
        )

    slack = 1e-9
    assert log_e(s + 1, tau, "greater") >= log_e(s, tau, "greater") - slack
    assert log_e(s + 1, tau, "less") <= log_e(s, tau, "less") + slack
    assert log_e(s, tau + step, "greater") <= log_e(s, tau, "greater") + slack
    assert log_e(s, tau + step, "less") >= log_e(s, tau, "less") - slack


@steady
@given(
    n=st.integers(0, 200),
    share=st.floats(0, 1),
    tau=st.floats(0.02, 0.98),
    population=st.one_of(st.none(), st.integers(200, 400)),
)
def test_the_two_sides_mirror_each_other(n, share, tau, population):
    s = round(share * n)
    high = log_bernoulli_evalue(s, n, tau, alternative="greater", population=population)
    low = log_bernoulli_evalue(n - s, n, 1 - tau, alternative="less", population=population)
    assert high == pytest.approx(low, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("alternative", BOTH)
def test_arrays_give_what_scalars_give(alternative):
    s, n = np.array([[0, 3], [5, 40]]), np.array([[1, 9], [5, 50]])
    tau, population = np.array([0.4, 0.8]), np.array([[60, 70], [80, 90]])
    for size in (None, population):
        e = bernoulli_evalue(s, n, tau, alternative=alternative, population=size)
        assert isinstance(e, np.ndarray) and e.shape == (2, 2)
        for i, j in np.ndindex(2, 2):
            one = bernoulli_evalue(
                int(s[i, j]),
                int(n[i, j]),
                float(tau[j]),
                alternative=alternative,
                population=None if size is None else int(size[i, j]),
            )
            assert isinstance(one, float) and one == e[i, j]


def test_no_unit_is_no_evidence():
    for alternative in BOTH:
        assert bernoulli_evalue(0, 0, 0.8, alternative=alternative) == 1.0
        assert log_bernoulli_evalue(0, 0, 0.8, alternative=alternative, population=5) == 0.0
        assert bernoulli_evalue([], [], 0.8, alternative=alternative).shape == (0,)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"alternative": "both"}, "alternative"),
        ({"threshold": 0.0}, "threshold"),
        ({"threshold": 1.0}, "threshold"),
        ({"threshold": math.nan}, "threshold"),
        ({"successes": 6}, "successes"),
        ({"successes": -1}, "successes"),
        ({"successes": 1.5}, "successes"),
        ({"n": math.inf}, "n must"),
        ({"population": 4}, "population"),
        ({"population": 0}, "population"),
    ],
)
def test_refusals_name_the_argument(arguments, named):
    good = {"successes": 4, "n": 5, "threshold": 0.8, "alternative": "greater"}
    with pytest.raises(ValueError, match=named):
        bernoulli_evalue(**{**good, **arguments})
