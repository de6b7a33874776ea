"""DSSE envelopes, version 1: bytes of a known type, signed with an Ed25519 key.

Source: secure-systems-lab/dsse, protocol.md and envelope.md. What is signed is the
pre-authentication encoding ``"DSSEv1" SP LEN(type) SP type SP LEN(body) SP body``; lengths are in
bytes, in decimal. It begins unlike any note or checkpoint, so a signature over one never passes for
the other's.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.text import Text
from pilotbase.record.rules.note import VerifierKey


def pae(kind: str, body: bytes) -> bytes:
    """The pre-authentication encoding.

    >>> pae("http://example.com/HelloWorld", b"hello world")
    b'DSSEv1 29 http://example.com/HelloWorld 11 hello world'
    """
    name = kind.encode()
    return b"DSSEv1 %d %b %d %b" % (len(name), name, len(body), body)


def envelope(kind: str, body: bytes, key: VerifierKey, signature: bytes) -> dict[str, Any]:
    """The JSON envelope. ``keyid`` is the SHA-256 of the 32 bytes of the public key."""
    signed = {"keyid": key_id(key), "sig": base64.b64encode(signature).decode()}
    return {
        "payloadType": kind,
        "payload": base64.b64encode(body).decode(),
        "signatures": [signed],
    }


def key_id(key: VerifierKey) -> str:
    """The SHA-256 of the public key's 32 bytes, hexadecimal."""
    return hashlib.sha256(key.public).hexdigest()


def opened(text: str | bytes, key: VerifierKey) -> tuple[str, bytes]:
    """Type and body of an envelope that the key has signed.

    Raises:
        RecordError: no envelope, or none that the key has signed.
    """
    try:
        said: Mapping[str, Any] = json.loads(text)
        kind = str(said["payloadType"])
        body = base64.b64decode(said["payload"], validate=True)
        signatures = [base64.b64decode(s["sig"], validate=True) for s in said["signatures"]]
    except (ValueError, KeyError, TypeError) as error:
        raise _refused(Text("this is no DSSE envelope", "这不是 DSSE 信封")) from error
    if not any(key.accepts(pae(kind, body), signature) for signature in signatures):
        raise _refused(Text("the key has not signed this envelope", "该信封未由此密钥签名"))
    return kind, body


def _refused(message: Text) -> RecordError:
    return RecordError(
        "dsse.refused",
        message,
        next_step=Text("Get envelope and key again from the base.", "请向基地重新索取信封与密钥。"),
    )
