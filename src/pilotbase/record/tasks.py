"""Appending from the tasks of an event loop: they share commits, without a thread for each.

The same bargain as in `group_commit`, where the callers are threads: whoever comes while nobody
leads takes all who wait, and has them committed by one call in a worker thread.
"""

from __future__ import annotations

import anyio
from anyio import to_thread

from pilotbase.kernel.event import Draft, Entry, Fact
from pilotbase.record.group_commit import GROUP_MAX
from pilotbase.record.opened import Record


class _Ticket:
    """A task's event on its way: `turn` is set when it is done, or when the task is to lead."""

    __slots__ = ("fact", "result", "turn")

    def __init__(self, fact: Fact) -> None:
        self.fact = fact
        self.turn = anyio.Event()
        self.result: Entry | Exception | None = None


class TaskAppends:
    """Appends to a record for the tasks of one event loop.

    >>> appends = TaskAppends(record)                            # doctest: +SKIP
    >>> entry = await appends.append(draft)                      # doctest: +SKIP
    """

    def __init__(self, record: Record) -> None:
        self._record = record
        self._waiting: list[_Ticket] = []
        self._led = False

    async def append(self, draft: Draft) -> Entry:
        """As `Record.append`: durable when this returns.

        A task that is cancelled before its turn comes has appended nothing; later than that, its
        event may be in the record.
        """
        ticket = _Ticket(Fact.of(draft))
        self._waiting.append(ticket)
        if self._led:
            await self._wait(ticket)
        if ticket.result is None:
            self._led = True
            await self._lead()
        if isinstance(ticket.result, Exception):
            raise ticket.result
        assert ticket.result is not None, "its leader has seen to it"
        return ticket.result

    async def _wait(self, ticket: _Ticket) -> None:
        try:
            await ticket.turn.wait()
        except BaseException:
            # Nobody may be left waiting for a task that was cancelled to lead.
            if ticket in self._waiting:
                self._waiting.remove(ticket)
                if ticket.turn.is_set():
                    self._hand_over()
            raise

    async def _lead(self) -> None:
        # A commit on its way cannot be called back; its other callers must learn what came of it.
        with anyio.CancelScope(shield=True):
            group, self._waiting = self._waiting[:GROUP_MAX], self._waiting[GROUP_MAX:]
            try:
                facts = [ticket.fact for ticket in group]
                results = await to_thread.run_sync(self._record.append_each, facts)
                for ticket, result in zip(group, results, strict=True):
                    ticket.result = result
            finally:
                self._hand_over()
                for ticket in group:
                    ticket.turn.set()

    def _hand_over(self) -> None:
        self._led = bool(self._waiting)
        if self._waiting:
            self._waiting[0].turn.set()
