"""Where SQLite's index differs from the entries that it is made of."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

from pilotbase.record.adapters import sqlite_lookup, sqlite_runs
from pilotbase.record.adapters.sqlite_index import postings, words
from pilotbase.record.adapters.sqlite_lookup import Run
from pilotbase.record.ports import Row

PAGE = 8192
INDEX_MAX = 2**62


def index_faults(connection: sqlite3.Connection) -> Iterator[str]:
    """Where the index differs from the entries; in words, as the store's other faults.

    Each step of the indexing is done again, and what it would have written is compared.
    """
    sizes = [size for (size,) in connection.execute("SELECT size FROM indexed ORDER BY size")]
    # By what is there: the highest index may be any number in a damaged log.
    (entries,) = connection.execute("SELECT total(length(sizes) / 4) FROM entry").fetchone()
    if sizes and not 0 < sizes[0] <= sizes[-1] <= entries:
        yield f"indexed: up to {sizes[-1]}; there are {entries:.0f} entries"
        return
    yield from _posting_faults(connection, sizes)
    runs = sqlite_lookup.runs(connection)
    if sqlite_lookup.out_of_order(runs, sizes[-1] if sizes else 0):
        yield "lookup_run: the runs are not those of the indexed entries"
        return
    yield from _lookup_faults(connection, runs)


def _posting_faults(connection: sqlite3.Connection, sizes: Sequence[int]) -> Iterator[str]:
    start = written = 0
    query = "SELECT indexes FROM posting WHERE word = ? AND first = ?"
    for stop in sizes:
        rows = list(sqlite_runs.beside(connection, start, stop))
        if len(rows) != stop - start:
            yield f"indexed: from {start} up to {stop}; there are {len(rows)} entries"
        made = list(postings(_lists(rows)))
        for word, first, indexes in made:
            if connection.execute(query, (word, first)).fetchone() != (indexes,):
                yield f"posting: what is listed under {word!r} from {first} on is not so"
        start, written = stop, written + len(made)
    (found,) = connection.execute("SELECT count(*) FROM posting").fetchone()
    if found != written:
        yield f"posting: {found} lines; {written} were to be there"


def _lists(rows: Sequence[Row]) -> dict[str, list[int]]:
    lists = dict[str, list[int]]()
    for row in rows:
        for word in words(row.kind, row.about):
            lists.setdefault(word, []).append(row.index)
    return lists


def _lookup_faults(connection: sqlite3.Connection, runs: Sequence[Run]) -> Iterator[str]:
    from pilotbase.record.adapters import sqlite_lookup_audit as audit

    blocks = 0
    for run in runs:
        held = audit.Held(run)
        yield from held.take(connection)
        blocks += held.blocks
        for start in range(run.start, run.stop, PAGE):
            stop = min(start + PAGE, run.stop)
            rows = list(sqlite_runs.beside(connection, start, stop))
            hashes = sqlite_lookup.key_hashes(row.key for row in rows)
            for index in held.different([row.index for row in rows], hashes):
                yield f"lookup: entry {index} is not found by its key"
    (found,) = connection.execute("SELECT count(*) FROM lookup").fetchone()
    if found != blocks:
        yield f"lookup: {found} blocks; {blocks} belong to a run"
    tail = list(sqlite_runs.beside(connection, runs[-1].stop if runs else 0, INDEX_MAX))
    for one, two in audit.doubles(connection, runs, tail):
        yield f"lookup: entry {two} has the key of entry {one}"
