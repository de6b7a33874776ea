"""The usage journal of one gateway process: when it says that a record is down, it is on disk.

The event loop's thread hands records over; one thread writes all that wait in one go, makes them
durable with one fdatasync and wakes the loop once for all of them (group commit, as in
`record.group_commit`). While it waits for the disk the next group gathers.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from pilotbase.serve.metering.segments import Complete, Segment
from pilotbase.serve.rules.frames import FIRST_LINK, Terms, encode

SEGMENT_BYTES, SEGMENT_S = 8 * 2**20, 3600.0
GROUP_MAX = 4096
LINGER_S = 0.02
"""How long a settle waits for a group to go with, where no intent comes."""
RETRY_S = 0.5
"""How soon settles are tried again after the disk refused them."""

W = TypeVar("W")


class TermsRecord:
    """Terms with their number; written into every segment that refers to them, before they are."""

    __slots__ = ("number", "payload", "segment")

    def __init__(self, number: int, terms: Terms) -> None:
        self.number = number
        self.payload = encode(["terms", number, terms])
        self.segment = 0


Item = tuple[bytes, TermsRecord | None, Any]
"""A payload, the terms it refers to, and who waits for it (None: nobody does)."""


class Journal(Generic[W]):
    """Appends records to segments in a folder of its own.

    Args:
        written: called on the loop's thread with those who waited and whether their records are on
            disk; where they are not, they never will be.
        full: called in the writing thread with each segment that is complete.

    Attributes:
        groups, group_s: how many groups were made durable, and the seconds that took in all.
        failures: groups that the disk refused.
    """

    def __init__(
        self,
        folder: Path,
        gateway: str,
        loop: asyncio.AbstractEventLoop,
        written: Callable[[list[W], bool], None],
        full: Callable[[Complete], None],
        *,
        segment_bytes: int = SEGMENT_BYTES,
        segment_s: float = SEGMENT_S,
    ) -> None:
        """Raises OSError when the first segment cannot be made."""
        self._folder, self._gateway, self._loop = folder, gateway, loop
        self._written, self._full = written, full
        self._segment_bytes, self._segment_s = segment_bytes, segment_s
        self._waiting = deque[Item]()
        self._signal = SimpleQueue[bool]()
        self._idle = self._nudging = False
        self._segment = Segment(folder, gateway, 1, FIRST_LINK)
        self._broken = self._closing = self._over = False
        self._since = time.monotonic()
        self.groups = self.failures = 0
        self.group_s = self._begun = 0.0
        self._thread = threading.Thread(target=self._run, name="usage journal", daemon=True)
        self._thread.start()

    # On the loop's thread

    def put(self, payload: bytes, terms: TermsRecord, waits: W) -> None:
        """Put a record down that somebody waits for."""
        self._waiting.append((payload, terms, waits))
        if self._over:
            # Closed, or its thread has failed: what cannot be put down is not served.
            self._loop.call_soon(self._refuse_waiting)
        elif self._idle:
            self._idle = False
            self._signal.put(True)

    def add(self, payload: bytes) -> None:
        """Put a record down that nobody waits for; it goes with the next group."""
        self._waiting.append((payload, None, None))
        if not self._nudging:
            self._nudging = True
            self._loop.call_later(LINGER_S, self._nudge)

    def _refuse_waiting(self) -> None:
        waiting = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if waits := [one[2] for one in waiting if one[1] is not None]:
            self._written(waits, False)

    @property
    def waiting(self) -> int:
        """Records that are not yet handed to the disk."""
        return len(self._waiting)

    @property
    def lag_s(self) -> float:
        """How long the disk has been at work on a group so far; 0 where it has none."""
        begun = self._begun
        return time.monotonic() - begun if begun else 0.0

    @property
    def writable(self) -> bool:
        """Whether the disk took the latest group."""
        return not (self._broken or self._over)

    def look(self) -> None:
        """Look whether the segment is old, or the disk takes records again; now and then."""
        if self._broken or time.monotonic() - self._since >= self._segment_s:
            self._signal.put(True)

    def _nudge(self) -> None:
        self._nudging = False
        self._signal.put(True)

    def close(self) -> None:
        """Write what waits and complete the last segment; blocks until that is done."""
        self._closing = True
        self._signal.put(True)
        self._thread.join()

    # In the writing thread

    def _run(self) -> None:
        try:
            self._work()
        finally:
            self._over = True
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._refuse_waiting)

    def _work(self) -> None:
        while True:
            if not self._waiting:
                if self._closing:
                    break
                self._idle = True
                # What came between looking and saying so gave no signal.
                if not self._waiting:
                    self._signal.get()
                self._idle = False
            refused = self._flush()
            if refused and self._closing:
                break
            if refused:
                with suppress(RuntimeError):
                    self._loop.call_soon_threadsafe(self._loop.call_later, RETRY_S, self._nudge)
                self._signal.get()
        self._full(self._segment.close())

    def _flush(self) -> bool:
        """Write one group; whether the disk refused records that have to be tried again."""
        waiting = self._waiting
        group = [waiting.popleft() for _ in range(min(len(waiting), GROUP_MAX))]
        if not group:
            summed = self._segment.summed
            if self._broken or summed.intents or summed.settled:
                with suppress(OSError):
                    self._turn()
            return False
        payloads, waits, fresh = list[bytes](), list[W](), list[TermsRecord]()
        self._begun = begun = time.monotonic()
        try:
            self._turn()
            number = self._segment.number
            for payload, terms, waits_for in group:
                if terms is not None:
                    waits.append(waits_for)
                    if terms.segment != number:
                        payloads.append(terms.payload)
                        terms.segment = number
                        fresh.append(terms)
                payloads.append(payload)
            leaves = self._segment.append(payloads)
        except OSError:
            self.failures += 1
            self._take_back(group, fresh)
            return any(terms is None for _, terms, _ in group)
        finally:
            self._begun = 0.0
        self.groups += 1
        self.group_s += time.monotonic() - begun
        self._tell(waits, True)
        # After those who wait were told: the root is needed only when the segment is complete.
        self._segment.summed.take(payloads, leaves)
        return False

    def _take_back(self, group: list[Item], fresh: list[TermsRecord]) -> None:
        for terms in fresh:
            terms.segment = 0
        self._waiting.extendleft(one for one in reversed(group) if one[1] is None)
        # After a failed fdatasync nobody knows what the file holds: go on in another.
        self._broken = True
        self._tell([one[2] for one in group if one[1] is not None], False)

    def _tell(self, waits: list[W], done: bool) -> None:
        if waits:
            # The loop is closed where a process ends in haste; then nobody is there to be told.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._written, waits, done)

    def _turn(self) -> None:
        """Begin another segment where this one is full, old, or was refused by the disk."""
        old = self._segment
        age = time.monotonic() - self._since
        if not (self._broken or old.size >= self._segment_bytes or age >= self._segment_s):
            return
        self._segment = Segment(self._folder, self._gateway, old.number + 1, old.link)
        self._since, self._broken = time.monotonic(), False
        self._full(old.close())
