"""Usage to be asked: the home's journals read into a database, each record once.

The database is a cache of the journals and of what the record adds to them: it can be thrown away.
Reading goes on where it stopped; a call is known by its usage id, so that reading again changes
nothing. Whoever asks sees one moment of it, whatever others read in or throw away meanwhile.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pilotbase.kernel.errors import HomeError
from pilotbase.kernel.home import storage_errors
from pilotbase.kernel.text import Text
from pilotbase.record.adapters.sqlite import translated, use_wal
from pilotbase.record.opened import Record
from pilotbase.record.views import not_kept
from pilotbase.serve.metering.ingesting import ingest
from pilotbase.serve.metering.rows import UNSETTLED
from pilotbase.serve.metering.segments import FOLDER
from pilotbase.serve.metering.told import told

__all__ = ["FILE", "RECONCILED", "UNSETTLED", "is_ours", "usage_of"]

FILE = "usage.db"
_NOT_WRITTEN = ("home.disk_full", "home.not_writable", "home.io_error")
RECONCILED = "reconciled"
_PRIVATE, _MEMORY = "", ":memory:"
"""A database that nobody else sees: in a file that is gone when it is closed, or in memory."""
_VERSION = 4
_NAMES = ("terms", "usage", "segment", "progress")
_TABLES = """
CREATE TABLE IF NOT EXISTS terms (gateway TEXT, number INTEGER, key TEXT, holder TEXT,
  principal TEXT, links TEXT, filing TEXT, service TEXT, version TEXT, operation TEXT, source TEXT,
  currency TEXT, call INTEGER, "case" INTEGER, input_token INTEGER, output_token INTEGER,
  accounts TEXT, PRIMARY KEY (gateway, number)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS usage (usage_id TEXT, gateway TEXT, sequence INTEGER,
  begun INTEGER, settled INTEGER, at INTEGER, terms INTEGER, reserved INTEGER,
  reserved_tokens INTEGER, outcome TEXT, nano INTEGER, input_tokens INTEGER, output_tokens INTEGER,
  cases INTEGER, bytes_in INTEGER, bytes_out INTEGER, chunks INTEGER, counted INTEGER,
  upstream TEXT, PRIMARY KEY (gateway, sequence)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS usage_id ON usage (usage_id);
CREATE INDEX IF NOT EXISTS without_end ON usage (usage_id) WHERE settled = 0;
CREATE TABLE IF NOT EXISTS segment (gateway TEXT, number INTEGER, size INTEGER, link TEXT,
  changed INTEGER, PRIMARY KEY (gateway, number)) WITHOUT ROWID;
"""
_ENDS = ("outcome", "nano", "input_tokens", "output_tokens", "cases", "bytes_in", "bytes_out",
         "chunks", "counted", "upstream")  # fmt: skip

_NOTHING = (0, 0, 0, 0, 0, 0, 0, "")


@contextmanager
def usage_of(
    record: Record, *, damaged: bool = False, anew: bool = False
) -> Iterator[sqlite3.Connection]:
    """The home's usage as of now, in the tables ``usage`` and ``terms``.

    What was read is held against what the record sealed (see `ingesting`). Where the database
    cannot be kept, on a full disk or in a home that is only read, all journals are read into
    memory, and that is remarked on.

    Args:
        damaged: give what can be read of a journal that cannot be right too.
        anew: take nothing from the database, nor change it, and read all journals.

    Raises:
        RecordError: ``serve.journal_not_right``: damaged, changed, gone, or older than its seals.
    """
    file = record.home / FOLDER / FILE
    try:
        with storage_errors(file):
            connection = (
                _opened(record, _PRIVATE, damaged) if anew else _kept(record, file, damaged)
            )
    except (HomeError, sqlite3.OperationalError) as error:
        refused = error if isinstance(error, HomeError) else translated(error, file)
        if refused.code not in _NOT_WRITTEN:
            raise
        record.context.remark(not_kept(refused))
        connection = _opened(record, _MEMORY, damaged)
    try:
        yield connection
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _DAMAGED:
            raise
        _remove(file)
        raise HomeError(
            "serve.cache_damaged", REMOVED, where=str(file), next_step=ASK_AGAIN
        ) from error
    finally:
        connection.close()


_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
REMOVED = Text(
    "this cache of the usage journals was damaged, and is removed",
    "用量日志的此缓存已损坏, 现已删除",
)
ASK_AGAIN = Text("Ask again: it is made anew.", "请重试: 缓存将重新生成。")


def _kept(record: Record, file: Path, damaged: bool) -> sqlite3.Connection:
    """The database in its file; made anew where that is none."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        return _opened(record, file, damaged)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        _remove(file)
        return _opened(record, file, damaged)


def _remove(file: Path) -> None:
    for path in (file, *(file.with_name(f"{FILE}-{end}") for end in ("wal", "shm"))):
        path.unlink(missing_ok=True)


def _opened(record: Record, file: Path | str, damaged: bool) -> sqlite3.Connection:
    """The database with all that is new, in a transaction that sees nothing later."""
    connection = sqlite3.connect(file, timeout=30, isolation_level=None)
    try:
        _prepare(connection)
        problems = ingest(record, connection)
        if problems and not damaged:
            raise problems[0]
        _end(connection, told(record))
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    """Make the tables; what another version left is thrown away."""
    use_wal(connection)
    connection.execute("PRAGMA synchronous = NORMAL")
    if not is_ours(connection):
        connection.execute("BEGIN IMMEDIATE")
        if not is_ours(connection):  # somebody else may have made them meanwhile
            drop = "".join(f"DROP TABLE IF EXISTS {name};" for name in _NAMES)
            for words in f"{drop}{_TABLES}PRAGMA user_version = {_VERSION}".split(";"):
                connection.execute(words)
        connection.execute("COMMIT")


def is_ours(connection: sqlite3.Connection) -> bool:
    """Whether a database is one of this version."""
    return bool(connection.execute("PRAGMA user_version").fetchone() == (_VERSION,))


def _end(connection: sqlite3.Connection, state: Mapping[str, Any]) -> None:
    """What calls came to that their journal does not settle: by the record, else unsettled.

    It ends in a transaction in which that holds: who reads a journal in again writes such calls
    down as unsettled first.
    """
    wanted = _ends(state)
    changed = ", ".join(f"{name} = ?" for name in _ENDS)
    words = f"UPDATE usage SET {changed} WHERE gateway = ? AND sequence = ? AND settled = 0"
    connection.execute("BEGIN")
    while rows := _other_ends(connection, wanted):
        connection.execute("ROLLBACK")
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(words, rows)
        connection.execute("COMMIT")
        connection.execute("BEGIN")


def _other_ends(
    connection: sqlite3.Connection, wanted: Mapping[tuple[str, str], tuple[Any, ...]]
) -> list[tuple[Any, ...]]:
    """The ends that calls are to have and do not have, and of which calls."""
    names = ", ".join(("gateway", "sequence", "usage_id", "reserved", *_ENDS))
    words = f"SELECT {names} FROM usage WHERE settled = 0"
    rows = list[tuple[Any, ...]]()
    for gateway, sequence, usage_id, reserved, *stands in connection.execute(words):
        end = wanted.get((gateway, usage_id), (UNSETTLED, reserved, *_NOTHING))
        if end != tuple(stands):
            rows.append((*end, gateway, sequence))
    return rows


def _ends(state: Mapping[str, Any]) -> dict[tuple[str, str], tuple[Any, ...]]:
    """By gateway and usage id, what was reconciled or settled late."""
    found = dict[tuple[str, str], tuple[Any, ...]]()
    for gateway, journal in state.items():
        for usage_id, nano in journal["reconciled"].items():
            found[gateway, usage_id] = (RECONCILED, int(nano), *_NOTHING)
        for usage_id, said in journal["late"].items():
            used = (int(said[name]) for name in _ENDS[1:-1])
            found[gateway, usage_id] = (said["outcome"], *used, said.get("upstream", ""))
    return found
