"""Node hashes in blocks: how both stores lay the sequence of a tree's nodes into rows.

Block b holds the nodes numbered from ``b * NODES``, 32 bytes each, side by side; only the last
block may be shorter. (124 hashes and a row's overhead fit a page of 4 KiB.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.text import Text
from pilotbase.record.rules.merkle import HASH_SIZE

NODES = 124


def numbered(first: int, hashes: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and hash of each node of a run of them, whatever damage has made of it."""
    for at in range(0, len(hashes), HASH_SIZE):
        yield first + at // HASH_SIZE, hashes[at : at + HASH_SIZE]


def total(block: int, hashes: object) -> int:
    """One more than the highest node number, given the last block."""
    data = hashes if isinstance(hashes, bytes) else b""
    return block * NODES - -len(data) // HASH_SIZE


def after(last: tuple[int, bytes] | None, hashes: Sequence[bytes]) -> Iterator[tuple[int, bytes]]:
    """The blocks to write so that the hashes follow on the last block; the first may replace it."""
    block, data = last if last is not None else (0, b"")
    if len(data) == NODES * HASH_SIZE:
        block, data = block + 1, b""
    data += b"".join(hashes)
    for at in range(0, len(data), NODES * HASH_SIZE):
        yield block, data[at : at + NODES * HASH_SIZE]
        block += 1


def pick(held: Mapping[int, object], numbers: Sequence[int], where: str) -> list[bytes]:
    """The nodes with these numbers. Raises RecordError when one is not there whole."""
    picked = list[bytes]()
    for number in numbers:
        block, place = divmod(number, NODES)
        data = held.get(block)
        at = place * HASH_SIZE
        picked.append(data[at : at + HASH_SIZE] if isinstance(data, bytes) else b"")
    if any(len(node) != HASH_SIZE for node in picked):
        raise RecordError(
            "record.missing_node",
            Text("a stored hash of the tree is missing", "缺少已存储的树节点哈希"),
            where=where,
            next_step=Text(
                "Run `pilotbase record verify` to see what is damaged.",
                "请运行 `pilotbase record verify` 查看损坏之处。",
            ),
        )
    return picked
