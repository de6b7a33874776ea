"""Group commit: many callers, few commits, each caller told only once its own work is durable.

There is no thread behind it. Whoever comes while nobody commits leads: it takes all who wait,
itself included, and commits for them. Those who come meanwhile wait, and one of them leads the next
group. So a lone caller commits at once, and under load the groups grow by themselves to as many as
arrive during one commit (DeWitt et al., "Implementation techniques for main memory database
systems", SIGMOD 1984, which names group commit).

The callers of a group wake each other, one after the other, and the last wakes the next leader.
Woken all at once they would fight for the interpreter's lock, and with the next leader, which gives
it up at every step of its commit: that took twice the time. And those of them who come again at
once are in time for the next commit.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

W = TypeVar("W")
R = TypeVar("R")

GROUP_MAX = 1024
"""Callers in one commit; it bounds how long one that comes early waits for those that come late."""


class Ticket(Generic[W, R]):
    """A caller's work, and what came of it."""

    __slots__ = ("done", "error", "gone", "others", "result", "turn", "work")

    def __init__(self, work: W) -> None:
        self.work = work
        self.result: R | None = None
        self.error: BaseException | None = None
        self.done = self.gone = False
        self.others: deque[Ticket[W, R]] | None = None
        # Held until the caller has its result, or is asked to lead. `others` of its group are still
        # to be woken, which is then up to it.
        self.turn = threading.Lock()
        self.turn.acquire()


class GroupCommit(Generic[W, R]):
    """Brings callers together; `commit` does the work of a group, all or nothing, in its order.

    When a group fails, each of its callers is committed alone, so that an error reaches only the
    one whose work it is.
    """

    def __init__(self, commit: Callable[[Sequence[W]], Sequence[R]]) -> None:
        self._commit = commit
        self._mutex = threading.Lock()
        self._waiting: list[Ticket[W, R]] = []
        self._led = False

    def do(self, work: W) -> R:
        """The result of the work, once it is durable. Raises what its commit raises."""
        ticket: Ticket[W, R] = Ticket(work)
        leads = False
        try:
            with self._mutex:
                self._waiting.append(ticket)
                leads, self._led = not self._led, True
            if not leads:
                ticket.turn.acquire()
        except BaseException:
            self._leave(ticket, leads)
            raise
        if ticket.done:
            self._call(ticket.others)
        else:
            self._lead(ticket)
        if ticket.error is not None:
            raise ticket.error
        return ticket.result  # type: ignore[return-value]

    def _leave(self, ticket: Ticket[W, R], leads: bool) -> None:
        """After an interrupt, nobody may be left waiting for what this one was to do."""
        with self._mutex:
            ticket.gone = True
            if ticket in self._waiting:
                self._waiting.remove(ticket)
        if leads:
            self._call(None)
        else:
            self._pass_over(ticket)

    def _lead(self, own: Ticket[W, R]) -> None:
        with self._mutex:
            group, self._waiting = self._waiting[:GROUP_MAX], self._waiting[GROUP_MAX:]
        try:
            self._settle(group)
        finally:
            with self._mutex:
                # After an interrupt some are not done: the next leader takes them up again.
                self._waiting[:0] = [t for t in group if not t.done and t is not own]
            others = deque(t for t in group if t.done and t is not own)
            for ticket in others:
                ticket.others = others
            self._call(others)

    def _call(self, others: deque[Ticket[W, R]] | None) -> None:
        """Wake the next of a group that is done; after the last of them, who leads the next one."""
        if others:
            self._wake(others.popleft())
            return
        with self._mutex:
            self._led = bool(self._waiting)
            leader = self._waiting[0] if self._waiting else None
        if leader is not None:
            self._wake(leader)

    def _wake(self, ticket: Ticket[W, R]) -> None:
        ticket.turn.release()
        if ticket.gone:
            self._pass_over(ticket)

    def _pass_over(self, ticket: Ticket[W, R]) -> None:
        """Do for one that is gone what it was woken for, if it was; it is done only once."""
        if ticket.turn.acquire(blocking=False):
            self._call(ticket.others)

    def _settle(self, group: Sequence[Ticket[W, R]]) -> None:
        if len(group) > 1:
            try:
                results = self._commit([ticket.work for ticket in group])
            except Exception:
                # Whose fault it is shows when each is committed alone.
                pass
            else:
                for ticket, result in zip(group, results, strict=True):
                    ticket.result, ticket.done = result, True
                return
        for ticket in group:
            try:
                (ticket.result,) = self._commit([ticket.work])
            except Exception as error:
                ticket.error = error
            ticket.done = True
