"""Proof files: what they prove, and that nothing else passes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotbase.record.rules import merkle, note
from pilotbase.record.rules.checkpoint import Checkpoint, sign_checkpoint
from pilotbase.record.rules.proof import check, proof_file

KEY = note.SigningKey("base.example", bytes(32))
ENTRIES = [json.dumps({"n": n, "said": "二"}, ensure_ascii=False).encode() for n in range(11)]
LEAVES = [merkle.leaf_hash(entry) for entry in ENTRIES]
SIGNED = sign_checkpoint(Checkpoint(KEY.name, 11, merkle.root(LEAVES)), KEY)


def proof_of(index: int) -> dict[str, Any]:
    path = merkle.inclusion_proof(LEAVES, index)
    return proof_file(index, ENTRIES[index], path, SIGNED, KEY.verifier.encode())


def test_every_entry_is_proved() -> None:
    for index in range(11):
        document = json.loads(json.dumps(proof_of(index)))
        seen = check(document, KEY.verifier)
        assert seen.ok and seen.trusted and seen.index == index
        assert seen.entry == {"n": index, "said": "二"}
        assert seen.checkpoint == Checkpoint(KEY.name, 11, merkle.root(LEAVES))


def test_without_a_key_it_is_said_to_be_untrusted() -> None:
    seen = check(proof_of(3))
    assert seen.ok and not seen.trusted and seen.vkey == KEY.verifier.encode()


def test_a_proof_forged_with_another_key_needs_the_right_one_to_be_noticed() -> None:
    forger = note.SigningKey("base.example", b"\x09" * 32)
    signed = sign_checkpoint(Checkpoint(KEY.name, 1, LEAVES[0]), forger)
    forged = proof_file(0, ENTRIES[0], [], signed, forger.verifier.encode())
    assert check(forged).ok and not check(forged).trusted
    assert not check(forged, KEY.verifier).ok
    forged["vkey"] = KEY.verifier.encode()
    assert not check(forged).ok


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("index", 4),
        ("index", "3"),
        ("index", True),
        ("index", 3.0),
        ("index", -1),
        ("entry", ENTRIES[4].decode()),
        ("entry", ""),
        ("entry", None),
        ("entry", "\ud800"),
        ("proof", []),
        ("proof", None),
        ("proof", ["zz"]),
        ("proof", [1]),
        ("proof", "00"),
        ("checkpoint", ""),
        ("checkpoint", None),
        ("checkpoint", SIGNED.replace("\n11\n", "\n12\n")),
        ("vkey", "x"),
        ("vkey", None),
        ("format", "pilotbase-proof/2"),
        ("format", None),
    ],
)
def test_a_changed_field_is_refused(field: str, value: Any) -> None:
    changed = {**proof_of(3), field: value}
    seen = check(changed)
    assert not seen.ok and seen.problem is not None and seen.problem.zh
    if field != "vkey":
        assert not check(changed, KEY.verifier).ok


def test_every_changed_character_of_a_hash_is_refused() -> None:
    document = proof_of(3)
    for at, node in enumerate(document["proof"]):
        for place in range(0, 64, 5):
            digit = "0" if node[place] != "0" else "1"
            changed = node[:place] + digit + node[place + 1 :]
            proof = [*document["proof"][:at], changed, *document["proof"][at + 1 :]]
            assert not check({**document, "proof": proof}, KEY.verifier).ok


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(json_values)
def test_other_json_is_refused_and_nothing_raised(document: Any) -> None:
    assert not check(document).ok and not check(document, KEY.verifier).ok


@given(st.sampled_from(sorted(proof_of(3))), json_values)
def test_other_values_are_refused_and_nothing_raised(field: str, value: Any) -> None:
    document = {**proof_of(3), field: value}
    assert check(document, KEY.verifier).ok == (document == proof_of(3) or field == "vkey")


def test_a_field_more_or_less_is_refused() -> None:
    for field in proof_of(3):
        assert not check({k: v for k, v in proof_of(3).items() if k != field}).ok
    assert not check({**proof_of(3), "more": 1}).ok
