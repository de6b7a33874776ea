"""What a writer remembers of the keys in the log, so that most new ones need no look into it.

A Bloom filter over the hashes of `sqlite_lookup` (Bloom, "Space/time trade-offs in hash coding with
allowable errors", CACM 13, 1970): it affirms every key that is there, and of those that are not
about one in 70 when it is full. Two bits stand for a key, one told by the leading bits of its hash
and one by the last.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pilotbase.record.adapters.sqlite_lookup import BEHIND, HASH, HASH_BITS, Run

BITS = 16
"""For each key, in a filter that is full; it begins with at least twice as many."""
LOG2_MIN, LOG2_MAX = 16, 27
"""Of a filter's bits; 16 MiB are never exceeded, beyond which more keys are looked for."""
_BLOCKS = 64
Hashes = NDArray[np.uint64]


class Filter:
    """Hashes of keys, of which it can be told that one is not among them."""

    def __init__(self, count: int) -> None:
        """An empty filter, for so many keys and as many again."""
        self._log2 = min(max((2 * BITS * count).bit_length(), LOG2_MIN), LOG2_MAX)
        self._bits = bytearray(1 << self._log2 - 3)
        self._left = (1 << self._log2) // BITS

    @property
    def full(self) -> bool:
        """Whether a larger one is to take its place."""
        return self._left < 0 and self._log2 < LOG2_MAX

    def add(self, hashes: Hashes) -> None:
        leading = hashes >> np.uint64(HASH_BITS - self._log2)
        places = np.concatenate([leading, hashes & np.uint64((1 << self._log2) - 1)])
        marks = np.left_shift(1, places & np.uint64(7), dtype=np.uint64).astype(np.uint8)
        held = np.frombuffer(self._bits, np.uint8)
        np.bitwise_or.at(held, (places >> np.uint64(3)).astype(np.intp), marks)
        self._left -= len(hashes)

    def candidates(self, keys: Sequence[str], hashes: Sequence[int]) -> list[tuple[str, int]]:
        """The keys that may have been added, each with its hash."""
        # In plain Python: few are asked at once, and calls of numpy would cost several times that.
        bits, shift, mask = self._bits, HASH_BITS - self._log2, (1 << self._log2) - 1
        return [
            (key, hash_)
            for key, hash_ in zip(keys, hashes, strict=True)
            if bits[(place := hash_ >> shift) >> 3] >> (place & 7) & 1
            and bits[(place := hash_ & mask) >> 3] >> (place & 7) & 1
        ]


def filled(connection: sqlite3.Connection, runs: Sequence[Run]) -> Filter:
    """A filter of the hashes that the runs hold."""
    found = Filter(sum(run.size for run in runs))
    for run in runs:
        query = "SELECT hashes FROM lookup WHERE place BETWEEN ? AND ? ORDER BY place"
        rows = connection.execute(query, run.places)
        while some := rows.fetchmany(_BLOCKS):
            found.add(np.concatenate([hashes_in(data) for (data,) in some]))
    return found


def hashes_in(block: bytes) -> Hashes:
    """The hashes of a block, in their order."""
    return np.frombuffer(block, "<u8", len(block) // (HASH + BEHIND))
