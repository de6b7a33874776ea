"""Entries are found by key, kind and subject whether they are indexed or still in the tail."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotbase.kernel.event import Draft
from pilotbase.kernel.verb import Context
from pilotbase.record.adapters import sqlite_index, sqlite_lookup
from pilotbase.record.adapters.sqlite_log import SqliteLog
from pilotbase.record.opened import Record, open_record
from pilotbase.record.ports import Row

Make = Callable[..., Draft]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_index, "TAIL_MIN", 5)
    monkeypatch.setattr(sqlite_index, "POSTING_MAX", 3)


def test_filters_over_index_and_tail(record: Record, make: Make, make_other: Make) -> None:
    for n in range(62):
        record.append(make(n) if n % 3 else make_other(n, about=f"pilot:{n % 2}"))

    def indexes(*args: int | None, **kwargs: str) -> list[int]:
        return [e.index for e in record.entries(*args, **kwargs)]  # type: ignore[arg-type]

    others = list(range(0, 62, 3))
    for start, stop in [(0, None), (7, None), (7, 40), (58, None), (61, 99), (0, 3)]:
        within = range(start, min(stop or 62, 62))
        assert indexes(start, stop, kind="test.other/1") == [n for n in others if n in within]
        some = [n for n in others if n % 2 and n in within]
        assert indexes(start, stop, about="pilot:1") == some
        assert indexes(start, stop, kind="test.other/1", about="pilot:1") == some
        assert indexes(start, stop, kind="test.counted/1", about="pilot:1") == []
    assert list(record.log.faults()) == []


def test_another_process_indexes(context: Context, make: Make) -> None:
    with open_record(context) as one, open_record(context) as two:
        for n in range(40):
            assert (one, two)[n % 7 % 2].append(make(n)).index == n
            assert one.append(make(n)) == two.append(make(n)) == two.entry(n)
        assert list(one.log.faults()) == []


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text("ab", max_size=4), max_size=60, unique=True), st.integers(1, 7))
def test_keys_that_share_a_hash(
    tmp_path_factory: pytest.TempPathFactory, keys: list[str], spread: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:

        def crowded(key: str) -> int:
            return (1 << sqlite_lookup.HASH_BITS) - 1 - len(key)

        patch.setattr(sqlite_lookup, "key_hashes", lambda keys: [crowded(key) for key in keys])
        log = SqliteLog(tmp_path_factory.mktemp("log") / "log.db")
        for index, key in enumerate(keys):
            with log.transaction() as writing:
                assert writing.find([key]) == {}
                writing.extend([Row(index, b"", key, f"k{index % spread}", 0, "")], [])
        with log.transaction() as writing:
            assert writing.find(keys) == {key: index for index, key in enumerate(keys)}
        assert log.find([*keys, "c"]) == {key: index for index, key in enumerate(keys)}
        assert list(log.faults()) == []
        log.close()


def test_what_is_rolled_back_is_forgotten(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "log.db")
    for count in (3, 9):
        with pytest.raises(ZeroDivisionError), log.transaction() as writing:
            writing.extend([Row(n, b"", str(n), "k", n, "") for n in range(count)], [])
            assert writing.find(["1"]) == {"1": 1} and writing.next_count("k") == count
            raise ZeroDivisionError
        with log.transaction() as writing:
            assert writing.find(["1"]) == {} and writing.next_count("k") == 0
    log.close()
