"""The thread that asks the ledger's store: leases, claims of idempotency keys, giving back.

All that waits goes in one transaction of each kind. The loop's thread hands work in and gets the
answers called back; it never waits itself.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from time import monotonic, time

from pilotbase.kernel.errors import PilotbaseError
from pilotbase.serve.metering.ledger import Lease, Slot, Weighed
from pilotbase.serve.metering.store import Asked, Claim, Given, LedgerStore, Wanted

RETRY_S = 1.0
FORGET_S = 3600.0
_log = logging.getLogger("pilotbase.serve")


@dataclass(eq=False, slots=True)
class Request:
    """A call that needs the store before it can be put down.

    Attributes:
        weighed, needs: what has to be leased. wanted: the claim to be made, once.
        claimed: the usage id that it has now, also where what came after it failed. claim: who has
            its idempotency key before it. failed: the store could not be asked.
        given: by slot, what the store gave to all who asked together; `short` the slots where that
            was less than was asked for.
    """

    weighed: Sequence[Weighed]
    needs: tuple[int, int, int]
    wanted: Wanted | None
    done: Callable[[Request], None]
    claimed: str = ""
    claim: Claim | None = None
    failed: bool = False
    short: dict[int, Given] = field(default_factory=dict)


@dataclass(slots=True)
class Backlog:
    """What has to be told to the store sooner or later, in any order.

    Attributes:
        gives: what is given back of leases. changed: leases of which more or less is held.
        unclaim: claimed, and never begun. settled: calls that ended. free: of these, the calls
            whose idempotency keys may be used again; their ends are on disk.
    """

    gives: list[tuple[Lease, int]] = field(default_factory=list)
    changed: set[Lease] = field(default_factory=set)
    unclaim: list[str] = field(default_factory=list)
    settled: list[str] = field(default_factory=list)
    free: list[str] = field(default_factory=list)

    def take(self, other: Backlog) -> None:
        self.gives += other.gives
        self.changed |= other.changed
        self.unclaim += other.unclaim
        self.settled += other.settled
        self.free += other.free


def _free(slot: Slot, amount: int) -> None:
    slot.free += amount


class Keeper:
    """Asks the store for a gateway process."""

    def __init__(self, store: LedgerStore, gateway: str, loop: asyncio.AbstractEventLoop) -> None:
        self._store, self._gateway, self._loop = store, gateway, loop
        self.granted: Callable[[Slot, int], None] = _free
        """Called on the loop's thread with each slot that something was leased to."""
        self._work = SimpleQueue[Request | Backlog | None]()
        self._backlog = Backlog()
        # Leases that were answered, in this thread, and that the loop's was told of.
        self._posted = self._delivered = 0
        self.ended = False
        """Whether the store was told everything, and the leases are ended."""
        self._retry_at = 0.0
        self._forget_at = monotonic() + FORGET_S
        self._ahead = time() - monotonic()
        self._thread = threading.Thread(target=self._run, name="usage ledger", daemon=True)
        self._thread.start()

    def ask(self, request: Request) -> None:
        """Lease and claim; ``request.done`` is called on the loop's thread with the answer."""
        self._work.put(request)

    def tell(self, backlog: Backlog) -> None:
        """Tell the store; tried again until it is told."""
        self._work.put(backlog)

    def close(self) -> None:
        """Tell what is left, end the leases and close the store; blocks until that is done.

        Where the store could not be told, the leases stay, for `reconcile.recover` to end them by
        the journal.
        """
        self._work.put(None)
        self._thread.join()

    def _run(self) -> None:
        going = True
        while going:
            work = [self._work.get()]
            with suppress(Empty):
                while True:
                    work.append(self._work.get_nowait())
            going = None not in work
            requests = [one for one in work if isinstance(one, Request)]
            for one in work:
                if isinstance(one, Backlog):
                    self._backlog.take(one)
            try:
                self._forget()
                # First what comes back, so that it can be leased again at once.
                told = self._tell(last=not going)
                if requests:
                    self._answer(requests)
            except Exception:  # the thread goes on, and who waits is told
                _log.exception("the ledger could not be asked")
                told = False
                self._post(requests, [], failed=True)
        with suppress(self._store.errors, PilotbaseError, OSError):
            # All that is free was given back; what is open stays charged until it is reconciled.
            if told and self._posted == self._delivered:
                self._store.drop_leases(self._gateway)
                self.ended = True
        with suppress(self._store.errors):
            self._store.close()

    def _forget(self) -> None:
        # A clock that is far ahead is believed when it was so all the time since it was last asked.
        now, ahead = monotonic(), time() - monotonic()
        self._ahead = min(self._ahead, ahead)
        if now < self._forget_at:
            return
        at, self._forget_at, self._ahead = now + self._ahead, now + FORGET_S, ahead
        with suppress(self._store.errors, PilotbaseError, OSError):
            self._store.forget(int(at))

    def _tell(self, *, last: bool) -> bool:
        """Whether the store knows everything now."""
        backlog = self._backlog
        if not last and monotonic() < self._retry_at:
            return False
        try:
            if backlog.gives or backlog.changed:
                self._give_back(backlog)
            if backlog.unclaim:
                self._store.unclaim(backlog.unclaim)
                backlog.unclaim = []
            if backlog.settled:
                self._store.settled(backlog.settled)
                backlog.settled = []
            if backlog.free:
                self._store.free(backlog.free)
                backlog.free = []
        except (self._store.errors, PilotbaseError, OSError):
            self._retry_at = monotonic() + RETRY_S
            return False
        return True

    def _give_back(self, backlog: Backlog) -> None:
        gives = [(lease.window, amount) for lease, amount in backlog.gives]
        held = {lease.window: lease.held for lease in backlog.changed}
        for window, amount in gives:
            held[window] -= amount
        self._store.give_back(self._gateway, gives, held)
        for lease, amount in backlog.gives:
            lease.taken -= amount
        backlog.gives, backlog.changed = [], set()

    def _answer(self, requests: list[Request]) -> None:
        try:
            self._claim([one for one in requests if one.wanted is not None])
            given = self._lease([one for one in requests if one.claim is None])
        except (self._store.errors, PilotbaseError, OSError):
            self._post(requests, [], failed=True)
        else:
            self._post(requests, given)

    def _post(
        self, requests: list[Request], given: list[tuple[Slot, Given]], *, failed: bool = False
    ) -> None:
        for one in requests:
            one.failed = failed
        self._posted += 1
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._back, requests, given)

    def _claim(self, requests: list[Request]) -> None:
        if requests:
            wanted = [one.wanted for one in requests if one.wanted is not None]
            claims = self._store.claim(self._gateway, wanted)
            for one, claim in zip(requests, claims, strict=True):
                if isinstance(claim, Claim):
                    one.claim = claim
                else:
                    one.claimed = claim

    def _lease(self, requests: list[Request]) -> list[tuple[Slot, Given]]:
        asked = dict[int, int]()
        slots = dict[int, Slot]()
        for one in requests:
            for slot, which in one.weighed:
                slots[id(slot)] = slot
                asked[id(slot)] = asked.get(id(slot), 0) + one.needs[which]
        wants = [(slot, more) for at, slot in slots.items() if (more := asked[at] - slot.free) > 0]
        if not wants:
            return []
        asks = [
            Asked(slot.window, slot.limit.most, amount, slot.lease.held) for slot, amount in wants
        ]
        found = self._store.lease(self._gateway, asks)
        for (slot, _), given in zip(wants, found, strict=True):
            slot.lease.taken += given.amount
        short = {
            id(slot): given
            for (slot, amount), given in zip(wants, found, strict=True)
            if given.amount < amount
        }
        for one in requests:
            one.short = {id(slot): short[id(slot)] for slot, _ in one.weighed if id(slot) in short}
        return [(slot, given) for (slot, _), given in zip(wants, found, strict=True)]

    def _back(self, requests: list[Request], given: list[tuple[Slot, Given]]) -> None:
        """On the loop's thread: what was leased is free from here on, then each is answered."""
        self._delivered += 1
        for slot, one in given:
            self.granted(slot, one.amount)
        for request in requests:
            request.done(request)
