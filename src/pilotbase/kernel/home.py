"""The home folder: where it is, what version wrote it, and writing whole files or none."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pilotbase.kernel.errors import HomeError, PilotbaseError
from pilotbase.kernel.text import Text

FORMAT = 1
MARKER = "home.json"


def default_home(environment: Mapping[str, str] = os.environ) -> Path:
    """``PILOTBASE_HOME``, else the platform's data folder (XDG base directory specification)."""
    if environment.get("PILOTBASE_HOME"):
        return Path(environment["PILOTBASE_HOME"]).expanduser()
    if sys.platform == "win32" and environment.get("LOCALAPPDATA"):
        return Path(environment["LOCALAPPDATA"]) / "pilotbase"
    data = environment.get("XDG_DATA_HOME", "")
    # The specification tells to ignore a relative XDG_DATA_HOME.
    root = Path(data) if os.path.isabs(data) else Path.home() / ".local" / "share"
    return root / "pilotbase"


def default_vault_key(environment: Mapping[str, str] = os.environ) -> Path | None:
    """The key file that ``PILOTBASE_VAULT_KEY`` names. It has no place in the home itself."""
    named = environment.get("PILOTBASE_VAULT_KEY")
    return Path(named).expanduser() if named else None


def open_home(home: Path) -> Path:
    """Make the home if it is missing and check that this version may use it.

    Raises:
        HomeError: written by a newer version, not a home, or not writable.
    """
    marker = home / MARKER
    with storage_errors(home):
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not marker.exists():
            write_whole(marker, json.dumps({"format": FORMAT}).encode())
        _check_format(marker)
    return home


def _check_format(marker: Path) -> None:
    try:
        version = int(json.loads(marker.read_bytes())["format"])
    except (ValueError, KeyError, TypeError) as error:
        raise HomeError(
            "home.unreadable",
            Text("the home's version mark cannot be read", "无法读取主目录的版本标记"),
            where=str(marker),
            next_step=Text(
                "Restore the file from a backup or choose another --home.",
                "请从备份恢复该文件, 或用 --home 另选目录。",
            ),
        ) from error
    if version > FORMAT:
        raise HomeError(
            "home.newer",
            Text(
                f"this home has format {version}; this version knows formats up to {FORMAT}",
                f"该主目录的格式为 {version}, 本版本只认识到 {FORMAT}",
            ),
            where=str(marker),
            next_step=Text(
                "Upgrade Pilotbase, or choose another --home. Nothing was changed.",
                "请升级 Pilotbase, 或用 --home 另选目录。未作任何改动。",
            ),
        )


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that a reader or a crash sees the old bytes or the new, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def read_attached(file: Path, size_max: int, refused: Callable[[Text], PilotbaseError]) -> bytes:
    """The bytes of a file that somebody hands in, of 1 to ``size_max`` bytes.

    Args:
        refused: makes the error from what is wrong with the file.

    Raises:
        what ``refused`` gives; HomeError when the disk fails.
    """
    with storage_errors(file):
        try:
            with file.open("rb") as opened:
                data = opened.read(size_max + 1)
        except FileNotFoundError as error:
            raise refused(Text("there is no such file", "没有此文件")) from error
        except IsADirectoryError as error:
            raise refused(Text("it is a folder and no file", "这是文件夹, 不是文件")) from error
    if not data:
        raise refused(Text("the file is empty", "文件为空"))
    if len(data) > size_max:
        raise refused(Text("the file is too large", "文件过大"))
    return data


@contextmanager
def storage_errors(where: Path) -> Iterator[None]:
    """Turn the operating system's refusals into errors that say what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            message = Text("the disk is full", "磁盘已满")
            step = Text(
                "Free some space and run the same command again; it goes on where it stopped.",
                "请释放空间后重新运行同一命令, 将从中断处继续。",
            )
            raise HomeError("home.disk_full", message, where=str(where), next_step=step) from error
        if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM, errno.ENOTDIR, errno.EEXIST):
            message = Text(f"cannot write here: {error.strerror}", f"无法写入: {error.strerror}")
            step = Text(
                "Choose a folder of yours with --home or PILOTBASE_HOME.",
                "请用 --home 或 PILOTBASE_HOME 指定可写的目录。",
            )
            raise HomeError(
                "home.not_writable", message, where=str(where), next_step=step
            ) from error
        raise


@contextmanager
def only_one(file: Path) -> Iterator[None]:
    """Hold a lock file while the body runs; a process that ends, however, lets go of it.

    Raises:
        HomeError: another process holds it; the disk is full, or nothing can be written here.
    """
    with storage_errors(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        connection = _locked(file)
    try:
        yield
    finally:
        connection.close()


def _locked(file: Path) -> sqlite3.Connection:
    """SQLite's lock is the one that works alike on every platform; taking it writes to the disk."""
    try:
        connection = sqlite3.connect(file, timeout=0, isolation_level=None)
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except BaseException:
            connection.close()
            raise
    except sqlite3.DatabaseError as error:
        code = error.sqlite_errorcode & 0xFF
        if code == sqlite3.SQLITE_BUSY:
            raise HomeError("home.busy", _BUSY, where=str(file), next_step=_WAIT) from error
        if code == sqlite3.SQLITE_IOERR:
            said = _IO.format(reason=error)
            raise HomeError("home.io_error", said, where=str(file), next_step=_FREE) from error
        full = code == sqlite3.SQLITE_FULL
        raise OSError(errno.ENOSPC if full else errno.EACCES, str(error)) from error
    return connection


_IO = Text("the disk reports an error: {reason}", "磁盘报告错误: {reason}")
_FREE = Text(
    "Free some space, or see to the disk, and run the same command again.",
    "请释放空间或检查磁盘, 然后重新运行同一命令。",
)
_BUSY = Text("another process is at the same work", "另一进程正在进行同一工作")
_WAIT = Text(
    "Wait until it has ended, then run the same command to read its result.",
    "请待其结束后再运行同一命令以读取结果。",
)
