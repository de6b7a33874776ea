"""Hashing every entry again and comparing with the stored tree: the quick part of an audit.

It says whether the bytes are those that were hashed when they were appended, and nothing about what
they say, the checkpoints, the counters or the vault; `pilotbase.record.audit` looks at all of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from operator import attrgetter

from pilotbase.record.ports import LogReader
from pilotbase.record.rules.merkle import CompactRange, leaf_hashes, node_count

CHUNK = 4096


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
    tree, stored, rows = CompactRange(), log.all_nodes(), log.rows(0, None)
    while chunk := list(islice(rows, CHUNK)):
        start, before = tree.size, CompactRange(tree.size, tree.hashes)
        following = _following(list(map(_index, chunk)), start)
        leaves = leaf_hashes(map(_data, chunk[:following]))
        made = list(enumerate(tree.extend(leaves), node_count(start)))
        found = list(islice(stored, len(made)))
        if made != found or following < len(chunk):
            good = _leaves_before(_first_different(made, found), start)
            before.extend(leaves[: good - start])
            return Rehashed(good, before.root(), good)
    more = next(stored, None) is not None
    return Rehashed(tree.size, tree.root(), tree.size if more else None)


_index, _data = attrgetter("index"), attrgetter("data")


def _following(indexes: list[int], start: int) -> int:
    """How many of the indexes follow on each other."""
    if indexes == list(range(start, start + len(indexes))):
        return len(indexes)
    return next(n for n, index in enumerate(indexes) if index != start + n)


def _first_different(made: list[tuple[int, bytes]], found: list[tuple[int, bytes]]) -> int:
    """The number of the first node that was not found as it was made."""
    for (number, node), other in zip(made, found, strict=False):
        if (number, node) != other:
            return number
    return made[len(found)][0] if len(found) < len(made) else made[-1][0] + 1 if made else 0


def _leaves_before(number: int, leaf: int) -> int:
    """How many entries have all their nodes before the node with this number."""
    while node_count(leaf + 1) <= number:
        leaf += 1
    return leaf
