"""Signed notes against Go's published example, and everything a note must not be."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotbase.kernel.errors import RecordError
from pilotbase.record.rules.note import (
    SIGNATURES_MAX,
    Note,
    Signature,
    SigningKey,
    VerifierKey,
    parse,
    sign,
    verify,
)

GOLDEN = Path(__file__).parents[2] / "golden" / "record" / "notes.json"
GO: dict[str, Any] = json.loads(GOLDEN.read_text("utf-8"))
TEXT, LINES = GO["text"], GO["lines"]
PETER, ENOCH, FOO = (VerifierKey.parse(vkey) for vkey in GO["verifier_keys"])
SINGLE, DOUBLE = TEXT + "\n" + LINES[0], TEXT + "\n" + "".join(LINES)
ALICE, BOB = SigningKey("alice.example", bytes(32)), SigningKey("bob.example", b"\x01" * 32)


def refused(code: str, note: str | bytes, *known: VerifierKey) -> None:
    with pytest.raises(RecordError) as caught:
        verify(note, known or (PETER,))
    assert caught.value.code == code


class TestPublishedVectors:
    def test_keys_are_read_and_written(self) -> None:
        for key, vkey in zip((PETER, ENOCH, FOO), GO["verifier_keys"], strict=True):
            assert key.encode() == vkey
        assert FOO.name == "example.com/foo" and FOO.key_id.hex() == "530d903a"

    def test_the_signing_key_makes_the_verifier_key_and_the_note(self) -> None:
        key = SigningKey.parse(GO["signer_key"])
        assert key.verifier == PETER and key.encode() == GO["signer_key"]
        assert sign(TEXT, [key]) == SINGLE

    def test_both_signatures_hold(self) -> None:
        note = verify(DOUBLE, [PETER, ENOCH])
        assert note.text == TEXT
        assert [s.name for s in note.signatures] == ["PeterNeumann", "EnochRoot"]
        assert note.encode() == DOUBLE

    def test_a_second_signature_is_put_after_the_first(self) -> None:
        earlier = parse(TEXT + "\n" + LINES[1]).signatures
        assert sign(TEXT, [SigningKey.parse(GO["signer_key"])], earlier) == (
            TEXT + "\n" + LINES[1] + LINES[0]
        )


class TestVerify:
    def test_unknown_signatures_are_ignored(self) -> None:
        assert [s.name for s in verify(DOUBLE, [ENOCH]).signatures] == ["EnochRoot"]

    def test_an_unknown_key_may_share_the_name_or_the_id(self) -> None:
        same_name = VerifierKey("PeterNeumann", FOO.public)
        refused("note.unsigned", SINGLE, same_name)
        assert verify(SINGLE, [same_name, PETER]).text == TEXT

    def test_no_known_signature_is_refused(self) -> None:
        refused("note.unsigned", SINGLE, ENOCH)
        with pytest.raises(RecordError):
            verify(SINGLE, [])

    def test_a_known_signature_that_fails_spoils_the_note(self) -> None:
        forged = Signature(ENOCH.name, ENOCH.key_id, bytes(64)).line()
        refused("note.bad_signature", TEXT + "\n" + LINES[0] + forged, PETER, ENOCH)
        assert verify(TEXT + "\n" + LINES[0] + forged, [PETER]).text == TEXT

    def test_every_changed_character_of_the_text_is_noticed(self) -> None:
        for at in range(len(TEXT) - 1):
            changed = TEXT[:at] + chr(ord(TEXT[at]) ^ 1) + TEXT[at + 1 :]
            if changed[at] >= " ":
                refused("note.bad_signature", changed + "\n" + LINES[0])

    def test_a_repeated_signature_counts_once(self) -> None:
        assert len(verify(TEXT + "\n" + LINES[0] * 2, [PETER]).signatures) == 1

    def test_sixteen_signatures_are_read(self) -> None:
        keys = [SigningKey(f"k{n}", bytes([n]) * 32) for n in range(16)]
        note = verify(sign("x\n", keys), [key.verifier for key in keys])
        assert len(note.signatures) == 16

    def test_texts_with_empty_lines_and_signature_like_lines(self) -> None:
        for text in ("\n", "a\n\nb\n", "a\n\n", "\n\n\n", "— alice.example AAAA\n", "中试\n"):
            note = sign(text, [ALICE, BOB])
            assert verify(note, [BOB.verifier]).text == text
            assert parse(note).encode() == note

    def test_bytes_and_text_are_the_same(self) -> None:
        assert verify(SINGLE.encode(), [PETER]) == verify(SINGLE, [PETER])


SIG = LINES[0]
MALFORMED = {
    "empty": "",
    "no empty line": TEXT + SIG,
    "no signature": TEXT + "\n",
    "no last newline": SINGLE[:-1],
    "a hyphen for the dash": SINGLE.replace("— ", "- "),
    "no space after the dash": SINGLE.replace("— ", "—"),
    "an empty name": TEXT + "\n— " + SIG.split(" ")[2],
    "two spaces": SINGLE.replace("PeterNeumann ", "PeterNeumann  "),
    "a plus in the name": SINGLE.replace("PeterNeumann", "Peter+Neumann"),
    "a space in the name": SINGLE.replace("PeterNeumann", "Peter\u00a0Neumann"),
    "no signature bytes": TEXT + "\n— PeterNeumann x08goA==\n"[:-5] + "\n",
    "base64 without padding": SINGLE.replace("AM=\n", "AM\n"),
    "base64 with loose bits": SINGLE.replace("AM=\n", "AN=\n"),
    "base64 with a foreign letter": SINGLE.replace("x08go", "x08g_"),
    "a tab": SINGLE.replace("think cryptography", "think\tcryptography"),
    "a carriage return": SINGLE.replace("\n", "\r\n"),
    "a null": SINGLE.replace("problem", "prob\0lem"),
    "text after the signatures": SINGLE + "more\n",
    "a broken second line": SINGLE + "— EnochRoot\n",
    "a surrogate": "\ud800\n\n" + SIG,
    "too many signatures": TEXT + "\n" + SIG * (SIGNATURES_MAX + 1),
    "too long": "x" * 1_000_001 + SINGLE,
}


class TestMalformed:
    @pytest.mark.parametrize("note", MALFORMED.values(), ids=MALFORMED.keys())
    def test_it_is_refused(self, note: str) -> None:
        refused("note.malformed", note)

    def test_bytes_that_are_not_utf8(self) -> None:
        refused("note.malformed", SINGLE.encode().replace(b"think", b"\xff"))

    @given(st.text(max_size=60) | st.binary(max_size=60))
    def test_nothing_else_is_ever_raised(self, note: str | bytes) -> None:
        with pytest.raises(RecordError):
            verify(note, [PETER])

    @given(st.text(), st.lists(st.sampled_from([ALICE, BOB]), min_size=1, unique=True))
    def test_whatever_can_be_signed_is_read_back(self, text: str, keys: list[SigningKey]) -> None:
        try:
            note = sign(text + "\n", keys)
        except RecordError as error:
            assert error.code == "note.malformed"
        else:
            opened = verify(note, [key.verifier for key in keys])
            assert opened.text == text + "\n" and len(opened.signatures) == len(keys)

    def test_a_text_needs_its_newline(self) -> None:
        with pytest.raises(RecordError):
            sign("no newline", [ALICE])


class TestKeys:
    @pytest.mark.parametrize(
        "vkey",
        [
            "",
            "PeterNeumann",
            "PeterNeumann+c74f20a3",
            GO["verifier_keys"][0].replace("c74f20a3", "c74f20a4"),
            GO["verifier_keys"][0].replace("c74f20a3", "C74F20A3"),
            GO["verifier_keys"][0].replace("PeterNeumann", "Peter Neumann"),
            GO["verifier_keys"][0][:-4],
            GO["verifier_keys"][0] + "\n",
            "PeterNeumann+c74f20a3+" + base64.b64encode(b"\x02" + PETER.public).decode(),
            "PeterNeumann+c74f20a3+" + base64.b64encode(PETER.public).decode(),
        ],
    )
    def test_malformed_verifier_keys_are_refused(self, vkey: str) -> None:
        with pytest.raises(RecordError):
            VerifierKey.parse(vkey)

    @pytest.mark.parametrize(
        "skey", ["", "PRIVATE+KEY+", GO["signer_key"][:-4], GO["signer_key"][1:]]
    )
    def test_malformed_signing_keys_are_refused_and_not_quoted(self, skey: str) -> None:
        with pytest.raises(RecordError) as caught:
            SigningKey.parse(skey)
        assert "AYEKFALVFGyN" not in repr(caught.value) + str(caught.value)

    def test_the_seed_is_in_no_repr(self) -> None:
        assert "seed" not in repr(ALICE) and repr(bytes(32)) not in repr(ALICE)

    def test_generated_keys_repeat_with_their_entropy(self) -> None:
        def named(public: bytes) -> str:
            return public[:2].hex()

        key = SigningKey.generate(bytes, named)
        assert (
            key == SigningKey.generate(bytes, named) and key.name == key.verifier.public[:2].hex()
        )


ORDER = 2**252 + 27742317777372353535851937790883648493


class TestEd25519:
    """RFC 8032, 5.1.7: one text, one key, one signature that is accepted from its signer."""

    def test_signing_is_deterministic(self) -> None:
        assert sign("a\n", [ALICE]) == sign("a\n", [ALICE])

    def test_a_second_spelling_of_a_signature_is_refused(self) -> None:
        # S + L satisfies the equation but is out of range.
        signature = ALICE.sign(b"a\n").value
        s = int.from_bytes(signature[32:], "little") + ORDER
        other = signature[:32] + s.to_bytes(32, "little")
        assert ALICE.verifier.accepts(b"a\n", signature)
        assert not ALICE.verifier.accepts(b"a\n", other)

    @pytest.mark.parametrize("value", [b"", bytes(63), bytes(64), bytes(65), b"\xff" * 64])
    def test_other_lengths_and_constants_are_refused(self, value: bytes) -> None:
        assert not ALICE.verifier.accepts(b"a\n", value)

    def test_a_key_that_is_no_point_accepts_nothing(self) -> None:
        key = VerifierKey("x", b"\x02" + bytes(31))
        assert not key.accepts(b"a\n", ALICE.sign(b"a\n").value)

    def test_keys_of_small_order_are_refused(self) -> None:
        found = _small_order()
        assert len(found) == 14
        for encoding in found:
            with pytest.raises(RecordError):
                VerifierKey("x", encoding)

    def test_a_signature_line_reads_back(self) -> None:
        signature = ALICE.sign(b"a\n")
        assert parse(Note("a\n", (signature,)).encode()).signatures == (signature,)


P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int]


def _small_order() -> set[bytes]:
    """All encodings of the points of small order: L times any point of the curve is one."""
    ys = set()
    for y in range(2, 40):
        x = _square_root((y * y - 1) * pow(D * y * y + 1, -1, P) % P)
        if x is not None:
            ys.add(_times(ORDER, (x, y))[1])
    twice = ys | {y + P for y in ys if y + P < 2**255}
    return {(y | sign << 255).to_bytes(32, "little") for y in twice for sign in (0, 1)}


def _square_root(value: int) -> int | None:
    x = pow(value, (P + 3) // 8, P)
    for root in (x, x * pow(2, (P - 1) // 4, P) % P):
        if root * root % P == value:
            return root
    return None


def _times(n: int, point: Point) -> Point:
    product = (0, 1)
    while n:
        if n & 1:
            product = _sum(product, point)
        point, n = _sum(point, point), n >> 1
    return product


def _sum(one: Point, two: Point) -> Point:
    (x1, y1), (x2, y2) = one, two
    k = D * x1 * x2 * y1 * y2 % P
    return (
        (x1 * y2 + x2 * y1) * pow(1 + k, -1, P) % P,
        (y1 * y2 + x1 * x2) * pow(1 - k, -1, P) % P,
    )
