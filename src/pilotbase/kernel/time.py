"""Time is injected: a clock is a callable that returns an aware UTC datetime."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    return datetime.now(UTC)


def fixed_clock(moment: str) -> Clock:
    """A clock that stands still at an RFC 3339 moment (for replays and tests)."""
    at = parse(moment)
    return lambda: at


def stamp(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, e.g. ``2026-11-21T08:00:00.000Z``; sorts as text."""
    moment = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    # Written out: it is asked for with every entry, and `isoformat` takes twice as long.
    return "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ" % (  # noqa: UP031
        moment.year,
        moment.month,
        moment.day,
        moment.hour,
        moment.minute,
        moment.second,
        moment.microsecond // 1000,
    )


def parse(text: str) -> datetime:
    """RFC 3339 text to an aware datetime. Raises ValueError without a time zone."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} names no time zone; end it with Z or an offset")
    return moment.astimezone(UTC)


_TERM = re.compile(
    r"P(?=[0-9T])(?:(?P<y>[0-9]{1,3})Y)?(?:(?P<m>[0-9]{1,4})M)?(?:(?P<w>[0-9]{1,4})W)?"
    r"(?:(?P<d>[0-9]{1,5})D)?(?:T(?P<h>[0-9]{1,5})H)?"
)


def check_term(term: str) -> str:
    """The term itself. Raises ValueError unless it is one: ``P2M``, ``P1Y6M``, ``P15D``, ``PT4H``.

    ISO 8601 durations of years, months, weeks, days and hours.
    """
    found = _TERM.fullmatch(term)
    if found is None or not any(found.groups()):
        raise ValueError(f"{term!r} is no term like 'P2M', 'P15D' or 'PT4H' (ISO 8601)")
    return term


def end_of_term(start: datetime, term: str) -> datetime:
    """The first moment that is past a term which began at ``start``.

    Terms in hours run from moment to moment. Terms in days, weeks, months or years leave out the
    day they begin on and run to the end of their last day, which for months and years is the day of
    the same date, or the last of the month where it has no such date: Regulation (EEC, Euratom)
    1182/71, article 3(1) and (2). Days are those of UTC.

    >>> stamp(end_of_term(parse("2026-12-31T10:00:00Z"), "P2M"))
    '2027-03-01T00:00:00.000Z'
    """
    found = _TERM.fullmatch(check_term(term))
    assert found is not None
    y, m, w, d, h = (int(found[name] or 0) for name in "ymwdh")
    start = start.astimezone(UTC)
    if not found["h"]:
        midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
        return _months_on(midnight, 12 * y + m) + timedelta(days=7 * w + d + 1)
    return _months_on(start, 12 * y + m) + timedelta(days=7 * w + d, hours=h)


def _months_on(moment: datetime, months: int) -> datetime:
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)
