"""The log in one SQLite file: entries, the nodes of their tree, and the checkpoints made of it.

Nodes lie in blocks of `blocks.NODES`, which is many times faster than a row for each, and as safe:
a block is written again only while it is the last.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice, takewhile
from pathlib import Path
from typing import Any

from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.text import Text
from pilotbase.record.adapters import blocks, sqlite_index, sqlite_lookup, sqlite_runs
from pilotbase.record.adapters.sqlite import (
    connect,
    database_errors,
    is_alone,
    open_database,
    structure_faults,
)
from pilotbase.record.adapters.sqlite_index_audit import index_faults
from pilotbase.record.adapters.sqlite_upgrade import UPGRADES
from pilotbase.record.ports import FIRST, LogReader, LogWriter, Row

APPLICATION = 0x50424C47  # "PBLG"
VERSION = 4
SCHEMA = f"""
{sqlite_runs.SCHEMA};
CREATE TABLE node (block INTEGER PRIMARY KEY, hashes BLOB NOT NULL) STRICT;
CREATE TABLE checkpoint (size INTEGER PRIMARY KEY, note TEXT NOT NULL) STRICT;
{sqlite_index.SCHEMA}
"""
PAGE_ROWS = 256
PAGE_SIZE = 16384
# A commit waits while the write-ahead log is copied into the file; less often is cheaper in all.
WAL_BYTES = 16_000_000
CACHE_KIB = 2_000


class SqliteReader:
    """Reads over one connection; a lock lets threads share it."""

    def __init__(
        self, path: Path, connection: sqlite3.Connection, lock: threading.RLock | None = None
    ) -> None:
        self._path = path
        self._connection = connection
        self._lock = lock or threading.RLock()

    @property
    def where(self) -> str:
        return str(self._path)

    def size(self) -> int:
        with self._lock, database_errors(self._path):
            return sqlite_runs.size(self._connection)

    def rows(
        self, start: int, stop: int | None, *, kind: str | None = None, about: str | None = None
    ) -> Iterator[Row]:
        if kind is not None or about is not None:
            with self._lock, database_errors(self._path):
                indexed = sqlite_index.indexed_size(self._connection)
            if start < indexed:
                before = indexed if stop is None else min(stop, indexed)
                yield from self._listed_rows(start, before, kind, about)
                start = indexed
        # Page by page, so that no read stays open while the caller works on what it got.
        for page in sqlite_runs.pages(self._all, start, stop):
            for run in page:
                for row in sqlite_runs.unpacked(run):
                    within = start <= row.index and (stop is None or row.index < stop)
                    if within and kind in (None, row.kind) and about in (None, row.about):
                        yield row

    def _listed_rows(
        self, start: int, stop: int, kind: str | None, about: str | None
    ) -> Iterator[Row]:
        kind_word, about_word = sqlite_index.words(kind or "", about or "")
        word = about_word if about is not None else kind_word
        indexes = sqlite_index.listed(self._connection, word, max(start, 0))
        entries = sqlite_runs.Places(self._connection)
        more = True
        while more:
            page = list[Row]()
            with self._lock, database_errors(self._path):
                some = list(islice(takewhile(lambda index: index < stop, indexes), PAGE_ROWS))
                found = (entries.row(index) for index in some)
                page += (row for row in found if row and kind in (None, row.kind))
            yield from page
            more = len(some) == PAGE_ROWS

    def entry_runs(self, start: int) -> Iterator[tuple[int, list[bytes]]]:
        for page in sqlite_runs.pages(self._all, start, None, "leaf_index, sizes, data, ''"):
            for first, sizes, data, _ in page:
                yield max(first, start), sqlite_runs.datas(sizes, data)[max(start - first, 0) :]

    def find(self, keys: Sequence[str]) -> dict[str, int]:
        with self._lock, database_errors(self._path), _one_state(self._connection):
            indexed = sqlite_index.indexed_size(self._connection)
            asked, found = (
                list(zip(keys, sqlite_lookup.key_hashes(keys), strict=True)),
                dict[str, int](),
            )
            for run in sqlite_lookup.sound_runs(self._connection, indexed):
                found = sqlite_lookup.find(self._connection, run, asked) | found
            wanted = set(keys).difference(found)
            if wanted:
                for row in sqlite_runs.beside(self._connection, indexed, 2**63 - 1):
                    if row.key in wanted:
                        found.setdefault(row.key, row.index)
        return found

    def nodes(self, numbers: Sequence[int]) -> list[bytes]:
        query = "SELECT hashes FROM node WHERE block = ?"
        with self._lock, database_errors(self._path):
            found = {
                block: self._connection.execute(query, (block,)).fetchone()
                for block in {number // blocks.NODES for number in numbers}
            }
        held = {block: row[0] for block, row in found.items() if row is not None}
        return blocks.pick(held, numbers, str(self._path))

    def all_nodes(self) -> Iterator[tuple[int, bytes]]:
        for first, hashes in self.node_runs():
            yield from blocks.numbered(first, hashes)

    def node_runs(self) -> Iterator[tuple[int, bytes]]:
        query = "SELECT block, hashes FROM node WHERE block {} ? ORDER BY block LIMIT 16"
        start, compared = FIRST, ">="
        while page := self._all(query.format(compared), (start,)):
            for block, hashes in page:
                yield block * blocks.NODES, hashes if isinstance(hashes, bytes) else b""
            start, compared = page[-1][0], ">"

    def node_total(self) -> int:
        rows = self._all("SELECT block, hashes FROM node ORDER BY block DESC LIMIT 1")
        return blocks.total(*rows[0]) if rows else 0

    def checkpoints(self) -> Iterator[tuple[int, str]]:
        # All at once: they are few, and one is shorter than an entry.
        for size, note in self._all("SELECT size, note FROM checkpoint ORDER BY size"):
            yield size, str(note)

    def last_checkpoint(self) -> tuple[int, str] | None:
        rows = self._all("SELECT size, note FROM checkpoint ORDER BY size DESC LIMIT 1")
        return (rows[0][0], str(rows[0][1])) if rows else None

    def faults(self) -> Iterator[str]:
        with self._lock, database_errors(self._path):
            found = list(structure_faults(self._connection, SCHEMA))
            # What is asked of a broken structure gives no sensible answers.
            if not found:
                found += sqlite_runs.faults(self._connection)
                found += index_faults(self._connection)
        yield from found

    def _all(self, query: str, values: Sequence[object] = ()) -> list[Any]:
        with self._lock, database_errors(self._path):
            return self._connection.execute(query, values).fetchall()


class SqliteWriter(SqliteReader):
    """What a transaction may also do."""

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        lock: threading.RLock,
        tail: sqlite_index.Tail,
    ) -> None:
        super().__init__(path, connection, lock)
        self._tail = tail
        with database_errors(path):
            tail.catch_up(connection, self.size())

    def find(self, keys: Sequence[str]) -> dict[str, int]:
        with database_errors(self._path):
            return self._tail.find(self._connection, keys)

    def next_count(self, kind: str) -> int:
        known = self._tail.counts.get(kind)
        if known is not None:
            return known
        with database_errors(self._path):
            word, _ = sqlite_index.words(kind, "")
            last = sqlite_index.last_listed(self._connection, word)
            row = None if last is None else sqlite_runs.Places(self._connection).row(last)
        return 0 if row is None else row.count + 1

    def extend(self, rows: Sequence[Row], hashes: Sequence[bytes]) -> None:
        if not rows:
            return
        if [row.index for row in rows] != list(range(self._tail.stop, self._tail.stop + len(rows))):
            raise RecordError("record.damaged", _GAP, where=str(self._path), next_step=_RESTORE)
        last = self._all("SELECT block, hashes FROM node ORDER BY block DESC LIMIT 1")
        written = blocks.after(last[0] if last else None, hashes)
        with database_errors(self._path):
            insert = self._connection.executemany
            insert(sqlite_runs.INSERT, sqlite_runs.packed(rows))
            update = "ON CONFLICT (block) DO UPDATE SET hashes = excluded.hashes"
            insert(f"INSERT INTO node (block, hashes) VALUES (?, ?) {update}", written)
            tail = self._tail
            tail.add(rows)
            if tail.stop - tail.start >= sqlite_index.tail_max(tail.stop):
                tail.index(self._connection)

    def extend_new(self, rows: Sequence[Row], hashes: Sequence[bytes]) -> None:
        known = self.find([row.key for row in rows])
        if known:
            raise sqlite_index.known_key(next(row.index for row in rows if row.key in known))
        self.extend(rows, hashes)

    def add_checkpoint(self, size: int, note: str) -> None:
        insert = "INSERT INTO checkpoint (size, note) VALUES (?, ?)"
        with database_errors(self._path):
            self._connection.execute(insert, (size, note))


@contextmanager
def _one_state(connection: sqlite3.Connection) -> Iterator[None]:
    """Several reads of one state of the log, beside which others may go on indexing."""
    begins = not connection.in_transaction
    if begins:
        connection.execute("BEGIN")
    try:
        yield
    finally:
        if begins:
            connection.execute("ROLLBACK")


class SqliteLog(SqliteReader):
    """The log of a home; see `pilotbase.record.ports.Log`."""

    def __init__(self, path: Path) -> None:
        marks = {"application": APPLICATION, "version": VERSION}
        opened = open_database(path, schema=SCHEMA, upgrades=UPGRADES, page_size=PAGE_SIZE, **marks)
        super().__init__(path, opened)
        self._tail = sqlite_index.Tail()
        with database_errors(path):
            (page_size,) = self._connection.execute("PRAGMA page_size").fetchone()
            self._connection.execute(f"PRAGMA wal_autocheckpoint={WAL_BYTES // page_size}")
            self._connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
            # Nothing is ever erased from the log: what merging leaves behind need not be wiped.
            self._connection.execute("PRAGMA secure_delete=OFF")

    @contextmanager
    def transaction(self) -> Iterator[LogWriter]:
        with self._lock:
            with database_errors(self._path):
                # IMMEDIATE takes the write lock now: what is read below is what will be extended.
                self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield SqliteWriter(self._path, self._connection, self._lock, self._tail)
                with database_errors(self._path):
                    self._connection.execute("COMMIT")
            except BaseException:
                self._tail = sqlite_index.Tail()
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def snapshot(self) -> Iterator[LogReader]:
        if is_alone(self._connection):
            with database_errors(self._path), _one_state(self._connection):
                yield SqliteReader(self._path, self._connection, self._lock)
            return
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


_GAP = Text("entries to be added do not follow on the last one", "待追加的条目与最后一条不相衔接")
_RESTORE = Text(
    "Run `pilotbase record verify` to see what is damaged.",
    "请运行 `pilotbase record verify` 查看损坏之处。",
)
