"""Edge cases of Ed25519, pinned: what the library does, and what is refused on top of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pilotbase.kernel.errors import RecordError
from pilotbase.record.rules.cosignature import CosignerKey
from pilotbase.record.rules.note import VerifierKey, ed25519_accepts, ed25519_sign, public_key

GOLDEN = Path(__file__).parents[2] / "golden" / "record" / "ed25519.json"
CCTV: list[dict[str, Any]] = json.loads(GOLDEN.read_text("utf-8"))["vectors"]
ORDER = 2**252 + 27742317777372353535851937790883648493
FIELD = 2**255 - 19
SEED = bytes(range(32))


@pytest.mark.parametrize("said", CCTV, ids=lambda said: said["number"])
def test_c2sp_vectors(said: dict[str, Any]) -> None:
    key, message, signature = bytes.fromhex(said["key"]), said["msg"].encode(), said["sig"]
    accepted = ed25519_accepts(key, message, bytes.fromhex(signature))
    assert accepted == said["library"]
    # What the vectors' README says of OpenSSL.
    assert accepted == (not {"non_canonical_R", "low_order_residue"} & set(said["flags"]))
    refused = bool({"low_order_A", "non_canonical_A"} & set(said["flags"]))
    assert said["ours"] == (accepted and not refused)
    for kind in (VerifierKey, CosignerKey):
        if refused:
            with pytest.raises(RecordError):
                kind("k", key)
        else:
            kind("k", key)


def test_s_has_to_be_below_the_order() -> None:
    signature = ed25519_sign(SEED, b"text")
    s = int.from_bytes(signature[32:], "little")
    assert ed25519_accepts(public_key(SEED), b"text", signature)
    for other in (s + ORDER, s + 2 * ORDER, s + 8 * ORDER, ORDER, 2**256 - 1):
        forged = signature[:32] + (other % 2**256).to_bytes(32, "little")
        assert not ed25519_accepts(public_key(SEED), b"text", forged)


def test_lengths() -> None:
    signature = ed25519_sign(SEED, b"text")
    for wrong in (b"", signature[:-1], signature + b"\0", signature[:32]):
        assert not ed25519_accepts(public_key(SEED), b"text", wrong)
    for key in (b"", public_key(SEED)[:-1], public_key(SEED) + b"\0"):
        assert not ed25519_accepts(key, b"text", signature)
        with pytest.raises(RecordError):
            VerifierKey("k", key)


def test_keys_with_a_second_encoding_are_refused_in_all_their_encodings() -> None:
    for y in (*range(FIELD, 2**255), 0, 1, FIELD - 1):
        for sign in (0, 2**255):
            with pytest.raises(RecordError):
                VerifierKey("k", (y + sign).to_bytes(32, "little"))


def test_signatures_repeat() -> None:
    """RFC 8032, 7.1, the second of its tests; and the same bytes each time."""
    seed = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    public = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    assert public_key(seed).hex() == public
    signed = ed25519_sign(seed, b"\x72")
    assert signed.hex().startswith("92a009a9f0d4cab8720e820b5f642540")
    assert signed == ed25519_sign(seed, b"\x72")
