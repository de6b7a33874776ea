"""From an older layout of the log's file to the newest: the same rows and hashes, laid out anew.

A layout is upgraded when the file is opened, in one transaction: a crash leaves the old one whole.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from itertools import islice

from pilotbase.record.adapters import blocks, sqlite_index

# As version 2 laid them out; later versions do not change this text.
_VERSION_2 = f"""
CREATE TABLE entry (
  leaf_index INTEGER PRIMARY KEY,
  data BLOB NOT NULL,
  key TEXT NOT NULL,
  kind TEXT NOT NULL,
  count INTEGER NOT NULL,
  about TEXT NOT NULL
) STRICT;
CREATE TABLE node (block INTEGER PRIMARY KEY, hashes BLOB NOT NULL) STRICT;
{sqlite_index.SCHEMA}
"""


def _from_1(connection: sqlite3.Connection) -> None:
    """Nodes from a row each to blocks; keys, kinds and subjects from indexes to tables."""
    run = connection.execute
    for table in ("entry", "node"):
        run(f"ALTER TABLE {table} RENAME TO {table}_1")
    for statement in _VERSION_2.split(";"):
        run(statement)
    run("INSERT INTO entry SELECT * FROM entry_1 ORDER BY leaf_index")
    last: tuple[int, bytes] | None = None
    write = "INSERT OR REPLACE INTO node (block, hashes) VALUES (?, ?)"
    rows = run("SELECT hash FROM node_1 ORDER BY number")
    while hashes := [row[0] for row in islice(rows, 64 * blocks.NODES)]:
        for block in blocks.after(last, hashes):
            run(write, block)
            last = block
    for table in ("entry", "node"):
        run(f"DROP TABLE {table}_1")
    (size,) = run("SELECT coalesce(max(leaf_index), -1) + 1 FROM entry").fetchone()
    tail = sqlite_index.Tail()
    while size - tail.stop >= sqlite_index.tail_max(size):
        tail.catch_up(connection, min(size, tail.stop + sqlite_index.TAIL_MAX))
        tail.index(connection)


UPGRADES: Mapping[int, Callable[[sqlite3.Connection], None]] = {1: _from_1}
"""By the version they begin with; each leads to the next."""
