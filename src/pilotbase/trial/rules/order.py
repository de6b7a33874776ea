"""The committed order: which unit counts next, fixed before anything runs.

The seed hashes the plan together with a receipt from outside that is named in the plan, so that
nobody at the base can try seeds until one fits. Every step is one SHA-256 over bytes that any
language can build; the page rules/evidence shows it by hand.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from pilotbase.kernel.canonical import encode
from pilotbase.trial.cases import Ints

DOMAIN = "pilotbase/order/1"
UNITS, PAIRS, DRAW = b"\x00", b"\x01", b"\x02"


def order_seed(plan_hash: str, receipt: str | None) -> bytes:
    """32 bytes: SHA-256 of the JSON array ``["pilotbase/order/1", plan hash, receipt or null]``.

    Args:
        plan_hash: the plan's digest as printed, ``sha256:<hex>``.
        receipt: the witness's receipt as text, or None where the run is self-attested.

    >>> order_seed("sha256:00", None).hex()[:16]
    '938073f9c9822601'
    """
    return hashlib.sha256(encode([DOMAIN, plan_hash, receipt])).digest()


def drawn_seed(seed: bytes) -> int:
    """The number, below 2^31, from which folds, hold-out, perturbations and fits are drawn.

    It hangs on the plan and the receipt like the order itself: an owner who could choose the seed
    could choose which units judge a candidate.

    >>> drawn_seed(order_seed("sha256:00", None))
    491021858
    """
    return int.from_bytes(hashlib.sha256(seed + DRAW).digest()[:4], "big") >> 1


def committed_order(seed: bytes, unit_ids: Sequence[str]) -> Ints:
    """Numbers of the units in the order in which they count.

    Units are sorted by SHA-256 of ``seed || 0x00 || id in UTF-8``; equal ids keep their order.

    >>> committed_order(order_seed("sha256:00", None), ["a", "b", "c", "d"]).tolist()
    [2, 3, 1, 0]
    """
    start = hashlib.sha256(seed + UNITS)
    keys = []
    for number, unit_id in enumerate(unit_ids):
        key = start.copy()
        key.update(unit_id.encode())
        keys.append((key.digest(), unit_id, number))
    return np.array([number for _, _, number in sorted(keys)], dtype=np.int64)


@lru_cache(maxsize=16)  # asked again for each batch of answers, for up to 100,000 pairs
def committed_pairs(seed: bytes, pairs: int, *, most: int | None = None, label: str = "") -> Ints:
    """The first ``most`` of the pairs 0 … pairs-1 in an order drawn without replacement.

    A Fisher-Yates shuffle: step t = 0, 1, 2 … swaps place t with place
    ``t + h mod (pairs - t)``, where h is SHA-256 of ``seed || 0x01 || label in UTF-8 || 0x00 ||
    t as 8 bytes``, both read as big-endian whole numbers. So a short sample of very many pairs
    costs only its own length.

    Args:
        label: keeps the orders of two groups apart; two groups of equal size would otherwise be
            shuffled alike, and the test of their difference needs them independent.

    >>> committed_pairs(order_seed("sha256:00", None), 1_000_000_000, most=3).tolist()
    [421846180, 972124892, 1485398]
    """
    start = hashlib.sha256(seed + PAIRS + label.encode() + b"\x00")
    moved: dict[int, int] = {}
    drawn = np.empty(pairs if most is None else min(most, pairs), dtype=np.int64)
    for step in range(len(drawn)):
        key = start.copy()
        key.update(step.to_bytes(8, "big"))
        place = step + int.from_bytes(key.digest(), "big") % (pairs - step)
        drawn[step] = moved.get(place, place)
        moved[place] = moved.pop(step, step)
    drawn.flags.writeable = False
    return drawn
