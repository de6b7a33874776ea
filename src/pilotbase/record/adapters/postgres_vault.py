"""The vault in PostgreSQL, in the schema of the log, over a connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pilotbase.kernel.errors import HomeError
from pilotbase.record.adapters.postgres import Connection, Database
from pilotbase.record.ports import Sealed

T = TypeVar("T")
PAGE_ROWS = 256


class PostgresVault:
    """The vault of a home; see `pilotbase.record.ports.Vault`.

    What is erased leaves the table's file at once. The server's write-ahead log keeps old pages
    until it is recycled, and so do its archive and its replicas: that is for who runs the server.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.RLock()
        self._connection: Connection = database.connect()
        try:
            database.prepare(self._connection)
        except BaseException:
            self._connection.close()
            raise

    def put(self, bodies: Mapping[str, Sealed]) -> None:
        # The same commitment can only be the same salt and body; one row is enough.
        self._write(
            "INSERT INTO body (commitment, salt, data) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            [(commitment, kept.salt, kept.body) for commitment, kept in bodies.items()],
        )

    def get(self, commitment: str) -> Sealed | None:
        rows = self._all("SELECT salt, data FROM body WHERE commitment = %s", (commitment,))
        return Sealed(*rows[0]) if rows else None

    def keeps(self, commitment: str) -> bool:
        return bool(self._all("SELECT 1 FROM body WHERE commitment = %s", (commitment,)))

    def commitments(self) -> Iterator[str]:
        # By bytes, not by a language's order; page by page, so that no read stays open.
        query = (
            'SELECT commitment FROM body WHERE commitment COLLATE "C" > %s '
            'ORDER BY commitment COLLATE "C" LIMIT %s'
        )
        last = ""
        while page := self._all(query, (last, PAGE_ROWS)):
            yield from (commitment for (commitment,) in page)
            last = page[-1][0]

    def erase(self, commitments: Sequence[str]) -> int:
        query, values = "DELETE FROM body WHERE commitment = ANY(%s)", (list(commitments),)
        erased = self._lively(lambda connection: connection.execute(query, values).rowcount)
        self.scrub()
        return erased

    def replace(self, bodies: Mapping[str, Sealed]) -> None:
        self._write(
            "UPDATE body SET salt = %s, data = %s WHERE commitment = %s",
            [(kept.salt, kept.body, commitment) for commitment, kept in bodies.items()],
        )

    def scrub(self) -> None:
        # FULL writes the table anew, without what was deleted, and removes the old file.
        self._lively(lambda connection: connection.execute("VACUUM (FULL) body"))

    def total(self) -> int:
        ((total,),) = self._all("SELECT count(*) FROM body")
        return int(total)

    def faults(self) -> Iterator[str]:
        """None of its own: the log's faults cover the whole schema."""
        return iter(())

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _write(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        def write(connection: Connection) -> None:
            with connection.transaction(), connection.cursor() as cursor:
                cursor.executemany(statement.encode(), rows)

        self._lively(write)

    def _all(self, query: str, values: Sequence[object] = ()) -> list[Any]:
        text = query.encode()
        return self._lively(lambda c: c.execute(text, values, binary=True).fetchall())

    def _lively(self, work: Callable[[Connection], T]) -> T:
        """Do it, and again over a new connection if the old one turns out to be gone.

        All that is done here may be done twice.
        """
        with self._lock:
            try:
                with self._database.errors():
                    return work(self._connection)
            except HomeError:
                if not self._connection.closed:
                    raise
                self._connection = self._database.connect()
                with self._database.errors():
                    return work(self._connection)
