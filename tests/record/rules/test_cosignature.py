"""Cosignatures: key IDs, the signed message and the time, as c2sp.org/tlog-cosignature has them."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotbase.kernel.errors import RecordError
from pilotbase.record.rules import note
from pilotbase.record.rules.cosignature import (
    TIME_MAX,
    CosignerKey,
    CosignerSecret,
    message,
    signed_time,
)

SECRET = CosignerSecret("witness.example.com/w1", bytes(range(32)))
TEXT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"


def test_the_message_of_the_specification() -> None:
    assert message(TEXT.encode(), 1679315147).decode() == (
        "cosignature/v1\ntime 1679315147\n" + TEXT
    )


def test_the_id_has_the_type_in_it() -> None:
    public = note.public_key(SECRET.seed)
    hashed = hashlib.sha256(b"witness.example.com/w1\n\x04" + public).digest()
    assert SECRET.verifier.key_id == hashed[:4]
    assert SECRET.verifier.key_id != note.VerifierKey(SECRET.name, public).key_id
    key = SECRET.verifier.encode().split("+", 2)[2]
    assert base64.b64decode(key) == b"\x04" + public


def test_text_forms() -> None:
    assert CosignerKey.parse(SECRET.verifier.encode()) == SECRET.verifier
    assert CosignerSecret.parse(SECRET.encode()) == SECRET
    assert SECRET.encode().startswith("PRIVATE+KEY+") and "seed" not in repr(SECRET)
    plain = note.SigningKey(SECRET.name, SECRET.seed)
    for wrong in ("", "x", plain.encode(), SECRET.encode()[:-4], SECRET.verifier.encode()):
        with pytest.raises(RecordError):
            CosignerSecret.parse(wrong)
    for wrong in ("", "x", plain.verifier.encode(), SECRET.verifier.encode().replace("w1", "w2")):
        with pytest.raises(RecordError):
            CosignerKey.parse(wrong)


@given(st.integers(0, TIME_MAX), st.binary(min_size=32, max_size=32))
def test_secrets_of_any_bytes_read_back(time: int, seed: bytes) -> None:
    secret = CosignerSecret("w", seed)
    assert CosignerSecret.parse(secret.encode()) == secret
    signature = secret.cosign(TEXT, time).value
    assert signed_time(signature) == time and secret.verifier.accepts(TEXT.encode(), signature)


def test_what_is_not_accepted() -> None:
    good = SECRET.cosign(TEXT, 1679315147).value
    accepts = SECRET.verifier.accepts
    assert len(good) == 72 and accepts(TEXT.encode(), good)
    later = (1679315148).to_bytes(8, "big") + good[8:]
    beyond = b"\x80" + good[1:]
    plain = note.ed25519_sign(SECRET.seed, TEXT.encode())
    for wrong in (b"", good[:8], good[:-1], good + b"\0", later, beyond, plain, good[8:]):
        assert not accepts(TEXT.encode(), wrong)
    assert not accepts(TEXT.encode() + b"\n", good)
    for time in (-1, TIME_MAX + 1):
        with pytest.raises(ValueError, match="no time"):
            SECRET.cosign(TEXT, time)


def test_in_a_note_beside_the_log_s_own() -> None:
    log = note.SigningKey("example.com/behind-the-sofa", bytes(32))
    signed = note.sign(TEXT, [log]) + SECRET.cosign(TEXT, 5).line()
    assert len(note.verify(signed, [log.verifier, SECRET.verifier]).signatures) == 2
    assert len(note.verify(signed, [SECRET.verifier]).signatures) == 1
    with pytest.raises(RecordError):
        note.verify(signed.replace("20852163", "20852164"), [SECRET.verifier])
