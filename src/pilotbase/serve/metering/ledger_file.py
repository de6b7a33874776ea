"""The ledger's store of a home: a SQLite file, or the PostgreSQL database that holds the record."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from pilotbase.kernel.errors import HomeError, PilotbaseError, RecordError
from pilotbase.kernel.home import storage_errors
from pilotbase.kernel.text import Text
from pilotbase.record import stores
from pilotbase.record.adapters.sqlite import connect, database_errors, translated, use_wal
from pilotbase.serve.metering.segments import FOLDER
from pilotbase.serve.metering.store import LedgerStore

FILE = "ledger.db"
BUSY_S = 3.0
_NOT_WRITTEN = ("home.disk_full", "home.not_writable", "home.io_error")


def open_store(home: Path) -> LedgerStore:
    """The ledger's store of a home.

    Raises:
        HomeError: the database cannot be reached, or its driver is missing; no room, no right.
        RecordError: ``serve.ledger_damaged``.
    """
    said = stores.store_of(home)
    if said is not None:
        return _postgres(said)
    folder = home / FOLDER
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return _sqlite(folder / FILE)


@contextmanager
def store_to_read(home: Path) -> Iterator[LedgerStore]:
    """The ledger's store for whoever only asks; a copy in memory where nothing can be written.

    Raises:
        HomeError, RecordError: see `open_store`.
    """
    try:
        store = open_store(home)
    except HomeError as error:
        if error.code not in _NOT_WRITTEN:
            raise
        store = _copied(home / FOLDER / FILE, alone=error.code != "home.not_writable")
    with closing(store):
        yield store


def _copied(file: Path, *, alone: bool) -> LedgerStore:
    memory = sqlite3.connect(":memory:", isolation_level=None)
    if file.exists():
        with database_errors(file), closing(connect(file, alone=alone)) as kept:
            kept.backup(memory)
    return LedgerStore(lambda: memory, "BEGIN IMMEDIATE", "?", sqlite3.Error)


def _sqlite(file: Path) -> LedgerStore:
    def connected() -> sqlite3.Connection:
        connection = sqlite3.connect(
            file, timeout=BUSY_S, isolation_level=None, check_same_thread=False
        )
        try:
            use_wal(connection)
            connection.execute("PRAGMA synchronous = FULL")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def said(error: sqlite3.Error) -> PilotbaseError:
        found = translated(error, file)
        if isinstance(found, HomeError):
            return found
        message = DAMAGED.format(reason=error)
        return RecordError("serve.ledger_damaged", message, where=str(file), next_step=COUNT_AGAIN)

    return LedgerStore(connected, "BEGIN IMMEDIATE", "?", sqlite3.Error, said)


DAMAGED = Text("the ledger is damaged: {reason}", "账本已损坏, 无法读取")
COUNT_AGAIN = Text(
    "Stop the gateways of this home and move ledger.db away, with ledger.db-wal and ledger.db-shm;"
    " the next gateway to start counts it again from the journals.",
    "请停止此主目录的网关, 移走 ledger.db、ledger.db-wal 与 ledger.db-shm; "
    "下一个启动的网关将依据日志重新计出。",
)


def _postgres(said: stores.Postgres) -> LedgerStore:
    import psycopg

    from pilotbase.record.adapters.postgres import Database

    database = Database(said.dsn, said.schema)
    # One writer at a time, as in SQLite; readers of the record are not in its way.
    alone = "BEGIN;SELECT pg_advisory_xact_lock(7308895133)"
    return LedgerStore(database.connect, alone, "%s", psycopg.Error)
