"""JSON Web Signatures with the base's Ed25519 key (``EdDSA``), for protocols that want them.

Sources: RFC 7515 (JWS, section 5.1), RFC 8037 (EdDSA), RFC 8032. What is signed is
``BASE64URL(header) "." BASE64URL(payload)``: letters, digits, ``-``, ``_`` and one point. A note,
and so a checkpoint and a cosignature, holds line feeds; what DSSE signs begins with ``DSSEv1`` and
a blank. So a signature over the one never passes for one over the other. Two kinds of payloads are
told apart by ``cty``, which is always signed.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from pilotbase.record.rules.note import SigningKey, VerifierKey

ALGORITHM = "EdDSA"


def encoded(data: bytes) -> str:
    """BASE64URL without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def header(kind: str, key: VerifierKey) -> str:
    """The protected header, encoded. ``kid`` is the key's thumbprint."""
    said = {"alg": ALGORITHM, "cty": kind, "kid": thumbprint(key), "typ": "JOSE"}
    return encoded(json.dumps(said, separators=(",", ":"), sort_keys=True).encode())


def signed(protected: str, payload: bytes) -> bytes:
    """The bytes that are signed.

    >>> signed("eyJhbGciOiJFZERTQSJ9", b"Example of Ed25519 signing")
    b'eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc'
    """
    return f"{protected}.{encoded(payload)}".encode("ascii")


def made(kind: str, payload: bytes, key: SigningKey) -> tuple[str, str]:
    """Protected header and signature, both encoded; the payload stands elsewhere (appendix F).

    Args:
        kind: what the payload is, as a media type; stands in the signed header as ``cty``.
    """
    protected = header(kind, key.verifier)
    return protected, encoded(key.sign(signed(protected, payload)).value)


def public_jwk(key: VerifierKey) -> dict[str, Any]:
    """The public key as a JSON Web Key (RFC 8037, section 2)."""
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": encoded(key.public),
        "kid": thumbprint(key),
        "alg": ALGORITHM,
        "use": "sig",
    }


def thumbprint(key: VerifierKey) -> str:
    """The key's JWK thumbprint (RFC 7638; RFC 8037, appendix A.3)."""
    said = {"crv": "Ed25519", "kty": "OKP", "x": encoded(key.public)}
    whole = json.dumps(said, separators=(",", ":"), sort_keys=True)
    return encoded(hashlib.sha256(whole.encode()).digest())
