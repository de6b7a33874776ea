"""Time limits for many connections at little cost: all are looked at four times a second.

A timer for each of several limits of each call would cost more than the call. Whoever is watched
keeps one number, its deadline, and moves it by writing to it; limits hold to within a tick.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

TICK_S = 0.25
REST_S = 0.016
"""How long a fast stream is left to gather: one frame of a screen."""
NEVER = float("inf")


class Watched(Protocol):
    """What has a deadline."""

    deadline: float

    def late(self, now: float) -> None:
        """Called at the first tick after the deadline, which by then is `NEVER`."""
        ...


class Resting(Protocol):
    """A stream that is not read for a moment."""

    def rested(self) -> None: ...


class Ticks:
    """A clock of seconds that moves in steps, and those who have deadlines on it.

    Attributes:
        now: seconds since an arbitrary moment, at the last tick. time: the same clock, exactly.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._watched = set[Watched]()
        self._handle: asyncio.TimerHandle | None = None
        self._resting = list[Resting]()
        self.time = loop.time
        self.now = loop.time()

    def start(self) -> None:
        if self._handle is None:
            self._tick()

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def watch(self, one: Watched) -> None:
        self._watched.add(one)

    def forget(self, one: Watched) -> None:
        self._watched.discard(one)

    def rest(self, one: Resting) -> None:
        """Have `rested` called in a moment; all who rest are called together."""
        if not self._resting:
            self._loop.call_later(REST_S, self._rested)
        self._resting.append(one)

    def _rested(self) -> None:
        resting, self._resting = self._resting, []
        for one in resting:
            one.rested()

    def _tick(self) -> None:
        self.now = now = self._loop.time()
        self._handle = self._loop.call_later(TICK_S, self._tick)
        for one in [one for one in self._watched if one.deadline < now]:
            one.deadline = NEVER
            one.late(now)
