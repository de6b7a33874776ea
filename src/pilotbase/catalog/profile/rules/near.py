"""Rows that are nearly the same. Pure.

*Method.* Cells are compared after normalising (numbers by value, text without case, blanks and
punctuation). A row is a near-duplicate when it is no exact copy, and an earlier row has the same
cell in every column but at most one; columns with one value only do not count.

*Limits.* It is not seen when two columns differ, or words are put otherwise. Where few values are
possible, rows agree by chance; so nothing is said below `COLUMNS_MIN` columns that vary.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

COLUMNS_MIN = 4
CELLS_MAX = 20_000_000


def rows_compared(rows: int, columns: int) -> int:
    """How many rows, from the first on, are compared: `CELLS_MAX` cells at most."""
    return min(rows, CELLS_MAX // max(columns, 1))


def near_duplicates(cells: NDArray[np.uint64]) -> int | None:
    """How many rows are the same as an earlier row but for one column at most, copies included.

    Args:
        cells: rows × columns, each cell the 64-bit hash of its normalised content and its column.

    Returns:
        None where fewer than `COLUMNS_MIN` columns vary.

    >>> a, b = [1, 2, 3, 4], [1, 2, 3, 9]
    >>> near_duplicates(np.array([a, b, [5, 6, 7, 8], a], np.uint64))
    2
    """
    if not len(cells):
        return None
    varying = cells[:, (cells != cells[:1]).any(axis=0)]
    if varying.shape[1] < COLUMNS_MIN:
        return None
    with np.errstate(over="ignore"):  # sums of hashes wrap around
        whole = varying.sum(axis=1, dtype=np.uint64)
        same = _later(whole)
        kept = np.flatnonzero(~same)
        near = np.zeros(len(kept), bool)
        for column in range(varying.shape[1]):
            near |= _later(whole[kept] - varying[kept, column])
    return int(same.sum() + near.sum())


def _later(keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which keys have come before."""
    later = np.ones(len(keys), bool)
    later[np.unique(keys, return_index=True)[1]] = False
    return later
