"""The log in one SQLite file: entries, the nodes of their tree, and the checkpoints made of it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.text import Text
from pilotbase.record.adapters.sqlite import (
    connect,
    database_errors,
    open_database,
    structure_faults,
)
from pilotbase.record.ports import FIRST, LogReader, LogWriter, Row

APPLICATION = 0x50424C47  # "PBLG"
VERSION = 1
# What follows `data` repeats what it says, to be found by; an audit compares them.
SCHEMA = """
CREATE TABLE entry (
  leaf_index INTEGER PRIMARY KEY,
  data BLOB NOT NULL,
  key TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  count INTEGER NOT NULL,
  about TEXT NOT NULL
) STRICT;
CREATE INDEX entry_kind ON entry (kind);
CREATE INDEX entry_about ON entry (about);
CREATE TABLE node (number INTEGER PRIMARY KEY, hash BLOB NOT NULL) STRICT;
CREATE TABLE checkpoint (size INTEGER PRIMARY KEY, note TEXT NOT NULL) STRICT
"""
PAGE_ROWS = 256
_COLUMNS = "leaf_index, data, key, kind, count, about"


class SqliteReader:
    """Reads over one connection; a lock lets threads share it."""

    def __init__(
        self, path: Path, connection: sqlite3.Connection, lock: threading.RLock | None = None
    ) -> None:
        self._path = path
        self._connection = connection
        self._lock = lock or threading.RLock()

    def size(self) -> int:
        return self._one("SELECT max(leaf_index) FROM entry", default=-1) + 1

    def rows(
        self, start: int, stop: int | None, *, kind: str | None = None, about: str | None = None
    ) -> Iterator[Row]:
        # Page by page, so that no read stays open while the caller works on what it got.
        wanted = [("leaf_index < ?", stop), ("kind = ?", kind), ("about = ?", about)]
        given = [(clause, value) for clause, value in wanted if value is not None]
        where = " AND ".join(clause for clause, _ in [("leaf_index {} ?", start), *given])
        query = f"SELECT {_COLUMNS} FROM entry WHERE {where} ORDER BY leaf_index LIMIT {PAGE_ROWS}"
        values, compared = [value for _, value in given], ">="
        while page := self._all(query.format(compared), (start, *values)):
            yield from (Row(*found) for found in page)
            start, compared = page[-1][0], ">"

    def find(self, key: str) -> int | None:
        rows = self._all("SELECT leaf_index FROM entry WHERE key = ?", (key,))
        return rows[0][0] if rows else None

    def nodes(self, numbers: Sequence[int]) -> list[bytes]:
        query = "SELECT hash FROM node WHERE number = ?"
        with self._lock, database_errors(self._path):
            found = [self._connection.execute(query, (number,)).fetchone() for number in numbers]
        hashes = [row[0] for row in found if row is not None and isinstance(row[0], bytes)]
        if len(hashes) != len(numbers):
            raise RecordError(
                "record.missing_node",
                Text("a stored hash of the tree is missing", "缺少已存储的树节点哈希"),
                where=str(self._path),
                next_step=Text(
                    "Run `pilotbase record verify` to see what is damaged.",
                    "请运行 `pilotbase record verify` 查看损坏之处。",
                ),
            )
        return hashes

    def all_nodes(self) -> Iterator[tuple[int, bytes]]:
        query = "SELECT number, hash FROM node WHERE number {} ? ORDER BY number LIMIT {}"
        start, compared = FIRST, ">="
        while page := self._all(query.format(compared, 8 * PAGE_ROWS), (start,)):
            yield from page
            start, compared = page[-1][0], ">"

    def node_total(self) -> int:
        return self._one("SELECT max(number) FROM node", default=-1) + 1

    def checkpoints(self) -> Iterator[tuple[int, str]]:
        # All at once: they are few, and one is shorter than an entry.
        for size, note in self._all("SELECT size, note FROM checkpoint ORDER BY size"):
            yield size, str(note)

    def last_checkpoint(self) -> tuple[int, str] | None:
        rows = self._all("SELECT size, note FROM checkpoint ORDER BY size DESC LIMIT 1")
        return (rows[0][0], str(rows[0][1])) if rows else None

    def faults(self) -> Iterator[str]:
        with self._lock, database_errors(self._path):
            yield from list(structure_faults(self._connection, SCHEMA))

    def _all(self, query: str, values: Sequence[object] = ()) -> list[Any]:
        with self._lock, database_errors(self._path):
            return self._connection.execute(query, values).fetchall()

    def _one(self, query: str, values: Sequence[object] = (), *, default: int) -> int:
        rows = self._all(query, values)
        return default if not rows or rows[0][0] is None else int(rows[0][0])


class SqliteWriter(SqliteReader):
    """What a transaction may also do."""

    def next_count(self, kind: str) -> int:
        query = "SELECT count FROM entry WHERE kind = ? ORDER BY leaf_index DESC LIMIT 1"
        return self._one(query, (kind,), default=-1) + 1

    def extend(self, rows: Sequence[Row], hashes: Sequence[bytes]) -> None:
        first = self.node_total()
        entries = [(r.index, r.data, r.key, r.kind, r.count, r.about) for r in rows]
        with database_errors(self._path):
            insert = self._connection.executemany
            insert(f"INSERT INTO entry ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", entries)
            insert("INSERT INTO node (number, hash) VALUES (?, ?)", list(enumerate(hashes, first)))

    def add_checkpoint(self, size: int, note: str) -> None:
        insert = "INSERT INTO checkpoint (size, note) VALUES (?, ?)"
        with database_errors(self._path):
            self._connection.execute(insert, (size, note))


class SqliteLog(SqliteReader):
    """The log of a home; see `pilotbase.record.ports.Log`."""

    def __init__(self, path: Path) -> None:
        marks = {"application": APPLICATION, "version": VERSION}
        super().__init__(path, open_database(path, schema=SCHEMA, **marks))

    @contextmanager
    def transaction(self) -> Iterator[LogWriter]:
        with self._lock:
            with database_errors(self._path):
                # IMMEDIATE takes the write lock now: what is read below is what will be extended.
                self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield SqliteWriter(self._path, self._connection, self._lock)
                with database_errors(self._path):
                    self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def snapshot(self) -> Iterator[LogReader]:
        with database_errors(self._path):
            connection = connect(self._path)
        try:
            with database_errors(self._path):
                connection.execute("BEGIN")
            yield SqliteReader(self._path, connection)
        finally:
            connection.close()

    def close(self) -> None:
        with self._lock:
            self._connection.close()
