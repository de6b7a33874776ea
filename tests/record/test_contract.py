"""The contract of a store of the log, kept by SQLite and by PostgreSQL alike."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.event import Draft
from pilotbase.kernel.verb import Context
from pilotbase.record import stores
from pilotbase.record.adapters import blocks, sqlite_index
from pilotbase.record.audit import verify
from pilotbase.record.opened import Record, open_record
from pilotbase.record.ports import FIRST, Log, Row
from pilotbase.record.rules import merkle
from pilotbase.record.rules.checkpoint import verify_checkpoint

Make = Callable[..., Draft]


@pytest.fixture
def home(new_home: Callable[[Path], Path], tmp_path: Path) -> Path:
    return new_home(tmp_path / "home")


@pytest.fixture
def log(home: Path) -> Iterator[Log]:
    home.mkdir(exist_ok=True)
    opened, vault = stores.open_stores(home)
    yield opened
    opened.close()
    vault.close()


@pytest.fixture
def record(home: Path, fixed: Callable[[Path], Context]) -> Iterator[Record]:
    with open_record(fixed(home)) as opened:
        yield opened


def rows(first: int, count: int, kind: str = "k", about: str = "a") -> list[Row]:
    return [
        Row(n, f"entry {n}".encode(), f"key {n}", kind, n, about)
        for n in range(first, first + count)
    ]


def hashes(count: int) -> list[bytes]:
    return [merkle.leaf_hash(bytes([n % 251, n // 251])) for n in range(count)]


class TestLog:
    def test_what_is_added_is_given_back_exactly(self, log: Log) -> None:
        strange = [
            Row(0, b"", "", "", 0, ""),
            Row(1, bytes(range(256)), "\0", "\0k", 2**53, "乙\U0001f600"),
            Row(2, b"x" * 100_000, "k" * 10_000, "k" * 10_000, 0, "a" * 10_000),
        ]
        with log.transaction() as writing:
            writing.extend(strange, hashes(3))
            assert list(writing.rows(0, None)) == strange and writing.size() == 3
        assert list(log.rows(FIRST, None)) == strange and log.size() == 3
        assert list(log.rows(0, None, about="a" * 10_000)) == [strange[2]]
        assert list(log.rows(0, None, kind="\0k")) == [strange[1]]
        assert log.find(["\0", "", "no", "k" * 10_000]) == {"\0": 1, "": 0, "k" * 10_000: 2}
        assert list(log.faults()) == []

    def test_nothing(self, log: Log) -> None:
        with log.transaction() as writing:
            writing.extend([], [])
        assert log.size() == 0 and list(log.rows(FIRST, None)) == [] and log.find([]) == {}
        assert log.node_total() == 0 and list(log.all_nodes()) == [] and log.nodes([]) == []
        assert log.last_checkpoint() is None and list(log.checkpoints()) == []

    def test_nodes_over_blocks(self, log: Log) -> None:
        nodes, start = hashes(3 * blocks.NODES + 5), 0
        for count in (1, 2, blocks.NODES - 3, blocks.NODES, 1, blocks.NODES + 4):
            with log.transaction() as writing:
                writing.extend(rows(log.size(), 1), nodes[start : start + count])
                start += count
                assert writing.node_total() == start
        assert start == len(nodes) and list(log.all_nodes()) == list(enumerate(nodes))
        asked = [start - 1, 0, blocks.NODES, blocks.NODES - 1, 0]
        assert log.nodes(asked) == [nodes[n] for n in asked]
        for missing in (start, 10**6):
            with pytest.raises(RecordError) as error:
                log.nodes([0, missing])
            assert error.value.code == "record.missing_node"

    def test_ranges_and_filters(self, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sqlite_index, "TAIL_MIN", 200)
        made = [Row(n, b"", str(n), f"k{n % 3}", n // 3, f"a{n % 2}") for n in range(700)]
        for at in range(0, 700, 100):
            with log.transaction() as writing:
                writing.extend(made[at : at + 100], hashes(1))
                assert [writing.next_count(f"k{m}") for m in range(4)] == [
                    sum(row.kind == f"k{m}" for row in made[: at + 100]) for m in range(4)
                ]
        for start, stop in [(0, None), (5, 9), (350, 690), (699, 900), (9, 5)]:
            some = [row for row in made[start:] if stop is None or row.index < stop]
            assert list(log.rows(start, stop)) == some
            for kind in (None, "k1", "x"):
                for about in (None, "a0", "x"):
                    assert list(log.rows(start, stop, kind=kind, about=about)) == [
                        row
                        for row in some
                        if kind in (None, row.kind) and about in (None, row.about)
                    ]

    def test_all_or_nothing(self, log: Log) -> None:
        with pytest.raises(ZeroDivisionError), log.transaction() as writing:
            writing.extend(rows(0, 3), hashes(3))
            writing.add_checkpoint(3, "note\n")
            raise ZeroDivisionError
        assert log.size() == 0 and log.node_total() == 0 and log.last_checkpoint() is None
        with log.transaction() as writing:
            assert writing.find(["key 1"]) == {} and writing.next_count("k") == 0
            writing.extend(rows(0, 2), hashes(2))
        with pytest.raises(RecordError), log.transaction() as writing:
            writing.extend([Row(2, b"", "new", "k", 2, ""), *rows(1, 1)], hashes(1))
        assert log.size() == 2 and log.find(["new"]) == {}

    def test_checkpoints(self, log: Log) -> None:
        for size in (0, 5, 3):
            with log.transaction() as writing:
                writing.add_checkpoint(size, f"note 乙 {size}\n")
        assert [size for size, _ in log.checkpoints()] == [0, 3, 5]
        assert log.last_checkpoint() == (5, "note 乙 5\n")

    def test_a_snapshot_does_not_change(self, log: Log) -> None:
        with log.transaction() as writing:
            writing.extend(rows(0, 2), hashes(2))
        with log.snapshot() as seen:
            assert seen.size() == 2
            with log.transaction() as writing:
                writing.extend(rows(2, 2), hashes(2))
            assert log.size() == 4 and seen.size() == 2 and len(list(seen.rows(0, None))) == 2

    def test_writers_wait_for_each_other(self, home: Path, log: Log) -> None:
        other, vault = stores.open_stores(home)
        entered, seen = threading.Event(), list[int]()

        def write() -> None:
            with other.transaction() as writing:
                entered.set()
                seen.append(writing.size())

        with log.transaction() as writing:
            thread = threading.Thread(target=write)
            thread.start()
            assert not entered.wait(0.2), "one writer at a time"
            writing.extend(rows(0, 7), hashes(7))
        thread.join(10)
        other.close()
        vault.close()
        assert seen == [7], "the next writer sees what the one before it added"


class TestRecord:
    def test_append_prove_sign_audit(self, record: Record, make: Make, make_other: Make) -> None:
        record.append_many([make(n) if n % 3 else make_other(n) for n in range(40)])
        entry = record.append(make(99, a=b"body"))
        assert record.append(make(99, a=b"body")) == entry and record.body(entry, "a") == b"body"
        leaves = [merkle.leaf_hash(e.data) for e in record.entries()]
        assert record.root() == merkle.root(leaves) and len(leaves) == 41
        for at in range(0, 41, 5):
            assert record.inclusion(at) == merkle.inclusion_proof(leaves, at)
            assert record.consistency(at) == merkle.consistency_proof(leaves, at)
        assert verify_checkpoint(record.checkpoint(), record.verifier).root == record.root()
        report = verify(record)
        assert report.ok and report.findings == () and report.bodies == 1

    def test_both_stores_hold_the_same_bytes(
        self, record: Record, make: Make, tmp_path: Path, fixed: Callable[[Path], Context]
    ) -> None:
        with open_record(fixed(tmp_path / "plain")) as plain:
            for one in (record, plain):
                one.append_many([make(n, e=bytes([n])) for n in range(9)])
            assert list(record.entries()) == list(plain.entries())
            assert record.checkpoint() == plain.checkpoint()

    def test_entries_that_another_log_encoded(
        self, record: Record, make: Make, tmp_path: Path, fixed: Callable[[Path], Context]
    ) -> None:
        with open_record(fixed(tmp_path / "source")) as source:
            source.append_many([make(n) for n in range(300)])
            given = list(source.log.rows(0, None))
            assert record.append_encoded(given[:100]) == 100
            known = given[100]._replace(key=given[5].key)
            for wrong in (given[:1], given[101:], [given[100], given[100]], [known]):
                with pytest.raises(ValueError, match="does not follow"):
                    record.append_encoded(wrong)
            assert record.append_encoded(iter(given[100:])) == 200
            assert record.root() == source.root() and verify(record).ok
            assert record.append(make(5)).index == 5

    @pytest.mark.parametrize("tail", [3, 50])
    def test_a_known_key_is_found_while_indexing(
        self, record: Record, make: Make, tail: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sqlite_index, "TAIL_MIN", tail)
        record.append_many([make(n) for n in range(40)])
        given = list(record.log.rows(0, None))
        new = [row._replace(index=40 + n, count=40 + n, key=f"k{n}") for n, row in enumerate(given)]
        for known in (0, 39):
            wrong = [*new[:20], new[20]._replace(key=given[known].key), *new[21:]]
            with pytest.raises(ValueError, match="does not follow"):
                record.append_encoded(wrong)
            assert record.size == 40 and list(record.log.faults()) == []
        assert record.append_encoded(new) == 40 and list(record.log.faults()) == []
        assert record.append(make(3)).index == 3

    def test_many_threads(self, record: Record, make: Make) -> None:
        def work(base: int) -> list[int]:
            some = [record.append(make(100 * base + n, e=b"x")).index for n in range(15)]
            shared = [record.append(make(-n - 1)).index for n in range(5)]
            many = record.append_many([make(1000 + 100 * base + n) for n in range(4)])
            indexes = [entry.index for entry in many]
            assert indexes == list(range(indexes[0], indexes[0] + 4)), "side by side"
            return [*some, *indexes, *shared]

        with ThreadPoolExecutor(24) as pool:
            told = list(pool.map(work, range(24)))
        own = [index for indexes in told for index in indexes[:19]]
        assert len(set(own)) == 24 * 19 and {tuple(i[19:]) for i in told} == {tuple(told[0][19:])}
        assert record.size == 24 * 19 + 5 and verify(record).findings == ()
        assert all(i[:15] == sorted(i[:15]) for i in told)

    def test_a_fault_reaches_only_whose_it_is(self, record: Record, make: Make) -> None:
        """A lone surrogate passes into no store; the others of its group are not held up."""

        def work(n: int) -> int | str:
            try:
                return record.append(make(n, about="\ud800" if n % 5 == 0 else "a")).index
            except ValueError as error:
                return type(error).__name__

        with ThreadPoolExecutor(20) as pool:
            told = list(pool.map(work, range(60)))
        assert [n for n, said in enumerate(told) if isinstance(said, str)] == list(range(0, 60, 5))
        assert record.size == 48 and verify(record).ok
