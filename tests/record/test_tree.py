"""The tree's right edge that a writer remembers: it is the log's, whatever others did meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from pilotbase.kernel.event import Draft
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import Record, open_record
from pilotbase.record.ports import LogWriter, Row
from pilotbase.record.rules import merkle
from pilotbase.record.tree import root_of, tree_of

Make = Callable[..., Draft]


def recomputed(record: Record) -> bytes:
    return merkle.root(merkle.leaf_hash(row.data) for row in record.log.rows(0, None))


def test_two_that_append_in_turn(record: Record, make: Make) -> None:
    with open_record(Context(record.home)) as other:
        for n in range(0, 60, 3):
            record.append(make(n))
            if n % 2:
                other.append_many([make(n + 1), make(n + 2)])
            assert record.root() == other.root() == recomputed(record)


def test_what_a_batch_left_behind_that_failed_is_not_taken(
    record: Record, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    record.append_many([make(n) for n in range(5)])
    with record.log.transaction() as writer:
        kind = type(writer)
    extend = kind.extend

    def fails(self: LogWriter, rows: Sequence[Row], hashes: Sequence[bytes]) -> None:
        extend(self, rows, hashes)
        raise RuntimeError("the disk")

    monkeypatch.setattr(kind, "extend", fails)
    with pytest.raises(RuntimeError):
        record.append_many([make(n) for n in range(5, 9)])
    monkeypatch.undo()
    record.append_many([make(n) for n in range(20, 23)])
    assert record.size == 8 and record.root() == recomputed(record)


def test_an_edge_of_the_same_size_is_taken_only_if_it_ends_alike(
    record: Record, make: Make
) -> None:
    record.append_many([make(n) for n in range(7)])
    edge = tree_of(record.log)
    assert tree_of(record.log, edge) is edge and edge.root() == root_of(record.log, 7)
    other = merkle.CompactRange(7, [*edge.hashes[:-1], bytes(32)])
    assert tree_of(record.log, other).hashes == edge.hashes
    record.append(make(8))
    assert tree_of(record.log, edge).size == 8
