"""The id under which a call is metered: made of what is known, never drawn. Pure.

Two forms, so that each can be told from the other: ``<gateway>-<sequence>`` for a call without an
idempotency key, and ``k`` with 32 hexadecimal digits for one with.
"""

from __future__ import annotations

import hashlib

DAY_S = 86_400
AGAIN_MAX = 64
"""So many calls of one name may there be in a day, each after one that cost nothing."""


def of_sequence(gateway: str, sequence: int) -> str:
    """The usage id of the gateway's call of this number.

    >>> of_sequence("4f1c9a2b7d3e", 298)
    '4f1c9a2b7d3e-298'
    """
    return f"{gateway}-{sequence}"


def of_key(key: str, idempotency_key: str, at: float) -> str:
    """The usage id of a call that its caller named: of the API key's id, the name and the UTC day.

    The day is in it because a name is not remembered for ever; see `of_key_before`.
    """
    return _of(key, idempotency_key, int(at // DAY_S))


def of_key_before(key: str, idempotency_key: str, at: float) -> str:
    """The usage id that the same name had on the day before: it counts as the same call too.

    So a name is remembered for at least 24 hours and at most 48.
    """
    return _of(key, idempotency_key, int(at // DAY_S) - 1)


def again(first: str, number: int) -> str:
    """The usage id of a call of the same name, after ``number`` that gave the name back.

    Args:
        first: the usage id of the name (`of_key`). number: 0 to `AGAIN_MAX` - 1.

    >>> again("kcb770dd30385c70168f10b001ee97562", 0)
    'kcb770dd30385c70168f10b001ee97562'
    """
    if not number:
        return first
    said = f"pilotbase usage again\n{number}\n{first}"
    return "k" + hashlib.sha256(said.encode()).hexdigest()[:32]


def _of(key: str, idempotency_key: str, day: int) -> str:
    # Lengths first, so that no two pairs give the same bytes.
    said = f"pilotbase usage\n{len(key)} {day}\n{key}{idempotency_key}"
    return "k" + hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:32]
