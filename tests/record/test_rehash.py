"""Hashing again: the root from the bytes alone, and the first entry that does not fit."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from pilotbase.kernel.event import Draft
from pilotbase.record import rehash as module
from pilotbase.record.adapters import sqlite_runs
from pilotbase.record.opened import LOG, Record
from pilotbase.record.rehash import rehash

Make = Callable[..., Draft]
SIZE = 77


@pytest.fixture(params=[8, 16, 4096])
def filled(
    record: Record, make: Make, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Record:
    monkeypatch.setattr(module, "CHUNK", request.param)
    assert rehash(record.log).size == 0 and rehash(record.log).root == record.root()
    monkeypatch.setattr(sqlite_runs, "ENTRIES", 1)
    record.append_many([make(n) for n in range(SIZE)])
    return record


def test_a_sound_log(filled: Record) -> None:
    found = rehash(filled.log)
    assert (found.size, found.root, found.first_bad) == (SIZE, filled.root(), None)


def test_the_first_bad_entry_is_named(filled: Record) -> None:
    for index in (0, 1, 7, 8, 15, 16, 40, SIZE - 1):
        for change in (
            f"UPDATE entry SET data = CAST(data || ' ' AS BLOB) WHERE leaf_index = {index}",
            f"DELETE FROM entry WHERE leaf_index = {index}",
        ):
            with filled.log.transaction() as writing, pytest.raises(ZeroDivisionError):
                assert writing.size() == SIZE
                filled.log._connection.execute("SAVEPOINT before")  # type: ignore[attr-defined]
                filled.log._connection.execute(change)  # type: ignore[attr-defined]
                found = rehash(writing)
                filled.log._connection.execute("ROLLBACK TO before")  # type: ignore[attr-defined]
                assert found.first_bad == found.size == index
                assert found.root == filled.root(index)
                raise ZeroDivisionError


def test_nodes_that_are_missing_or_too_many(filled: Record) -> None:
    with closing(sqlite3.connect(filled.home / LOG)) as hand, hand:
        hand.execute("UPDATE node SET hashes = substr(hashes, 1, 32 * 10) WHERE block = 0")
    assert rehash(filled.log).first_bad == 6, "six entries have ten nodes"
    with closing(sqlite3.connect(filled.home / LOG)) as hand, hand:
        hand.execute("DELETE FROM entry WHERE leaf_index > 4")
        hand.execute("UPDATE node SET hashes = substr(hashes, 1, 32 * 9) WHERE block = 0")
        hand.execute("DELETE FROM node WHERE block > 0")
    assert rehash(filled.log).first_bad == 5


def test_in_runs(record: Record, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_runs, "ENTRIES", 10)
    for count in (1, 25, 3, 48):
        record.append_many([make(100 * count + n) for n in range(count)])
    found = rehash(record.log)
    assert (found.size, found.root, found.first_bad) == (SIZE, record.root(), None)
    datas = [entry.data for entry in record.entries()]
    for run, sizes in [(1, range(1, 11)), (21, range(21, 26)), (69, range(69, 77))]:
        with closing(sqlite3.connect(record.home / LOG)) as hand:
            hand.execute("PRAGMA synchronous=OFF")
            (whole,) = hand.execute(
                "SELECT data FROM entry WHERE leaf_index = ?", (run,)
            ).fetchone()
            at = 0
            for index in sizes:
                changed = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
                with hand:
                    hand.execute("UPDATE entry SET data = ? WHERE leaf_index = ?", (changed, run))
                assert rehash(record.log).first_bad == index
                at += len(datas[index])
            with hand:
                hand.execute("UPDATE entry SET data = ? WHERE leaf_index = ?", (whole, run))
