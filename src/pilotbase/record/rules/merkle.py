"""The Merkle tree of RFC 9162, section 2.1, over SHA-256.

All hashes are 32 bytes. What is hashed for a leaf begins with 0x00 and for a node with 0x01, so
that a node can never be passed off as a leaf (section 2.1.1).

Functions that build (`root`, `inclusion_proof`, `consistency_proof`) raise on an impossible one.
Functions that verify are total: whatever is handed in, the answer is True or False.

A log does not rehash its leaves. It stores the hash of every *complete* subtree once, in the order
in which they are completed (`node_number`); a root or a proof then needs a few of them: the ranges
of `inclusion_ranges` and `consistency_ranges`, each broken up by `cover` and joined by `fold`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from operator import itemgetter
from typing import TypeGuard

HASH_SIZE = 32
# Sizes and indexes travel as uint64 in RFC 9162 and are signed 64-bit integers in every database.
SIZE_MAX = 2**63 - 1

Range = tuple[int, int]
"""Leaves ``start <= index < stop``."""
Node = tuple[int, int]
"""A complete subtree: its height over the leaves, and how many of that height lie to its left."""


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 || data)."""
    return hashlib.sha256(b"\x00" + data).digest()


def leaf_hashes(entries: Iterable[bytes]) -> list[bytes]:
    """`leaf_hash` of each."""
    sha256 = hashlib.sha256
    return [sha256(b"\x00" + data).digest() for data in entries]


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def _node_hashes(level: Sequence[bytes]) -> list[bytes]:
    """`node_hash` of each two."""
    # To copy what has read the prefix takes two thirds of the time of beginning anew.
    begun, ends, found = hashlib.sha256(b"\x01").copy, iter(level), list[bytes]()
    for left, right in zip(ends, ends, strict=True):
        node = begun()
        node.update(left + right)
        found.append(node.digest())
    return found


def root(leaf_hashes: Iterable[bytes]) -> bytes:
    """The Merkle Tree Hash of the leaves; that of no leaves is SHA-256 of the empty string."""
    tree, leaves = CompactRange(), iter(leaf_hashes)
    while some := list(islice(leaves, 16 << _BLOCK_HEIGHT)):
        tree.extend(some)
    return tree.root()


def inclusion_proof(leaf_hashes: Sequence[bytes], index: int) -> list[bytes]:
    """PATH(index, D_n) of section 2.1.3.1, from the leaf's sibling up to the root's child.

    Raises:
        IndexError: when there is no leaf ``index``.
    """
    return [root(leaf_hashes[a:b]) for a, b in inclusion_ranges(index, len(leaf_hashes))]


def consistency_proof(leaf_hashes: Sequence[bytes], size1: int) -> list[bytes]:
    """PROOF(size1, D_n) of section 2.1.4.1: that the first ``size1`` leaves are a prefix of all.

    It is empty when ``size1`` is 0 (every tree extends the empty one) or the full size.

    Raises:
        IndexError: when ``size1`` is negative or larger than the tree.
    """
    return [root(leaf_hashes[a:b]) for a, b in consistency_ranges(size1, len(leaf_hashes))]


def verify_inclusion(
    leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> bool:
    """Whether the proof leads from the leaf at ``index`` to the root of a tree of ``size`` leaves.

    Section 2.1.3.2. Never raises: wrong types, lengths, indexes and sizes give False.
    """
    if not (_is_size(index) and _is_size(size) and index < size):
        return False
    if not (_is_hash(leaf_hash) and _is_hash(root) and _is_proof(proof)):
        return False
    sha256, node, last, reached = hashlib.sha256, index, size - 1, leaf_hash
    for sibling in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            reached = sha256(b"\x01" + sibling + reached).digest()
            # A right edge without a sibling rises until it becomes a right child.
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            reached = sha256(b"\x01" + reached + sibling).digest()
        node, last = node >> 1, last >> 1
    return last == 0 and reached == root


def verify_consistency(
    size1: int, size2: int, proof: Sequence[bytes], root1: bytes, root2: bytes
) -> bool:
    """Whether the tree of ``size2`` and ``root2`` extends the tree of ``size1`` and ``root1``.

    Section 2.1.4.2. The empty tree, whose root is SHA-256 of the empty string, is extended by every
    tree with an empty proof. Never raises: wrong types, lengths and sizes give False.
    """
    if not (_is_size(size1) and _is_size(size2) and size1 <= size2):
        return False
    if not (_is_hash(root1) and _is_hash(root2) and _is_proof(proof)):
        return False
    if size1 == 0 and root1 != EMPTY_ROOT:
        return False
    if size1 == size2:
        return not proof and root1 == root2
    if size1 == 0:
        return not proof
    return _leads_to_both(size1, size2, list(proof), root1, root2)


def _leads_to_both(size1: int, size2: int, path: list[bytes], root1: bytes, root2: bytes) -> bool:
    if size1 & (size1 - 1) == 0:
        # A perfect old tree is itself a node of the new one; the proof leaves it out.
        path.insert(0, root1)
    if not path:
        return False
    node, last = size1 - 1, size2 - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and old == root1 and new == root2


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """The ranges of leaves whose hashes make the inclusion proof, in the proof's order.

    Raises:
        IndexError: when a tree of ``size`` leaves has no leaf ``index``.
    """
    if not 0 <= index < size:
        raise IndexError(f"a tree of {size} leaves has no leaf {index}")
    start, stop, ranges = 0, size, list[Range]()
    while stop - start > 1:
        middle = start + _split(stop - start)
        if index < middle:
            ranges.append((middle, stop))
            stop = middle
        else:
            ranges.append((start, middle))
            start = middle
    return ranges[::-1]


def consistency_ranges(size1: int, size2: int) -> list[Range]:
    """The ranges of leaves whose hashes make the consistency proof, in the proof's order.

    Raises:
        IndexError: unless ``0 <= size1 <= size2``.
    """
    if not 0 <= size1 <= size2:
        raise IndexError(f"a tree of {size2} leaves does not extend one of {size1}")
    if size1 == 0:
        return []
    start, stop, ranges = 0, size2, list[Range]()
    while stop != size1:
        middle = start + _split(stop - start)
        if size1 <= middle:
            ranges.append((middle, stop))
            stop = middle
        else:
            ranges.append((start, middle))
            start = middle
    # The old tree's own root (start == 0) is known to the verifier and left out.
    return ([(start, stop)] if start else []) + ranges[::-1]


def cover(start: int, stop: int) -> list[Node]:
    """The complete subtrees that make up a range of a tree, largest (leftmost) first.

    The range must begin where a subtree of its size may begin, as all ranges of a proof do.
    """
    nodes, count = list[Node](), stop - start
    while count:
        level = count.bit_length() - 1
        nodes.append((level, start >> level))
        start, count = start + (1 << level), count - (1 << level)
    return nodes


def fold(hashes: Sequence[bytes]) -> bytes:
    """The hash of a range from those of its `cover`; the empty root for an empty range."""
    if not hashes:
        return EMPTY_ROOT
    joined = hashes[-1]
    for left in reversed(hashes[:-1]):
        joined = node_hash(left, joined)
    return joined


def node_number(node: Node) -> int:
    """Where a complete subtree stands in the order of completion, from 0.

    Appending a leaf completes the leaf itself and then each subtree that ends with it, upwards; so
    the nodes of a growing tree are only ever added at the end.
    """
    level, position = node
    last_leaf = ((position + 1) << level) - 1
    return node_count(last_leaf) + level


def node_count(size: int) -> int:
    """How many complete subtrees a tree of ``size`` leaves has, the leaves included."""
    return 2 * size - size.bit_count()


def hash_ranges(
    ranges: Sequence[Range], fetch: Callable[[Sequence[int]], Sequence[bytes]]
) -> list[bytes]:
    """The hash of each range, from stored node hashes that are fetched by number all at once."""
    covers = [[node_number(node) for node in cover(a, b)] for a, b in ranges]
    hashes = iter(fetch([number for numbers in covers for number in numbers]))
    return [fold([next(hashes) for _ in numbers]) for numbers in covers]


class CompactRange:
    """The right edge of a growing tree: its maximal complete subtrees, largest first.

    It holds at most one hash for each bit of the size, which is all that appending needs.

    >>> tree = CompactRange()
    >>> [len(tree.append(leaf_hash(bytes([n])))) for n in range(4)]
    [1, 2, 1, 3]
    >>> tree.size, len(tree.hashes)
    (4, 1)
    """

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        """An empty tree, or the one of ``size`` leaves with the hashes of ``cover(0, size)``.

        Raises:
            ValueError: when the number of hashes does not fit the size.
        """
        if size < 0 or len(hashes) != size.bit_count():
            raise ValueError(f"{len(hashes)} hashes do not cover {size} leaves")
        self.size = size
        self.hashes = list(hashes)

    def append(self, leaf: bytes) -> list[bytes]:
        """Append a leaf hash; the hashes of the subtrees it completes, upwards from the leaf."""
        completed = [leaf]
        for _ in range((~self.size & (self.size + 1)).bit_length() - 1):
            completed.append(node_hash(self.hashes.pop(), completed[-1]))
        self.hashes.append(completed[-1])
        self.size += 1
        return completed

    def extend(self, leaves: Sequence[bytes]) -> list[bytes]:
        """Append many leaf hashes; the hashes of all subtrees they complete, in that order."""
        completed, at = list[bytes](), 0
        while at < len(leaves):
            # The largest subtree that may begin here and is there whole.
            aligned = (self.size & -self.size).bit_length() - 1 if self.size else _BLOCK_HEIGHT
            height = min(aligned, (len(leaves) - at).bit_length() - 1, _BLOCK_HEIGHT)
            completed += self._append_block(leaves[at : at + (1 << height)], height)
            at += 1 << height
        return completed

    def _append_block(self, leaves: Sequence[bytes], height: int) -> list[bytes]:
        """Append a whole subtree, level by level, which is about twice as fast as leaf by leaf."""
        nodes, level = list(leaves), list(leaves)
        while len(level) > 1:
            level = _node_hashes(level)
            nodes += level
        completed = list(_COMPLETIONS[height](nodes)) if height else nodes
        position = self.size >> height
        for _ in range((~position & (position + 1)).bit_length() - 1):
            completed.append(node_hash(self.hashes.pop(), completed[-1]))
        self.hashes.append(completed[-1])
        self.size += 1 << height
        return completed

    def root(self) -> bytes:
        return fold(self.hashes)


def _completed_in_order(height: int) -> list[int]:
    """A perfect tree's nodes in the order of completion, as positions in its levels in a row."""
    size = 1 << height
    starts = [2 * size - (2 * size >> level) for level in range(height + 1)]
    return [
        starts[level] + (leaf >> level)
        for leaf in range(size)
        for level in range((~leaf & (leaf + 1)).bit_length())
    ]


_BLOCK_HEIGHT = 8
_COMPLETIONS = [itemgetter(*_completed_in_order(height)) for height in range(_BLOCK_HEIGHT + 1)]


EMPTY_ROOT = hashlib.sha256(b"").digest()


def _split(count: int) -> int:
    """The largest power of two smaller than ``count`` (at least 2): where a tree divides."""
    return 1 << ((count - 1).bit_length() - 1)


def _is_size(value: object) -> bool:
    return type(value) is int and 0 <= value <= SIZE_MAX


def _is_hash(value: object) -> bool:
    return type(value) is bytes and len(value) == HASH_SIZE


def _is_proof(value: object) -> TypeGuard[list[bytes] | tuple[bytes, ...]]:
    return type(value) in (list, tuple) and all(_is_hash(item) for item in value)  # type: ignore[attr-defined]
