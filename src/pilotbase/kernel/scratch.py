"""Private folders for what a process needs only while it works.

A process that is killed cannot clear up. So each folder is locked by whoever works in it, and who
needs the next one first takes away those that nobody holds: none is left for longer than that.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from pilotbase.kernel.errors import HomeError
from pilotbase.kernel.home import only_one, storage_errors
from pilotbase.kernel.text import Text

PREFIX = "pilotbase-scratch-"
LOCK = ".lock"
TRIES = 5


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder that only this user may enter, gone with all that is in it when the body ends.

    Raises:
        HomeError: the disk is full, or there is no folder for temporary files.
    """
    root = Path(tempfile.gettempdir())
    sweep(root)
    with ExitStack() as held:
        folder = _locked(root, held)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def sweep(root: Path) -> None:
    """Take away the folders of processes that are gone, this user's own and no others."""
    for folder in root.glob(f"{PREFIX}*"):
        with suppress(OSError, HomeError, sqlite3.Error):  # somebody works in it, or has ended
            if _is_ours(folder):
                with only_one(folder / LOCK):
                    shutil.rmtree(folder, ignore_errors=True)


def _is_ours(folder: Path) -> bool:
    if sys.platform == "win32":  # its folder for temporary files is the user's own
        return not folder.is_symlink()
    return not folder.is_symlink() and folder.stat().st_uid == os.getuid()


def _locked(root: Path, held: ExitStack) -> Path:
    """A new folder whose lock this process holds."""
    for _ in range(TRIES - 1):
        # Another process may sweep it away before its lock is held.
        with suppress(HomeError):
            return _made(root, held)
    return _made(root, held)


def _made(root: Path, held: ExitStack) -> Path:
    with storage_errors(root):
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root))
        held.enter_context(only_one(folder / LOCK))
        folder.chmod(0o700)  # also where the lock has made it anew
    if not (folder / LOCK).exists():
        held.close()
        raise HomeError("home.busy", _TAKEN, where=str(folder), next_step=_AGAIN)
    return folder


_TAKEN = Text("another process cleared this away", "另一进程清除了该文件夹")
_AGAIN = Text("Run the same command again.", "请重新运行同一命令。")
