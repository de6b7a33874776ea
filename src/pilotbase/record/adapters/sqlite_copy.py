"""A whole copy of a SQLite file while others write to it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from pilotbase.record.adapters.sqlite import connect, database_errors

_MAGIC = b"SQLite format 3\x00"


def is_sqlite(path: Path) -> bool:
    """Whether the file is a SQLite database, by its first bytes."""
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def copy_database(source: Path, target: Path) -> None:
    """Copy one state of a database into a new file that is whole by itself, without a WAL.

    SQLite's online backup, in one step: it reads one snapshot, and writers do not wait for it.

    Raises:
        HomeError, RecordError: as `sqlite.translated` says.
    """
    with (
        database_errors(source),
        closing(connect(source)) as opened,
        closing(sqlite3.connect(target, isolation_level=None)) as copy,
    ):
        opened.backup(copy)
    settle(target)


def settle(path: Path) -> None:
    """Bring a database that nobody uses into one file."""
    with database_errors(path), closing(sqlite3.connect(path, isolation_level=None)) as opened:
        opened.execute("PRAGMA journal_mode=DELETE").fetchone()
