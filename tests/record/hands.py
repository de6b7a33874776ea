"""Hands that change what a home's files hold, behind the record's back."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from pilotbase.record.adapters import sqlite_runs
from pilotbase.record.opened import LOG


def change_entry(
    home: Path, index: int, change: Callable[[bytes], bytes] = lambda data: b"\0" + data[1:]
) -> None:
    """Change the bytes of one entry, wherever they stand in the log's file."""
    with closing(sqlite3.connect(home / LOG)) as hand, hand:
        query = (
            "SELECT leaf_index, sizes, data FROM entry WHERE leaf_index <= ? "
            "ORDER BY leaf_index DESC LIMIT 1"
        )
        first, sizes, data = hand.execute(query, (index,)).fetchone()
        entries = sqlite_runs.datas(sizes, data)
        entries[index - first] = change(entries[index - first])
        update = "UPDATE entry SET data = ? WHERE leaf_index = ?"
        hand.execute(update, (b"".join(entries), first))
