"""Which calls a person looks at by lot: nobody can steer it, and anyone can redo it. Pure.

    u = first 8 bytes of HMAC-SHA256(seed, filing LF stage LF usage id), as a number over 2**64
    audited  <=>  u < p

The seed of a month is drawn before the month begins and only its hash is published; when the month
is over it is revealed. See the page ``rules/random-audit``.
"""

from __future__ import annotations

import hashlib
import hmac

SEED_BYTES = 32
_HEAD = b"pilotbase/audit/1\n"


def draw(seed: bytes, filing: str, stage: str, usage: str) -> float:
    """The lot of a call, at least 0 and below 1.

    >>> round(draw(bytes(32), "assistant-1", "after", "4f1c9a2b7d3e-298"), 6)
    0.1638
    """
    said = f"{filing}\n{stage}\n{usage}".encode()
    return int.from_bytes(hmac.digest(seed, said, "sha256")[:8], "big") / 2**64


def is_audited(seed: bytes, share: float, filing: str, stage: str, usage: str) -> bool:
    """Whether a call is among the share that is looked at."""
    return draw(seed, filing, stage, usage) < share


def commitment(seed: bytes, period: str) -> str:
    """What is published of a seed beforehand: SHA-256 of a fixed head, the period and the seed.

    >>> commitment(bytes(32), "2026-11")[:18]
    'sha256:163a37e4544'
    """
    said = _HEAD + period.encode() + b"\n" + seed
    return "sha256:" + hashlib.sha256(said).hexdigest()
