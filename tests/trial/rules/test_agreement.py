"""Krippendorff's alpha: his own example, a slow second computation, and where it is undefined."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotbase.trial.rules.agreement import Scale, alpha_without_each, krippendorff_alpha

N = float("nan")
# Krippendorff, Computing Krippendorff's Alpha-Reliability (2011): 4 observers, 12 units.
OBSERVERS = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, N, N, N],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, N, 3],
    [N, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, N],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, N],
]
SCALES: tuple[Scale, ...] = ("nominal", "ordinal", "interval", "ratio")


@pytest.mark.parametrize(
    ("metric", "alpha"),
    [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849), ("ratio", 0.797)],
)
def test_the_published_example(metric: Scale, alpha: float) -> None:
    found = krippendorff_alpha(OBSERVERS, metric)
    assert found.alpha == pytest.approx(alpha, abs=5e-4)
    assert (found.raters, found.units, found.ratings) == (4, 11, 40)
    assert found.interval is not None and found.interval[0] < found.alpha <= found.interval[1]


def _slowly(ratings: list[list[float]], metric: Scale) -> float | None:
    """From the definition: coincidences, and Krippendorff's distances as he writes them."""
    units = [[r for r in unit if r == r] for unit in zip(*ratings, strict=True)]
    units = [unit for unit in units if len(unit) > 1]
    values = sorted({r for unit in units for r in unit})
    total = {v: sum(unit.count(v) for unit in units) for v in values}
    n = sum(total.values())

    def apart(c: float, k: float) -> float:
        if metric == "nominal":
            return float(c != k)
        if metric == "interval":
            return (c - k) ** 2
        if metric == "ratio":
            return ((c - k) / (c + k)) ** 2 if c + k else 0.0
        low, high = min(c, k), max(c, k)
        between = sum(total[v] for v in values if low <= v <= high)
        return 0.0 if c == k else (between - (total[c] + total[k]) / 2) ** 2

    observed = sum(
        apart(a, b) / (len(unit) - 1) for unit in units for a, b in permutations(unit, 2)
    )
    expected = sum(total[c] * total[k] * apart(c, k) for c in values for k in values)
    return 1 - (n - 1) * observed / expected if expected else None


ratings = st.integers(2, 4).flatmap(
    lambda raters: st.lists(
        st.lists(st.sampled_from([N, 0.0, 1.0, 2.0, 5.0]), min_size=raters, max_size=raters),
        min_size=1,
        max_size=8,
    )
)


@given(ratings, st.sampled_from(SCALES))
@settings(max_examples=150, deadline=None)
def test_it_is_what_the_definition_says(by_unit: list[list[float]], metric: Scale) -> None:
    table = np.array(by_unit).T
    slow = _slowly(table.tolist(), metric)
    found = krippendorff_alpha(table, metric, replicates=0)
    if slow is None:
        assert found.alpha is None and found.reason is not None and found.interval is None
    else:
        assert found.alpha == pytest.approx(slow, abs=1e-8)
        assert found.alpha <= 1.0


@given(ratings, st.sampled_from(SCALES), st.randoms())
@settings(max_examples=60, deadline=None)
def test_the_order_of_raters_and_units_does_not_matter(
    by_unit: list[list[float]], metric: Scale, luck: Any
) -> None:
    table = np.array(by_unit).T
    raters, units = list(range(table.shape[0])), list(range(table.shape[1]))
    luck.shuffle(raters)
    luck.shuffle(units)
    one = krippendorff_alpha(table, metric, replicates=0).alpha
    other = krippendorff_alpha(table[raters][:, units], metric, replicates=0).alpha
    assert other == one if one is None else other == pytest.approx(one, abs=1e-8)


def test_full_agreement_is_one_and_its_interval_a_point() -> None:
    found = krippendorff_alpha([[1, 2, 3, 1, 2, 3, 1]] * 3, "nominal")
    assert found.alpha == 1.0 and found.interval == (1.0, 1.0)


def test_what_is_undefined_is_said() -> None:
    alone = krippendorff_alpha([[1, N, 2], [N, 3, N]], "interval")
    assert alone.alpha is None and alone.reason and "two ratings" in alone.reason["en"]
    same = krippendorff_alpha([[1, 1, 1]] * 2, "nominal")
    assert same.alpha is None and same.reason and "same value" in same.reason["en"]
    few = krippendorff_alpha([[1, 2, 3], [1, 2, 2]], "nominal")
    assert few.alpha is not None and few.interval is None and few.method == "no interval"


def test_the_interval_is_drawn_from_the_seed_and_covers() -> None:
    assert krippendorff_alpha(OBSERVERS, "nominal") == krippendorff_alpha(OBSERVERS, "nominal")
    rng = np.random.default_rng(5)
    truth = rng.integers(0, 2, (60, 60))
    noisy = [np.where(rng.random((3, 60)) < 0.9, t, 1 - t) for t in truth]
    expected = 1 - 2 * 0.9 * 0.1 / 0.5  # two raters differ with 18 %, by chance with 50 %
    covered = 0
    for table in noisy:
        interval = krippendorff_alpha(table, "nominal", replicates=200).interval
        assert interval is not None
        covered += interval[0] <= expected <= interval[1]
    assert covered / 60 >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / 60)


def test_a_rater_who_disagrees_with_everyone_is_found() -> None:
    table = [[1, 0, 1, 1, 0, 0, 1, 0], [1, 0, 1, 1, 0, 0, 1, 0], [0, 1, 0, 0, 1, 1, 0, 1]]
    without = alpha_without_each(table, "nominal")
    assert without[2] == 1.0 and without[0] is not None and without[0] < 0


@pytest.mark.parametrize(
    ("table", "metric"),
    [([1, 2], "nominal"), ([[1, np.inf]], "nominal"), ([[-1, 1]], "ratio"), ([[1, 2]], "other")],
)
def test_what_is_no_table_of_ratings_is_refused(table: Any, metric: Any) -> None:
    with pytest.raises(ValueError):
        krippendorff_alpha(table, metric)
