"""The profile of a data set: measured once, in plain JSON data, without any row in it."""

from __future__ import annotations

from typing import Any

import numpy as np

from pilotbase.catalog.profile.columns import SMALL_GROUP, profiled
from pilotbase.catalog.profile.rules.near import near_duplicates, rows_compared
from pilotbase.catalog.profile.rules.quality import ColumnCounts, parts, score
from pilotbase.catalog.profile.source import DATA, Source
from pilotbase.kernel.errors import DataError
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Progress

FORMAT = "pilotbase/profile/1"
METHOD = "normalised cells equal in all columns but at most one"


def profile_of(source: Source, progress: Progress) -> dict[str, Any]:
    """Everything that is measured, as JSON data of the format ``pilotbase/profile/1``.

    Raises:
        DataError: a table without a row.
    """
    rows = _count(source, f"SELECT count(*) FROM {DATA}")
    if not rows:
        said = Text("there is a header line but no row below it", "文件只有表头, 没有数据行")
        raise DataError("data.no_rows", said, where=source.name)
    columns = []
    with progress.task(Text("columns", "列"), len(source.names)) as done:
        for at in range(len(source.names)):
            columns.append(profiled(source, at, rows))
            done(1)
    duplicates = rows - _count(source, f"SELECT count(*) FROM (SELECT DISTINCT * FROM {DATA})")
    counts = [ColumnCounts(c["missing"], c["odd"], c["distinct"]) for c in columns]
    found = parts(rows, duplicates, counts)
    return {
        "format": FORMAT,
        "source": {"name": source.name, "kind": source.kind, "encoding": source.encoding,
                   "bytes": source.size},
        "data": source.digest,
        "rows": rows,
        "cells": rows * len(columns),
        "missing": sum(c["missing"] for c in columns),
        "duplicates": duplicates,
        "near": _near(source, columns, rows, duplicates),
        "small_group": SMALL_GROUP,
        "columns": columns,
        "quality": {"score": score(found), "parts": {k: round(v, 6) for k, v in found.items()}},
    }  # fmt: skip


def _count(source: Source, query: str) -> int:
    row = source.connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def _near(
    source: Source, columns: list[dict[str, Any]], rows: int, duplicates: int
) -> dict[str, Any]:
    """Near-duplicates among the first rows, beyond exact copies."""
    compared = rows_compared(rows, len(source.names))
    hashes = ", ".join(
        f"hash({_normalised(at, column['type'])}, {at}) AS h{at}"
        for at, column in enumerate(columns)
    )
    found = source.connection.execute(f"SELECT {hashes} FROM {DATA} LIMIT {compared}").fetchnumpy()
    cells = np.column_stack([np.asarray(found[f"h{at}"]) for at in range(len(source.names))])
    close = near_duplicates(cells.astype(np.uint64))
    if compared < rows:
        duplicates = compared - _count(
            source,
            "SELECT count(*) FROM (SELECT DISTINCT * FROM "
            f"(SELECT * FROM {DATA} LIMIT {compared}))",
        )
    return {
        "rows": None if close is None else max(0, close - duplicates),
        "compared": compared,
        "method": METHOD,
    }


def _normalised(at: int, kind: str) -> str:
    """SQL for a cell as it is compared: numbers by value, text without case and punctuation."""
    cell = f"c{at}"
    if kind in ("integer", "float"):
        return f"try_cast({cell} AS DOUBLE)"
    if kind != "text":
        return f"coalesce({cell}::VARCHAR, '')"
    words = f"lower(regexp_replace(nfc_normalize({cell}::VARCHAR), '[\\s\\p{{P}}]+', '', 'g'))"
    return f"coalesce(try_cast({cell} AS DOUBLE)::VARCHAR, {words}, '')"
