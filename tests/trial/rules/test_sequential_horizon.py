"""Further units that would decide: against a plain search."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotbase.trial.rules.sequential import (
    bernoulli_evalue,
    bounded_evalue,
    half_unit_threshold,
    units_to_decide,
    units_to_decide_bounded,
)

steady = settings(max_examples=40, deadline=None, derandomize=True)
BOTH = ("greater", "less")


@steady
@given(
    n=st.integers(1, 60),
    share=st.floats(0, 1),
    tau=st.sampled_from([0.3, 0.5, 0.8, 0.9]),
    spare=st.one_of(st.none(), st.integers(0, 60)),
)
def test_it_is_the_first_that_decides(n, share, tau, spare):
    s, limit = round(share * n), 150
    population = None if spare is None else n + spare
    most = limit if spare is None else spare
    expected = None
    for further in range(most + 1):
        total = n + further
        passed = math.floor(s * total / n + 0.5)
        if any(bernoulli_evalue(passed, total, tau, alternative=a, population=population) >= 20
               for a in BOTH):  # fmt: skip
            expected = further
            break
    found = units_to_decide(s, n, tau, 0.05, population=population, limit=limit)
    assert found == expected and (found is None or type(found) is int)


@steady
@given(
    values=st.lists(st.integers(0, 10), min_size=1, max_size=12),
    tau=st.sampled_from([0.35, 0.5, 0.83]),
    spare=st.one_of(st.none(), st.integers(0, 25)),
)
def test_bounded_values_repeat_in_order(values, tau, spare):
    x, limit = np.array(values) / 10, 40
    population = None if spare is None else len(x) + spare
    most = limit if spare is None else spare
    expected = None
    for further in range(most + 1):
        projected = np.array([x[i % len(x)] for i in range(len(x) + further)])
        if any(bounded_evalue(projected, tau, alternative=a, population=population) >= 20
               for a in BOTH):  # fmt: skip
            expected = further
            break
    assert units_to_decide_bounded(x, tau, 0.05, population, limit=limit) == expected


def test_far_horizons_are_searched_to_the_end():
    near = units_to_decide(805, 1_000, 0.8, 0.05)
    assert near is not None and near > 10_000
    passed, total = round(0.805 * (1_000 + near)), 1_000 + near
    assert bernoulli_evalue(passed, total, 0.8, alternative="greater") == pytest.approx(20, rel=0.1)
    assert units_to_decide(805, 1_000, 0.8, 0.05, limit=near - 1) is None
    assert units_to_decide(80, 100, 0.8, 0.05) is None  # on the threshold: never
    assert units_to_decide_bounded([0.5, 0.7], 0.6, 0.05, limit=20_000) is None


def test_a_finite_population_decides_at_its_end_at_the_latest():
    edge = half_unit_threshold(0.8, 150, 1, at_least=True)
    assert units_to_decide(80, 100, edge, 0.05, population=150) <= 50
    assert units_to_decide(80, 100, 0.8, 0.05, population=150) is None  # a tie of the whole
    assert units_to_decide(0, 0, 0.8, 0.05, population=150) == 150
    assert units_to_decide(0, 0, 0.8, 0.05) is None
    assert units_to_decide_bounded([], 0.8, 0.05, 30) == 30
    assert units_to_decide_bounded([], 0.8, 0.05) is None
    assert units_to_decide_bounded([0.9] * 9, 0.5, 0.05, 12) <= 3


def test_nothing_further_when_it_is_decided():
    assert units_to_decide(60, 60, 0.8, 0.05) == 0
    assert units_to_decide(0, 20, 0.8, 0.05) == 0
    assert units_to_decide_bounded(np.ones(60), 0.8, 0.05) == 0


def test_refusals_name_the_argument():
    with pytest.raises(ValueError, match="limit"):
        units_to_decide(1, 2, 0.5, 0.05, limit=0)
    with pytest.raises(ValueError, match="alpha"):
        units_to_decide(1, 2, 0.5, 2.0)
    with pytest.raises(ValueError, match="threshold"):
        units_to_decide(1, 2, 0.0, 0.05)
    with pytest.raises(ValueError, match="successes"):
        units_to_decide(3, 2, 0.5, 0.05)
    with pytest.raises(ValueError, match="values"):
        units_to_decide_bounded([2.0], 0.5, 0.05)
