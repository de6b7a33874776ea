"""Odds of a plan: against all paths, against simulation, and against the one-look test."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from pilotbase.trial.rules.sequential import (
    OperatingCharacteristics,
    bernoulli_evalue,
    half_unit_threshold,
    operating_characteristics,
)

FIELDS = ("meets", "fails", "undecided", "expected_units")


def answers(paths, threshold, alphas, population) -> tuple[np.ndarray, np.ndarray]:
    """What the rule answers on each row of passes and failures, and after how many units."""
    cap = paths.shape[1]
    tally = np.cumsum(paths, axis=1), np.arange(1, cap + 1)
    first = []
    for side, alpha in zip(("greater", "less"), alphas, strict=True):
        e = bernoulli_evalue(*tally, threshold, alternative=side, population=population)
        reached = e >= 1 / alpha
        first.append(np.where(reached.any(axis=1), reached.argmax(axis=1) + 1, cap + 1))
    stopped = np.minimum(*first)
    answer = np.where(stopped > cap, "undecided", np.where(stopped == first[0], "meets", "fails"))
    return answer, np.minimum(stopped, cap)


def chance(path, p, population) -> float:
    chance, passed = 1.0, 0
    for n, unit in enumerate(path):
        rate = p if population is None else (p * population - passed) / (population - n)
        chance *= min(max(rate if unit else 1 - rate, 0.0), 1.0)
        passed += unit
    return chance


@pytest.mark.parametrize("threshold", [0.3, 0.8])
@pytest.mark.parametrize("alphas", [(0.3, 0.3), (0.5, 0.2)])
@pytest.mark.parametrize("population", [None, 10, 14])
def test_it_is_the_sum_over_all_paths(threshold, alphas, population):
    paths = np.array(list(itertools.product((0, 1), repeat=9)))
    answer, units = answers(paths, threshold, alphas, population)
    for p in (0.2, 0.5, 0.8) if population is None else (3 / population, 8 / population, 1.0):
        chances = np.array([chance(path, p, population) for path in paths.tolist()])
        odds = operating_characteristics(
            threshold, alphas[0], 9, p, population, alpha_fails=alphas[1]
        )
        for field in ("meets", "fails", "undecided"):
            expected = float(chances[answer == field].sum())
            assert getattr(odds, field) == pytest.approx(expected, abs=1e-12), field
        assert odds.expected_units == pytest.approx(float(chances @ units), abs=1e-12)


@pytest.mark.parametrize("population", [None, 400])
def test_it_is_what_a_seeded_simulation_finds(population):
    threshold, cap, runs, p = 0.8, 150, 1_500, 0.86
    rng = np.random.default_rng(11)
    if population is None:
        units = rng.random((runs, cap)) < p
    else:
        whole = np.tile(np.arange(population) < round(p * population), (runs, 1))
        units = rng.permuted(whole, axis=1)[:, :cap]
    answer, used = answers(units, threshold, (0.05, 0.05), population)
    odds = operating_characteristics(threshold, 0.05, cap, p, population)
    for field in ("meets", "fails"):
        expected = getattr(odds, field)
        error = math.sqrt(max(expected * (1 - expected), 1e-3) / runs)
        assert abs(np.mean(answer == field) - expected) <= 4 * error
    assert abs(used.mean() - odds.expected_units) <= 4 * used.std() / math.sqrt(runs)


@pytest.mark.parametrize("population", [None, 1_000])
def test_errors_stay_below_alpha_and_everything_adds_up(population):
    rates = np.array([0.0, 0.5, 0.79, 0.8, 0.81, 0.95, 1.0])
    odds = operating_characteristics(0.8, 0.05, 800, rates, population, alpha_fails=0.01)
    np.testing.assert_allclose(odds.meets + odds.fails + odds.undecided, 1, atol=1e-12)
    assert (odds.meets[rates <= 0.8] <= 0.05).all() and (odds.fails[rates >= 0.8] <= 0.01).all()
    assert (np.diff(odds.meets) >= -1e-12).all() and (np.diff(odds.fails) <= 1e-12).all()
    assert (odds.expected_units >= 1).all() and (odds.expected_units <= 800).all()
    assert odds.meets[-1] == 1.0 and odds.fails[0] == 1.0


def test_the_whole_population_leaves_nothing_open():
    threshold = half_unit_threshold(0.8, 120, 1, at_least=True)
    rates = np.arange(121) / 120
    odds = operating_characteristics(threshold, 0.05, 10_000, rates, population=120)
    np.testing.assert_allclose(odds.undecided, 0, atol=1e-12)
    assert (odds.expected_units <= 120).all()
    at_threshold = operating_characteristics(0.8, 0.05, 120, 0.8, population=120)
    assert at_threshold.undecided > 0.9  # without the half step a tie stays open


def test_at_most_is_the_mirror_image():
    plain = operating_characteristics(0.2, 0.05, 150, 0.1)
    turned = operating_characteristics(1 - 0.2, 0.05, 150, 1 - 0.1)
    assert turned.meets == pytest.approx(plain.fails)
    assert turned.expected_units == pytest.approx(plain.expected_units)


def test_floats_for_a_scalar_arrays_for_an_array():
    one = operating_characteristics(0.8, 0.05, 60, 0.9)
    assert isinstance(one, OperatingCharacteristics)
    assert all(isinstance(getattr(one, field), float) for field in FIELDS)
    grid = operating_characteristics(0.8, 0.05, 60, np.array([[0.9, 0.7]]))
    for field in FIELDS:
        assert getattr(grid, field).shape == (1, 2)
        assert getattr(grid, field)[0, 0] == pytest.approx(getattr(one, field), rel=1e-12)


def test_a_long_cap_is_exact_too():
    odds = operating_characteristics(0.9, 0.05, 5_000, np.array([0.9, 0.92]))
    assert odds.meets[0] <= 0.05 and odds.meets[1] > 0.95


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"threshold": 1.0}, "threshold"),
        ({"alpha": 0.0}, "alpha"),
        ({"alpha_fails": 1.0}, "alpha"),
        ({"cap": 0}, "cap"),
        ({"cap": 2.5}, "cap"),
        ({"p": 1.1}, "p must"),
        ({"p": math.nan}, "p must"),
        ({"population": 7, "p": 0.5}, "population"),
    ],
)
def test_refusals_name_the_argument(arguments, named):
    good = {"threshold": 0.8, "alpha": 0.05, "cap": 20, "p": 0.9}
    with pytest.raises(ValueError, match=named):
        operating_characteristics(**{**good, **arguments})
