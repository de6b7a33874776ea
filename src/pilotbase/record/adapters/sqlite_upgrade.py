"""From an older layout of the log's file to the newest: the same rows and hashes, laid out anew.

A layout is upgraded when the file is opened, in one transaction: a crash leaves the old one whole.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from itertools import islice

from pilotbase.record.adapters import blocks, sqlite_index, sqlite_runs
from pilotbase.record.ports import Row

# As these versions laid them out; later ones do not change the texts.
_VERSION_2 = """
CREATE TABLE entry (
  leaf_index INTEGER PRIMARY KEY,
  data BLOB NOT NULL,
  key TEXT NOT NULL,
  kind TEXT NOT NULL,
  count INTEGER NOT NULL,
  about TEXT NOT NULL
) STRICT;
CREATE TABLE node (block INTEGER PRIMARY KEY, hashes BLOB NOT NULL) STRICT;
CREATE TABLE lookup (hash INTEGER PRIMARY KEY, leaf_index INTEGER NOT NULL) STRICT;
CREATE TABLE posting (
  word TEXT NOT NULL,
  first INTEGER NOT NULL,
  indexes BLOB NOT NULL,
  PRIMARY KEY (word, first)
) STRICT, WITHOUT ROWID;
CREATE TABLE indexed (size INTEGER PRIMARY KEY) STRICT
"""
_ENTRY_3 = """
CREATE TABLE entry (
  leaf_index INTEGER PRIMARY KEY,
  sizes BLOB NOT NULL,
  data BLOB NOT NULL,
  beside TEXT NOT NULL
) STRICT
"""

_LOOKUP_4 = """
CREATE TABLE lookup_run (
  number INTEGER PRIMARY KEY,
  start INTEGER NOT NULL,
  stop INTEGER NOT NULL
) STRICT;
CREATE TABLE lookup (place INTEGER PRIMARY KEY, hashes BLOB NOT NULL) STRICT
"""


def _from_1(connection: sqlite3.Connection) -> None:
    """Nodes from a row each to blocks; keys, kinds and subjects have an index no more."""
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


def _from_2(connection: sqlite3.Connection) -> None:
    """Entries from a row each to runs."""
    run = connection.execute
    run("ALTER TABLE entry RENAME TO entry_2")
    run(_ENTRY_3)
    rows = run("SELECT leaf_index, data, key, kind, count, about FROM entry_2 ORDER BY leaf_index")
    while some := [Row(*row) for row in islice(rows, sqlite_runs.ENTRIES)]:
        # Damage is carried over as it is: rows that do not follow make runs of their own.
        follow = some[-1].index - some[0].index == len(some) - 1
        for rows_of_run in [some] if follow else [[row] for row in some]:
            connection.executemany(sqlite_runs.INSERT, sqlite_runs.packed(rows_of_run))
    run("DROP TABLE entry_2")


def _from_3(connection: sqlite3.Connection) -> None:
    """Hashes of keys from a row each to sorted runs; then the index goes on from where it was."""
    run = connection.execute
    run("DROP TABLE lookup")
    for statement in _LOOKUP_4.split(";"):
        run(statement)
    size, sizes = sqlite_runs.size(connection), run("SELECT size FROM indexed ORDER BY size")
    # Damage is carried over as it is: where the index goes beyond the entries, it does not follow.
    steps, tail = [stop for (stop,) in sizes.fetchall() if 0 < stop <= size], sqlite_index.Tail()
    for stop in steps:
        tail.take(connection, stop)
        tail.index_keys(connection)
    while size - tail.stop >= sqlite_index.tail_max(size):
        tail.take(connection, min(size, tail.stop + sqlite_index.TAIL_MAX))
        tail.index(connection)


UPGRADES: Mapping[int, Callable[[sqlite3.Connection], None]] = {1: _from_1, 2: _from_2, 3: _from_3}
"""By the version they begin with; each leads to the next."""
