"""Tiles and bundles: what a tree of each size has, and reading back what is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotbase.record.rules.tiles import (
    ENTRY_SIZE_MAX,
    Tile,
    decode_bundle,
    decode_tile,
    encode_bundle,
    right_edge,
    tile_of,
    tiles,
)

SIZES = st.integers(0, 2**18)


@given(SIZES)
def test_the_partial_files_are_those_of_the_specification(size: int) -> None:
    found = {(tile.level, tile.number): tile.width for tile in tiles(size)}
    for level in range(3):
        count = size // 256**level
        assert found.get((level, count // 256), 0) == count % 256
        assert [found[level, n] for n in range(count // 256)] == [256] * (count // 256)
    bundles = {place: width for place, width in found.items() if place[0] == -1}
    assert {n: w for (_, n), w in bundles.items()} == {
        n: w for (level, n), w in found.items() if level == 0
    }
    assert set(right_edge(size)) == {tile for tile in tiles(size) if tile.width < 256}


@given(SIZES, SIZES)
def test_what_is_new_is_what_was_not_there(one: int, two: int) -> None:
    since, size = sorted((one, two))
    assert set(tiles(size, since)) == set(tiles(size)) - set(tiles(since))


def test_paths() -> None:
    assert Tile(-1, 0, 5).path == "tile/entries/000.p/5"
    assert Tile(0, 1000).path == "tile/0/x001/000"
    assert Tile(2, 999_999, 255).path == "tile/2/x999/999.p/255"
    assert Tile(2, 999_999, 255).full == Tile(2, 999_999)


@given(st.lists(st.binary(max_size=40), max_size=8), st.integers(0, 60), st.integers(1, 255))
def test_bundles_read_back_and_nothing_else(entries: list[bytes], at: int, flip: int) -> None:
    data = encode_bundle(entries)
    assert decode_bundle(data) == entries
    assert not data or decode_bundle(data[:-1]) is None
    assert decode_bundle(data + b"\0") is None
    changed = bytearray(data)
    if at < len(data):
        changed[at] ^= flip
        assert decode_bundle(bytes(changed)) != entries


def test_limits() -> None:
    assert decode_bundle(encode_bundle([bytes(ENTRY_SIZE_MAX)])) == [bytes(ENTRY_SIZE_MAX)]
    with pytest.raises(ValueError, match="65536"):
        encode_bundle([bytes(ENTRY_SIZE_MAX + 1)])
    assert decode_tile(bytes(64), 2) == [bytes(32)] * 2
    assert decode_tile(bytes(64), 1) is None and decode_tile(bytes(63), 2) is None


@given(st.integers(-1, 63), st.integers(0, 2**40), st.integers(1, 256))
def test_a_path_says_which_tile_it_is(level: int, number: int, width: int) -> None:
    tile = Tile(level, number, width)
    assert tile_of(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    ["", "checkpoint", "tile/0/0", "tile/0/x000/001", "tile/0/000.p/256", "tile/0/000.p/0",
     "tile/0/000.p/01", "tile/64/000", "tile/00/000", "tile/0/000/", "/tile/0/000"],
)  # fmt: skip
def test_other_paths_are_none(path: str) -> None:
    assert tile_of(path) is None
