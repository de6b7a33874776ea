"""The static layout of a log (c2sp.org/tlog-tiles): which file holds what.

A tile is up to 256 consecutive hashes of one level, level ``l`` being every eighth level of the
tree; an entry bundle holds the entries under a tile of level 0. A tree of size ``s`` has at level
``l`` as many hashes as ``s >> 8l``; the last tile of a level is partial unless that fits.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

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


def decode_bundle(data: bytes) -> list[bytes] | None:
    """The entries of a bundle; None unless its lengths fit its bytes exactly."""
    entries, at = list[bytes](), 0
    while at < len(data):
        start = at + 2
        at = start + int.from_bytes(data[at:start], "big")
        if start > len(data) or at > len(data):
            return None
        entries.append(data[start:at])
    return entries


def decode_tile(data: bytes, width: int) -> list[bytes] | None:
    """The hashes of a tile; None unless there are ``width`` of them."""
    if len(data) != width * HASH_SIZE:
        return None
    return [data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)]
