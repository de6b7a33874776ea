"""A flipped bit is not taken for what a crash leaves, nor what a crash leaves for damage."""

from __future__ import annotations

import random

from hypothesis import assume, given
from hypothesis import strategies as st

from pilotbase.serve.rules.frames import (
    FIRST_LINK,
    HEAD_SIZE,
    LINK_SIZE,
    Broken,
    encode,
    framed,
    frames,
    header,
)
from pilotbase.serve.rules.torn import SECTOR, Damage, damage

AHEAD = 4 * SECTOR
"""Zeros behind what is written."""


class Written:
    """A segment as a gateway writes it: groups of records, each durable before the next."""

    def __init__(self, sizes: list[int], seed: int) -> None:
        chance, self.link, self.data = random.Random(seed), FIRST_LINK, b""
        self.starts, self.open, last = [0], list[int](), 0
        self._add([header("4f1c9a2b7d3e", 1, FIRST_LINK)])
        terms = encode(["terms", 1, {"filing": "line-1", "holder": "x" * chance.randrange(90)}])
        for index, size in enumerate(sizes):
            group, fresh = [terms] if index == 0 else [], list[int]()
            for _ in range(size):
                if self.open and chance.random() < 0.6:
                    number = self.open.pop(chance.randrange(len(self.open)))
                    group.append(encode(["settle", number, "served", "CNY", 20 * number, 1, 2, 0]))
                else:
                    last += 1
                    fresh.append(last)
                    group.append(
                        encode(["intent", last, 1795 * 10**9, 1, 9 ** chance.randrange(9)])
                    )
            self.open += fresh
            self._add(group)

    def _add(self, payloads: list[bytes]) -> None:
        self.starts.append(len(self.data))
        parts, leaves = framed(payloads, self.link)
        self.data, self.link = self.data + b"".join(parts), leaves[-1][:LINK_SIZE]


def read(data: bytes) -> tuple[list[bytes], Damage | None]:
    payloads, size, link = list[bytes](), 0, FIRST_LINK
    try:
        for frame in frames(data, FIRST_LINK):
            payloads.append(frame.payload)
            size, link = frame.offset + HEAD_SIZE + len(frame.payload), frame.link
    except Broken:
        pass
    return payloads, damage(data, size, link)


groups = st.lists(st.integers(1, 12), min_size=1, max_size=6)
seeds = st.integers(0, 2**32)


@given(groups, seeds, st.data())
def test_a_flipped_bit_is_named_or_changes_nothing(
    sizes: list[int], seed: int, draw: st.DataObject
) -> None:
    written = Written(sizes, seed)
    whole = written.data + bytes(AHEAD)
    expected, none = read(whole)
    assert none is None
    for bit in draw.draw(st.lists(st.integers(0, 8 * len(whole) - 1), min_size=8, max_size=8)):
        data = bytearray(whole)
        data[bit // 8] ^= 1 << bit % 8
        payloads, found = read(bytes(data))
        if bit // 8 < len(written.data):
            assert found is not None and found.offset <= bit // 8
            left = len(expected) - len(payloads) - 1
            # A changed length can hide one more: that of which it is the beginning.
            assert left - 1 <= found.records <= left
        else:
            assert payloads == expected


def test_each_bit_of_a_segment() -> None:
    written = Written([3, 2, 4], 1)
    whole = written.data + bytes(SECTOR)
    for bit in range(8 * len(written.data)):
        data = bytearray(whole)
        data[bit // 8] ^= 1 << bit % 8
        assert read(bytes(data))[1] is not None, bit


@given(groups, seeds, st.data(), st.sampled_from([1, 8]))
def test_a_group_that_was_written_in_part_is_torn(
    sizes: list[int], seed: int, draw: st.DataObject, pages: int
) -> None:
    """Sectors, or pages of eight, of the last group are there or not, in any order."""
    written = Written(sizes, seed)
    start, size = written.starts[-1], SECTOR * pages
    # Where the first bytes of a length alone are missing it is held to be changed.
    assume(start % SECTOR <= SECTOR - 4)
    data, before = bytearray(written.data + bytes(AHEAD)), written.data[:start]
    first, last = start // size, (len(written.data) - 1) // size
    there = draw.draw(st.sets(st.integers(first, last)))
    for one in range(first, last + 1):
        if one not in there:
            low, high = max(one * size, start), min((one + 1) * size, len(written.data))
            data[low:high] = bytes(high - low)
    payloads, found = read(bytes(data))
    assert found is None
    assert payloads[: len(read(before)[0])] == read(before)[0]


@given(groups, seeds, st.integers(0, 3000))
def test_an_end_that_is_not_there_is_torn(sizes: list[int], seed: int, cut: int) -> None:
    """The file ends, or zeros begin, within the last group, at whatever byte."""
    written = Written(sizes, seed)
    start = written.starts[-1]
    data = written.data[: start + cut % (len(written.data) - start)]
    assert read(data)[1] is None
    assert read(data + bytes(AHEAD))[1] is None


@given(groups, seeds)
def test_a_group_that_the_disk_refused_is_taken_back(sizes: list[int], seed: int) -> None:
    written = Written(sizes, seed)
    start = written.starts[-1]
    data = bytearray(written.data + bytes(AHEAD))
    data[start : start + HEAD_SIZE] = bytes(HEAD_SIZE)
    assert read(bytes(data))[1] is None


def test_a_lost_page_before_calls_that_were_settled_later_is_damage() -> None:
    """Calls behind the hole are begun and settled: durable, so the hole was too."""
    written = Written([12] * 40, 3)
    data = bytearray(written.data + bytes(AHEAD))
    data[2 * SECTOR : 4 * SECTOR] = bytes(2 * SECTOR)
    _, found = read(bytes(data))
    assert found is not None and found.records > 300
