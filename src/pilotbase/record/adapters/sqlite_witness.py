"""What a witness must not forget, in one SQLite file: whom it knows and what it cosigned last."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pilotbase.record.adapters.sqlite import database_errors, open_database

APPLICATION = 0x50425754  # "PBWT"
VERSION = 1
SCHEMA = """
CREATE TABLE known (origin TEXT NOT NULL, vkey TEXT NOT NULL, PRIMARY KEY (origin, vkey)) STRICT;
CREATE TABLE cosigned (origin TEXT PRIMARY KEY, checkpoint TEXT NOT NULL) STRICT
"""


class WitnessState:
    """Keys by the log's origin, and the text of the checkpoint cosigned last of each log."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = open_database(
            path, schema=SCHEMA, application=APPLICATION, version=VERSION
        )

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Alone among all processes; what was remembered is durable when this ends well."""
        with database_errors(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            with database_errors(self._path):
                self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def know(self, origin: str, vkey: str) -> None:
        self._do("INSERT OR IGNORE INTO known VALUES (?, ?)", origin, vkey)

    def keys(self, origin: str) -> list[str]:
        query = "SELECT vkey FROM known WHERE origin = ? ORDER BY rowid"
        return [str(vkey) for (vkey,) in self._do(query, origin)]

    def seen(self, origin: str) -> str | None:
        """The text of the checkpoint cosigned last."""
        rows = self._do("SELECT checkpoint FROM cosigned WHERE origin = ?", origin).fetchall()
        return str(rows[0][0]) if rows else None

    def remember(self, origin: str, checkpoint: str) -> None:
        self._do("INSERT OR REPLACE INTO cosigned VALUES (?, ?)", origin, checkpoint)

    def close(self) -> None:
        self._connection.close()

    def _do(self, query: str, *values: str) -> sqlite3.Cursor:
        with database_errors(self._path):
            return self._connection.execute(query, values)
