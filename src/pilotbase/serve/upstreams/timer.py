"""Time limits for many connections at little cost: all are looked at four times a second.

A timer for each of several limits of each call would cost more than the call. Whoever is watched
keeps one number, its deadline, and moves it by writing to it; limits hold to within a tick.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

TICK_S = 0.25
NEVER = float("inf")


class Watched(Protocol):
    """What has a deadline."""

    deadline: float

    def late(self, now: float) -> None:
        """Called at the first tick after the deadline, which by then is `NEVER`."""
        ...


class Ticks:
    """A clock of seconds that moves in steps, and those who have deadlines on it.

    Attributes:
        now: seconds since an arbitrary moment, at the last tick.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._watched = set[Watched]()
        self._handle: asyncio.TimerHandle | None = None
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

    def _tick(self) -> None:
        self.now = now = self._loop.time()
        self._handle = self._loop.call_later(TICK_S, self._tick)
        for one in [one for one in self._watched if one.deadline < now]:
            one.deadline = NEVER
            one.late(now)
