"""Usage to be asked: the home's journals read into a database, each record once.

The database is a cache of the journals and of what the record adds to them: it can be thrown away.
Reading goes on where it stopped; a call is known by its usage id, so that reading again changes
nothing.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pilotbase.kernel.errors import HomeError
from pilotbase.kernel.home import storage_errors
from pilotbase.record.adapters.sqlite import translated
from pilotbase.record.opened import Record
from pilotbase.record.views import catch_up, not_kept
from pilotbase.serve.metering.segments import FOLDER, Reading, journals, segments
from pilotbase.serve.metering.views import JOURNALS
from pilotbase.serve.rules.frames import Broken, decode
from pilotbase.serve.rules.usage_id import of_sequence

FILE = "usage.db"
_NOT_WRITTEN = ("home.disk_full", "home.not_writable", "home.io_error")
UNSETTLED, RECONCILED = "unsettled", "reconciled"
_VERSION = 2
_TABLES = """
CREATE TABLE IF NOT EXISTS terms (gateway TEXT, number INTEGER, key TEXT, holder TEXT,
  principal TEXT, links TEXT, filing TEXT, service TEXT, version TEXT, operation TEXT, source TEXT,
  currency TEXT, call INTEGER, "case" INTEGER, input_token INTEGER, output_token INTEGER,
  accounts TEXT, PRIMARY KEY (gateway, number)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS usage (usage_id TEXT PRIMARY KEY, gateway TEXT, sequence INTEGER,
  at INTEGER, terms INTEGER, reserved INTEGER, reserved_tokens INTEGER, outcome TEXT, nano INTEGER,
  input_tokens INTEGER, output_tokens INTEGER, cases INTEGER, bytes_in INTEGER, bytes_out INTEGER,
  chunks INTEGER, counted INTEGER, upstream TEXT, UNIQUE (gateway, sequence)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS progress (gateway TEXT PRIMARY KEY, number INTEGER, size INTEGER);
"""
_TERMS = ("key", "holder", "principal", "links", "filing", "service", "version", "operation",
          "source", "currency", "call", "case", "input_token", "output_token",
          "accounts")  # fmt: skip

_USED = ("input_tokens", "output_tokens", "cases", "bytes_in", "bytes_out", "chunks", "counted")
_EARLIER = "".join(f"DROP TABLE IF EXISTS {name};" for name in ("terms", "usage", "progress"))


@contextmanager
def usage_of(record: Record) -> Iterator[sqlite3.Connection]:
    """The home's usage as of now, in the tables ``usage`` and ``terms``.

    Where the database cannot be kept, on a full disk or in a home that is only read, all journals
    are read into memory, and that is remarked on.
    """
    file = record.home / FOLDER / FILE
    try:
        with storage_errors(file):
            connection = _opened(record, file)
    except (HomeError, sqlite3.OperationalError) as error:
        refused = error if isinstance(error, HomeError) else translated(error, file)
        if refused.code not in _NOT_WRITTEN:
            raise
        record.context.remark(not_kept(refused))
        connection = _opened(record, None)
    try:
        yield connection
    finally:
        connection.close()


def _opened(record: Record, file: Path | None) -> sqlite3.Connection:
    """The database with all that is new; in memory where there is no file."""
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    connection = sqlite3.connect(file or ":memory:", timeout=30, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        if connection.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
            said = f"PRAGMA user_version = {_VERSION};"
            connection.executescript(f"BEGIN IMMEDIATE;{_EARLIER}{_TABLES}{said}COMMIT;")
        ingest(record.home, connection)
        state = catch_up(record, [JOURNALS])[JOURNALS.name]
        _apply_reconciled(connection, state)
        _apply_late(connection, state)
    except BaseException:
        connection.close()
        raise
    return connection


def ingest(home: Path, connection: sqlite3.Connection) -> None:
    """Read what is new in the home's journals. Again, or by two at once, it changes nothing."""
    for folder in journals(home):
        connection.execute("BEGIN IMMEDIATE")
        try:
            _ingest(folder, connection)
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise


def _ingest(folder: Path, connection: sqlite3.Connection) -> None:
    words = "SELECT number, size FROM progress WHERE gateway = ?"
    number, size = connection.execute(words, (folder.name,)).fetchone() or (1, 0)
    for path in segments(folder)[number - 1 :]:
        try:
            reading = Reading(path)
        except Broken:
            # Nothing in it can be read; `pilotbase gateway verify` names it.
            continue
        fresh = size if reading.number == number else 0
        for frame in reading.frames():
            if frame.offset >= fresh:
                _take(connection, folder.name, decode(frame.payload))
        words = "INSERT OR REPLACE INTO progress VALUES (?, ?, ?)"
        connection.execute(words, (folder.name, reading.number, reading.size))


def _take(connection: sqlite3.Connection, gateway: str, said: list[Any]) -> None:
    word, number, *rest = said
    if word == "terms":
        _take_terms(connection, gateway, number, rest[0])
    elif word == "intent":
        at, terms, nano, tokens, *named = rest
        usage_id = named[0] if named else of_sequence(gateway, number)
        words = f"INSERT OR IGNORE INTO usage VALUES ({', '.join('?' * 17)})"
        row = (usage_id, gateway, number, at, terms, nano, tokens, UNSETTLED, nano)
        connection.execute(words, (*row, 0, 0, 0, 0, 0, 0, 0, ""))
    elif word == "settle":
        outcome, _, nano, *used = rest
        if len(used) == len(_USED):  # of format 1: it did not say which upstream
            used.append("")
        words = (
            "UPDATE usage SET outcome = ?, nano = ?, input_tokens = ?, output_tokens = ?,"
            " cases = ?, bytes_in = ?, bytes_out = ?, chunks = ?, counted = ?, upstream = ?"
            " WHERE gateway = ? AND sequence = ? AND outcome = 'unsettled'"
        )
        connection.execute(words, (outcome, nano, *used, gateway, number))


def _take_terms(
    connection: sqlite3.Connection, gateway: str, number: int, said: Mapping[str, Any]
) -> None:
    values = {"source": "filed", **said}
    for name in ("links", "accounts"):
        values[name] = json.dumps(values[name], separators=(",", ":"))
    words = f"INSERT OR IGNORE INTO terms VALUES ({', '.join('?' * (2 + len(_TERMS)))})"
    connection.execute(words, (gateway, number, *(values[name] for name in _TERMS)))


def _apply_reconciled(connection: sqlite3.Connection, state: Mapping[str, Any]) -> None:
    rows = [
        (RECONCILED, int(nano), usage_id)
        for journal in state.values()
        for usage_id, nano in journal["reconciled"].items()
    ]
    if rows:
        connection.execute("BEGIN IMMEDIATE")
        words = (
            "UPDATE usage SET outcome = ?, nano = ? WHERE usage_id = ? AND outcome = 'unsettled'"
        )
        connection.executemany(words, rows)
        connection.execute("COMMIT")


def _apply_late(connection: sqlite3.Connection, state: Mapping[str, Any]) -> None:
    rows = [
        (
            said["outcome"],
            int(said["nano"]),
            *(said[name] for name in _USED),
            said.get("upstream", ""),
            said["usage"],
        )
        for journal in state.values()
        for said in journal["late"].values()
    ]
    if rows:
        connection.execute("BEGIN IMMEDIATE")
        words = (
            f"UPDATE usage SET outcome = ?, nano = ?, {', '.join(f'{name} = ?' for name in _USED)},"
            " upstream = ? WHERE usage_id = ? AND outcome = 'unsettled'"
        )
        connection.executemany(words, rows)
        connection.execute("COMMIT")
