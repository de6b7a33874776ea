"""Salted commitments: what the log says about a body that is kept outside it.

::

    commitment = SHA-256("pilotbase/commitment/v1\\n" || salt (32 bytes) || SHA-256(body))

The log shows the commitment and the body's size. Whoever is given body and salt can check that
these are the bytes that were committed to; whoever has only the log cannot even test a guess,
because the salt is 256 bits of fresh randomness. When body and salt are destroyed, nothing of them
is left while every hash of the log still holds.
"""

from __future__ import annotations

import hashlib

SALT_SIZE = 32
DOMAIN = b"pilotbase/commitment/v1\n"


def commit(salt: bytes, body: bytes) -> str:
    """``sha256:<hex>`` of the salted body.

    Raises:
        ValueError: unless the salt has 32 bytes; another length would make the encoding ambiguous.
    """
    if len(salt) != SALT_SIZE:
        raise ValueError(f"a salt has {SALT_SIZE} bytes, not {len(salt)}")
    return "sha256:" + hashlib.sha256(DOMAIN + salt + hashlib.sha256(body).digest()).hexdigest()
