"""Appending from the tasks of an event loop: they share commits, without a thread for each.

The same bargain as in `group_commit`, where the callers are threads: whoever comes while nobody
leads takes all who wait, and has them committed by one call in a worker thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from pilotbase.kernel.event import Draft, Entry, Fact
from pilotbase.record.group_commit import GROUP_MAX
from pilotbase.record.opened import Record

T = TypeVar("T")
Turn = asyncio.Future[Entry | Exception | None]
"""What came of a task's event; None when the task is to lead."""


class TaskAppends:
    """Appends to a record for the tasks of one asyncio event loop.

    >>> appends = TaskAppends(record)                            # doctest: +SKIP
    >>> entry = await appends.append(draft)                      # doctest: +SKIP
    """

    def __init__(self, record: Record) -> None:
        self._record = record
        self._waiting: list[tuple[Fact, Turn]] = []
        self._led = False

    async def append(self, draft: Draft) -> Entry:
        """As `Record.append`: durable when this returns.

        A task that is cancelled before its turn comes has appended nothing; later than that, its
        event may be in the record.
        """
        fact, result = Fact.of(draft), None
        if self._led:
            turn: Turn = asyncio.get_running_loop().create_future()
            self._waiting.append((fact, turn))
            try:
                result = await turn
            except asyncio.CancelledError:
                # Nobody may be left waiting for a task that was cancelled to lead.
                if not turn.cancelled() and turn.result() is None:
                    self._hand_over()
                raise
        if result is None:
            self._led = True
            result = await _to_the_end(self._lead(fact))
        if isinstance(result, Exception):
            raise result
        return result

    async def _lead(self, own: Fact) -> Entry | Exception:
        # Whoever can run now comes first: then all share one commit, and it runs undisturbed.
        await asyncio.sleep(0)
        loop, waiting = asyncio.get_running_loop(), self._waiting
        group = [one for one in waiting[: GROUP_MAX - 1] if not one[1].done()]
        self._waiting = waiting[GROUP_MAX - 1 :]
        facts = [own, *(fact for fact, _ in group)]
        try:
            first, *results = await loop.run_in_executor(None, self._record.append_each, facts)
            for (_, turn), result in zip(group, results, strict=True):
                if not turn.done():
                    turn.set_result(result)
        finally:
            self._waiting[:0] = [one for one in group if not one[1].done()]
            self._hand_over()
        return first

    def _hand_over(self) -> None:
        self._led = False
        while self._waiting and not self._led:
            _, turn = self._waiting.pop(0)
            if not turn.done():
                turn.set_result(None)
                self._led = True


async def _to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """Do the work even if the task is cancelled meanwhile: a commit cannot be called back."""
    doing = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        while not doing.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([doing])
        raise
