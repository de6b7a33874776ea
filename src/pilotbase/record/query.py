"""Questions in SQL over exported segments, in a process that can do nothing but answer.

The child process (`query_process`) opens a database that holds one table, ``entries``, read-only
and with access to files, extensions and settings switched off. It is a process of its own because
only that can be stopped for certain: DuckDB looks for an interrupt between steps, and one step may
take minutes and gigabytes (``repeat('x', 1000000000)``).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pilotbase.kernel.errors import InputError
from pilotbase.kernel.scratch import scratch
from pilotbase.kernel.text import Text
from pilotbase.record.segments import COLUMNS

ROWS_MAX = 100_000
SECONDS_MAX = 3600.0
MEMORY_MIB = 512
TABLE = "entries"


@dataclass(frozen=True, slots=True)
class Answer:
    """Columns, rows as JSON values, and whether there were more rows than asked for."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    more: bool


def query(files: Sequence[Path], sql: str, *, rows: int, seconds: float) -> Answer:
    """Answer one SELECT over the segments' files.

    Args:
        rows: at most so many are given back. seconds: longer than this it does not take.

    Raises:
        InputError: ``query.refused``, with DuckDB's own words: not one SELECT, faulty, or asking
            for what it may not; ``query.too_long``, ``query.too_large``.
    """
    with scratch() as folder:
        database = folder / "query.duckdb"
        _fill(database, files)
        asked = {"database": str(database), "sql": sql, "rows": rows, "memory_mib": MEMORY_MIB}
        said = _asked(asked, seconds, str(folder))
    if "refused" in said:
        raise _refused(str(said["refused"]))
    return Answer(tuple(said["columns"]), tuple(map(tuple, said["rows"])), bool(said["more"]))


def _fill(database: Path, files: Sequence[Path]) -> None:
    import duckdb

    with duckdb.connect(str(database)) as connection:
        columns = ", ".join(f'"{name}" {kind}' for name, kind in COLUMNS.items())
        connection.execute(f"CREATE TABLE {TABLE} ({columns})")
        for file in files:
            connection.execute(f"INSERT INTO {TABLE} SELECT * FROM read_parquet(?)", [str(file)])


def _asked(asked: dict[str, Any], seconds: float, folder: str) -> dict[str, Any]:
    words = [sys.executable, "-m", "pilotbase.record.query_process"]
    # Of the environment only what Python needs to find us: no key, no home, no token.
    kept = ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    try:
        run = subprocess.run(
            words,
            input=json.dumps(asked).encode(),
            capture_output=True,
            timeout=min(seconds, SECONDS_MAX),
            env=environment,
            cwd=folder,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _limit("query.too_long", TOO_LONG.format(seconds=f"{seconds:g}")) from error
    try:
        said: dict[str, Any] = json.loads(run.stdout)
    except ValueError as error:
        # It died of its memory limit, or of DuckDB's.
        raise _limit("query.too_large", TOO_LARGE) from error
    return said


def _refused(reason: str) -> InputError:
    return InputError(
        "query.refused",
        Text(f"this cannot be asked: {reason}", f"无法执行此查询: {reason}"),
        where="SQL",
        next_step=Text(
            f"Ask with one SELECT over the table {TABLE}; `SELECT * FROM {TABLE} LIMIT 1` shows "
            "its columns.",
            f"请用一条针对表 {TABLE} 的 SELECT; `SELECT * FROM {TABLE} LIMIT 1` 可显示各列。",
        ),
    )


def _limit(code: str, message: Text) -> InputError:
    step = Text(
        "Ask for less: a narrower WHERE, or an aggregate.", "请缩小范围: 收窄 WHERE 或使用聚合。"
    )
    return InputError(code, message, where="SQL", next_step=step)


TOO_LONG = Text("it took longer than {seconds} s and was stopped", "超过 {seconds} 秒, 已停止")
TOO_LARGE = Text("it needs more memory than it may have", "所需内存超过限制")
