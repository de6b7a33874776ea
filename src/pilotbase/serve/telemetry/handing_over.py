"""Ended calls on their way to logs and traces: a thread takes them, the loop never waits.

What does not fit any more is dropped and counted: a slow disk or collector slows no call.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from pilotbase.serve.telemetry.counting import Ended

WAITING_MAX = 10_000
PERIOD_S, LAST_S = 0.2, 5.0
CONTENT_BYTES_MAX = 64 * 1024
_log = logging.getLogger("pilotbase.serve")


class Handed(NamedTuple):
    """An ended call; request and answer where the service's terms let them be kept, else None."""

    ended: Ended
    request: bytes | None
    answer: bytes | None


class Taker(Protocol):
    """Takes ended calls in a thread of its own."""

    def take(self, group: Sequence[Handed]) -> None: ...

    def close(self) -> None: ...


class HandingOver:
    """`counting.Sink` of one taker. ``dropped``: how many calls it was not told of."""

    def __init__(self, taker: Taker) -> None:
        self._taker = taker
        self._waiting = deque[Handed]()
        self._ended = threading.Event()
        self.dropped = 0
        self._thread = threading.Thread(target=self._run, name="telemetry", daemon=True)
        self._thread.start()

    def __call__(self, ended: Ended, request: bytes, answer: Sequence[bytes] | None) -> None:
        if len(self._waiting) >= WAITING_MAX:
            self.dropped += 1
        elif answer is None:
            self._waiting.append(Handed(ended, None, None))
        else:
            whole = b"".join(answer)[:CONTENT_BYTES_MAX]
            self._waiting.append(Handed(ended, request[:CONTENT_BYTES_MAX], whole))

    def close(self) -> None:
        """Hand over what waits; blocks `LAST_S` at most.

        A collector that does not answer would else keep the process until it is killed, with its
        journal not completed.
        """
        self._ended.set()
        self._thread.join(LAST_S)

    def _run(self) -> None:
        over = False
        while not over:
            over = self._ended.wait(PERIOD_S)
            group = [self._waiting.popleft() for _ in range(len(self._waiting))]
            try:
                if group:
                    self._taker.take(group)
            except Exception:  # a full disk, a collector that is away: calls go on
                self.dropped += len(group)
                _log.exception("telemetry was not taken")
        try:
            self._taker.close()
        except Exception:
            _log.exception("telemetry was not completed")
