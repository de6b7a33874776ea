"""Comparing the sorted runs of hashes with the keys of the entries."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from pilotbase.record.adapters import sqlite_lookup, sqlite_runs
from pilotbase.record.adapters.sqlite_filter import Hashes
from pilotbase.record.adapters.sqlite_lookup import BEHIND, HASH, Run
from pilotbase.record.adapters.sqlite_merge import of_block, sliced, slices
from pilotbase.record.ports import Row


class Held:
    """What a run holds, by entry; ``blocks`` is how many of its blocks were read."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._hashes = np.zeros(run.size, np.uint64)
        self.blocks = 0

    def take(self, connection: sqlite3.Connection) -> Iterator[str]:
        """Read the blocks; those that are not as they are written, in words."""
        query = "SELECT place, hashes FROM lookup WHERE place BETWEEN ? AND ? ORDER BY place"
        held = 0
        for place, data in connection.execute(query, self._run.places):
            self.blocks += 1
            if not self._is_block(place, data):
                yield f"lookup: the block {place} is malformed"
                continue
            hashes, behind = of_block(data)
            self._hashes[behind] = hashes
            held += len(hashes)
        if held != self._run.size:
            yield f"lookup: {held} hashes of {self._run.size} entries from {self._run.start} on"

    def _is_block(self, place: int, data: bytes) -> bool:
        if not data or len(data) % (HASH + BEHIND):
            return False
        hashes, behind = of_block(data)
        rising = hashes[1:] > hashes[:-1]
        rising |= (hashes[1:] == hashes[:-1]) & (behind[1:] > behind[:-1])
        ends = {self._run.place(int(hashes[at])) for at in (0, -1)}
        return bool(rising.all()) and ends == {place} and int(behind.max()) < self._run.size

    def different(self, indexes: Sequence[int], hashes: Sequence[int]) -> list[int]:
        """Which of the entries do not have the hash that the run holds for them."""
        given = np.array(indexes, np.int64)
        within = (given >= self._run.start) & (given < self._run.stop)
        held = self._hashes[np.where(within, given - self._run.start, 0)]
        found: list[int] = given[~within | (held != np.array(hashes, np.uint64))].tolist()
        return found


def doubles(
    connection: sqlite3.Connection, runs: Sequence[Run], tail: Sequence[Row]
) -> Iterator[tuple[int, int]]:
    """Entries with the same key, one after the other; the tail is in no run."""
    places, size = sqlite_runs.Places(connection), sum(run.size for run in runs) + len(tail)
    own = np.array(sqlite_lookup.key_hashes(row.key for row in tail), np.uint64)
    own_indexes = np.array([row.index for row in tail], np.int64)
    for low, high in slices(size):
        mine = (own >= low) & (own < high)
        hashes, indexes = [own[mine]], [own_indexes[mine]]
        for run in runs:
            some, behind = sliced(connection, run, low, high)
            hashes.append(some)
            indexes.append(behind.astype(np.int64) + run.start)
        for one, two in _same(np.concatenate(hashes), np.concatenate(indexes)):
            first, second = places.row(one), places.row(two)
            # A key that cannot be read says nothing.
            if first is not None and second is not None and first.key == second.key != "":
                yield one, two


def _same(hashes: Hashes, indexes: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Neighbours among the entries with the same hash."""
    order = np.lexsort((indexes, hashes))
    hashes, indexes = hashes[order], indexes[order]
    same = np.flatnonzero(hashes[1:] == hashes[:-1])
    return list(zip(indexes[same].tolist(), indexes[same + 1].tolist(), strict=True))
