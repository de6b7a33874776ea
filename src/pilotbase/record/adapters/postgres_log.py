"""The log in PostgreSQL: entries, the blocks of their tree's nodes, and the checkpoints.

One writer among all processes holds an advisory lock for the length of its transaction. A commit is
acknowledged once it is flushed (``synchronous_commit``). If the connection breaks while a commit is
on its way nobody knows whether it arrived; appending the same again gives the first entry, because
its idempotency key says so.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import psycopg

from pilotbase.kernel.errors import HomeError
from pilotbase.record.adapters import blocks
from pilotbase.record.adapters.postgres import Connection, Database, structure_faults
from pilotbase.record.ports import FIRST, LogReader, LogWriter, Row

T = TypeVar("T")
PAGE_ROWS = 256
_LOCK = 0x50424C47  # "PBLG", with the schema's hash the key of the advisory lock
_COLUMNS = "leaf_index, data, key, kind, count, about"


class PostgresReader:
    """Reads over one connection; a lock lets threads share it."""

    def __init__(
        self, database: Database, connection: Connection, lock: threading.RLock | None = None
    ) -> None:
        self._database = database
        self._connection = connection
        self._lock = lock or threading.RLock()

    @property
    def where(self) -> str:
        return self._database.where

    def size(self) -> int:
        ((highest,),) = self._all("SELECT max(leaf_index) FROM entry")
        return 0 if highest is None else int(highest) + 1

    def rows(
        self, start: int, stop: int | None, *, kind: str | None = None, about: str | None = None
    ) -> Iterator[Row]:
        # Page by page, so that no read stays open while the caller works on what it got.
        clauses, values = ["leaf_index {} %s"], list[object]()
        if stop is not None:
            clauses.append("leaf_index < %s")
            values.append(stop)
        for name, wanted in (("kind", kind), ("about", about)):
            if wanted is not None:
                clauses.append(f"sha256({name}) = %s AND {name} = %s")
                values += [hashlib.sha256(wanted.encode()).digest(), wanted.encode()]
        where = " AND ".join(clauses)
        query = f"SELECT {_COLUMNS} FROM entry WHERE {where} ORDER BY leaf_index LIMIT {PAGE_ROWS}"
        compared = ">="
        while page := self._all(query.format(compared), (start, *values)):
            yield from (_row(found) for found in page)
            start, compared = page[-1][0], ">"

    def entry_runs(self, start: int) -> Iterator[tuple[int, list[bytes]]]:
        query = "SELECT leaf_index, data FROM entry WHERE leaf_index {} %s ORDER BY leaf_index"
        query, compared = f"{query} LIMIT {PAGE_ROWS}", ">="
        while page := self._all(query.format(compared), (start,)):
            first, start, compared = page[0][0], page[-1][0], ">"
            if start - first == len(page) - 1:
                yield first, [data for _, data in page]
            else:
                yield from ((index, [data]) for index, data in page)

    def find(self, keys: Sequence[str]) -> dict[str, int]:
        wanted = {key.encode(): key for key in keys}
        digests = [hashlib.sha256(key).digest() for key in wanted]
        query = "SELECT key, leaf_index FROM entry WHERE sha256(key) = ANY(%s)"
        found = self._all(query, (digests,)) if digests else []
        return {wanted[key]: index for key, index in found if key in wanted}

    def nodes(self, numbers: Sequence[int]) -> list[bytes]:
        query = "SELECT block, hashes FROM node WHERE block = ANY(%s)"
        held = {number // blocks.NODES for number in numbers}
        return blocks.pick(dict(self._all(query, (sorted(held),))), numbers, self.where)

    def all_nodes(self) -> Iterator[tuple[int, bytes]]:
        for first, hashes in self.node_runs():
            yield from blocks.numbered(first, hashes)

    def node_runs(self) -> Iterator[tuple[int, bytes]]:
        query = "SELECT block, hashes FROM node WHERE block {} %s ORDER BY block LIMIT 16"
        start, compared = FIRST, ">="
        while page := self._all(query.format(compared), (start,)):
            for block, hashes in page:
                yield block * blocks.NODES, hashes
            start, compared = page[-1][0], ">"

    def node_total(self) -> int:
        rows = self._all("SELECT block, hashes FROM node ORDER BY block DESC LIMIT 1")
        return blocks.total(*rows[0]) if rows else 0

    def checkpoints(self) -> Iterator[tuple[int, str]]:
        # All at once: they are few, and one is shorter than an entry.
        for size, note in self._all("SELECT size, note FROM checkpoint ORDER BY size"):
            yield size, _text(note)

    def last_checkpoint(self) -> tuple[int, str] | None:
        rows = self._all("SELECT size, note FROM checkpoint ORDER BY size DESC LIMIT 1")
        return (rows[0][0], _text(rows[0][1])) if rows else None

    def faults(self) -> Iterator[str]:
        with self._lock, self._database.errors():
            yield from list(structure_faults(self._connection, self._database.schema))

    def _all(self, query: str, values: Sequence[object] = ()) -> list[Any]:
        with self._lock, self._database.errors():
            return self._connection.execute(query.encode(), values, binary=True).fetchall()


class PostgresWriter(PostgresReader):
    """What a transaction may also do."""

    def next_count(self, kind: str) -> int:
        query = (
            "SELECT count FROM entry WHERE sha256(kind) = %s AND kind = %s "
            "ORDER BY leaf_index DESC LIMIT 1"
        )
        name = kind.encode()
        rows = self._all(query, (hashlib.sha256(name).digest(), name))
        return rows[0][0] + 1 if rows else 0

    def extend(self, rows: Sequence[Row], hashes: Sequence[bytes]) -> None:
        if not rows:
            return
        last = self._all("SELECT block, hashes FROM node ORDER BY block DESC LIMIT 1")
        with self._database.errors(), self._connection.cursor() as cursor:
            into = f"COPY entry ({_COLUMNS}) FROM STDIN (FORMAT BINARY)"
            with cursor.copy(into.encode()) as copy:
                copy.set_types(["int8", "bytea", "bytea", "bytea", "int8", "bytea"])
                for row in rows:
                    key, kind, about = row.key.encode(), row.kind.encode(), row.about.encode()
                    copy.write_row((row.index, row.data, key, kind, row.count, about))
            cursor.executemany(
                "INSERT INTO node (block, hashes) VALUES (%s, %s) "
                "ON CONFLICT (block) DO UPDATE SET hashes = excluded.hashes",
                list(blocks.after(last[0] if last else None, hashes)),
            )

    def extend_new(self, rows: Sequence[Row], hashes: Sequence[bytes]) -> None:
        known = self.find([row.key for row in rows])
        if known:
            index = next(row.index for row in rows if row.key in known)
            raise ValueError(f"entry {index} does not follow: its key is in the log already")
        self.extend(rows, hashes)

    def add_checkpoint(self, size: int, note: str) -> None:
        insert = "INSERT INTO checkpoint (size, note) VALUES (%s, %s)"
        with self._database.errors():
            self._connection.execute(insert, (size, note.encode()))


class PostgresLog(PostgresReader):
    """The log of a home; see `pilotbase.record.ports.Log`."""

    def __init__(self, database: Database) -> None:
        connection = database.connect()
        try:
            database.prepare(connection)
        except BaseException:
            connection.close()
            raise
        super().__init__(database, connection)

    @contextmanager
    def transaction(self) -> Iterator[LogWriter]:
        with self._lock:
            self._lively(self._begin)
            connection = self._connection
            try:
                yield PostgresWriter(self._database, connection, self._lock)
                with self._database.errors():
                    connection.execute("COMMIT")
            except BaseException:
                # On a broken connection the server rolls back by itself.
                with suppress(psycopg.Error):
                    connection.execute("ROLLBACK")
                raise

    def _begin(self) -> None:
        with self._database.errors():
            self._connection.execute("BEGIN")
            try:
                lock = "SELECT pg_advisory_xact_lock(%s, hashtext(%s))"
                # Each statement after this one sees what the last writer committed.
                self._connection.execute(lock, (_LOCK, self._database.schema))
            except psycopg.Error:
                with suppress(psycopg.Error):
                    self._connection.execute("ROLLBACK")
                raise

    def _all(self, query: str, values: Sequence[object] = ()) -> list[Any]:
        with self._lock:
            return self._lively(lambda: super(PostgresLog, self)._all(query, values))

    def _lively(self, work: Callable[[], T]) -> T:
        """Do it again over a new connection if the old one turns out to be gone.

        After the server was away what was committed is there, and what was not is not. Only for
        what may be done twice.
        """
        try:
            return work()
        except HomeError:
            if not self._connection.closed:
                raise
            self._connection = self._database.connect()
            return work()

    @contextmanager
    def snapshot(self) -> Iterator[LogReader]:
        connection = self._database.connect()
        try:
            with self._database.errors():
                connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield PostgresReader(self._database, connection)
        finally:
            connection.close()

    def close(self) -> None:
        with self._lock:
            self._connection.close()


def _row(found: tuple[Any, ...]) -> Row:
    index, data, key, kind, count, about = found
    return Row(index, data, _text(key), _text(kind), count, _text(about))


def _text(data: bytes) -> str:
    # What is no longer UTF-8 must be shown and compared, not end the audit that looks for it.
    return data.decode("utf-8", "backslashreplace")
