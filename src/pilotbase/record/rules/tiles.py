"""The static layout of a log (c2sp.org/tlog-tiles): which file holds what.

A tile is up to 256 consecutive hashes of one level, level ``l`` being every eighth level of the
tree; an entry bundle holds the entries under a tile of level 0. A tree of size ``s`` has at level
``l`` as many hashes as ``s >> 8l``; the last tile of a level is partial unless that fits.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pilotbase.kernel.text import Text
from pilotbase.record.rules.merkle import HASH_SIZE

HEIGHT = 8
WIDTH = 1 << HEIGHT
ENTRY_SIZE_MAX = 0xFFFF
"""An entry's length travels as uint16, so no entry of a log that is to be published is longer."""
BUNDLE_SIZE_MAX = WIDTH * (2 + ENTRY_SIZE_MAX)
CHECKPOINT = "checkpoint"
_PATH = re.compile(
    r"tile/(entries|[0-9]|[1-5][0-9]|6[0-3])/((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([0-9]{1,3}))?"
)


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """A tile of a level, or with level -1 an entry bundle; ``width`` is 256 for a full one."""

    level: int
    number: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Where it lies below the log's prefix, with ``/`` between parts."""
        level = "entries" if self.level < 0 else str(self.level)
        whole = f"tile/{level}/{_number(self.number)}"
        return whole if self.width == WIDTH else f"{whole}.p/{self.width}"

    @property
    def full(self) -> Tile:
        """The full tile that takes a partial one's place as the log grows."""
        return Tile(self.level, self.number)

    @property
    def start(self) -> int:
        """The position of its first hash within its level, or of its first entry."""
        return self.number * WIDTH

    @property
    def last(self) -> int:
        """The position of its last one."""
        return self.start + self.width - 1


@dataclass(frozen=True, slots=True)
class Flaw:
    """Why a file cannot be used: it is missing, or malformed in a way that is told.

    Attributes:
        index: the first entry, or hash of its level, that is concerned.
        entries: those of a bundle that could be read before.
        behind: all of a bundle's entries can be read, and there is more behind the last.
    """

    said: Text
    index: int
    entries: Sequence[bytes] = ()
    behind: bool = False


def _number(number: int) -> str:
    """1234067 is ``x001/x234/067``."""
    parts = [f"{number % 1000:03d}"]
    while number := number // 1000:
        parts.append(f"x{number % 1000:03d}")
    return "/".join(reversed(parts))


def tile_of(path: str) -> Tile | None:
    """The tile or bundle whose path this is; None for any other path.

    >>> tile_of("tile/0/x001/x234/067.p/5"), tile_of("tile/0/x000/067")
    (Tile(level=0, number=1234067, width=5), None)
    """
    parts = _PATH.fullmatch(path)
    if parts is None:
        return None
    level = -1 if parts[1] == "entries" else int(parts[1])
    tile = Tile(level, int(re.sub("[x/]", "", parts[2])), int(parts[3] or WIDTH))
    return tile if tile.path == path and 0 < tile.width <= WIDTH else None


def tiles(size: int, since: int = 0) -> Iterator[Tile]:
    """The tiles and bundles of a tree of ``size`` that one of ``since`` entries does not have."""
    yield from _of_level(-1, size, since)
    level = 0
    while size >> (HEIGHT * level):
        yield from _of_level(level, size >> (HEIGHT * level), since >> (HEIGHT * level))
        level += 1


def right_edge(size: int) -> Iterator[Tile]:
    """The partial tiles of a tree of ``size``: the last of each level, and the last bundle."""
    level = 0
    if size % WIDTH:
        yield Tile(-1, size // WIDTH, size % WIDTH)
    while count := size >> (HEIGHT * level):
        if count % WIDTH:
            yield Tile(level, count // WIDTH, count % WIDTH)
        level += 1


def _of_level(level: int, count: int, since: int) -> Iterator[Tile]:
    if count == since:
        return
    for number in range(since // WIDTH, count // WIDTH):
        yield Tile(level, number)
    if count % WIDTH:
        yield Tile(level, count // WIDTH, count % WIDTH)


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Entries, each after its length as a big-endian uint16.

    Raises:
        ValueError: an entry longer than 65535 bytes.
    """
    parts = list[bytes]()
    for entry in entries:
        if len(entry) > ENTRY_SIZE_MAX:
            raise ValueError(f"an entry of {len(entry)} bytes does not fit into a bundle")
        parts += (struct.pack(">H", len(entry)), entry)
    return b"".join(parts)


def read_bundle(data: bytes) -> tuple[list[bytes], int]:
    """The entries of a bundle that are there whole, and the byte at which they end.

    >>> read_bundle(b"\\0\\2ab\\0\\5cd")
    ([b'ab'], 4)
    """
    entries, end = list[bytes](), 0
    while end < len(data):
        start = end + 2
        stop = start + int.from_bytes(data[end:start], "big")
        if start > len(data) or stop > len(data):
            break
        entries.append(data[start:stop])
        end = stop
    return entries, end


def read_tile(data: bytes) -> list[bytes]:
    """The hashes of a tile; the last is shorter where it was cut."""
    return [data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)]


def missing(tile: Tile) -> Flaw:
    """The flaw of a file that is not there, nor the full one that may have taken its place."""
    said = MISSING if tile.width == WIDTH else BOTH_MISSING
    return Flaw(said.format(path=tile.path, full=tile.full.path), tile.start)


def flaw_of(tile: Tile, data: bytes) -> Flaw | None:
    """What is wrong with the form of a tile's or a bundle's file; None where nothing is."""
    found = _of_bundle(tile, data) if tile.level < 0 else _of_tile(tile, data)
    if found is None:
        return None
    # What is longer is read up to there, so its own end is not known.
    most = BUNDLE_SIZE_MAX if tile.level < 0 else WIDTH * HASH_SIZE
    why = found.said if len(data) <= most else TOO_LONG.format(most=most)
    return replace(found, said=MALFORMED.format(path=tile.path, why=why))


def _of_bundle(tile: Tile, data: bytes) -> Flaw | None:
    entries, end = read_bundle(data)
    index, size, behind = tile.start + len(entries), len(data), len(entries) >= tile.width
    if end < size and behind:
        last = len(encode_bundle(entries[: tile.width]))
        return Flaw(BEHIND.format(more=size - last, index=tile.last), tile.last, entries, behind)
    if end < size:
        said = CUT_LENGTH if size - end < 2 else CUT_ENTRY
        long = int.from_bytes(data[end : end + 2], "big")
        said = said.format(index=index, at=end, long=long, size=size)
        return Flaw(said, min(index, tile.last), entries)
    if len(entries) != tile.width:
        said = OTHER_COUNT.format(there=len(entries), wanted=tile.width)
        return Flaw(said, min(index, tile.last), entries, behind)
    return None


def _of_tile(tile: Tile, data: bytes) -> Flaw | None:
    wanted = tile.width * HASH_SIZE
    if len(data) == wanted:
        return None
    said = OTHER_SIZE.format(there=len(data), wanted=wanted)
    return Flaw(said, min(tile.start + len(data) // HASH_SIZE, tile.last))


MISSING = Text("the file {path} is missing", "缺少文件 {path}")
BOTH_MISSING = Text(
    "the file {path} is missing, and so is the full one that may take its place, {full}",
    "缺少文件 {path}, 可代替它的完整文件 {full} 也不存在",
)
MALFORMED = Text("the file {path} is malformed: {why}", "文件 {path} 格式有误: {why}")
TOO_LONG = Text("it is longer than {most} bytes", "长于 {most} 字节")
CUT_LENGTH = Text(
    "it is cut at byte {size}, within the length of entry {index}",
    "文件止于第 {size} 字节, 第 {index} 条记录的长度字段不完整",
)
CUT_ENTRY = Text(
    "entry {index}, from byte {at} on, is to be {long} bytes long, and the file ends at byte"
    " {size}: cut, or a length was changed",
    "第 {index} 条记录始于第 {at} 字节, 应长 {long} 字节, 而文件止于第 {size} 字节:"
    " 被截断, 或长度字段有改动",
)
BEHIND = Text(
    "{more} bytes are behind its last entry, {index}",
    "最后一条记录 (第 {index} 条) 之后另有 {more} 字节",
)
OTHER_COUNT = Text(
    "it holds {there} entries, not {wanted}", "其中有 {there} 条记录, 应为 {wanted} 条"
)
OTHER_SIZE = Text("it is {there} bytes long, not {wanted}", "长 {there} 字节, 应为 {wanted} 字节")
