"""Signed notes (c2sp.org/signed-note) with Ed25519 keys (signature type 0x01, RFC 8032).

A note is text that ends in a newline, an empty line, and one or more signature lines::

    — <key name> base64(32-bit key ID || signature)

Names and IDs are only hints: a note is worth what the keys are that its reader knows already.
Signatures of keys the reader does not know are ignored; one of a known key that fails spoils all.

Where libraries differ on Ed25519, this one is strict: a public key has to be the one canonical
encoding of a point that is not of small order. OpenSSL, beneath, refuses a signature whose S is not
below the group's order and one whose R is not the canonical encoding (RFC 8032, 5.1.7, without the
cofactor).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.text import Text

ED25519 = b"\x01"
KEY_SIZE = 32
SIGNATURE_SIZE = 64
# The specification asks readers to set a limit and to accept at least 16 signatures.
SIGNATURES_MAX = 100
NOTE_SIZE_MAX = 1_000_000

_FIELD = 2**255 - 19
# Points of order 1, 2, 4 and 8, by their canonical y. Under such a key one signature fits every
# text, so that a note would say nothing.
_SMALL_ORDER = frozenset(
    int.from_bytes(bytes.fromhex(y), "little")
    for y in (
        "00" * 32,
        "01" + "00" * 31,
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ec" + "ff" * 30 + "7f",
    )
)
DASH = "— "
PRIVATE = "PRIVATE+KEY+"
_ASK_AGAIN = Text(
    "Get it again from where it came; it must be passed on byte for byte.",
    "请从来源重新获取; 传递时必须逐字节保持原样。",
)


class Key(Protocol):
    """What can verify a signature line: a name, a 4-byte ID, and the rule of its algorithm."""

    @property
    def name(self) -> str: ...

    @property
    def key_id(self) -> bytes: ...

    def accepts(self, text: bytes, signature: bytes) -> bool: ...


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: the key's name, its 4-byte ID, and the signature's bytes."""

    name: str
    key_id: bytes
    value: bytes

    def line(self) -> str:
        return f"{DASH}{self.name} {base64.b64encode(self.key_id + self.value).decode()}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A parsed note; `text` includes its last newline and not the empty line after it."""

    text: str
    signatures: tuple[Signature, ...]

    def encode(self) -> str:
        return self.text + "\n" + "".join(signature.line() for signature in self.signatures)


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with its name. Its text form, the *vkey*, is what a reader has to get safely.

    Raises:
        RecordError: for a name with spaces or ``+``, a key that is not 32 bytes, not canonical
            or of small order.
    """

    name: str
    public: bytes

    def __post_init__(self) -> None:
        if not is_name(self.name) or not is_strict_point(self.public):
            raise malformed_key(self.name)

    @property
    def key_id(self) -> bytes:
        """SHA-256(name || 0x0A || 0x01 || public key)[:4]."""
        return key_id(self.name, ED25519, self.public)

    def encode(self) -> str:
        """``name+<8 hex digits of the ID>+base64(0x01 || public key)``."""
        return encode_key(self.name, ED25519, self.public)

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """The key of a vkey. Raises RecordError when malformed or not an Ed25519 key."""
        name, said, public = split_key(text, ED25519)
        key = cls(name, public)
        if key.key_id.hex() != said:
            raise malformed_key(name)
        return key

    def accepts(self, text: bytes, signature: bytes) -> bool:
        """Whether the signature over the text is this key's; never raises."""
        return ed25519_accepts(self.public, text, signature)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key with its name. Its seed never appears in a repr, an error or a log."""

    name: str
    seed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not is_name(self.name) or len(self.seed) != KEY_SIZE:
            raise malformed_key(self.name)

    @classmethod
    def generate(cls, entropy: Callable[[int], bytes], name: Callable[[bytes], str]) -> SigningKey:
        """A new key from 32 bytes of entropy; ``name`` makes its name from the public key."""
        seed = entropy(KEY_SIZE)
        return cls(name(public_key(seed)), seed)

    @property
    def verifier(self) -> VerifierKey:
        return VerifierKey(self.name, public_key(self.seed))

    def encode(self) -> str:
        """The text form of Go's note package: ``PRIVATE+KEY+name+ID+base64(0x01 || seed)``."""
        seed = base64.b64encode(ED25519 + self.seed).decode()
        return f"{PRIVATE}{self.name}+{self.verifier.key_id.hex()}+{seed}"

    @classmethod
    def parse(cls, text: str) -> SigningKey:
        """The key of its text form. Raises RecordError, which does not quote it, when malformed."""
        if not text.startswith(PRIVATE):
            raise malformed_key("")
        name, said, seed = split_key(text.removeprefix(PRIVATE), ED25519)
        key = cls(name, seed)
        if key.verifier.key_id.hex() != said:
            raise malformed_key(name)
        return key

    def sign(self, text: bytes) -> Signature:
        return Signature(self.name, self.verifier.key_id, ed25519_sign(self.seed, text))


def ed25519_sign(seed: bytes, message: bytes) -> bytes:
    """The 64-byte signature of RFC 8032; the same key and message give the same bytes."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(seed).sign(message)


def ed25519_accepts(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the 64-byte signature over the message is the key's; never raises."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def is_strict_point(public: bytes) -> bool:
    """Whether 32 bytes encode y canonically (y < 2^255 - 19) and no point of small order."""
    y = int.from_bytes(public, "little") & (2**255 - 1)
    return len(public) == KEY_SIZE and y < _FIELD and y not in _SMALL_ORDER


def public_key(seed: bytes) -> bytes:
    """The 32-byte Ed25519 public key of a 32-byte seed."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def sign(text: str, keys: Sequence[SigningKey], earlier: Sequence[Signature] = ()) -> str:
    """A note of the text, signed by every key after the signatures that are there already.

    Raises:
        RecordError: when the text can't be a note: no newline at its end, a control character.
    """
    if not _is_text(text) or not text.endswith("\n"):
        raise _malformed_note()
    made = [key.sign(text.encode()) for key in keys]
    again = {(signature.name, signature.key_id) for signature in made}
    kept = [s for s in earlier if (s.name, s.key_id) not in again]
    return Note(text, (*kept, *made)).encode()


def parse(note: str | bytes) -> Note:
    """Text and signature lines of a note, none verified yet.

    Raises:
        RecordError: ``note.malformed``.
    """
    text, mark, lines = _decoded(note).rpartition("\n\n")
    if not mark or not lines.endswith("\n"):
        raise _malformed_note()
    signatures = tuple(_signature(line) for line in lines[:-1].split("\n"))
    if len(signatures) > SIGNATURES_MAX:
        raise _malformed_note()
    return Note(text + "\n", signatures)


def verify(note: str | bytes, known: Iterable[Key]) -> Note:
    """The note with only the signatures of known keys, each of them verified.

    Raises:
        RecordError: ``note.malformed``; ``note.bad_signature`` when a known key's signature fails;
            ``note.unsigned`` when no known key has signed.
    """
    parsed = parse(note)
    keys = {(key.name, key.key_id): key for key in known}
    verified: dict[tuple[str, bytes], Signature] = {}
    for signature in parsed.signatures:
        who = (signature.name, signature.key_id)
        if who not in keys:
            continue
        if not keys[who].accepts(parsed.text.encode(), signature.value):
            raise RecordError(
                "note.bad_signature",
                Text("the signature does not fit the text", "签名与正文不符"),
                where=signature.name,
                next_step=_ASK_AGAIN,
            )
        verified[who] = signature
    if not verified:
        raise _unsigned(keys.values())
    return Note(parsed.text, tuple(verified.values()))


def _unsigned(keys: Iterable[Key]) -> RecordError:
    names = ", ".join(key.name for key in keys) or "-"
    return RecordError(
        "note.unsigned",
        Text(
            f"no key that is known here has signed this; known: {names}",
            f"没有任何已知密钥的签名; 已知密钥: {names}",
        ),
        next_step=Text(
            "Get the signer's verifier key from the signer and give it with --key.",
            "请向签署方索取其验证密钥, 并用 --key 给出。",
        ),
    )


def _signature(line: str) -> Signature:
    name, space, encoded = line.removeprefix(DASH).partition(" ")
    value = exact_base64(encoded)
    if not line.startswith(DASH) or not space or not is_name(name):
        raise _malformed_note()
    if value is None or len(value) < 5:
        raise _malformed_note()
    return Signature(name, value[:4], value[4:])


def key_id(name: str, kind: bytes, public: bytes) -> bytes:
    """SHA-256(name || 0x0A || signature type || public key)[:4]."""
    return hashlib.sha256(name.encode() + b"\n" + kind + public).digest()[:4]


def encode_key(name: str, kind: bytes, public: bytes) -> str:
    """``name+<8 hex digits of the ID>+base64(signature type || public key)``."""
    key = base64.b64encode(kind + public).decode()
    return f"{name}+{key_id(name, kind, public).hex()}+{key}"


def split_key(text: str, kind: bytes) -> tuple[str, str, bytes]:
    """Name, ID in hex and key of a key's text form. Raises RecordError for another type's."""
    name, _, rest = text.partition("+")
    said, _, encoded = rest.partition("+")
    key = exact_base64(encoded)
    if key is None or key[:1] != kind:
        raise malformed_key(name)
    return name, said, key[1:]


def _decoded(note: str | bytes) -> str:
    if len(note) > NOTE_SIZE_MAX:
        raise _malformed_note()
    try:
        text = note.decode() if isinstance(note, bytes) else note
    except UnicodeDecodeError as error:
        raise _malformed_note() from error
    if not _is_text(text):
        raise _malformed_note()
    return text


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return all(character >= " " or character == "\n" for character in text)


def is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(c.isspace() or c < " " for c in name)


def exact_base64(text: str) -> bytes | None:
    """The bytes of canonical base64 (no two spellings stand for the same bytes); else None."""
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return value if base64.b64encode(value).decode() == text else None


def _malformed_note() -> RecordError:
    return RecordError(
        "note.malformed",
        Text("this is no well-formed signed note", "这不是格式正确的签名文本 (signed note)"),
        next_step=_ASK_AGAIN,
    )


def malformed_key(name: str) -> RecordError:
    return RecordError(
        "note.malformed_key",
        Text("this is no well-formed Ed25519 note key", "这不是格式正确的 Ed25519 签名密钥"),
        where=name,
        next_step=Text(
            "Copy the whole key, name+ID+key, in one line and without spaces.",
            "请完整复制密钥 (名称+编号+密钥), 单独一行, 不带空格。",
        ),
    )
