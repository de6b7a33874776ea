"""A full disk is told as one, also where SQLite says that reading or writing failed."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from pilotbase.record.adapters.sqlite import translated

NO_ROOM = Path("/proc")  # a file system that never has any


@pytest.mark.skipif(
    not NO_ROOM.is_dir() or shutil.disk_usage(NO_ROOM).free > 0, reason="no full file system"
)
def test_an_io_error_for_want_of_room_is_a_full_disk(tmp_path: Path) -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR | 19 << 8  # SQLITE_IOERR_SHMSIZE
    assert translated(error, NO_ROOM / "ledger.db").as_dict()["error"] == "home.disk_full"
    assert translated(error, tmp_path / "ledger.db").as_dict()["error"] == "home.io_error"
