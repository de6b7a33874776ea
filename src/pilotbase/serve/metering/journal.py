"""The usage journal of one gateway process: when it says that a record is down, it is on disk.

The event loop's thread gathers records, writes a group of them into the file in one go and has the
kernel make it durable with one fdatasync; the loop is woken once for all of them (group commit, as
in `record.group_commit`). While the disk works the next group gathers. A sync costs as much as a
whole call, so they keep a distance; a call that comes alone never waits. Whatever takes longer than
a write into memory (another segment, more room, a failing disk) is done in a thread, and so are the
syncs where the kernel cannot be asked.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from pilotbase.serve.metering.segments import Complete, Laid, Segment
from pilotbase.serve.metering.syncs import best_syncs
from pilotbase.serve.rules.frames import FIRST_LINK, Terms, encode

SEGMENT_BYTES, SEGMENT_S = 8 * 2**20, 3600.0
GROUP_MAX = 4096
LINGER_S = 0.02
"""How long a settle waits for a group to go with, where no intent comes."""
APART_S = 0.001
"""Groups begin at least this far apart."""
RETRY_S = 0.5
"""How soon settles are tried again after the disk refused them."""
STUCK_S = 5.0
"""A disk that is at work on one group for longer does not answer."""

W = TypeVar("W")
_log = logging.getLogger("pilotbase.serve")


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
        instead: the record that takes the place of such a record, once the disk takes one again.
        full: called in the journal's thread with each segment that is complete.

    Attributes:
        groups, group_s: how many groups were made durable, and the seconds that took in all.
        failures: groups that the disk refused. stuck: the disk does not answer, when last looked.
        whole: it is closed, and all that was put down in time is on disk.
    """

    def __init__(
        self,
        folder: Path,
        gateway: str,
        loop: asyncio.AbstractEventLoop,
        written: Callable[[list[W], bool], None],
        full: Callable[[Complete], None],
        instead: Callable[[W], bytes],
        *,
        segment_bytes: int = SEGMENT_BYTES,
        segment_s: float = SEGMENT_S,
    ) -> None:
        """Raises OSError when the first segment cannot be made."""
        self._folder, self._gateway, self._loop = folder, gateway, loop
        self._written, self._full, self._instead = written, full, instead
        self._segment_bytes, self._segment_s = segment_bytes, segment_s
        self._waiting = deque[Item]()
        self._jobs = SimpleQueue[Callable[[], object] | None]()
        self._busy = self._planned = self._nudging = False
        self._segment = Segment(folder, gateway, 1, FIRST_LINK)
        self._broken = self._over = self.whole = self.stuck = False
        self._since = time.monotonic()
        self.groups = self.failures = 0
        self.group_s = self._begun = self._last = 0.0
        self._syncs = best_syncs(loop)
        self._thread = threading.Thread(target=self._run, name="usage journal", daemon=True)
        self._thread.start()

    # On the loop's thread

    def put(self, payload: bytes, terms: TermsRecord, waits: W) -> None:
        """Put a record down that somebody waits for."""
        self._waiting.append((payload, terms, waits))
        if not (self._busy or self._planned):
            self._plan()

    def add(self, payload: bytes) -> None:
        """Put a record down that nobody waits for; it goes with the next group."""
        self._waiting.append((payload, None, None))
        if not self._nudging:
            self._nudging = True
            self._loop.call_later(LINGER_S, self._nudge)

    def _plan(self) -> None:
        if self._over:
            # Closed, or its thread has failed: what cannot be put down is not served.
            self._loop.call_soon(self._refuse_waiting)
            return
        self._planned = True
        wait = self._last + APART_S - time.monotonic()
        if wait > 0:
            self._loop.call_later(wait, self._start)
        else:
            # After all that has arrived by now.
            self._loop.call_soon(self._start)

    def _nudge(self) -> None:
        self._nudging = False
        if self._waiting and not (self._busy or self._planned):
            self._start()

    def _ended(self) -> None:
        self._busy = False
        self._refuse_waiting()

    def _refuse_waiting(self) -> None:
        waiting = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if waits := [one[2] for one in waiting if one[1] is not None]:
            self._written(waits, False)

    @property
    def waiting(self) -> int:
        """Records that are not yet handed to the disk."""
        return len(self._waiting)

    @property
    def way(self) -> str:
        """Who waits for the disk: a queue of the kernel (`syncs.WAYS`), or a ``thread``."""
        return self._syncs.way if self._syncs is not None and self._syncs.answers else "thread"

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
        """Look whether the segment is old or was moved away, or the disk takes records again; now
        and then."""
        if not self._broken and not self._busy and not self._segment.in_place:
            _log.error("the usage journal is gone from %s: calls are refused", self._segment.path)
            self._broken = True
        self.stuck = self.lag_s > STUCK_S
        if self._due() and not (self._busy or self._over):
            self._busy = True
            self._jobs.put(self._renew)

    def close(self) -> None:
        """Write what waits and complete the last segment; blocks until that is done."""
        if self._syncs is not None:
            self._syncs.finish()
        self._jobs.put(self._finish)
        self._jobs.put(None)
        self._thread.join()
        if self._syncs is not None:
            self._syncs.close()

    def _start(self) -> None:
        """Write a group, and have it made durable."""
        self._planned = False
        if self._over:
            self._refuse_waiting()
        if self._busy or not self._waiting:
            return
        self._busy = True
        self._begun = self._last = time.monotonic()
        group = self._take()
        laid: Laid | None = None
        if not self._due():
            payloads, fresh = self._payloads(group)
            with suppress(OSError):  # the thread tries again, and says what comes of it
                laid = self._segment.lay(payloads)
            if laid is not None:
                self._make_durable(group, laid)
                return
            for terms in fresh:
                terms.segment = 0
        self._jobs.put(partial(self._append, group))

    def _make_durable(self, group: list[Item], laid: Laid) -> None:
        syncs, file = self._syncs, self._segment.file
        if syncs is None or not syncs.ask(file, partial(self._said, group, laid)):
            self._jobs.put(partial(self._sync, group, laid))

    def _said(self, group: list[Item], laid: Laid, done: bool) -> None:
        """The kernel's word on a group."""
        if done and _goes(lambda: self._segment.synced(laid)):
            self._synced(group)
        else:
            self._jobs.put(partial(self._give_up, group))

    def _take(self) -> list[Item]:
        waiting = self._waiting
        if len(waiting) <= GROUP_MAX:
            group = list(waiting)
            waiting.clear()
            return group
        return [waiting.popleft() for _ in range(GROUP_MAX)]

    def _payloads(self, group: list[Item]) -> tuple[list[bytes], list[TermsRecord]]:
        """What a group writes: its records, and terms that the segment does not have yet."""
        payloads, fresh, number = list[bytes](), list[TermsRecord](), self._segment.number
        for payload, terms, _ in group:
            if terms is not None and terms.segment != number:
                payloads.append(terms.payload)
                terms.segment = number
                fresh.append(terms)
            payloads.append(payload)
        return payloads, fresh

    def _due(self) -> bool:
        """Whether another segment is to begin: this one is full, old, or the disk refused it."""
        segment = self._segment
        return (
            self._broken
            or segment.size >= self._segment_bytes
            or time.monotonic() - self._since >= self._segment_s
        )

    def _after(self) -> None:
        """The disk is free again."""
        self._busy = self.stuck = False
        self._begun = 0.0
        if self._waiting and not self._planned:
            self._plan()

    def _synced(self, group: list[Item]) -> None:
        self.groups += 1
        self.group_s += time.monotonic() - self._begun
        self._after()
        if waits := [one[2] for one in group if one[1] is not None]:
            self._written(waits, True)
        if not self._over:
            self._segment.sum_up()

    def _refused(self, group: list[Item]) -> None:
        self.failures += 1
        for one in reversed(group):
            kept = one if one[1] is None else (self._instead(one[2]), None, None)
            self._waiting.appendleft(kept)
        self._busy = self.stuck = False
        self._begun = 0.0
        if any(one[1] is not None for one in self._waiting) and not self._planned:
            self._plan()
        elif self._waiting and not self._nudging:
            self._nudging = True
            self._loop.call_later(RETRY_S, self._nudge)
        if intents := [one[2] for one in group if one[1] is not None]:
            self._written(intents, False)

    # In the journal's thread, while the loop's leaves the segment alone

    def _run(self) -> None:
        try:
            while (job := self._jobs.get()) is not None:
                job()
        finally:
            self._over = True
            self._tell(self._ended)

    def _sync(self, group: list[Item], laid: Laid) -> None:
        self._answer(group, _goes(lambda: self._segment.sync(laid)))

    def _give_up(self, group: list[Item]) -> None:
        self._segment.take_back()
        self._answer(group, done=False)

    def _append(self, group: list[Item]) -> bool:
        """Write a group where that takes longer; whether the disk took it."""
        return self._answer(group, _goes(lambda: self._write(group)))

    def _write(self, group: list[Item]) -> None:
        self._turn()
        payloads, _ = self._payloads(group)
        self._segment.append(payloads)

    def _renew(self) -> None:
        summed = self._segment.summed
        if self._broken or summed.intents or summed.settled:
            _goes(self._turn)
        self._tell(self._after)

    def _finish(self) -> None:
        # The loop waits in `close`: what it would be told first is told when it goes on.
        sound = not self._broken  # else a group was refused, and nobody could be told
        while self._waiting:
            if not self._append(self._take()):
                sound = False
                break
        self.whole = sound
        self._full(self._segment.close())

    def _answer(self, group: list[Item], done: bool) -> bool:
        # After a failed fdatasync nobody knows what the file holds: go on in another, with all
        # terms again.
        self._broken = self._broken or not done
        self._tell(self._synced if done else self._refused, group)
        return done

    def _tell(self, what: Callable[..., None], *group: list[Item]) -> None:
        # The loop is closed where a process ends in haste; then nobody is there to be told.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(what, *group)

    def _turn(self) -> None:
        """Begin another segment where that is due."""
        if not self._due():
            return
        old = self._segment
        self._segment = Segment(self._folder, self._gateway, old.number + 1, old.link)
        self._since, self._broken = time.monotonic(), False
        self._full(old.close())


def _goes(work: Callable[[], None]) -> bool:
    """Whether work went well. The journal goes on in any case: who waits is told."""
    try:
        work()
    except OSError:
        return False
    except Exception:
        _log.exception("the usage journal could not be written")
        return False
    return True
