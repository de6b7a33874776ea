"""What the SQLite log and the SQLite vault share: opening a database, and what its errors mean.

WAL with ``synchronous=FULL`` syncs the write-ahead log at each commit, so that a commit survives a
power cut (sqlite.org/pragma.html#pragma_synchronous); readers and the writer don't wait for each
other.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from pilotbase.kernel.errors import HomeError, PilotbaseError, RecordError
from pilotbase.kernel.home import storage_errors
from pilotbase.kernel.text import Text

BUSY_SECONDS = 30.0
ROOM_MIN = 2**16  # of a disk, in bytes: what the readers of a database share takes half of that
_PRAGMAS = (
    "synchronous=FULL",
    "fullfsync=ON",  # macOS: reach the platter, not only the drive's cache
    "secure_delete=ON",  # what is erased is overwritten with zeros, not only unlinked
    "trusted_schema=OFF",
    "cell_size_check=ON",
)
_NO_ROOM = (sqlite3.SQLITE_IOERR_SHMOPEN, sqlite3.SQLITE_IOERR_SHMSIZE)
Upgrades = Mapping[int, Callable[[sqlite3.Connection], None]]


def open_database(
    path: Path,
    *,
    schema: str,
    application: int,
    version: int,
    upgrades: Upgrades | None = None,
    page_size: int = 4096,
) -> sqlite3.Connection:
    """Open a database of ours, or make it: the schema is in place when this returns.

    Args:
        schema: statements separated by ``;``.
        application: the file's mark (``PRAGMA application_id``): no other file is taken for it.
        version: the schema's version (``PRAGMA user_version``).
        upgrades: by version, what turns the file of that version into one of the next.
        page_size: bytes in a page of a new file; one that is there keeps its own.

    Raises:
        HomeError: not writable, disk full, or written by a newer version.
        RecordError: not a database, or another's.
    """
    with storage_errors(path), database_errors(path):
        connection = _readable(path)
        try:
            # A file that is not ours is refused before anything in it is changed.
            new = _is_new(connection)
            if not new:
                _check_marks(connection, path, application, version)
            if not is_read_only(path):
                # Without an effect unless the file is empty still.
                connection.execute(f"PRAGMA page_size={page_size}")
                use_wal(connection)
            if new:
                _create(connection, schema, application, version)
                _check_marks(connection, path, application, version)
            elif _pragma(connection, "user_version") < version:
                _upgrade(connection, version, upgrades or {})
        except BaseException:
            connection.close()
            raise
    return connection


def _readable(path: Path) -> sqlite3.Connection:
    """A connection that can read; on a full disk it keeps all others out meanwhile.

    The index that processes share of what is not yet in the database (``-shm``) takes room on the
    disk. Who has the database alone needs none (sqlite.org/wal.html, section 8); so nobody else can
    write while it is read, and no answer is of a state that never was.
    """
    try:
        connection = connect(path)
        try:
            _is_new(connection)
        except BaseException:
            connection.close()
            raise
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode not in _NO_ROOM:
            raise
        return connect(path, alone=True)
    return connection


def is_alone(connection: sqlite3.Connection) -> bool:
    """Whether it keeps all other connections out, those of its own process too."""
    return bool(connection.execute("PRAGMA locking_mode").fetchone() == ("exclusive",))


def connect(path: Path, *, alone: bool = False) -> sqlite3.Connection:
    """A connection in autocommit mode that may be handed from thread to thread.

    Args:
        alone: whether it keeps all others out from its first read on.
    """
    connection = sqlite3.connect(
        _uri(path), timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, uri=True
    )
    # Text that is no longer UTF-8 must be shown and compared, not end the audit that looks for it.
    connection.text_factory = lambda data: data.decode("utf-8", "backslashreplace")
    try:
        for pragma in ("locking_mode=EXCLUSIVE", *_PRAGMAS) if alone else _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


def is_read_only(path: Path) -> bool:
    """Whether there is a database here that this process may read and not write."""
    places = (path, path.parent)
    return path.exists() and not all(os.access(place, os.W_OK) for place in places)


def _uri(path: Path) -> str:
    """How to open it. In WAL mode even a reader writes beside the database, if it can.

    Where it cannot, and no log of writes is waiting there, nobody can be writing either, or has
    written since: then the file alone is the database, and is opened as one that does not change.
    Writes that wait are read by way of the index beside them, which has to be there.
    """
    name = path.absolute().as_uri()
    if not is_read_only(path):
        return name
    wal = path.with_name(f"{path.name}-wal")
    waiting = wal.exists() and wal.stat().st_size > 0
    if waiting and not path.with_name(f"{path.name}-shm").exists():
        raise HomeError("home.writes_waiting", _WAITING, where=str(wal), next_step=_COPY)
    return f"{name}?mode=ro" if waiting else f"{name}?immutable=1"


@contextmanager
def database_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into errors that say what to do."""
    try:
        yield
    # SQLite quotes a damaged schema in its message, which then need not be UTF-8.
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise translated(error, path) from error


def translated(error: sqlite3.Error | UnicodeDecodeError, path: Path) -> PilotbaseError:
    """The error in our tree for one of SQLite's, by its primary result code."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    where = str(path)
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _is_full(path.parent)):
        return HomeError("home.disk_full", _FULL, where=where, next_step=_FREE_SPACE)
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return HomeError("home.not_writable", _READ_ONLY, where=where, next_step=_OTHER_HOME)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return HomeError("home.busy", _BUSY, where=where, next_step=_WAIT)
    if code == sqlite3.SQLITE_IOERR:
        message = _IO.format(reason=error)
        return HomeError("home.io_error", message, where=where, next_step=_FREE_SPACE)
    if code == sqlite3.SQLITE_NOTADB:
        return RecordError("record.not_a_database", _NO_DATABASE, where=where, next_step=_RESTORE)
    message = _DAMAGED.format(reason=error)
    return RecordError("record.damaged", message, where=where, next_step=_RESTORE)


def _is_full(folder: Path) -> bool:
    """SQLite calls it an I/O error where there is no room for what its readers share."""
    with suppress(OSError):
        return shutil.disk_usage(folder).free < ROOM_MIN
    return False


def structure_faults(connection: sqlite3.Connection, schema: str) -> Iterator[str]:
    """Faults that SQLite finds (pages, indexes, uniqueness) and differences from our schema."""
    for (found,) in connection.execute("PRAGMA integrity_check(100)"):
        if found != "ok":
            yield str(found)
    statements = {_one_line(statement) for statement in schema.split(";") if statement.strip()}
    query = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL"
    present = {_one_line(str(sql)) for (sql,) in connection.execute(query)}
    for statement in sorted(statements ^ present):
        yield f"{'missing' if statement in statements else 'unknown'}: {statement}"


def _one_line(sql: str) -> str:
    return " ".join(sql.split())


def use_wal(connection: sqlite3.Connection) -> None:
    """Switch to WAL; when two open a new file at once, SQLite fails here instead of waiting."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").fetchone()
            return
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _create(connection: sqlite3.Connection, schema: str, application: int, version: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have been first while this one waited for the lock.
        if _is_new(connection):
            for statement in schema.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id={application}")
            connection.execute(f"PRAGMA user_version={version}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _upgrade(connection: sqlite3.Connection, version: int, upgrades: Upgrades) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Read under the lock: another process may have been first.
        for old in range(_pragma(connection, "user_version"), version):
            upgrades[old](connection)
        connection.execute(f"PRAGMA user_version={version}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _is_new(connection: sqlite3.Connection) -> bool:
    return not _pragma(connection, "user_version") and not _pragma(connection, "schema_version")


def _check_marks(
    connection: sqlite3.Connection, path: Path, application: int, version: int
) -> None:
    if _pragma(connection, "application_id") != application:
        raise RecordError("record.not_ours", _NOT_OURS, where=str(path), next_step=_RESTORE)
    found = _pragma(connection, "user_version")
    if found > version:
        message = _NEWER.format(found=found, known=version)
        raise HomeError("home.newer", message, where=str(path), next_step=_UPGRADE)


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    (value,) = connection.execute(f"PRAGMA {name}").fetchone()
    return int(value)


_FULL = Text("the disk is full", "磁盘已满")
_WAITING = Text(
    "writes wait here to be taken into the database, which takes the right to write",
    "此处有待并入数据库的写入, 并入需要写权限",
)
_COPY = Text(
    "Copy the whole home into a folder of yours and name that with --home.",
    "请将整个主目录复制到您可写的文件夹, 并用 --home 指定。",
)
_FREE_SPACE = Text(
    "Free some space and run the same command again; what was recorded is kept.",
    "请释放空间后重新运行同一命令; 已记录的内容均已保留。",
)
_READ_ONLY = Text("cannot write to this database", "无法写入该数据库")
_OTHER_HOME = Text(
    "Make it writable, or choose a folder of yours with --home or PILOTBASE_HOME.",
    "请使其可写, 或用 --home 或 PILOTBASE_HOME 指定可写的目录。",
)
_BUSY = Text(
    f"another process has been writing for {BUSY_SECONDS:.0f} seconds",
    f"另一进程已持续写入 {BUSY_SECONDS:.0f} 秒",
)
_WAIT = Text("Wait for it to finish and try again.", "请等待其结束后重试。")
_IO = Text("the disk reports an error: {reason}", "磁盘报告错误: {reason}")
_NO_DATABASE = Text("this is not a database", "这不是数据库文件")
_NOT_OURS = Text("this database was not made by Pilotbase", "该数据库不是由 Pilotbase 建立的")
_DAMAGED = Text("the database is damaged: {reason}", "数据库已损坏: {reason}")
_RESTORE = Text(
    "Put the home back from a backup, then run `pilotbase record verify`. Do not edit the file.",
    "请从备份恢复主目录, 然后运行 `pilotbase record verify`。请勿改动该文件。",
)
_NEWER = Text(
    "this database has version {found}; this Pilotbase knows versions up to {known}",
    "该数据库版本为 {found}, 本程序只认识到 {known}",
)
_UPGRADE = Text(
    "Upgrade Pilotbase, or choose another --home. Nothing was changed.",
    "请升级 Pilotbase, 或用 --home 另选目录。未作任何改动。",
)
