"""Several hypotheses: against closed testing by brute force, and against the definitions."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotbase.trial.rules.sequential import e_bh, e_holm, holm

steady = settings(max_examples=150, deadline=None, derandomize=True)
evalues = st.lists(
    st.one_of(st.sampled_from([0.0, 1.0, 19.0, 20.0, 40.0, 60.0, math.inf]), st.floats(0, 120)),
    max_size=6,
)
pvalues = st.lists(
    st.one_of(st.sampled_from([0.0, 0.0125, 0.025, 0.05, 1.0]), st.floats(0, 0.1)), max_size=6
)


def closed(m: int, rejects) -> list[bool]:
    """Reject i when every intersection that contains i is rejected."""
    sets = [c for size in range(1, m + 1) for c in itertools.combinations(range(m), size)]
    return [all(rejects(c) for c in sets if i in c) for i in range(m)]


@steady
@given(evalues)
def test_e_holm_is_closed_testing_with_means(e):
    expected = closed(len(e), lambda c: sum(e[i] for i in c) >= 20 * len(c) - 1e-12)
    found = e_holm(e, 0.05)
    assert found == expected and all(type(flag) is bool for flag in found)


@steady
@given(pvalues)
def test_holm_is_closed_testing_with_bonferroni(p):
    assert holm(p, 0.05) == closed(len(p), lambda c: min(p[i] for i in c) <= 0.05 / len(c))


@steady
@given(evalues)
def test_e_bh_rejects_the_largest_set_that_is_large_enough(e):
    m = len(e)
    ordered = sorted(e, reverse=True)
    k = max((k for k in range(1, m + 1) if ordered[k - 1] >= 20 * m / k), default=0)
    found = e_bh(e, 0.05)
    assert found == [k > 0 and value >= ordered[k - 1] for value in e]
    assert all(type(flag) is bool for flag in found)


@steady
@given(evalues.filter(bool))
def test_e_holm_rejects_all_that_holm_on_inverses_rejects(e):
    inverses = [1.0 if v <= 1 else 0.0 if math.isinf(v) else 1 / v for v in e]
    assert all(
        mine for mine, theirs in zip(e_holm(e, 0.05), holm(inverses, 0.05), strict=True) if theirs
    )


def test_by_hand():
    assert e_holm([30, 30], 0.05) == [True, True]
    assert holm([1 / 30, 1 / 30], 0.05) == [False, False]
    assert e_holm([100, 30, 5], 0.05) == [True, False, False]
    assert e_holm([math.inf, 25, 14], 0.05) == [True, False, False]
    assert e_bh([40, 10, math.inf], 0.05) == [True, False, True]
    assert holm([0.01, 0.04, 0.03], 0.05) == [True, False, False]
    assert holm([0.01, 0.02, 0.03], 0.05) == [True, True, True]
    assert e_holm([], 0.05) == e_bh([], 0.05) == holm([], 0.05) == []


def test_family_wise_error_under_strong_dependence():
    # Four true nulls with one shared fair coin: each e-value is 40 w.p. 1/40, else 0.
    rng = np.random.default_rng(12)
    hits = rng.random(40_000) < 1 / 40
    wrong = np.mean([any(e_holm([40.0 * hit] * 4, 0.05)) for hit in hits[:4_000]])
    assert wrong <= 0.05


@pytest.mark.parametrize("rule", [e_holm, e_bh])
def test_refusals_of_evalues(rule):
    for bad in ([-1.0], [math.nan], [[1.0]]):
        with pytest.raises(ValueError, match="evalues"):
            rule(bad, 0.05)
    with pytest.raises(ValueError, match="alpha"):
        rule([1.0], 0.0)


def test_refusals_of_pvalues():
    for bad in ([-0.1], [1.1], [math.nan]):
        with pytest.raises(ValueError, match="pvalues"):
            holm(bad, 0.05)
