"""A home of an older layout is opened, laid out anew, and holds the same bytes and hashes."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from pilotbase.kernel.event import Draft
from pilotbase.kernel.verb import Context
from pilotbase.record.adapters import sqlite_index, sqlite_log, sqlite_lookup, sqlite_runs
from pilotbase.record.audit import verify
from pilotbase.record.opened import LOG, open_record

Make = Callable[..., Draft]
LAYOUT_1 = """
CREATE TABLE entry (
  leaf_index INTEGER PRIMARY KEY,
  data BLOB NOT NULL,
  key TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  count INTEGER NOT NULL,
  about TEXT NOT NULL
) STRICT;
CREATE INDEX entry_kind ON entry (kind);
CREATE INDEX entry_about ON entry (about);
CREATE TABLE node (number INTEGER PRIMARY KEY, hash BLOB NOT NULL) STRICT;
CREATE TABLE checkpoint (size INTEGER PRIMARY KEY, note TEXT NOT NULL) STRICT
"""
LAYOUT_2 = """
CREATE TABLE entry (
  leaf_index INTEGER PRIMARY KEY,
  data BLOB NOT NULL,
  key TEXT NOT NULL,
  kind TEXT NOT NULL,
  count INTEGER NOT NULL,
  about TEXT NOT NULL
) STRICT
"""
LAYOUT_3 = "CREATE TABLE lookup (hash INTEGER PRIMARY KEY, leaf_index INTEGER NOT NULL) STRICT"
SIZE = 300


def as_version_1(home: Path, context: Context) -> None:
    """Lay the home's log out as the first version did."""
    with open_record(context) as record:
        nodes, checkpoints = list(record.log.all_nodes()), list(record.log.checkpoints())
        rows = list(record.log.rows(0, None))
    for file in home.glob(f"{LOG}*"):
        file.unlink()
    with closing(sqlite3.connect(home / LOG)) as old, old:
        old.executescript(LAYOUT_1)
        old.executemany("INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?)", rows)
        old.executemany("INSERT INTO node VALUES (?, ?)", nodes)
        old.executemany("INSERT INTO checkpoint VALUES (?, ?)", checkpoints)
        old.execute(f"PRAGMA application_id={sqlite_log.APPLICATION}")
        old.execute("PRAGMA user_version=1")


def as_version_2(home: Path, context: Context) -> None:
    """Put the entries into a row each, as the second version did; the rest is as in the third."""
    with open_record(context) as record:
        rows = list(record.log.rows(0, None))
    as_version_3(home, context)
    with closing(sqlite3.connect(home / LOG)) as old, old:
        old.execute("DROP TABLE entry")
        old.execute(LAYOUT_2)
        old.executemany("INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?)", rows)
        old.execute("PRAGMA user_version=2")


def as_version_3(home: Path, context: Context) -> None:
    """Put the hashes of keys into a row each, as the third version did."""
    with open_record(context) as record:
        keys = [row.key for row in record.log.rows(0, None)]
    with closing(sqlite3.connect(home / LOG)) as old, old:
        (size,) = old.execute("SELECT max(size) FROM indexed").fetchone()
        old.execute("DROP TABLE lookup")
        old.execute("DROP TABLE lookup_run")
        old.execute(LAYOUT_3)
        hashes = sqlite_lookup.key_hashes(keys[:size])
        old.executemany("INSERT INTO lookup VALUES (?, ?)", zip(hashes, range(size), strict=True))
        old.execute("PRAGMA user_version=3")


@pytest.fixture(params=[1, 2, 3])
def version(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def before(
    context: Context,
    make: Make,
    make_other: Make,
    version: int,
    monkeypatch: pytest.MonkeyPatch,
) -> list[object]:
    with open_record(context) as record, monkeypatch.context() as patch:
        # Some of it is indexed, and some not yet.
        patch.setattr(sqlite_index, "TAIL_MIN", 100)
        for at in (0, 120):
            record.append_many(
                [make(n) if n % 3 else make_other(n) for n in range(at, (120, SIZE)[at > 0])]
            )
            patch.setattr(sqlite_index, "TAIL_MIN", 1024)
        record.checkpoint()
        kept = [*record.entries(), record.root(), *record.log.all_nodes()]
    (as_version_1, as_version_2, as_version_3)[version - 1](context.home, context)
    return kept


@pytest.mark.parametrize("tail", [1024, 64])
def test_the_same_bytes_and_hashes(
    context: Context,
    before: list[object],
    make: Make,
    tail: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sqlite_index, "TAIL_MIN", tail)
    with open_record(context) as record:
        assert [*record.entries(), record.root(), *record.log.all_nodes()] == before
        report = verify(record)
        assert report.ok and report.findings == () and report.size == SIZE
        assert record.append(make(1)).index == 1 and record.append(make(-1)).index == SIZE
        kinds = [e.index for e in record.entries(kind="test.other/1")]
        assert kinds == list(range(0, SIZE, 3))
    with open_record(context) as record:
        assert verify(record).ok and record.size == SIZE + 1


@pytest.mark.parametrize("broken_at", [(sqlite_index.Tail, "index"), (sqlite_runs, "size")])
def test_a_crash_leaves_the_old_layout_whole(
    context: Context,
    before: list[object],
    version: int,
    broken_at: tuple[object, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sqlite_index, "TAIL_MIN", 64)
    with monkeypatch.context() as patch:
        patch.setattr(*broken_at, broken)
        with pytest.raises(KeyboardInterrupt):
            open_record(context)
    with closing(sqlite3.connect(context.home / LOG)) as old:
        assert old.execute("PRAGMA user_version").fetchone() == (version,)
        counted = "max(leaf_index) + 1" if version > 2 else "count(*)"
        (found,) = old.execute(f"SELECT {counted} FROM entry").fetchone()
        assert 0 < found <= SIZE if version > 2 else found == SIZE
    with open_record(context) as record:
        assert [*record.entries(), record.root(), *record.log.all_nodes()] == before
        assert verify(record).findings == ()
