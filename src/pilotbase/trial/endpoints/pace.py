"""How fast an endpoint may be asked: it says so, and all tasks that ask it keep to it together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from random import Random

import anyio

BACKOFF_SECONDS = 0.5
BACKOFF_SECONDS_MAX = 20.0
PAUSE_SECONDS_MAX = 120.0
INTERVAL_SECONDS_MAX = 5.0
FIRST_INTERVAL_SECONDS = 0.01
_FASTER = 0.9
_LEFT = ("x-ratelimit-remaining-requests", "x-ratelimit-remaining", "ratelimit-remaining")
_RESET = ("x-ratelimit-reset-requests", "x-ratelimit-reset", "ratelimit-reset")
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PLAIN = re.compile(r"\d{1,9}(\.\d{1,9})?", re.ASCII)


class Pace:
    """A pause that all tasks share, and a distance between two requests once one was refused.

    The distance doubles when the endpoint says "too many" and shrinks by a tenth with each answer.
    Requests that were under way together are refused together: that doubles it once, as TCP
    halves its window once a round trip (RFC 5681).

    Args:
        random: draws the jitter, so that a run can be repeated.
        concurrency: how many requests may be under way.
    """

    def __init__(self, random: Random, concurrency: int) -> None:
        self._random, self._concurrency = random, concurrency
        self._paused_until = 0.0
        self._next = 0.0
        self._interval = 0.0
        self._slowed_at = -1.0

    async def turn(self) -> None:
        """Wait until the next request may go out, and take that moment."""
        await self._pass_pause()
        if self._interval:
            now = anyio.current_time()
            at = max(now, self._next)
            self._next = at + self._interval
            await anyio.sleep(at - now)
            await self._pass_pause()  # somebody else may have been refused meanwhile

    async def _pass_pause(self) -> None:
        while (wait := self._paused_until - anyio.current_time()) > 0:
            await anyio.sleep(wait)

    def heard(self, status: int, headers: Mapping[str, str], sent_at: float) -> bool:
        """Learn from the answer to a request that was sent then.

        False when it asks for a longer pause than we grant.
        """
        if status not in (429, 503):
            self._interval = self._interval * _FASTER if self._interval > 0.001 else 0.0
            return self._learn(headers)
        asked = retry_after(headers)
        if asked is None and status == 503:
            return True
        if sent_at > self._slowed_at:
            slower = max(self._interval * 2, FIRST_INTERVAL_SECONDS)
            self._interval = min(slower, INTERVAL_SECONDS_MAX)
            self._slowed_at = anyio.current_time()
        return self._pause(self.jitter(0) if asked is None else asked)

    def _learn(self, headers: Mapping[str, str]) -> bool:
        """Slow down before the endpoint has to refuse, where it says how much is left."""
        left = _first(headers, _LEFT)
        if left is None or not _PLAIN.fullmatch(left):
            return True
        reset = span_seconds(_first(headers, _RESET) or "")
        if reset is None or reset > PAUSE_SECONDS_MAX or float(left) > 2 * self._concurrency:
            return True  # a time of day, or nothing to worry about yet
        if float(left) < 1:
            return self._pause(reset)
        self._interval = max(self._interval, min(reset / float(left), INTERVAL_SECONDS_MAX))
        return True

    def _pause(self, seconds: float) -> bool:
        if seconds > PAUSE_SECONDS_MAX:
            return False
        self._paused_until = max(self._paused_until, anyio.current_time() + seconds)
        return True

    def jitter(self, failures: int) -> float:
        """Seconds to wait after so many failures: uniform below a bound that doubles.

        Full jitter, because tasks that failed together must not come back together.
        """
        bound = min(BACKOFF_SECONDS_MAX, BACKOFF_SECONDS * 2 ** min(failures, 10))
        return self._random.uniform(0, bound)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the answer asks to wait (RFC 9110, 10.2.3), None where it does not say.

    A date is read against the answer's own ``Date``: the two clocks need not agree.

    >>> retry_after({"retry-after": "3"})
    3.0
    """
    said = headers.get("retry-after", "").strip()
    if _PLAIN.fullmatch(said):
        return float(said)
    at, now = _moment(said), _moment(headers.get("date", ""))
    if at is None or now is None:
        return None
    return max(0.0, (at - now).total_seconds())


def _moment(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def span_seconds(text: str) -> float | None:
    """``"1.5"``, ``"20ms"``, ``"6m0s"`` as seconds; None for anything else."""
    if _PLAIN.fullmatch(text):
        return float(text)
    parts = _SPAN.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def _first(headers: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((headers[name] for name in names if name in headers), None)
