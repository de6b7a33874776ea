"""The name that was probably meant: found on the gateway's loop, so its cost is bounded.

A name of any letters is compared with four others, each in one pass from either end. Searching all
names for the most alike one takes tenths of a second where somebody chooses the letters.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable

NAME_MAX = 64
CUTOFF = 0.6


class Near:
    """Names, by how they begin and by how they end.

    >>> Near(["advice-logit", "travel-mode"]).to("Advise-logit")
    'advice-logit'
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = sorted(names)
        self._backwards = sorted(name[::-1] for name in self._names)

    def to(self, name: str) -> str | None:
        """The name that this one is nearly; None for a long one, or where none is like it."""
        if not name or len(name) > NAME_MAX:
            return None
        name = name.lower()
        beside = _beside(name, self._names)
        beside += [one[::-1] for one in _beside(name[::-1], self._backwards)]
        best = max(beside, key=lambda one: (likeness(name, one), one), default="")
        return best if best and likeness(name, best) >= CUTOFF else None


def _beside(name: str, names: list[str]) -> list[str]:
    at = bisect(names, name)
    return names[max(at - 1, 0) : at + 1]


def likeness(one: str, other: str) -> float:
    """How much of two names their common beginning and their common end are, 0 to 1.

    >>> likeness("advise", "advice"), likeness("abc", "xyz")
    (0.8333333333333334, 0.0)
    """
    begins = _same(one, other)
    ends = _same(one[begins:][::-1], other[begins:][::-1])
    return 2 * (begins + ends) / (len(one) + len(other))


def _same(one: str, other: str) -> int:
    """How many characters two texts have in common from their beginning."""
    for at, (mine, other_s) in enumerate(zip(one, other, strict=False)):
        if mine != other_s:
            return at
    return min(len(one), len(other))
