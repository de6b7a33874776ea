"""Tiles and bundles: what a tree of each size has, and reading back what is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotbase.record.rules.tiles import (
    ENTRY_SIZE_MAX,
    Tile,
    encode_bundle,
    flaw_of,
    read_bundle,
    read_tile,
    right_edge,
    tile_of,
    tiles,
)

SIZES = st.integers(0, 2**18)
BUNDLE = encode_bundle([b"abc", b"de", b"fghi"])


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
    assert read_bundle(data) == (entries, len(data))
    whole = len(encode_bundle(entries[:-1]))
    assert not data or read_bundle(data[:-1]) == (entries[:-1], whole)
    assert read_bundle(data + b"\0") == (entries, len(data))
    changed = bytearray(data)
    if at < len(data):
        changed[at] ^= flip
        assert read_bundle(bytes(changed)) != (entries, len(data))


def test_limits() -> None:
    longest = encode_bundle([bytes(ENTRY_SIZE_MAX)])
    assert read_bundle(longest) == ([bytes(ENTRY_SIZE_MAX)], len(longest))
    with pytest.raises(ValueError, match="65536"):
        encode_bundle([bytes(ENTRY_SIZE_MAX + 1)])
    assert read_tile(bytes(64)) == [bytes(32)] * 2 and read_tile(bytes(63))[1] == bytes(31)


@pytest.mark.parametrize(
    ("tile", "data", "index", "en", "zh"),
    [
        (Tile(-1, 2, 3), BUNDLE[:-2], 514, "from byte 9 on, is to be 4 bytes long, and the "
         "file ends at byte 13",
         "第 514 条记录始于第 9 字节, 应长 4 字节, 而文件止于第 13 字节"),
        (Tile(-1, 2, 3), BUNDLE[:10], 514, "cut at byte 10, within the length of entry 514",
         "止于第 10 字节, 第 514 条记录的长度字段不完整"),
        (Tile(-1, 2, 4), BUNDLE, 515, "it holds 3 entries, not 4", "有 3 条记录, 应为 4 条"),
        (Tile(-1, 2, 2), BUNDLE, 513, "it holds 3 entries, not 2", "有 3 条记录, 应为 2 条"),
        (Tile(-1, 2, 2), b"", 512, "it holds 0 entries, not 2", "有 0 条记录, 应为 2 条"),
        (Tile(-1, 2, 3), BUNDLE + bytes(4) + b"x", 514, "5 bytes are behind its last entry, 514",
         "最后一条记录 (第 514 条) 之后另有 5 字节"),
        (Tile(1, 0, 3), bytes(70), 2, "it is 70 bytes long, not 96", "长 70 字节, 应为 96 字节"),
        (Tile(1, 0, 3), bytes(97), 2, "it is 97 bytes long, not 96", "长 97 字节, 应为 96 字节"),
        (Tile(1, 0), bytes(8193), 255, "it is longer than 8192 bytes", "长于 8192 字节"),
    ],
)  # fmt: skip
def test_a_flaw_says_which_file_and_why(
    tile: Tile, data: bytes, index: int, en: str, zh: str
) -> None:
    flaw = flaw_of(tile, data)
    assert flaw is not None and flaw.index == index
    assert f"{tile.path} is malformed: " in flaw.said.en and en in flaw.said.en
    assert f"文件 {tile.path} 格式有误: " in flaw.said.zh and zh in flaw.said.zh


def test_no_flaw() -> None:
    assert flaw_of(Tile(-1, 2, 3), BUNDLE) is None and flaw_of(Tile(0, 0, 2), bytes(64)) is None


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
