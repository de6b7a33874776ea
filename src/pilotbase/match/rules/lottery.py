"""The published lottery that breaks ties. Pure.

One number a party, the same towards everyone (single tie-breaking): with separate lotteries of each
receiver proposers can end up with partners that two of them would rather swap (Abdulkadiroğlu,
Pathak and Roth 2009, American Economic Review 99 (5)).
"""

from __future__ import annotations

import hashlib


def ticket(seed: str, id_: str) -> str:
    """SHA-256 of ``seed || id`` in UTF-8, as hex; the smaller ticket comes first.

    Anyone who has the seed can draw it again. The seed has to be fixed before the lists are, or by
    nobody who is on them: else it could be tried until it fits.

    >>> ticket("2026-11-22", "n1")[:16]
    '5115f925d14710b1'
    """
    return hashlib.sha256((seed + id_).encode("utf-8", "surrogatepass")).hexdigest()
