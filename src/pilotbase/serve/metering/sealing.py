"""Sealing segments: what a complete segment says is summed up and its root goes into the record,
which is then signed."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple

from pilotbase.kernel.errors import PilotbaseError
from pilotbase.kernel.event import Draft
from pilotbase.kernel.text import Text
from pilotbase.record.opened import Record
from pilotbase.record.views import catch_up
from pilotbase.serve.metering.events import JournalEnded, JournalOpened, SegmentSealed
from pilotbase.serve.metering.segments import (
    Complete,
    Reading,
    Summed,
    begun,
    begun_to_make,
    link_before,
    segments,
    set_aside,
)
from pilotbase.serve.metering.views import JOURNALS, named
from pilotbase.serve.rules.frames import FIRST_LINK, Broken

GATEWAY = "gateway:"
RETRY_S = 5.0
_log = logging.getLogger("pilotbase.serve")


class Accepted(NamedTuple):
    """Who says that damaged records are given up, and why."""

    by: str
    reason: str


def seal(record: Record, done: Complete, previous: str) -> str:
    """Put a segment's sums and root into the record; the root. Again, it adds nothing.

    Raises:
        HomeError, RecordError: the record cannot be appended to.
    """
    found, root = done.summed, done.summed.root().hex()
    happened = SegmentSealed(
        gateway=done.gateway,
        number=done.number,
        records=found.records,
        root=root,
        previous=previous,
        link=done.link.hex(),
        intents=found.intents,
        settled=found.settled,
        sums={currency: str(nano) for currency, nano in sorted(found.sums.items())},
        cut=done.cut,
    )
    _append(record, done.gateway, happened, str(done.number))
    return root


def read_back(path: Path, before: bytes, after: Path | None, *, give_up: bool = False) -> Complete:
    """A segment that a process left behind, as its file has it; what is not finished is cut off.

    Args:
        before: the link that it has to follow on. after: the next segment, which follows on it
            where this one is whole. give_up: cut damaged records off too.

    Raises:
        OSError: no room, no right. Broken: it is damaged, or its first record cannot be read.
    """
    reading = Reading(path)
    found = Summed()
    for frame in reading.frames():
        found.take([frame.payload], [frame.leaf])
    damage = reading.damage
    damaged = damage is not None or (after is not None and link_before(after) != reading.link)
    if (damaged and not give_up) or not found.records or reading.before != before:
        raise Broken(reading.size)
    if reading.size < path.stat().st_size:
        reading.finish()
    lost = int(damaged) + (damage.records if damage else 0)
    return Complete(reading.gateway, reading.number, found, reading.link, reading.rest, lost)


def opened(record: Record, gateway: str) -> None:
    """Say in the record that a journal begins, so that a missing one shows; and sign that."""
    _append(record, gateway, JournalOpened(gateway), "opened")
    sign(record)


def ended(record: Record, gateway: str, count: int, *, in_order: bool) -> None:
    """Say in the record that a journal is complete."""
    _append(record, gateway, JournalEnded(gateway, count, in_order), "ended")


def _append(record: Record, gateway: str, happened: Any, step: str) -> None:
    about = GATEWAY + gateway
    by = record.context.actor("compute operator")
    record.append(Draft(happened, by, about, key=f"{about}:{step}"))


def sign(record: Record) -> bool:
    """Sign a checkpoint over what was sealed, so that it is under a signature; whether that went.

    A gateway whose home has no key (its record lies in a database that another machine signs) goes
    on without, and says so; so it does where the log is not the one that was signed before.
    """
    try:
        record.checkpoint()
    except (PilotbaseError, OSError) as error:
        why = error.message if isinstance(error, PilotbaseError) else Text(str(error), str(error))
        record.context.remark(NOT_SIGNED.format(why=why))
        _log.warning("no checkpoint was signed over the usage journals: %s", why.en)
        return False
    return True


def seal_rest(record: Record, folder: Path, accepted: Accepted | None = None) -> bool:
    """Complete a journal whose process is gone: seal what is not sealed, and say that it ended;
    whether it was not said before.

    Args:
        accepted: give up what is damaged and not sealed, and all that follows on it.

    Raises:
        HomeError, RecordError, OSError. Broken: a segment is damaged.
    """
    every = catch_up(record, [JOURNALS])[JOURNALS.name]
    state = every.get(folder.name, {"segments": []})
    sealed = {said["number"]: said for said in state["segments"]}
    paths, root, link = segments(folder), "", FIRST_LINK
    lacking = _lacking(paths, sealed, named(state))
    if lacking and accepted is None:
        raise Broken(0)
    if begun_to_make(paths, known=folder.name in every):
        paths.pop().unlink()
    count = lost = 0
    for number, path in enumerate(paths, 1):
        if (said := sealed.get(number)) is not None:
            root, link, count = said["root"], bytes.fromhex(said["link"]), number
            continue
        after = paths[number] if number < len(paths) else None
        try:
            done = read_back(path, link, after, give_up=accepted is not None)
        except Broken:
            if accepted is None:
                raise
            break
        root, link, lost, count = seal(record, done, root), done.link, done.given_up, number
        if lost:
            break
    # The last first: what is left is always a beginning.
    lost += sum(set_aside(path) for path in reversed(paths[count:]))
    lost = max(lost, len(lacking))
    by = accepted if accepted and lost else Accepted("", "")
    _append(record, folder.name, JournalEnded(folder.name, count, False, lost, *by), "ended")
    sign(record)
    return state.get("ended") is None


def _lacking(paths: list[Path], sealed: Mapping[int, Any], wanted: set[str]) -> set[str]:
    """The calls that the record names and that do not stand in a journal.

    None where a sealed segment is damaged, which is no reason to leave the others unsealed.
    """
    lacking = set(wanted)
    for number, path in enumerate(paths, 1) if wanted else ():
        try:
            reading = Reading(path)
        except Broken:
            return set() if number in sealed else lacking
        lacking -= set(begun(reading))
        if number in sealed and reading.link.hex() != sealed[number]["link"]:
            return set()
    return lacking


class Sealer:
    """Seals a gateway's segments in a thread of its own, in their order."""

    def __init__(self, record: Record, gateway: str) -> None:
        self._record, self._gateway = record, gateway
        self._work = SimpleQueue[Complete | None]()
        self._done = False
        self._thread = threading.Thread(target=self._run, name="usage sealing", daemon=True)
        self._thread.start()

    def take(self, done: Complete) -> None:
        """A segment that is complete."""
        self._work.put(done)

    def close(self) -> bool:
        """Seal what is left and say that the journal is complete; whether that went well. Blocks.

        What cannot be sealed now, because the disk is full, is sealed when it is reconciled.
        """
        self._work.put(None)
        self._thread.join()
        return self._done

    def _run(self) -> None:
        root, count = "", 0
        waiting = deque[Complete]()
        while True:
            if not waiting:
                done = self._work.get()
                if done is None:
                    break
                waiting.append(done)
            try:
                root = seal(self._record, waiting[0], root)
            except (PilotbaseError, OSError):
                if not self._later(waiting):
                    return
                continue
            waiting.popleft()
            count += 1
            sign(self._record)
        with suppress(PilotbaseError, OSError):
            ended(self._record, self._gateway, count, in_order=True)
            self._done = True
            sign(self._record)

    def _later(self, waiting: deque[Complete]) -> bool:
        """Wait before trying again; False when the gateway closes meanwhile."""
        try:
            done = self._work.get(timeout=RETRY_S)
        except Empty:
            return True
        if done is None:
            return False
        waiting.append(done)
        return True


NOT_SIGNED = Text(
    "No checkpoint was signed over the usage journals: {why}.",
    "未能就用量日志签署检查点: {why}。",
)
