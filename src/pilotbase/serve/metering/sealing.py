"""Sealing segments: what a complete segment says is summed up and its root goes into the record."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from pilotbase.kernel.errors import PilotbaseError
from pilotbase.kernel.event import Draft
from pilotbase.record.opened import Record
from pilotbase.record.rules.merkle import CompactRange, leaf_hash
from pilotbase.record.views import catch_up
from pilotbase.serve.metering.events import JournalEnded, JournalOpened, SegmentSealed
from pilotbase.serve.metering.segments import Reading, segments
from pilotbase.serve.metering.views import JOURNALS
from pilotbase.serve.rules.frames import Frame, decode

GATEWAY = "gateway:"
RETRY_S = 5.0
_BREATH = 64
"""Records after which other threads get their turn: calls wait for nothing but the disk."""


@dataclass
class Summed:
    """What a segment's records say, all in all."""

    tree: CompactRange = field(default_factory=CompactRange)
    intents: int = 0
    settled: int = 0
    sums: Counter[str] = field(default_factory=Counter)

    def take(self, frame: Frame) -> None:
        """Raises ValueError for a payload that is no record."""
        said = decode(frame.payload)
        if said[0] == "intent":
            self.intents += 1
        elif said[0] == "settle":
            self.settled += 1
            self.sums[said[3]] += said[4]
        self.tree.append(leaf_hash(frame.payload))


def summed(reading: Reading, breathe: Callable[[], None] | None = None) -> Summed:
    """Sum up the good records of a segment."""
    found = Summed()
    for number, frame in enumerate(reading.frames()):
        found.take(frame)
        if breathe is not None and number % _BREATH == 0:
            breathe()
    return found


def seal(
    record: Record, path: Path, previous: str, breathe: Callable[[], None] | None = None
) -> str:
    """Put a segment's sums and root into the record; the root. Again, it adds nothing.

    Raises:
        HomeError, RecordError: the record cannot be appended to. OSError.
    """
    reading = Reading(path)
    found = summed(reading, breathe)
    root = found.tree.root().hex()
    happened = SegmentSealed(
        gateway=reading.gateway,
        number=reading.number,
        records=found.tree.size,
        root=root,
        previous=previous,
        link=reading.link.hex(),
        intents=found.intents,
        settled=found.settled,
        sums={currency: str(nano) for currency, nano in sorted(found.sums.items())},
        cut=reading.rest,
    )
    _append(record, reading.gateway, happened, str(reading.number))
    if reading.size < path.stat().st_size:
        reading.finish()
    return root


def opened(record: Record, gateway: str) -> None:
    """Say in the record that a journal begins, so that a missing one shows."""
    _append(record, gateway, JournalOpened(gateway), "opened")


def ended(record: Record, gateway: str, count: int, *, in_order: bool) -> None:
    """Say in the record that a journal is complete."""
    _append(record, gateway, JournalEnded(gateway, count, in_order), "ended")


def _append(record: Record, gateway: str, happened: Any, step: str) -> None:
    about = GATEWAY + gateway
    by = record.context.actor("compute operator")
    record.append(Draft(happened, by, about, key=f"{about}:{step}"))


def seal_rest(record: Record, folder: Path) -> None:
    """Complete a journal whose process is gone: seal what is not sealed, and say that it ended.

    Raises:
        HomeError, RecordError, OSError.
    """
    state = catch_up(record, [JOURNALS])[JOURNALS.name].get(folder.name, {"segments": []})
    roots = {said["number"]: said["root"] for said in state["segments"]}
    paths, root = segments(folder), ""
    for number, path in enumerate(paths, 1):
        root = roots.get(number) or seal(record, path, root)
    ended(record, folder.name, len(paths), in_order=False)


class Sealer:
    """Seals a gateway's segments in a thread of its own, in their order."""

    def __init__(self, record: Record, gateway: str) -> None:
        self._record, self._gateway = record, gateway
        self._work = SimpleQueue[Path | None]()
        self._thread = threading.Thread(target=self._run, name="usage sealing", daemon=True)
        self._thread.start()

    def take(self, path: Path) -> None:
        """A segment that is complete."""
        self._work.put(path)

    def close(self) -> None:
        """Seal what is left and say that the journal is complete. Blocks.

        What cannot be sealed now, because the disk is full, is sealed when it is reconciled.
        """
        self._work.put(None)
        self._thread.join()

    def _run(self) -> None:
        root, count = "", 0
        waiting = deque[Path]()
        while True:
            if not waiting:
                path = self._work.get()
                if path is None:
                    break
                waiting.append(path)
            try:
                root = seal(self._record, waiting[0], root, _breathe)
            except (PilotbaseError, OSError):
                if not self._later(waiting):
                    return
                continue
            waiting.popleft()
            count += 1
        with suppress(PilotbaseError, OSError):
            ended(self._record, self._gateway, count, in_order=True)

    def _later(self, waiting: deque[Path]) -> bool:
        """Wait before trying again; False when the gateway closes meanwhile."""
        try:
            path = self._work.get(timeout=RETRY_S)
        except Empty:
            return True
        if path is None:
            return False
        waiting.append(path)
        return True


def _breathe() -> None:
    time.sleep(0)
