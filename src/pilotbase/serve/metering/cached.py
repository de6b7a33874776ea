"""The database of usage as it was left, held against the journals' segments as these are read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from pilotbase.record.opened import Record
from pilotbase.serve.metering.rows import Rows
from pilotbase.serve.metering.segments import FOLDER
from pilotbase.serve.metering.usage import FILE, is_ours


@contextmanager
def kept(record: Record) -> Iterator[sqlite3.Connection | None]:
    """The database, to be looked at only; None where there is none that anybody would take."""
    file = record.home / FOLDER / FILE
    if not file.exists():
        yield None
        return
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=30)) as connection:
        try:
            ours = is_ours(connection)
        except sqlite3.DatabaseError:
            ours = False  # damaged: whoever asks next makes it anew
        yield connection if ours else None


class Cached:
    """What the database has of one segment, ``connection`` being None where there is none."""

    def __init__(self, connection: sqlite3.Connection | None, gateway: str, number: int) -> None:
        self._connection, self._gateway, self._number = connection, gateway, number
        self._rows = Rows()

    def take(self, said: Sequence[Any]) -> None:
        """The segment's next record."""
        if self._connection is not None:
            self._rows.take(self._gateway, said)

    def differs(self, size: int) -> bool:
        """Whether the database has read all ``size`` bytes, and has other rows than these."""
        if self._connection is None:
            return False
        words = "SELECT size FROM segment WHERE gateway = ? AND number = ?"
        try:
            read = self._connection.execute(words, (self._gateway, self._number)).fetchone()
            if read != (size,):
                return False
            return not self._rows.stand(self._connection, self._gateway, self._number)
        except sqlite3.DatabaseError:
            return True
