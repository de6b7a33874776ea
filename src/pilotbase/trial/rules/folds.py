"""How rows are held apart from what a candidate learns from. Pure; the same folds everywhere.

A fold is the number of the fit that scores a row; -1 marks rows that are only learnt from.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pilotbase.trial.cases import Ints
from pilotbase.trial.rules.draws import shuffled


def unit_folds(
    unit_ids: Sequence[str], seed: int, folds: int, strata: Sequence[str] | None = None
) -> Ints:
    """The fold of each unit, 0 … folds-1, dealt like cards after a seeded shuffle.

    Sizes of the folds differ by at most one; with ``strata`` (one text a unit) so do the counts of
    each stratum, because the dealing goes on where the stratum before it ended.

    Args:
        unit_ids: (units,) distinct ids.
        folds: 2 … number of units.

    Raises:
        ValueError: fewer units than folds.
    """
    ids = list(unit_ids)
    if not 2 <= folds <= len(ids):
        raise ValueError(f"{folds} folds of {len(ids)} units")
    order = shuffled(seed, "folds", ids)
    if strata is not None:
        order.sort(key=lambda unit: strata[unit])  # stable: the shuffle stays within a stratum
    fold = np.empty(len(ids), np.int64)
    fold[order] = np.arange(len(ids)) % folds
    return fold


def holdout_units(unit_ids: Sequence[str], seed: int, share: float) -> NDArray[np.bool_]:
    """Which units are kept untouched: ``share`` of them (at least one), drawn by seed.

    Args:
        share: in (0, 1).
    """
    ids = list(unit_ids)
    count = max(1, round(share * len(ids)))
    held = np.zeros(len(ids), np.bool_)
    held[shuffled(seed, "holdout", ids)[:count]] = True
    return held


def block_folds(block: Ints) -> Ints:
    """Folds of a split by time: the first block is only learnt from (-1), the next has number 0.

    Args:
        block: (rows,) rank of the row's block in time; need not be dense.

    Raises:
        ValueError: one block only.
    """
    values, dense = np.unique(block, return_inverse=True)
    if len(values) < 2:
        raise ValueError("a split by time needs at least two blocks")
    return np.asarray(dense, np.int64) - 1


def equal_blocks(time: Ints, count: int) -> Ints:
    """Blocks of about equal size along time; rows of the same moment share a block.

    Args:
        time: (rows,) rank in time, ties equal.
    """
    moments, size = np.unique(time, return_counts=True)
    before = np.concatenate(([0], np.cumsum(size)[:-1]))
    block = before * count // len(time)
    return np.asarray(block[np.searchsorted(moments, time)], np.int64)


def rolling_origins(time: Ints, known: NDArray[np.bool_], origins: int, horizon: int) -> Ints:
    """The origin's number for the last ``origins`` rows with a known target, -1 elsewhere.

    Args:
        time: (rows,) rank of each row in time, all different.
        known: (rows,) whether the target is known; an unknown one is never scored.
        horizon: steps ahead, at least 1.

    Raises:
        ValueError: no row has a known target ``horizon`` or more steps after another.
    """
    order = np.argsort(time, kind="stable")
    with_target = order[known[order]]
    # Something must be known when the first forecast is made.
    earliest = time[with_target[0]] + horizon if len(with_target) else 0
    asked = with_target[time[with_target] >= earliest][-origins:]
    if not len(asked):
        raise ValueError(f"no target is known {horizon} steps after another")
    fold = np.full(len(time), -1, np.int64)
    fold[asked] = np.arange(len(asked))
    return fold
