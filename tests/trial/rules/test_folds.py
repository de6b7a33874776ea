"""Folds: units stay whole, strata stay even, and nothing looks ahead."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotbase.trial.rules.folds import (
    block_folds,
    equal_blocks,
    holdout_units,
    rolling_origins,
    unit_folds,
)

units = st.integers(4, 60).map(lambda n: [f"u{i}" for i in range(n)])


@given(units, st.integers(0, 5), st.integers(2, 4), st.data())
def test_sizes_and_strata_differ_by_at_most_one(
    ids: list[str], seed: int, folds: int, data: st.DataObject
):
    strata = [data.draw(st.sampled_from("abc")) for _ in ids]
    fold = unit_folds(ids, seed, folds, strata)
    assert set(fold.tolist()) == set(range(folds))
    for among in [np.ones(len(ids), bool), *(np.array(strata) == s for s in set(strata))]:
        counts = np.bincount(fold[among], minlength=folds)
        assert counts.max() - counts.min() <= 1


@given(units, st.integers(0, 5), st.randoms())
def test_a_units_fold_does_not_depend_on_the_order_of_rows(ids: list[str], seed: int, random):
    shuffled = ids.copy()
    random.shuffle(shuffled)
    first = dict(zip(ids, unit_folds(ids, seed, 3).tolist(), strict=True))
    assert first == dict(zip(shuffled, unit_folds(shuffled, seed, 3).tolist(), strict=True))


def test_seeds_matter_and_too_many_folds_are_refused():
    ids = [f"u{i}" for i in range(40)]
    assert unit_folds(ids, 1, 4).tolist() != unit_folds(ids, 2, 4).tolist()
    with pytest.raises(ValueError, match="5 folds of 4 units"):
        unit_folds(ids[:4], 1, 5)


@given(units, st.floats(0.01, 0.5))
def test_a_holdout_has_the_share_and_at_least_one(ids: list[str], share: float):
    held = holdout_units(ids, 1, share)
    assert held.sum() == max(1, round(share * len(ids)))
    assert not held.all()


@given(st.lists(st.integers(0, 6), min_size=2, max_size=40))
def test_the_first_block_is_only_learnt_from(blocks: list[int]):
    block = np.array(blocks)
    if len(set(blocks)) == 1:
        with pytest.raises(ValueError, match="two blocks"):
            block_folds(block)
        return
    fold = block_folds(block)
    assert (fold[block == block.min()] == -1).all()
    assert sorted(set(fold.tolist())) == list(range(-1, len(set(blocks)) - 1))
    assert (np.argsort(block, kind="stable") == np.argsort(fold, kind="stable")).all()


@given(st.lists(st.integers(0, 9), min_size=6, max_size=60), st.integers(2, 5))
def test_equal_blocks_follow_time_and_keep_a_moment_whole(moments: list[int], count: int):
    time = np.array(moments)
    block = equal_blocks(time, count)
    order = np.argsort(time, kind="stable")
    assert (np.diff(block[order]) >= 0).all()
    assert all(len(set(block[time == moment].tolist())) == 1 for moment in set(moments))
    assert block.min() >= 0 and block.max() < count


def test_distinct_moments_give_blocks_of_equal_size():
    assert np.bincount(equal_blocks(np.arange(12), 4)).tolist() == [3, 3, 3, 3]


@given(st.lists(st.booleans(), min_size=3, max_size=40), st.integers(1, 12), st.integers(1, 4))
def test_origins_are_the_last_known_targets_and_something_is_known_before(
    known_list: list[bool], origins: int, horizon: int
):
    known = np.array(known_list)
    time = np.arange(len(known))
    first = int(np.argmax(known)) if known.any() else len(known)
    possible = [t for t in time if known[t] and t >= first + horizon]
    if not possible:
        with pytest.raises(ValueError, match="no target is known"):
            rolling_origins(time, known, origins, horizon)
        return
    fold = rolling_origins(time, known, origins, horizon)
    assert np.flatnonzero(fold >= 0).tolist() == possible[-origins:]
    assert fold[fold >= 0].tolist() == list(range(len(possible[-origins:])))
    for row in np.flatnonzero(fold >= 0):
        assert known[: row - horizon + 1].any()
