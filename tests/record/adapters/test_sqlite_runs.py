"""Entries side by side in one row: given back exactly, and every change of such a row is named."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotbase.kernel.event import Draft
from pilotbase.kernel.verb import Context
from pilotbase.record.adapters import sqlite_index, sqlite_runs
from pilotbase.record.audit import VerifyReport, verify
from pilotbase.record.opened import LOG, Record, open_record
from pilotbase.record.ports import Row

Make = Callable[..., Draft]
SIZES = (3, 1, 9, 2)
STARTS = (0, 3, 4, 8, 12, 13)
"""Of the runs of at most four entries that these appends make."""

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
drawn = st.tuples(st.binary(max_size=9), texts, texts, st.integers(0, 2**53), texts)


@given(st.lists(drawn, max_size=40), st.integers(0, 2**40), st.integers(1, 9), st.integers(0, 40))
def test_rows_are_given_back(
    drawn: list[tuple[bytes, str, str, int, str]], first: int, entries: int, size: int
) -> None:
    rows = [Row(first + n, *fields) for n, fields in enumerate(drawn)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite_runs, "ENTRIES", entries)
        patch.setattr(sqlite_runs, "BYTES", size)
        runs = list(sqlite_runs.packed(rows))
    assert [row for run in runs for row in sqlite_runs.unpacked(run)] == rows
    for run in runs:
        assert len(run[1]) <= 4 * entries and (len(run[2]) <= size or len(run[1]) == 4)


@given(st.binary(max_size=30), st.binary(max_size=30), st.text(max_size=30) | st.just("[[1],2]"))
def test_whatever_stands_in_a_run_is_read(sizes: bytes, data: bytes, beside: str) -> None:
    rows = sqlite_runs.unpacked((7, sizes, data, beside))
    assert [row.index for row in rows] == list(range(7, 7 + len(sizes) // 4))
    assert not rows or b"".join(row.data for row in rows) == data or sum(sizes) > len(data)


class Scene:
    """Fifteen entries in six runs, four of them a whole one, and a hand to change the file."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.hand = sqlite3.connect(record.home / LOG, isolation_level=None)
        self.hand.execute("PRAGMA synchronous=OFF")
        self.runs = self.hand.execute(f"SELECT {sqlite_runs.COLUMNS} FROM entry").fetchall()

    def changed(self, *statements: str, values: tuple[object, ...] = ()) -> VerifyReport:
        for statement in statements:
            self.hand.execute(statement, values)
        try:
            return verify(self.record)
        finally:
            self.hand.execute("DELETE FROM entry")
            self.hand.executemany(sqlite_runs.INSERT, self.runs)

    def put(self, run: int, column: str, value: object) -> VerifyReport:
        update = f"UPDATE entry SET {column} = ? WHERE leaf_index = ?"
        return self.changed(update, values=(value, run))


@pytest.fixture
def scene(context: Context, make: Make, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    monkeypatch.setattr(sqlite_runs, "ENTRIES", 4)
    monkeypatch.setattr(sqlite_index, "TAIL_MIN", 4)
    with open_record(context) as record:
        for n, size in enumerate(SIZES):
            record.append_many([make(100 * n + m) for m in range(size)])
        record.checkpoint()
        scene = Scene(record)
        assert tuple(run[0] for run in scene.runs) == STARTS
        with closing(scene.hand):
            yield scene
        assert verify(record).findings == ()


def test_every_flipped_byte_of_entries_and_sizes(scene: Scene) -> None:
    first, sizes, data, _ = scene.runs[2]
    ends = [sum(map(len, sqlite_runs.datas(sizes, data)[: n + 1])) for n in range(4)]
    for at in range(0, len(data), 7):
        changed = data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :]
        report = scene.put(first, "data", changed)
        assert not report.ok
        assert report.first_bad_index == first + next(n for n, e in enumerate(ends) if at < e)
    for at in range(len(sizes)):
        changed = sizes[:at] + bytes([sizes[at] ^ 1 << at % 8]) + sizes[at + 1 :]
        report = scene.put(first, "sizes", changed)
        assert not report.ok and "run from entry 4" in report.findings[0].message.en
        # Where the last size grows, all bytes still stand where they stood.
        whole = sqlite_runs.datas(changed, data) == sqlite_runs.datas(sizes, data)
        assert report.first_bad_index == (None if whole else first + at // 4)


def test_every_flipped_character_beside(scene: Scene) -> None:
    first, _, _, beside = scene.runs[2]
    for at in range(0, len(beside), 5):
        changed = beside[:at] + chr(ord(beside[at]) ^ 1 << at % 5) + beside[at + 1 :]
        assert not scene.put(first, "beside", changed).ok, changed


@pytest.mark.parametrize("beside", ["", "[]", "null", "[[1],[2],[3],[4]]", "[" * 9999, "{}", "NaN"])
def test_something_else_beside(scene: Scene, beside: str) -> None:
    report = scene.put(4, "beside", beside)
    assert not report.ok and report.first_bad_index == 4


def test_the_same_said_in_other_words(scene: Scene) -> None:
    columns = json.loads(scene.runs[2][3])
    for other in (json.dumps(columns), json.dumps([*columns, []], separators=(",", ":"))):
        report = scene.put(4, "beside", other)
        assert not report.ok and "run from entry 4" in report.findings[0].message.en


def test_cut_and_lengthened(scene: Scene) -> None:
    first, sizes, data, _ = scene.runs[2]
    for column, value in [
        *(("sizes", other) for other in (b"", sizes[:-1], sizes[:-4], sizes + b"\0")),
        *(("sizes", other) for other in (sizes + bytes(4), bytes(4) + sizes)),
        *(("data", other) for other in (b"", data[:-1], data + b"\0", b"\0" + data)),
    ]:
        report = scene.put(first, column, value)
        assert "run from entry 4" in report.findings[0].message.en, (column, value)
        if column == "data" or sqlite_runs.datas(value, data) != sqlite_runs.datas(sizes, data):
            assert report.first_bad_index in range(4, 9), (column, value)


def test_removed_moved_and_swapped(scene: Scene) -> None:
    for at, first in enumerate(STARTS):
        assert not scene.changed(f"DELETE FROM entry WHERE leaf_index = {first}").ok
        for other in (-1, 1, 5, 7, 14, 15, 99, 2**63 - 1, -(2**63)):
            if other not in STARTS:
                move = f"UPDATE entry SET leaf_index = {other} WHERE leaf_index = {first}"
                report = scene.changed(move)
                assert not report.ok, (first, other)
        for two in STARTS[:at]:
            report = scene.changed(
                f"UPDATE entry SET leaf_index = -1 WHERE leaf_index = {first}",
                f"UPDATE entry SET leaf_index = {first} WHERE leaf_index = {two}",
                f"UPDATE entry SET leaf_index = {two} WHERE leaf_index = -1",
            )
            assert not report.ok and any(found.index == two for found in report.findings)


def test_inserted(scene: Scene) -> None:
    for at in (-(2**63), -1, 1, 5, 7, 9, 14, 15, 16, 2**63 - 1):
        for sizes in ("sizes", "X''", "X'00'"):
            insert = f"INSERT INTO entry SELECT {at}, {sizes}, data, beside FROM entry"
            report = scene.changed(f"{insert} WHERE leaf_index = 3")
            assert not report.ok, (at, sizes)
