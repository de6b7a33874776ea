"""Hashing again: the root from the bytes alone, and the first entry that does not fit."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from pilotbase.kernel.event import Draft
from pilotbase.record import rehash as module
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
