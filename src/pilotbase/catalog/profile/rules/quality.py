"""A quality score with its parts. Pure; explained in docs, rules/data-quality.

Four shares from 0 to 1, and their geometric mean: one part that is 0 cannot be made good by others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

PARTS = ("completeness", "uniqueness", "consistency", "information")


@dataclass(frozen=True)
class ColumnCounts:
    """Counts of one column: missing cells, known cells that are of another type than nearly all
    others of the column, and different values."""

    missing: int
    odd: int
    distinct: int


def parts(rows: int, duplicates: int, columns: Sequence[ColumnCounts]) -> dict[str, float]:
    """The four parts.

    Args:
        rows: at least 1. duplicates: rows that repeat an earlier one in every cell.

    ``completeness``: filled cells of all cells. ``uniqueness``: rows that repeat none. ``
    consistency``: known cells of their column's type. ``information``: columns with two different
    values at least.

    Raises:
        ValueError: no row or no column.
    """
    if rows < 1 or not columns:
        raise ValueError("quality is said of at least one row and one column")
    cells = rows * len(columns)
    known = cells - sum(column.missing for column in columns)
    odd = sum(column.odd for column in columns)
    return {
        "completeness": known / cells,
        "uniqueness": 1 - duplicates / rows,
        "consistency": 1 - odd / known if known else 0.0,
        "information": sum(column.distinct > 1 for column in columns) / len(columns),
    }


def score(said: Mapping[str, float]) -> float:
    """From 0 to 100: the geometric mean of the parts.

    >>> score({"completeness": 1.0, "uniqueness": 1.0, "consistency": 1.0, "information": 0.0625})
    50.0
    """
    return round(100 * math.prod(said[name] for name in PARTS) ** (1 / len(PARTS)), 1)
