"""How many calls went without a person: shares with their interval. Pure.

Wilson's score interval (Wilson, JASA 22 (1927), 209-212), which stays within 0 and 1 and holds its
level well for shares near the ends (Brown, Cai and DasGupta, Statistical Science 16 (2001), 101).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

Z = 1.959963984540054  # for 95 %


@dataclass(frozen=True)
class Share:
    """``count`` of ``of``, and the 95 % interval of the share; all None where ``of`` is 0."""

    count: int
    of: int

    @property
    def estimate(self) -> float | None:
        return self.count / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """
        >>> low, high = Share(0, 10).interval
        >>> low, round(high, 4)
        (0.0, 0.2775)
        """
        if not self.of:
            return None
        n, p = self.of, self.count / self.of
        centre = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
        half = Z / (1 + Z * Z / n) * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
        low = 0.0 if self.count == 0 else max(0.0, centre - half)
        return low, 1.0 if self.count == n else min(1.0, centre + half)

    def as_dict(self) -> dict[str, Any]:
        """JSON data."""
        ends = self.interval
        return {
            "count": self.count,
            "of": self.of,
            "estimate": self.estimate,
            "interval": list(ends) if ends else None,
        }
