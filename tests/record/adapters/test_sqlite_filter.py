"""The filter of keys: denies none that was added, affirms few others, and knows when it is full."""

from __future__ import annotations

import sqlite3

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotbase.record.adapters import sqlite_filter, sqlite_lookup, sqlite_merge
from pilotbase.record.adapters.sqlite_filter import Filter, filled

HASHES = st.lists(st.integers(0, 2**sqlite_lookup.HASH_BITS - 1), max_size=200)


def asked(held: Filter, hashes: list[int]) -> list[int]:
    return [found for _, found in held.candidates([str(one) for one in hashes], hashes)]


@given(HASHES, HASHES)
@settings(max_examples=60)
def test_what_was_added_is_affirmed_in_the_order_it_is_asked(
    added: list[int], some: list[int]
) -> None:
    held = Filter(len(added))
    assert asked(held, some) == []
    held.add(np.array(added, np.uint64))
    found = asked(held, some + added)
    assert [one for one in found if one in added] == [one for one in some + added if one in added]


def test_of_other_keys_few_are_affirmed_even_when_it_is_full() -> None:
    held, count = Filter(0), 1 << sqlite_filter.LOG2_MIN
    room = count // sqlite_filter.BITS
    keys = sqlite_lookup.key_hashes(f"key {n}" for n in range(room))
    held.add(np.array(keys, np.uint64))
    assert not held.full and asked(held, keys) == keys
    others = sqlite_lookup.key_hashes(f"other {n}" for n in range(20_000))
    # (1 - exp(-2/16))² = 1.38 %: 276 of 20,000 are expected, with a standard deviation of 17.
    assert 150 < len(asked(held, others)) < 400
    held.add(np.array(others[:1], np.uint64))
    assert held.full


def test_a_filter_of_runs_holds_all_their_hashes() -> None:
    connection = sqlite3.connect(":memory:")
    connection.executescript(sqlite_lookup.SCHEMA)
    runs, hashes = list[sqlite_lookup.Run](), list[int]()
    for start in range(0, 5000, 1000):
        some = sqlite_lookup.key_hashes(str(n) for n in range(start, start + 1000))
        part = sqlite_merge.sorted_part(some, range(start, start + 1000), start)
        runs = sqlite_merge.add(connection, runs, part, start + 1000)
        hashes += some
    held = filled(connection, runs)
    assert asked(held, hashes) == hashes and not held.full
    strange = sqlite_lookup.key_hashes(f"strange {n}" for n in range(5000))
    assert len(asked(held, strange)) < 100
    connection.close()
