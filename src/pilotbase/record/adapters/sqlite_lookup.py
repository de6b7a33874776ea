"""Finding entries in SQLite by idempotency key: hashes in sorted runs that are merged as they grow.

Keys are hashes, so that an index of them in a tree dirties a random page for every entry. Here the
entries of each step of indexing make a *run*, written in order and never changed; runs of like size
are merged into one, so that there are few of them and each key is written again only a few times
(the log-structured merge-tree: O'Neil et al., Acta Informatica 33, 1996).

``lookup_run`` has the entries ``start <= index < stop`` of each run. Its hashes lie in blocks by
their leading bits, which are evenly spread: where one would be follows from the hash alone. A row
of ``lookup`` holds one block: its hashes in order, 8 bytes each, and then, in the same order, how
far behind ``start`` each one's entry stands, 4 bytes each; all little-endian.
"""

from __future__ import annotations

import hashlib
import sqlite3
import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from pilotbase.record.adapters import sqlite_runs

SCHEMA = """
CREATE TABLE lookup_run (
  number INTEGER PRIMARY KEY,
  start INTEGER NOT NULL,
  stop INTEGER NOT NULL
) STRICT;
CREATE TABLE lookup (place INTEGER PRIMARY KEY, hashes BLOB NOT NULL) STRICT
"""
HASH_BITS = 63
HASH, BEHIND = 8, 4
BLOCK = 512
"""Hashes in a block: on average between half as many and so many."""
_BLOCK_BITS_MAX = 24
_NUMBER_MAX = (1 << HASH_BITS - _BLOCK_BITS_MAX) - 2


def key_hashes(keys: Iterable[str]) -> list[int]:
    """63 bits of BLAKE2b of each: nobody can choose keys that crowd one place."""
    blake2b = hashlib.blake2b
    hashes = [blake2b(key.encode(), digest_size=HASH).digest() for key in keys]
    return [number >> 1 for number in struct.unpack(f">{len(hashes)}Q", b"".join(hashes))]


class Run(NamedTuple):
    """The entries ``start <= index < stop``, whose hashes are sorted together."""

    number: int
    start: int
    stop: int

    @property
    def size(self) -> int:
        return self.stop - self.start

    @property
    def bits(self) -> int:
        """How many leading bits of a hash tell its block."""
        return min((max(self.size - 1, 0) // BLOCK).bit_length(), _BLOCK_BITS_MAX)

    def place(self, hash_: int) -> int:
        """Where the block is that would have the hash."""
        return self.number << _BLOCK_BITS_MAX | hash_ >> (HASH_BITS - self.bits)

    @property
    def places(self) -> tuple[int, int]:
        """The first and the last place that a block of the run can have."""
        return self.place(0), self.place((1 << HASH_BITS) - 1)


def runs(connection: sqlite3.Connection) -> list[Run]:
    """All runs, by the entries they hold."""
    query = "SELECT number, start, stop FROM lookup_run ORDER BY start, number"
    return [Run(*row) for row in connection.execute(query)]


def find(
    connection: sqlite3.Connection, run: Run, keys: Sequence[tuple[str, int]]
) -> dict[str, int]:
    """Which of the keys, each with its hash, the run has; the first index of each."""
    query, found = "SELECT hashes FROM lookup WHERE place = ?", dict[str, int]()
    entries = sqlite_runs.Places(connection)
    for key, hash_ in keys:
        row = connection.execute(query, (run.place(hash_),)).fetchone()
        behind = _behind(row[0], hash_) if row is not None else ()
        for index in sorted(run.start + at for at in behind):
            # Two keys may share a hash.
            entry = entries.row(index)
            if entry is not None and entry.key == key:
                found[key] = index
                break
    return found


def _behind(block: bytes, hash_: int) -> Iterator[int]:
    """How far behind the run's first entry those with the hash stand."""
    count, wanted = len(block) // (HASH + BEHIND), hash_.to_bytes(HASH, "little")
    end = HASH * count
    at = block.find(wanted, 0, end)
    while at >= 0:
        if at % HASH == 0:
            place = end + at // HASH * BEHIND
            yield int.from_bytes(block[place : place + BEHIND], "little")
        at = block.find(wanted, at + 1, end)


def sound_runs(connection: sqlite3.Connection, size: int) -> list[Run]:
    """The runs of the first so many entries. Raises sqlite3.DatabaseError when they are not."""
    some = runs(connection)
    if out_of_order(some, size):
        raise sqlite3.DatabaseError(f"the runs of hashes are not those of the first {size} entries")
    return some


def out_of_order(some: Sequence[Run], size: int) -> bool:
    """Whether the runs are not those of the first so many entries, one after the other."""
    starts, stops = [run.start for run in some], [run.stop for run in some]
    follow = starts == [0, *stops[:-1]][: len(some)] and [0, *stops][-1] == size
    return not follow or any(run.size < 1 or not 0 <= run.number <= _NUMBER_MAX for run in some)
