"""Finding entries in SQLite by idempotency key, kind and subject, without an index per row.

The newest entries, the *tail*, have no index at all; a writer holds their keys in memory, a reader
scans them. When the tail has grown to a share of the log it is indexed at one go, within the
transaction that made it too long.

`sqlite_lookup` finds the key's entry. ``posting`` lists, for each kind and subject, the entries
that have it. ``indexed`` holds the sizes up to which this was done. All of it can be made again
from the entries; an audit compares them (`sqlite_index_audit`).
"""

from __future__ import annotations

import sqlite3
import struct
from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from pilotbase.record.adapters import sqlite_lookup, sqlite_runs
from pilotbase.record.adapters.sqlite_lookup import Run
from pilotbase.record.ports import Row

if TYPE_CHECKING:
    from pilotbase.record.adapters.sqlite_filter import Filter

SCHEMA = f"""
{sqlite_lookup.SCHEMA};
CREATE TABLE posting (
  word TEXT NOT NULL,
  first INTEGER NOT NULL,
  indexes BLOB NOT NULL,
  PRIMARY KEY (word, first)
) STRICT, WITHOUT ROWID;
CREATE TABLE indexed (size INTEGER PRIMARY KEY) STRICT
"""
TAIL_MIN, TAIL_MAX, TAIL_SHARE = 1024, 8192, 8
POSTING_MAX = 480  # times 8 bytes: such a row fits a page
ASKED_FEW = 256
"""Keys that a writer looks up before it is worth while to remember what the runs hold."""


def words(kind: str, about: str) -> tuple[str, str]:
    """The words under which an entry is listed."""
    return f"kind {kind}", f"about {about}"


def tail_max(size: int) -> int:
    """How many entries of a log may be without an index."""
    return min(TAIL_MAX, max(TAIL_MIN, size // TAIL_SHARE))


def indexed_size(connection: sqlite3.Connection) -> int:
    """How many entries, from the first, are indexed."""
    (size,) = connection.execute("SELECT max(size) FROM indexed").fetchone()
    return int(size or 0)


def listed(connection: sqlite3.Connection, word: str, start: int) -> Iterator[int]:
    """The indexed entries from ``start`` on that are listed under the word, ascending."""
    query = (
        "SELECT first, indexes FROM posting WHERE word = ? AND first > ? ORDER BY first LIMIT 16"
    )
    before = "SELECT max(first) FROM posting WHERE word = ? AND first <= ?"
    (found,) = connection.execute(before, (word, start)).fetchone()
    last = start - 1 if found is None else found - 1
    while page := connection.execute(query, (word, last)).fetchall():
        for first, indexes in page:
            last = first
            yield from (index for index in _unpacked(indexes) if index >= start)


def last_listed(connection: sqlite3.Connection, word: str) -> int | None:
    """The last indexed entry that is listed under the word."""
    query = "SELECT indexes FROM posting WHERE word = ? ORDER BY first DESC LIMIT 1"
    row = connection.execute(query, (word,)).fetchone()
    return max(_unpacked(row[0]), default=None) if row else None


class Tail:
    """What a writer knows of the entries without an index: where each will be found, and counters.

    `keys` finds them meanwhile; `counts` has the next counter of each kind seen.
    """

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self._runs: list[Run] = []
        self._filter: Filter | None = None
        self._asked = 0
        self._begin(0)

    def _begin(self, start: int) -> None:
        self.start = self.stop = start
        self.keys: dict[str, int] = {}
        self._in_order: list[str] = []
        self._indexes = array("q")
        self._hashes: list[int] = []
        self._hashed: tuple[Sequence[str], list[int]] = ((), [])
        self._kinds: dict[str, array[int]] = {}
        self._abouts: dict[str, array[int]] = {}

    def catch_up(self, connection: sqlite3.Connection, size: int) -> None:
        """Take in what other connections added, and forget what they indexed."""
        start = indexed_size(connection)
        if start != self.start or size < self.stop:
            self._begin(start)
            self.counts, self._filter = {}, None
            self._runs = sqlite_lookup.sound_runs(connection, start)
        self.take(connection, size)

    def take(self, connection: sqlite3.Connection, size: int) -> None:
        """Take in the entries up to this size."""
        if size > self.stop:
            self.add(list(sqlite_runs.beside(connection, self.stop, size)))
            self.stop = size

    def find(self, connection: sqlite3.Connection, keys: Sequence[str]) -> dict[str, int]:
        """The indexes of the entries with these keys, in the tail or before it."""
        known, found = self.keys, dict[str, int]()
        if not known.keys().isdisjoint(keys):
            found = {key: known[key] for key in keys if key in known}
        if self._runs:
            others = [key for key in keys if key not in found] if found else keys
            hashes = sqlite_lookup.key_hashes(others)
            self._hashed = others, hashes
            found |= self._find_indexed(connection, others, hashes)
        return found

    def _find_indexed(
        self, connection: sqlite3.Connection, keys: Sequence[str], hashes: Sequence[int]
    ) -> dict[str, int]:
        self._asked += len(keys)
        if self._filter is None and self._asked > ASKED_FEW:
            # For a few keys it would take longer to make than to look.
            from pilotbase.record.adapters import sqlite_filter

            self._filter = sqlite_filter.filled(connection, self._runs)
        asked = (
            list(zip(keys, hashes, strict=True))
            if self._filter is None
            else self._filter.candidates(keys, hashes)
        )
        found = dict[str, int]()
        for run in self._runs if asked else ():
            found = sqlite_lookup.find(connection, run, asked) | found
        return found

    def add(self, rows: Sequence[Row]) -> None:
        """Take in rows that follow."""
        if not rows:
            return
        indexes, _, keys, kinds, counts, abouts = zip(*rows, strict=True)
        before = len(self.keys)
        self.keys.update(zip(keys, indexes, strict=True))
        if len(self.keys) < before + len(keys):
            # A damaged log has a key twice: the first entry with it counts.
            all_keys, all_indexes = [*self._in_order, *keys], [*self._indexes, *indexes]
            self.keys = dict(zip(reversed(all_keys), reversed(all_indexes), strict=True))
        self._take_hashes(keys)
        self._in_order += keys
        self._indexes.extend(indexes)
        _list_under(self._kinds, kinds, indexes)
        _list_under(self._abouts, abouts, indexes)
        last = dict(zip(kinds, counts, strict=True))
        self.counts |= {kind: count + 1 for kind, count in last.items()}
        self.stop = indexes[-1] + 1

    def _take_hashes(self, keys: Sequence[str]) -> None:
        """Keep the hashes of keys that were just looked up; others are made when they are due."""
        asked, hashes = self._hashed
        self._hashed = (), []
        if len(self._hashes) == len(self._in_order) and list(asked) == list(keys):
            self._hashes += hashes

    def index(self, connection: sqlite3.Connection) -> None:
        """Index all of it; then there is no tail."""
        lists = {words(kind, "")[0]: indexes for kind, indexes in self._kinds.items()}
        lists |= {words("", about)[1]: indexes for about, indexes in self._abouts.items()}
        insert = "INSERT INTO posting (word, first, indexes) VALUES (?, ?, ?)"
        connection.executemany(insert, postings(lists))
        connection.execute("INSERT INTO indexed (size) VALUES (?)", (self.stop,))
        self.index_keys(connection)

    def index_keys(self, connection: sqlite3.Connection) -> None:
        """Index the keys alone; then there is no tail."""
        from pilotbase.record.adapters import sqlite_merge

        self._hashes += sqlite_lookup.key_hashes(self._in_order[len(self._hashes) :])
        part = sqlite_merge.sorted_part(self._hashes, self._indexes, self.start)
        self._runs = sqlite_merge.add(connection, self._runs, part, self.stop)
        if self._filter is not None:
            self._filter.add(part[0])
            if self._filter.full:
                self._filter = None
        self._begin(self.stop)


def _list_under(lists: dict[str, array[int]], texts: Sequence[str], indexes: Sequence[int]) -> None:
    """List the indexes under the texts."""
    first = texts[0]
    if texts.count(first) == len(texts):
        lists.setdefault(first, array("q")).extend(indexes)
        return
    # Entries of one kind, or about one subject, come in runs more often than not.
    for text, run in groupby(zip(texts, indexes, strict=True), key=itemgetter(0)):
        lists.setdefault(text, array("q")).extend(index for _, index in run)


def known_key(index: int) -> ValueError:
    """That an entry's key is in the log already."""
    return ValueError(f"entry {index} does not follow: its key is in the log already")


def postings(lists: Mapping[str, Sequence[int]]) -> Iterator[tuple[str, int, bytes]]:
    for word, indexes in sorted(lists.items()):
        for at in range(0, len(indexes), POSTING_MAX):
            some = indexes[at : at + POSTING_MAX]
            yield word, some[0], struct.pack(f"<{len(some)}Q", *some)


def _unpacked(indexes: object) -> tuple[int, ...]:
    data = indexes if isinstance(indexes, bytes) else b""
    return struct.unpack(f"<{len(data) // 8}Q", data[: len(data) // 8 * 8])
