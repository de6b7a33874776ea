"""The vault in one SQLite file of its own, from which bodies can be erased."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

from pilotbase.record.adapters.sqlite import database_errors, open_database, structure_faults
from pilotbase.record.ports import Sealed

APPLICATION = 0x50425654  # "PBVT"
VERSION = 1
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
        marks = {"application": APPLICATION, "version": VERSION}
        self._connection = open_database(path, schema=SCHEMA, **marks)

    def put(self, bodies: Mapping[str, Sealed]) -> None:
        rows = [(commitment, kept.salt, kept.body) for commitment, kept in bodies.items()]
        with self._lock, database_errors(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                # The same commitment can only be the same salt and body; one row is enough.
                insert = "INSERT OR IGNORE INTO body (commitment, salt, data) VALUES (?, ?, ?)"
                self._connection.executemany(insert, rows)
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def get(self, commitment: str) -> Sealed | None:
        query = "SELECT salt, data FROM body WHERE commitment = ?"
        with self._lock, database_errors(self._path):
            row = self._connection.execute(query, (commitment,)).fetchone()
        if row is None:
            return None
        # A damaged file may give another type; as no bytes it fits no commitment.
        salt, body = (value if isinstance(value, bytes) else b"" for value in row)
        return Sealed(salt, body)

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
