"""The Merkle tree against published vectors, the recursive definition of RFC 9162, and nonsense."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotbase.record.rules.merkle import (
    EMPTY_ROOT,
    CompactRange,
    consistency_proof,
    consistency_ranges,
    cover,
    hash_ranges,
    inclusion_proof,
    inclusion_ranges,
    leaf_hash,
    node_count,
    node_hash,
    node_number,
    root,
    verify_consistency,
    verify_inclusion,
)

GOLDEN = Path(__file__).parents[2] / "golden" / "record" / "ct.json"
CT: dict[str, Any] = json.loads(GOLDEN.read_text("utf-8"))
SIZES = range(65)
LEAVES = [leaf_hash(bytes([n])) for n in SIZES]


# The definitions of RFC 9162, section 2.1, word for word and as slow as they are there.


def mth(leaves: list[bytes]) -> bytes:
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: list[bytes], whole: bool) -> list[bytes]:
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    if m <= k:
        return [*subproof(m, leaves[:k], whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), mth(leaves[:k])]


ROOTS = [mth(LEAVES[:n]) for n in SIZES]


def unhex(texts: list[str]) -> list[bytes]:
    return [bytes.fromhex(text) for text in texts]


class TestPublishedVectors:
    leaves = tuple(leaf_hash(data) for data in unhex(CT["leaves"]))
    roots = tuple(unhex(CT["roots"]))

    def test_leaf_and_node_hashes(self) -> None:
        for data, expected in CT["leaf_hashes"].items():
            assert leaf_hash(bytes.fromhex(data)).hex() == expected
        for node in CT["nodes"]:
            joined = node_hash(bytes.fromhex(node["left"]), bytes.fromhex(node["right"]))
            assert joined.hex() == node["hash"]

    def test_roots_of_all_sizes(self) -> None:
        assert tuple(root(self.leaves[:n]) for n in range(9)) == self.roots

    def test_inclusion(self) -> None:
        for vector in CT["inclusion"]:
            index, size, proof = vector["index"], vector["size"], unhex(vector["proof"])
            assert inclusion_proof(self.leaves[:size], index) == proof
            leaf, top = self.leaves[index], self.roots[size]
            assert verify_inclusion(leaf, index, size, proof, top)

    def test_consistency(self) -> None:
        for vector in CT["consistency"]:
            one, two, proof = vector["size1"], vector["size2"], unhex(vector["proof"])
            assert consistency_proof(self.leaves[:two], one) == proof
            assert verify_consistency(one, two, proof, self.roots[one], self.roots[two])


class TestDefinition:
    def test_roots(self) -> None:
        assert [root(LEAVES[:n]) for n in SIZES] == ROOTS

    def test_every_inclusion_proof(self) -> None:
        for size in SIZES:
            for index in range(size):
                proof = inclusion_proof(LEAVES[:size], index)
                assert proof == path(index, LEAVES[:size])
                assert verify_inclusion(LEAVES[index], index, size, proof, ROOTS[size])

    def test_every_consistency_proof(self) -> None:
        for size2 in SIZES:
            for size1 in range(size2 + 1):
                proof = consistency_proof(LEAVES[:size2], size1)
                assert proof == (subproof(size1, LEAVES[:size2], True) if size1 else [])
                assert verify_consistency(size1, size2, proof, ROOTS[size1], ROOTS[size2])

    def test_impossible_requests_raise(self) -> None:
        for index in (-1, 3, 4):
            with pytest.raises(IndexError):
                inclusion_proof(LEAVES[:3], index)
        for size1 in (-1, 4):
            with pytest.raises(IndexError):
                consistency_proof(LEAVES[:3], size1)


class TestRefusal:
    """What was proved for one place must not pass at any other."""

    def test_inclusion_elsewhere(self) -> None:
        # A root does not say its size (a checkpoint signs both), so a proof is bound to the index
        # under its own root, and to the size by the root of the other size.
        for size, index in ((n, i) for n in range(1, 18) for i in range(n)):
            proof, leaf = inclusion_proof(LEAVES[:size], index), LEAVES[index]
            for at in range(20):
                held = verify_inclusion(leaf, at, size, proof, ROOTS[size])
                assert held == (at == index)
                assert verify_inclusion(leaf, index, at, proof, ROOTS[at]) == (at == size)

    def test_inclusion_of_changed_parts(self) -> None:
        for size in range(1, 34):
            for index in range(size):
                proof = inclusion_proof(LEAVES[:size], index)
                leaf, top = LEAVES[index], ROOTS[size]
                assert not verify_inclusion(LEAVES[64], index, size, proof, top)
                assert not verify_inclusion(leaf, index, size, proof, LEAVES[64])
                assert not verify_inclusion(leaf, index, size, [*proof, top], top)
                for at in range(len(proof)):
                    assert not verify_inclusion(leaf, index, size, proof[:at], top)
                    changed = [*proof[:at], LEAVES[64], *proof[at + 1 :]]
                    assert not verify_inclusion(leaf, index, size, changed, top)

    def test_consistency_of_changed_parts(self) -> None:
        for size2 in range(1, 34):
            for size1 in range(1, size2):
                proof, old, new = (
                    consistency_proof(LEAVES[:size2], size1),
                    ROOTS[size1],
                    ROOTS[size2],
                )
                assert not verify_consistency(size1, size2, proof, LEAVES[64], new)
                assert not verify_consistency(size1, size2, proof, old, LEAVES[64])
                assert not verify_consistency(size1, size2, [*proof, new], old, new)
                for at in range(len(proof)):
                    assert not verify_consistency(size1, size2, proof[:at], old, new)
                    changed = [*proof[:at], LEAVES[64], *proof[at + 1 :]]
                    assert not verify_consistency(size1, size2, changed, old, new)

    def test_a_fork_is_refused(self) -> None:
        forked = [*LEAVES[:9], LEAVES[64], *LEAVES[10:20]]
        for size1 in range(10, 20):
            proof = consistency_proof(forked, size1)
            assert not verify_consistency(size1, 20, proof, ROOTS[size1], root(forked))

    def test_the_empty_tree(self) -> None:
        assert root([]) == EMPTY_ROOT
        assert verify_consistency(0, 5, [], EMPTY_ROOT, ROOTS[5])
        assert not verify_consistency(0, 5, [], ROOTS[5], ROOTS[5])
        assert not verify_consistency(0, 5, [ROOTS[5]], EMPTY_ROOT, ROOTS[5])
        assert not verify_consistency(0, 0, [], ROOTS[1], ROOTS[1])
        assert not verify_inclusion(LEAVES[0], 0, 0, [], EMPTY_ROOT)

    def test_a_node_is_no_leaf(self) -> None:
        # Without the two prefixes, the concatenation of two leaf hashes would pass as an entry.
        data = LEAVES[0] + LEAVES[1]
        assert not verify_inclusion(leaf_hash(data), 0, 1, [], ROOTS[2])


anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=2**62),
    st.floats(),
    st.binary(max_size=40),
    st.binary(min_size=32, max_size=32),
    st.text(max_size=3),
    st.lists(
        st.one_of(st.binary(min_size=32, max_size=32), st.none(), st.text(max_size=2)), max_size=4
    ),
    st.dictionaries(st.integers(), st.binary(), max_size=2),
)


class TestTotal:
    @given(anything, anything, anything, anything, anything)
    def test_inclusion_never_raises(
        self, leaf: Any, index: Any, size: Any, proof: Any, top: Any
    ) -> None:
        assert verify_inclusion(leaf, index, size, proof, top) in (True, False)

    @given(anything, anything, anything, anything, anything)
    def test_consistency_never_raises(
        self, one: Any, two: Any, proof: Any, old: Any, new: Any
    ) -> None:
        assert verify_consistency(one, two, proof, old, new) in (True, False)

    @given(st.integers(0, 70), st.integers(0, 70), st.lists(st.sampled_from(LEAVES), max_size=8))
    def test_proofs_of_right_types_and_wrong_content(
        self, a: int, b: int, proof: list[bytes]
    ) -> None:
        assert not verify_inclusion(LEAVES[0], a, b, proof, LEAVES[1])
        assert not verify_consistency(a, b, proof, LEAVES[2], LEAVES[3])

    @pytest.mark.parametrize("wrong", [True, 1.0, "1", None, -1, 2**63])
    def test_numbers_of_the_wrong_kind(self, wrong: Any) -> None:
        proof = inclusion_proof(LEAVES[:2], 1)
        assert verify_inclusion(LEAVES[1], 1, 2, proof, ROOTS[2])
        assert not verify_inclusion(LEAVES[1], wrong, 2, proof, ROOTS[2])
        assert not verify_consistency(
            wrong, 2, consistency_proof(LEAVES[:2], 1), ROOTS[1], ROOTS[2]
        )

    def test_hashes_of_the_wrong_length(self) -> None:
        assert not verify_inclusion(b"", 0, 1, [], b"")
        assert not verify_inclusion(LEAVES[0] + b"\0", 0, 1, [], LEAVES[0] + b"\0")
        assert not verify_consistency(1, 1, [], b"", b"")


class TestStoredTree:
    def test_a_compact_range_grows_as_the_definition(self) -> None:
        tree = CompactRange()
        for size, leaf in enumerate(LEAVES):
            assert tree.root() == ROOTS[size] and len(tree.hashes) == size.bit_count()
            tree.append(leaf)

    def test_it_goes_on_from_what_was_stored(self) -> None:
        stored = _stored(64)
        for size in range(64):
            hashes = [stored[node_number(node)] for node in cover(0, size)]
            tree = CompactRange(size, hashes)
            tree.append(LEAVES[size])
            assert tree.root() == ROOTS[size + 1]

    def test_a_wrong_number_of_hashes_is_refused(self) -> None:
        for size, count in [(3, 1), (4, 2), (-1, 0)]:
            with pytest.raises(ValueError, match="do not cover"):
                CompactRange(size, LEAVES[:count])

    def test_nodes_are_numbered_in_the_order_of_completion(self) -> None:
        for size in SIZES:
            assert len(_stored(size)) == node_count(size)
        expected = _stored(64)
        for level in range(7):
            for position in range(64 >> level):
                first, last = position << level, (position + 1) << level
                assert expected[node_number((level, position))] == mth(LEAVES[first:last])

    def test_proofs_from_stored_nodes(self) -> None:
        stored = _stored(64)

        def fetch(numbers: Any) -> list[bytes]:
            return [stored[number] for number in numbers]

        for size in range(1, 65):
            for at in range(size):
                ranges = inclusion_ranges(at, size)
                assert hash_ranges(ranges, fetch) == inclusion_proof(LEAVES[:size], at)
                ranges = consistency_ranges(at, size)
                assert hash_ranges(ranges, fetch) == consistency_proof(LEAVES[:size], at)


def _stored(size: int) -> list[bytes]:
    tree, hashes = CompactRange(), list[bytes]()
    for leaf in LEAVES[:size]:
        hashes += tree.append(leaf)
    return hashes
