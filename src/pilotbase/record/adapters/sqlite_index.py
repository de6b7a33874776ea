"""Finding entries in SQLite by idempotency key, kind and subject, without an index per row.

Keys are hashes, so that a row-by-row index dirties a random page for every entry: it costs more
than the rest of an append together. Here the newest entries, the *tail*, have no index at all; a
writer holds their keys in memory, a reader scans them. When the tail has grown to a share of the
log it is indexed at one go, in key order, within the transaction that made it too long (the idea of
the log-structured merge-tree: O'Neil et al., Acta Informatica 33, 1996).

``lookup`` maps the hash of a key to the entry, by linear probing where two keys share a hash.
``posting`` lists, for each kind and subject, the entries that have it. ``indexed`` holds the sizes
up to which this was done. All of it can be made again from the entries; an audit compares them.
"""

from __future__ import annotations

import hashlib
import sqlite3
import struct
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter

from pilotbase.record.adapters import sqlite_runs
from pilotbase.record.ports import Row

SCHEMA = """
CREATE TABLE lookup (hash INTEGER PRIMARY KEY, leaf_index INTEGER NOT NULL) STRICT;
CREATE TABLE posting (
  word TEXT NOT NULL,
  first INTEGER NOT NULL,
  indexes BLOB NOT NULL,
  PRIMARY KEY (word, first)
) STRICT, WITHOUT ROWID;
CREATE TABLE indexed (size INTEGER PRIMARY KEY) STRICT
"""
TAIL_MIN, TAIL_MAX, TAIL_SHARE = 1024, 32768, 8
POSTING_MAX = 480  # times 8 bytes: such a row fits a page
_HASHES = 2**63
_ASKED_MAX = 500
_kind, _about, _index = attrgetter("kind"), attrgetter("about"), attrgetter("index")


def key_hash(key: str) -> int:
    """63 bits of SHA-256: nobody can choose keys that crowd one place of the table."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") >> 1


def key_hashes(keys: Iterable[str]) -> list[int]:
    """`key_hash` of each."""
    sha256, number = hashlib.sha256, int.from_bytes
    return [number(sha256(key.encode()).digest()[:8], "big") >> 1 for key in keys]


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


def find_indexed(
    connection: sqlite3.Connection, keys: Sequence[str], places: Sequence[int] = ()
) -> dict[str, int]:
    """The indexes of the entries with these keys, as far as there are any and they are indexed.

    Args:
        places: their hashes, if they are known.
    """
    places, taken, found = places or key_hashes(keys), set[int](), dict[str, int]()
    for at in range(0, len(places), _ASKED_MAX):
        some = places[at : at + _ASKED_MAX]
        query = f"SELECT hash FROM lookup WHERE hash IN ({', '.join('?' * len(some))})"
        taken.update(place for (place,) in connection.execute(query, some).fetchall())
    if taken:
        # Most keys are new, and their places free: only the others are looked at one by one.
        for key, place in zip(keys, places, strict=True):
            index = _probe(connection, key) if place in taken else None
            if index is not None:
                found[key] = index
    return found


def _probe(connection: sqlite3.Connection, key: str) -> int | None:
    place, entries = key_hash(key), sqlite_runs.Places(connection)
    query = "SELECT leaf_index FROM lookup WHERE hash = ?"
    while (found := connection.execute(query, (place,)).fetchone()) is not None:
        row = entries.row(found[0])
        if row is not None and row.key == key:
            return int(found[0])
        place = (place + 1) % _HASHES
    return None


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

    `keys` finds them meanwhile; `counts` has the next counter of each kind seen. The hashes
    of keys that are to be added next may be said before.
    """

    def __init__(self) -> None:
        self.start = self.stop = 0
        self.keys: dict[str, int] = {}
        self._expected: dict[str, int] = {}
        self._hashes = array("q")
        self.counts: dict[str, int] = {}
        self._kinds: dict[str, list[int]] = {}
        self._abouts: dict[str, list[int]] = {}

    def catch_up(self, connection: sqlite3.Connection, size: int) -> None:
        """Take in what other connections added, and forget what they indexed."""
        start = indexed_size(connection)
        if start != self.start or size < self.stop:
            self.start = self.stop = start
            self.keys, self.counts, self._kinds, self._abouts = {}, {}, {}, {}
            self._hashes = array("q")
        if size > self.stop:
            self.add(list(sqlite_runs.beside(connection, self.stop, size)))
            self.stop = size

    def expect(self, keys: Sequence[str]) -> list[int]:
        """The hashes of keys that will be added next, unless they are known."""
        hashes = key_hashes(keys)
        self._expected = dict(zip(keys, hashes, strict=True))
        return hashes

    def add(self, rows: Sequence[Row]) -> None:
        """Take in rows that follow."""
        keys, expected, hashed = self.keys, self._expected, self._hashes.append
        for index, _, key, *_ in rows:
            if key not in keys:
                keys[key] = index
                hashed(expected.get(key, -1))
        self._expected = {}
        # Entries of one kind, or about one subject, come in runs more often than not.
        for kind, run in groupby(rows, key=_kind):
            some = list(run)
            self._kinds.setdefault(kind, []).extend(map(_index, some))
            self.counts[kind] = some[-1].count + 1
        for about, run in groupby(rows, key=_about):
            self._abouts.setdefault(about, []).extend(map(_index, run))
        self.stop = rows[-1].index + 1 if rows else self.stop

    def index(self, connection: sqlite3.Connection) -> None:
        """Index all of it; then there is no tail."""
        # In order, so that each page of the table is touched once.
        hashes = self._hashes if -1 not in self._hashes else key_hashes(self.keys)
        _place(connection, sorted(zip(hashes, self.keys.values(), strict=True)))
        lists = {words(kind, "")[0]: indexes for kind, indexes in self._kinds.items()}
        lists |= {words("", about)[1]: indexes for about, indexes in self._abouts.items()}
        insert = "INSERT INTO posting (word, first, indexes) VALUES (?, ?, ?)"
        connection.executemany(insert, _postings(lists))
        connection.execute("INSERT INTO indexed (size) VALUES (?)", (self.stop,))
        self.start = self.stop
        self.keys, self._kinds, self._abouts = {}, {}, {}
        self._hashes = array("q")


def _place(connection: sqlite3.Connection, places: list[tuple[int, int]]) -> None:
    insert = "INSERT INTO lookup (hash, leaf_index) VALUES (?, ?)"
    connection.execute("SAVEPOINT placing")
    try:
        connection.executemany(insert, places)
        places = []
    except sqlite3.IntegrityError:
        connection.execute("ROLLBACK TO placing")
    connection.execute("RELEASE placing")
    for home, index in places:
        row = sqlite_runs.Places(connection).row(index)
        key = row.key if row is not None else ""
        if _probe(connection, key) is not None:
            raise known_key(index)
        place = home
        while connection.execute("SELECT 1 FROM lookup WHERE hash = ?", (place,)).fetchone():
            place = (place + 1) % _HASHES
        connection.execute(insert, (place, index))


def known_key(index: int) -> ValueError:
    """That an entry's key is in the log already."""
    return ValueError(f"entry {index} does not follow: its key is in the log already")


def _postings(lists: dict[str, list[int]]) -> Iterator[tuple[str, int, bytes]]:
    for word, indexes in sorted(lists.items()):
        for at in range(0, len(indexes), POSTING_MAX):
            some = indexes[at : at + POSTING_MAX]
            yield word, some[0], struct.pack(f"<{len(some)}Q", *some)


def _unpacked(indexes: object) -> tuple[int, ...]:
    data = indexes if isinstance(indexes, bytes) else b""
    return struct.unpack(f"<{len(data) // 8}Q", data[: len(data) // 8 * 8])


def index_faults(connection: sqlite3.Connection) -> Iterator[str]:
    """Where the index differs from the entries; in words, as the store's other faults.

    Each step of the indexing is done again, and what it would have written is compared.
    """
    start = written = 0
    sizes = connection.execute("SELECT size FROM indexed ORDER BY size").fetchall()
    for (stop,) in sizes:
        rows = list(sqlite_runs.beside(connection, start, stop))
        if len(rows) != stop - start:
            yield f"indexed: from {start} up to {stop}; there are {len(rows)} entries"
        yield from _lookup_faults(connection, rows)
        made = list(_postings(_lists(rows)))
        query = "SELECT indexes FROM posting WHERE word = ? AND first = ?"
        for word, first, indexes in made:
            if connection.execute(query, (word, first)).fetchone() != (indexes,):
                yield f"posting: what is listed under {word!r} from {first} on is not so"
        start, written = stop, written + len(made)
    for table, expected in (("lookup", start), ("posting", written)):
        (found,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        if found != expected:
            yield f"{table}: {found} lines; {expected} were to be there"


def _lookup_faults(connection: sqlite3.Connection, rows: Sequence[Row]) -> Iterator[str]:
    for at in range(0, len(rows), _ASKED_MAX):
        some = rows[at : at + _ASKED_MAX]
        places = key_hashes(row.key for row in some)
        query = f"SELECT hash, leaf_index FROM lookup WHERE hash IN ({', '.join('?' * len(some))})"
        found = dict(connection.execute(query, places).fetchall())
        for row, place in zip(some, places, strict=True):
            # Where two keys share a place, one of them is further on.
            if found.get(place) != row.index and _probe(connection, row.key) != row.index:
                yield f"lookup: entry {row.index} is not found by its key"


def _lists(rows: Sequence[Row]) -> dict[str, list[int]]:
    lists = dict[str, list[int]]()
    for row in rows:
        for word in words(row.kind, row.about):
            lists.setdefault(word, []).append(row.index)
    return lists
