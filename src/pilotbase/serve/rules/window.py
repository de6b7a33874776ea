"""Windows of limits: when one begins and ends. Pure; moments are seconds since 1970, UTC.

A window of minutes, hours or days begins at a whole multiple of its length since 1970-01-01, so
that everybody knows when it turns; ``P1M`` is the calendar month and ``total`` never ends.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from functools import lru_cache

TOTAL, MONTH = "total", "P1M"
_LENGTH = re.compile(r"P(?:T([1-9][0-9]{0,3})([MH])|([1-9][0-9]{0,2})D)")
_SECONDS = {"M": 60, "H": 3600}


@lru_cache(maxsize=256)
def length_of(per: str) -> int:
    """The seconds of a window; 0 for ``P1M`` and ``total``. Raises ValueError for another word.

    >>> length_of("PT5M"), length_of("P1D")
    (300, 86400)
    """
    if per in (TOTAL, MONTH):
        return 0
    found = _LENGTH.fullmatch(per)
    if found is None:
        raise ValueError(f"{per!r} is no window like 'PT1M', 'PT1H', 'P1D', 'P1M' or 'total'")
    count, unit, days = found.groups()
    return int(count) * _SECONDS[unit] if unit else int(days) * 86_400


def bounds(per: str, at: float, since: int = 0) -> tuple[int, float]:
    """The window that a moment is in: its first second, and the first one after it.

    Args:
        since: when the limit was set: what it counts begins then, also within a window.

    >>> bounds("PT1M", 61.5), bounds("PT1M", 61.5, since=75), bounds("total", 61.5)
    ((60, 120), (75, 120), (0, inf))
    """
    start, end = _bounds(per, at)
    return max(start, since), end


def _bounds(per: str, at: float) -> tuple[int, float]:
    length = length_of(per)
    if length:
        start = int(at // length) * length
        return start, start + length
    if per == TOTAL:
        return 0, math.inf
    day = datetime.fromtimestamp(at, UTC)
    begin = datetime(day.year, day.month, 1, tzinfo=UTC)
    after = datetime(day.year + day.month // 12, day.month % 12 + 1, 1, tzinfo=UTC)
    return int(begin.timestamp()), int(after.timestamp())
