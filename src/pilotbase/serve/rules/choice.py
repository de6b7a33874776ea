"""Which of several upstreams takes the next call: smooth weighted round robin.

Each gains its weight, the richest is taken and pays the sum of all weights: in any run of calls
each has its share to within one call, and none is asked in bursts (as nginx does since 1.3.1).
"""

from __future__ import annotations

from collections.abc import Sequence


class Turns:
    """Whose turn it is.

    >>> turns = Turns((2, 1))
    >>> [turns.next((True, True)) for _ in range(6)]
    [0, 1, 0, 0, 1, 0]
    >>> turns.next((False, False)) is None
    True
    """

    __slots__ = ("_credit", "weights")

    def __init__(self, weights: Sequence[int]) -> None:
        if not weights or min(weights) < 1:
            raise ValueError("every weight is at least one")
        self.weights = tuple(weights)
        self._credit = [0] * len(weights)

    def next(self, able: Sequence[bool]) -> int | None:
        """The place of the next among those that can take a call; None where none can."""
        best, total = -1, 0
        for place, weight in enumerate(self.weights):
            if not able[place]:
                continue
            total += weight
            self._credit[place] += weight
            if best < 0 or self._credit[place] > self._credit[best]:
                best = place
        if best < 0:
            return None
        self._credit[best] -= total
        return best
