"""Entries in SQLite as *runs*: those that were added side by side share a row of the table.

A row costs SQLite several times what it takes to hash an entry, and a run costs one row. A run is
written once and never again, so that what is durable is never touched. A lone append makes a run of
one.

``leaf_index`` is that of the run's first entry; ``sizes`` has the length of each entry in bytes
(32 bits, little-endian), ``data`` the entries end to end, and ``beside`` what they are found by:
the keys, kinds, counters and subjects, as four JSON lists.

Reading takes whatever damage has made of a run and makes entries of it, as many as there are sizes:
the audit then names the entries that are not what was hashed. `faults` names a run that is not
what `packed` makes of its own entries.
"""

from __future__ import annotations

import json
import sqlite3
import struct
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from operator import attrgetter
from typing import Any

from pilotbase.record.ports import FIRST, Row

SCHEMA = """
CREATE TABLE entry (
  leaf_index INTEGER PRIMARY KEY,
  sizes BLOB NOT NULL,
  data BLOB NOT NULL,
  beside TEXT NOT NULL
) STRICT
"""
ENTRIES, BYTES = 256, 128 * 1024
"""A run has at most so many entries and bytes of them; a longer entry is a run by itself."""
PAGE_RUNS = 16
COLUMNS = "leaf_index, sizes, data, beside"
INSERT = f"INSERT INTO entry ({COLUMNS}) VALUES (?, ?, ?, ?)"
Stored = tuple[int, bytes, bytes, str]
Ask = Callable[[str, tuple[object, ...]], list[Any]]
_data = attrgetter("data")
_dumps = json.JSONEncoder(separators=(",", ":")).encode


def packed(rows: Sequence[Row]) -> Iterator[Stored]:
    """The runs that rows with indexes in sequence make."""
    at = 0
    while at < len(rows):
        some = rows[at : at + ENTRIES]
        while len(some) > 1 and sum(map(len, map(_data, some))) > BYTES:
            some = some[: len(some) // 2]
        yield _packed(some)
        at += len(some)


def _packed(rows: Sequence[Row]) -> Stored:
    _, datas, keys, kinds, counts, abouts = zip(*rows, strict=True)
    beside = f"[{_texts(keys)},{_texts(kinds)},{_dumps(counts)},{_texts(abouts)}]"
    sizes = struct.pack(f"<{len(datas)}I", *map(len, datas))
    return rows[0].index, sizes, b"".join(datas), beside


def _texts(texts: tuple[str, ...]) -> str:
    """A JSON list of texts; nearly always nothing in them has to be escaped."""
    joined = '","'.join(texts)
    quotes = 2 * (len(texts) - 1)
    plain = joined.isascii() and joined.isprintable() and "\\" not in joined
    return f'["{joined}"]' if plain and joined.count('"') == quotes else _dumps(texts)


def datas(sizes: bytes, data: bytes) -> list[bytes]:
    """The entries of a run; what no size accounts for is the last one's."""
    ends = list(accumulate(struct.unpack(f"<{len(sizes) // 4}I", sizes[: len(sizes) // 4 * 4])))
    cut = [data[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    if cut and ends[-1] < len(data):
        cut[-1] += data[ends[-1] :]
    return cut


def unpacked(run: Stored) -> list[Row]:
    """The rows of a run; empty texts and the counter -1 where they cannot be read."""
    first, sizes, data, beside = run
    entries = datas(sizes, data)
    keys, kinds, counts, abouts = _columns(beside, len(entries))
    return [
        Row(
            index, entry, _text(key), _text(kind), count if type(count) is int else -1, _text(about)
        )
        for index, (entry, key, kind, count, about) in enumerate(
            zip(entries, keys, kinds, counts, abouts, strict=True), first
        )
    ]


def _columns(beside: str, count: int) -> list[list[object]]:
    try:
        columns = json.loads(beside)
    except (ValueError, RecursionError):
        columns = None
    if not isinstance(columns, list):
        columns = []
    lists = [one if isinstance(one, list) else [] for one in [*columns[:4], [], [], [], []]][:4]
    return [(one + [None] * count)[:count] for one in lists]


def _text(value: object) -> str:
    text = value if isinstance(value, str) else ""
    # What is no longer text must be compared, not end the audit that looks for it.
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def size(connection: sqlite3.Connection) -> int:
    """The number of entries, by the highest index."""
    query = "SELECT leaf_index, length(sizes) FROM entry ORDER BY leaf_index DESC LIMIT 1"
    row = connection.execute(query).fetchone()
    return 0 if row is None else int(row[0]) + int(row[1]) // 4


def pages(
    ask: Ask, start: int, stop: int | None = None, columns: str = COLUMNS
) -> Iterator[list[Stored]]:
    """All runs that hold entries from ``start`` on and before ``stop``, a page at a time.

    The first may begin before ``start``; it is the only one that can, in a sound log.
    """
    if start > FIRST:
        ((held,),) = ask("SELECT max(leaf_index) FROM entry WHERE leaf_index <= ?", (start,))
        start = start if held is None else held
    end = "" if stop is None else f"AND leaf_index < {stop:d}"
    query = f"SELECT {columns} FROM entry WHERE leaf_index {{}} ? {end} ORDER BY leaf_index LIMIT ?"
    compared = ">="
    while found := ask(query.format(compared), (start, PAGE_RUNS)):
        yield found
        start, compared = found[-1][0], ">"


def beside(connection: sqlite3.Connection, start: int, stop: int) -> Iterator[Row]:
    """What entries are found by, with no bytes of the entries themselves."""
    for runs in pages(asking(connection), start, stop, "leaf_index, sizes, X'', beside"):
        for run in runs:
            yield from (row for row in unpacked(run) if start <= row.index < stop)


def asking(connection: sqlite3.Connection) -> Ask:
    """Queries over a connection that nobody else is using."""
    return lambda query, values: connection.execute(query, values).fetchall()


class Places:
    """Looks up entries by index, and remembers the run it was in last: the next is often there."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._first, self._rows = 0, list[Row]()

    def row(self, index: int) -> Row | None:
        if not self._first <= index < self._first + len(self._rows):
            query = f"SELECT {COLUMNS} FROM entry WHERE leaf_index <= ? ORDER BY leaf_index DESC"
            run = self._connection.execute(f"{query} LIMIT 1", (index,)).fetchone()
            self._first, self._rows = (run[0], unpacked(run)) if run else (0, [])
        at = index - self._first
        return self._rows[at] if 0 <= at < len(self._rows) else None


def faults(connection: sqlite3.Connection) -> Iterator[str]:
    """Runs whose columns do not fit each other."""
    for runs in pages(asking(connection), FIRST):
        for run in runs:
            rows = unpacked(run)
            if not rows or _packed(rows) != run:
                yield f"entry: the run from entry {run[0]} on is malformed"
