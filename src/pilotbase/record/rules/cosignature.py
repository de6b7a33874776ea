"""Cosignatures (c2sp.org/tlog-cosignature, ``cosignature/v1``): a witness's word on a checkpoint.

A witness signs, with Ed25519 and a key of the note signature type 0x04::

    cosignature/v1
    time <seconds since 1970>
    <the checkpoint's text>

which says: at that time this was the largest tree of this log that I have seen, and it extends all
that I saw before. The signature line holds the time (8 bytes, big-endian) before the signature.

The signed text does not name the witness, so a witness's key must serve nothing else.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field

from pilotbase.record.rules import note

COSIGNATURE = b"\x04"
TIME_SIZE = 8
TIME_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class CosignerKey:
    """A witness's public key with its name; its text form is a vkey of the type 0x04.

    Raises:
        RecordError: as `note.VerifierKey`.
    """

    name: str
    public: bytes

    def __post_init__(self) -> None:
        if not note.is_name(self.name) or not note.is_strict_point(self.public):
            raise note.malformed_key(self.name)

    @property
    def key_id(self) -> bytes:
        """SHA-256(name || 0x0A || 0x04 || public key)[:4]."""
        return note.key_id(self.name, COSIGNATURE, self.public)

    def encode(self) -> str:
        return note.encode_key(self.name, COSIGNATURE, self.public)

    @classmethod
    def parse(cls, text: str) -> CosignerKey:
        """The key of a vkey. Raises RecordError when malformed or not a cosigner's."""
        name, said, public = note.split_key(text, COSIGNATURE)
        key = cls(name, public)
        if key.key_id.hex() != said:
            raise note.malformed_key(name)
        return key

    def accepts(self, text: bytes, signature: bytes) -> bool:
        """Whether the timestamped signature is this witness's for the text; never raises."""
        seconds, value = signed_time(signature), signature[TIME_SIZE:]
        if seconds is None or len(value) != note.SIGNATURE_SIZE:
            return False
        return note.ed25519_accepts(self.public, message(text, seconds), value)


@dataclass(frozen=True, slots=True)
class CosignerSecret:
    """A witness's private key. Its seed never appears in a repr, an error or a log."""

    name: str
    seed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not note.is_name(self.name) or len(self.seed) != note.KEY_SIZE:
            raise note.malformed_key(self.name)

    @classmethod
    def generate(cls, entropy: Callable[[int], bytes], name: str) -> CosignerSecret:
        return cls(name, entropy(note.KEY_SIZE))

    @property
    def verifier(self) -> CosignerKey:
        return CosignerKey(self.name, note.public_key(self.seed))

    def encode(self) -> str:
        """``PRIVATE+KEY+name+ID+base64(0x04 || seed)``."""
        seed = base64.b64encode(COSIGNATURE + self.seed).decode()
        return f"{note.PRIVATE}{self.name}+{self.verifier.key_id.hex()}+{seed}"

    @classmethod
    def parse(cls, text: str) -> CosignerSecret:
        """The key of its text form. Raises RecordError, which does not quote it, when malformed."""
        if not text.startswith(note.PRIVATE):
            raise note.malformed_key("")
        name, said, seed = note.split_key(text.removeprefix(note.PRIVATE), COSIGNATURE)
        key = cls(name, seed)
        if key.verifier.key_id.hex() != said:
            raise note.malformed_key(name)
        return key

    def cosign(self, text: str, seconds: int) -> note.Signature:
        """The cosignature of a checkpoint's text at a time in seconds since 1970.

        Raises:
            ValueError: a time below 0 or above 2^63 - 1.
        """
        if not 0 <= seconds <= TIME_MAX:
            raise ValueError(f"{seconds} is no time that a cosignature can carry")
        signed = note.ed25519_sign(self.seed, message(text.encode(), seconds))
        time = seconds.to_bytes(TIME_SIZE, "big")
        return note.Signature(self.name, self.verifier.key_id, time + signed)


def message(text: bytes, seconds: int) -> bytes:
    """What a witness signs."""
    return b"cosignature/v1\ntime %d\n" % seconds + text


def signed_time(signature: bytes) -> int | None:
    """The time in a cosignature's bytes, None where there is no possible one."""
    seconds = int.from_bytes(signature[:TIME_SIZE], "big")
    return seconds if len(signature) > TIME_SIZE and seconds <= TIME_MAX else None
