"""A list's rows as they stand in a file, before anything is made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pilotbase.kernel.errors import Fault
from pilotbase.kernel.text import Text

ROWS_MAX = 5_000
FAULTS_MAX = 100


@dataclass(frozen=True)
class Row:
    """A row as it stands in a file: its cells by column name, each with its place."""

    line: int
    cells: Mapping[str, tuple[Any, int]]


@dataclass(frozen=True)
class Sheet:
    """A file as rows; ``columns`` are the names in its head with their places."""

    columns: Mapping[str, tuple[int, int]]
    rows: tuple[Row, ...]
    faults: tuple[Fault, ...] = ()


def too_many(rows: int, line: int) -> Fault:
    """The fault of a list with more rows than are taken."""
    return Fault(
        "sheet.too_many_rows",
        Text(
            f"row {rows:,}; at most {ROWS_MAX:,} are taken",
            f"第 {rows:,} 行, 上限为 {ROWS_MAX:,} 行",
        ),
        "",
        line,
        0,
        Text("lists split by item", "按事项拆分列表"),
    )
