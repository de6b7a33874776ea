"""Adding many entries that are encoded already: restoring, moving, taking over another log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from pilotbase.record.ports import Log, LogWriter, Row
from pilotbase.record.rules.merkle import leaf_hashes

PART = 2_048
"""Entries that are durable together; it bounds the memory that adding takes."""
Add = Callable[[LogWriter, Sequence[Row], Sequence[bytes]], None]
"""What is done, in one transaction, with a part of the entries and their leaf hashes."""


def in_parts(log: Log, rows: Iterable[Row], add: Add) -> Iterator[int]:
    """Add entries part by part; how many each had, once it is durable. What was added before an
    error stays."""
    given = iter(rows)
    with ThreadPoolExecutor(1) as beside:
        some = list(islice(given, PART))
        leaves = _leaves(some)
        while some:
            following = list(islice(given, PART))
            with log.transaction() as writer:
                add(writer, some, leaves)
                # What follows is hashed while the disk is waited for.
                hashing = beside.submit(_leaves, following)
            yield len(some)
            some, leaves = following, hashing.result()


def _leaves(rows: Sequence[Row]) -> list[bytes]:
    return leaf_hashes([row.data for row in rows])
