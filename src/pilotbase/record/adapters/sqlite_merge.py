"""Making and merging the sorted runs of `sqlite_lookup`.

A new run is merged with those before it that are smaller than twice what is merged, so that runs
grow like the digits of a binary counter: of n entries there are at most about log2(n) runs, and a
hash is written again about half as often. Merging goes by slices of the hashes' range and holds one
slice at a time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from pilotbase.record.adapters.sqlite_filter import Hashes, hashes_in
from pilotbase.record.adapters.sqlite_lookup import HASH, HASH_BITS, Run

RUN_MAX = 1 << 22
"""Entries in a run beyond which it is not merged again: a merge keeps an append waiting."""
SLICE = 1 << 13
Behind = NDArray[np.uint32]
Part = tuple[Hashes, Behind]


def sorted_part(hashes: Sequence[int], indexes: Sequence[int], start: int) -> Part:
    """The hashes in order, and how far behind the start the entry of each stands."""
    behind = (np.array(indexes, np.int64) - start).astype(np.uint32)
    return joined([(np.array(hashes, np.uint64), behind)])


def to_merge(before: Sequence[Run], size: int) -> list[Run]:
    """The last runs that a new one of this size is merged with."""
    taken = list[Run]()
    for run in reversed(before):
        if run.size >= 2 * size or run.size + size > RUN_MAX:
            break
        taken.insert(0, run)
        size += run.size
    return taken


def add(connection: sqlite3.Connection, runs: Sequence[Run], part: Part, stop: int) -> list[Run]:
    """Write the hashes of the entries after those of the runs, and before ``stop``.

    Returns:
        The runs that there are then.
    """
    start = runs[-1].stop if runs else 0
    taken = to_merge(runs, stop - start)
    number = max((run.number for run in runs), default=-1) + 1
    new = Run(number, taken[0].start if taken else start, stop)
    _write(connection, taken, new, part)
    insert = "INSERT INTO lookup_run (number, start, stop) VALUES (?, ?, ?)"
    connection.execute(insert, new)
    for run in taken:
        connection.execute("DELETE FROM lookup WHERE place BETWEEN ? AND ?", run.places)
        connection.execute("DELETE FROM lookup_run WHERE number = ?", (run.number,))
    return [*runs[: len(runs) - len(taken)], new]


def _write(connection: sqlite3.Connection, taken: Sequence[Run], new: Run, part: Part) -> None:
    """Write a run of what others hold with a part after them."""
    start = taken[-1].stop if taken else new.start
    insert = "INSERT INTO lookup (place, hashes) VALUES (?, ?)"
    for low, high in slices(new.size):
        parts = [_moved(sliced(connection, run, low, high), run.start - new.start) for run in taken]
        hashes, behind = joined([*parts, _moved(cut(part, low, high), start - new.start)])
        connection.executemany(insert, _blocks(new, hashes, behind))


def slices(size: int) -> Iterator[tuple[int, int]]:
    """Ranges of hashes, each with some `SLICE` of so many."""
    bits = (max(size - 1, 0) // SLICE).bit_length()
    width = 1 << (HASH_BITS - bits)
    yield from ((low, low + width) for low in range(0, 1 << HASH_BITS, width))


def sliced(connection: sqlite3.Connection, run: Run, low: int, high: int) -> Part:
    """The hashes ``low <= hash < high`` of a run, in order."""
    query = "SELECT hashes FROM lookup WHERE place BETWEEN ? AND ? ORDER BY place"
    places = (run.place(low), run.place(high - 1))
    blocks = [of_block(data) for (data,) in connection.execute(query, places)]
    part = (
        np.concatenate([hashes for hashes, _ in blocks] or [np.empty(0, np.uint64)]),
        np.concatenate([behind for _, behind in blocks] or [np.empty(0, np.uint32)]),
    )
    return cut(part, low, high)


def of_block(data: bytes) -> Part:
    """The hashes of a block and the places of their entries."""
    hashes = hashes_in(data)
    return hashes, np.frombuffer(data, "<u4", len(hashes), HASH * len(hashes))


def joined(parts: Sequence[Part]) -> Part:
    """Parts that are each in order, in order together."""
    hashes = np.concatenate([hashes for hashes, _ in parts])
    order = np.argsort(hashes, kind="stable")
    return hashes[order], np.concatenate([behind for _, behind in parts])[order]


def cut(part: Part, low: int, high: int) -> Part:
    hashes, behind = part
    # What is beyond all hashes fits 64 bits too.
    begin, end = np.searchsorted(hashes, np.array([low, high], np.uint64))
    return hashes[begin:end], behind[begin:end]


def _moved(part: Part, by: int) -> Part:
    return part[0], part[1] + np.uint32(by)


def _blocks(run: Run, hashes: Hashes, behind: Behind) -> Iterator[tuple[int, bytes]]:
    """The blocks of a slice; where there is nothing, none."""
    if not len(hashes):
        return
    first, last = run.place(int(hashes[0])), run.place(int(hashes[-1]))
    lowest, shift = run.place(0), HASH_BITS - run.bits
    edges = [place - lowest << shift for place in range(first + 1, last + 1)]
    inner = np.searchsorted(hashes, np.array(edges, np.uint64)).tolist()
    hashes, behind = hashes.astype("<u8", copy=False), behind.astype("<u4", copy=False)
    begin = 0
    for place, end in zip(range(first, last + 1), [*inner, len(hashes)], strict=True):
        if begin < end:
            yield place, hashes[begin:end].tobytes() + behind[begin:end].tobytes()
        begin = end
