"""Hashing every entry again and comparing with the stored tree: the quick part of an audit.

It says whether the bytes are those that were hashed when they were appended, and nothing about what
they say, the checkpoints, the counters or the vault; `pilotbase.record.audit` looks at all of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pilotbase.record.ports import LogReader
from pilotbase.record.rules.merkle import HASH_SIZE, CompactRange, leaf_hashes, node_count

CHUNK = 2048


@dataclass(frozen=True, slots=True)
class Rehashed:
    """What hashing again found.

    Attributes:
        size: entries hashed; up to the first bad one, or all.
        root: their Merkle root, from their bytes alone.
        first_bad: the first entry whose bytes, or the nodes it completes, do not fit what is
            stored; also the first that is missing, or has a node but no bytes. None when all fit.
    """

    size: int
    root: bytes
    first_bad: int | None


def rehash(log: LogReader) -> Rehashed:
    """Hash all entries again, in bounded memory; pass a snapshot if others are appending.

    Raises:
        HomeError, RecordError: the store cannot be read.
    """
    tree, nodes = CompactRange(), _Nodes(log.node_runs())
    for first, datas in _chunks(log.entry_runs(0)):
        start = tree.size
        if first != start:
            return Rehashed(start, tree.root(), start)
        before, leaves = CompactRange(start, tree.hashes), leaf_hashes(datas)
        made = tree.extend(leaves)
        found = nodes.take(len(made))
        if found != b"".join(made):
            good = _leaves_before(node_count(start) + _first_different(made, found), start)
            before.extend(leaves[: good - start])
            return Rehashed(good, before.root(), good)
    return Rehashed(tree.size, tree.root(), tree.size if nodes.take(1) else None)


def _chunks(runs: Iterator[tuple[int, list[bytes]]]) -> Iterator[tuple[int, list[bytes]]]:
    """The runs, with those that follow joined until they are worth hashing together."""
    first, datas = 0, list[bytes]()
    for start, some in runs:
        if datas and (start != first + len(datas) or len(datas) >= CHUNK):
            yield first, datas
            datas = []
        if not datas:
            first = start
        datas += some
    if datas:
        yield first, datas


class _Nodes:
    """The stored hashes, taken in order as long as they follow."""

    def __init__(self, runs: Iterator[tuple[int, bytes]]) -> None:
        self._runs = runs
        self._held = b""
        self._next = 0

    def take(self, count: int) -> bytes:
        """The next so many, joined; fewer when no more follow."""
        held = [self._held]
        missing = count * HASH_SIZE - len(self._held)
        while missing > 0:
            first, hashes = next(self._runs, (-1, b""))
            if first != self._next:
                self._runs = iter(())
                break
            held.append(hashes)
            missing -= len(hashes)
            self._next += len(hashes) // HASH_SIZE if len(hashes) % HASH_SIZE == 0 else -self._next
        joined = b"".join(held)
        self._held = joined[count * HASH_SIZE :]
        return joined[: count * HASH_SIZE]


def _first_different(made: list[bytes], found: bytes) -> int:
    """Which of the nodes is the first that was not found as it was made."""
    for at, node in enumerate(made):
        if found[at * HASH_SIZE : (at + 1) * HASH_SIZE] != node:
            return at
    return len(made)


def _leaves_before(number: int, leaf: int) -> int:
    """How many entries have all their nodes before the node with this number."""
    while node_count(leaf + 1) <= number:
        leaf += 1
    return leaf
