"""The vault in one SQLite file of its own, from which bodies can be erased."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pilotbase.kernel.errors import HomeError
from pilotbase.kernel.text import Text
from pilotbase.record.adapters.sqlite import database_errors, open_database, structure_faults
from pilotbase.record.ports import Sealed

APPLICATION = 0x50425654  # "PBVT"
VERSION = 1
PAGE_ROWS = 256
SCHEMA = """
CREATE TABLE body (
  commitment TEXT NOT NULL PRIMARY KEY,
  salt BLOB NOT NULL,
  data BLOB NOT NULL
) STRICT
"""


class SqliteVault:
    """The vault of a home; see `pilotbase.record.ports.Vault`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._connection = open_database(
            path, schema=SCHEMA, application=APPLICATION, version=VERSION
        )

    def put(self, bodies: Mapping[str, Sealed]) -> None:
        rows = [(commitment, kept.salt, kept.body) for commitment, kept in bodies.items()]
        # The same commitment can only be the same salt and body; one row is enough.
        self._write("INSERT OR IGNORE INTO body (commitment, salt, data) VALUES (?, ?, ?)", rows)

    def get(self, commitment: str) -> Sealed | None:
        query = "SELECT salt, data FROM body WHERE commitment = ?"
        with self._lock, database_errors(self._path):
            row = self._connection.execute(query, (commitment,)).fetchone()
        if row is None:
            return None
        # A damaged file may give another type; as no bytes it fits no commitment.
        salt, body = (value if isinstance(value, bytes) else b"" for value in row)
        return Sealed(salt, body)

    def keeps(self, commitment: str) -> bool:
        query = "SELECT 1 FROM body WHERE commitment = ?"
        with self._lock, database_errors(self._path):
            return self._connection.execute(query, (commitment,)).fetchone() is not None

    def commitments(self) -> Iterator[str]:
        # Page by page, so that no read stays open while the caller works on what it got.
        query = "SELECT commitment FROM body WHERE commitment > ? ORDER BY commitment LIMIT ?"
        last = ""
        while True:
            with self._lock, database_errors(self._path):
                page = self._connection.execute(query, (last, PAGE_ROWS)).fetchall()
            if not page:
                return
            yield from (commitment for (commitment,) in page)
            last = page[-1][0]

    def erase(self, commitments: Sequence[str]) -> int:
        before = self.total()
        self._write("DELETE FROM body WHERE commitment = ?", [(c,) for c in commitments])
        erased = before - self.total()
        self.scrub()
        return erased

    def replace(self, bodies: Mapping[str, Sealed]) -> None:
        rows = [(kept.salt, kept.body, commitment) for commitment, kept in bodies.items()]
        self._write("UPDATE body SET salt = ?, data = ? WHERE commitment = ?", rows)

    def scrub(self) -> None:
        # secure_delete wrote zeros over what was freed, but into the write-ahead log, where the
        # old pages stand too; both reach the database, and the log is cut, by this checkpoint.
        with self._lock, database_errors(self._path):
            query = "PRAGMA wal_checkpoint(TRUNCATE)"
            (busy, _, _) = self._connection.execute(query).fetchone()
        if busy:
            message = Text("a reader keeps old pages alive", "有读取进程仍占用旧页面")
            step = Text(
                "Wait for it to finish, then run the same command again: it finishes the erasure.",
                "请待其结束后再次运行同一命令, 以完成删除。",
            )
            raise HomeError("home.busy", message, where=str(self._path), next_step=step)

    def _write(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        with self._lock, database_errors(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._connection.executemany(statement, rows)
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def total(self) -> int:
        with self._lock, database_errors(self._path):
            (total,) = self._connection.execute("SELECT count(*) FROM body").fetchone()
        return int(total)

    def faults(self) -> Iterator[str]:
        with self._lock, database_errors(self._path):
            yield from list(structure_faults(self._connection, SCHEMA))

    def close(self) -> None:
        with self._lock:
            self._connection.close()
