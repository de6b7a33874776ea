"""Pauses, headers and jitter."""

from __future__ import annotations

from random import Random

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotbase.trial.endpoints.pace import (
    BACKOFF_SECONDS_MAX,
    PAUSE_SECONDS_MAX,
    Pace,
    retry_after,
    span_seconds,
)

DATE = "Sun, 22 Nov 2026 00:00:00 GMT"
LATER = "Sun, 22 Nov 2026 00:00:07 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": LATER, "date": DATE}, 7.0),
        ({"retry-after": DATE, "date": LATER}, 0.0),
        ({"retry-after": LATER}, None),
        ({"retry-after": "9" * 400}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None):
    assert retry_after(headers) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1", 1.0), ("20ms", 0.02), ("6m0s", 360.0), ("1h2m3s", 3723.0), ("1x", None), ("", None)],
)
def test_spans(text: str, seconds: float | None):
    assert span_seconds(text) == pytest.approx(seconds) if seconds is not None else True
    assert (span_seconds(text) is None) == (seconds is None)


@given(st.integers(0, 100), st.integers(0, 2**32))
def test_jitter_is_bounded_and_drawn_from_the_seed(failures: int, seed: int):
    found = Pace(Random(seed), 1).jitter(failures)
    assert 0 <= found <= BACKOFF_SECONDS_MAX
    assert found == Pace(Random(seed), 1).jitter(failures)


def waited(pace: Pace, times: int = 1) -> float:
    async def main() -> float:
        started = anyio.current_time()
        for _ in range(times):
            await pace.turn()
        return anyio.current_time() - started

    return anyio.run(main)


def after(*answers: tuple[int, dict[str, str]]) -> float:
    """Seconds until the next request may go out after these answers."""

    async def main() -> float:
        pace = Pace(Random(1), 4)
        for status, headers in answers:
            assert pace.heard(status, headers, anyio.current_time())
        started = anyio.current_time()
        await pace.turn()
        return anyio.current_time() - started

    return anyio.run(main)


def test_nothing_is_waited_for_without_reason():
    assert waited(Pace(Random(1), 4), 100) < 0.05
    assert after((200, {}), (500, {}), (503, {})) < 0.05


def test_a_refusal_holds_everybody_back():
    assert after((429, {"retry-after": "0.2"})) >= 0.2
    assert after((503, {"retry-after": "0.2"})) >= 0.2


def test_used_up_requests_are_waited_for_before_a_refusal():
    assert (
        after((200, {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "200ms"}))
        >= 0.2
    )
    assert after((200, {"x-ratelimit-remaining": "900", "x-ratelimit-reset": "60"})) < 0.05
    assert after((200, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1795000000"})) < 0.05


def test_the_last_requests_are_spread():
    async def main() -> float:
        pace = Pace(Random(1), 4)
        pace.heard(200, {"x-ratelimit-remaining": "4", "x-ratelimit-reset": "400ms"}, 0.0)
        started = anyio.current_time()
        for _ in range(4):
            await pace.turn()
        return anyio.current_time() - started

    assert 0.28 <= anyio.run(main) < 1.0


def test_those_refused_together_slow_down_once():
    async def main() -> float:
        pace = Pace(Random(1), 8)
        sent_at = anyio.current_time()
        for _ in range(8):
            pace.heard(429, {"retry-after": "0"}, sent_at)
        started = anyio.current_time()
        for _ in range(4):
            await pace.turn()
        return anyio.current_time() - started

    assert anyio.run(main) < 0.3


def test_a_pause_that_is_too_long_is_not_granted():
    async def main() -> bool:
        return Pace(Random(1), 4).heard(429, {"retry-after": str(PAUSE_SECONDS_MAX + 1)}, 0.0)

    assert anyio.run(main) is False
