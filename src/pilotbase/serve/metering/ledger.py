"""What this process holds of each limit, in memory: reserving and giving back without any disk.

Only the event loop's thread uses it. A `Slot` is one window of one limit; what is free in it was
leased from the store and can be spent here without asking. Whoever finds too little free asks the
store for more (`metering.meter`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from weakref import WeakValueDictionary

from pilotbase.serve.call import Refused
from pilotbase.serve.rules.budget import Limit, Window
from pilotbase.serve.rules.window import bounds

UNITS = ("requests", "tokens")
"""What a call needs is ``(requests, tokens, nano)``: one, and what it may use at most."""
MONEY = 2


class Lease:
    """What the store knows this process to have of a window, in two numbers with one writer each.

    So the thread that asks the store can say at any moment what is held, also of what it was just
    given and the loop's thread does not know of yet.

    Attributes:
        taken: leased and not given back; the keeper's thread writes it. spent: what settled calls
            came to when it was last summed up; the loop's thread writes it.
    """

    __slots__ = ("__weakref__", "granted", "slots", "spent", "taken", "window")

    def __init__(self, window: Window) -> None:
        self.window = window
        self.taken = self.spent = self.granted = 0
        self.slots = list[Slot]()

    @property
    def held(self) -> int:
        """Leased and not finally spent; never less than it is."""
        return self.taken - self.spent

    def sum_up(self) -> None:
        """On the loop's thread: what of the grants is neither free nor open is spent."""
        self.spent = self.granted - sum(slot.free + slot.open for slot in self.slots)


class Slot:
    """One window of a limit.

    Attributes:
        free: leased and not spent. open: reserved by calls that are not settled. touched: whether
            it was used since the last look. dry: what is said to whoever finds too little free
            before ``dry_until``, by the loop's clock.
    """

    __slots__ = ("dry", "dry_until", "end", "free", "lease", "limit", "open", "start", "touched")

    def __init__(self, limit: Limit, lease: Lease, end: float) -> None:
        self.limit, self.lease, self.start, self.end = limit, lease, lease.window.start, end
        self.free = self.open = 0
        self.touched = False
        self.dry_until = 0.0
        self.dry: Refused | None = None
        lease.slots = [*(one for one in lease.slots if one.free or one.open), self]

    @property
    def window(self) -> Window:
        return self.lease.window


Weighed = tuple[Slot, int]
"""A slot, and which of a call's needs weighs on it."""


class Ledger:
    """The limits in force, and their slots in this process."""

    def __init__(self, limits: Iterable[Limit] = ()) -> None:
        self._limits = dict[str, list[Limit]]()
        self._slots = dict[tuple[str, str, str], Slot]()
        self._past = list[Slot]()
        # Slots of one window share its lease, also where its limit changed meanwhile.
        self._leases = WeakValueDictionary[Window, Lease]()
        self.version = 0
        self.limit(limits)

    def limit(self, limits: Iterable[Limit]) -> None:
        """Put limits in force instead of those before; who holds `weighed` asks for it anew."""
        by_account = dict[str, list[Limit]]()
        for one in limits:
            by_account.setdefault(one.account, []).append(one)
        if by_account == self._limits:
            return
        self._limits = by_account
        # What was leased under the old limits goes back; calls in flight keep their slots.
        self._past += self._slots.values()
        self._slots = {}
        self.version += 1

    def foreign(self, accounts: Iterable[str], currency: str) -> str:
        """The first account whose money is limited, but not in a currency; empty if there is none.

        What costs another currency than the limit counts could not be held to it.
        """
        for account in accounts:
            units = {one.unit for one in self._limits.get(account, ())}
            money = {unit for unit in units if unit.startswith("money:")}
            if money and f"money:{currency}" not in money:
                return account
        return ""

    def weighed(self, accounts: Iterable[str], currency: str, at: float) -> tuple[Weighed, ...]:
        """The slots that a call on these accounts weighs on at a moment."""
        return tuple(self._weighed(accounts, currency, at))

    def _weighed(self, accounts: Iterable[str], currency: str, at: float) -> Iterator[Weighed]:
        which = {"requests": 0, "tokens": 1, f"money:{currency}": MONEY}
        for account in accounts:
            for limit in self._limits.get(account, ()):
                if limit.unit in which:
                    yield self._slot(limit, at), which[limit.unit]

    def _slot(self, limit: Limit, at: float) -> Slot:
        key = limit.account, limit.unit, limit.per
        slot = self._slots.get(key)
        # A window that has turned does not come back, whatever the clock says.
        if slot is None or at >= slot.end:
            if slot is not None:
                self._past.append(slot)
            start, end = bounds(limit.per, at, limit.since)
            window = Window(*key, start)
            lease = self._leases.get(window)
            if lease is None:
                lease = self._leases[window] = Lease(window)
            slot = self._slots[key] = Slot(limit, lease, end)
        return slot

    def granted(self, slot: Slot, amount: int) -> None:
        """Free what the store leased to a slot; it may no longer be the current one."""
        slot.free += amount
        slot.lease.granted += amount
        if slot not in slot.lease.slots:
            slot.lease.slots.append(slot)
        slot.touched = True
        limit = slot.limit
        key = limit.account, limit.unit, limit.per
        if self._slots.get(key) is not slot and slot not in self._past:
            self._past.append(slot)

    def returns(self, *, everything: bool = False) -> tuple[list[tuple[Lease, int]], set[Lease]]:
        """What to give back to the store: of windows that are over, and of slots that were not used
        since the last time (or of all). It counts as given back from here on.

        Beside it the leases of which something changed: the store is told what is held of them.
        """
        slots = [*self._past, *self._slots.values()]
        gives, changed, past = list[tuple[Lease, int]](), set[Lease](), set(map(id, self._past))
        for slot in slots:
            if slot.touched or slot.free:
                changed.add(slot.lease)
            if slot.free and (everything or not slot.touched or id(slot) in past):
                gives.append((slot.lease, slot.free))
                slot.lease.granted -= slot.free
                slot.free = 0
            slot.touched = False
        for lease in changed:
            lease.sum_up()
        self._past = [slot for slot in self._past if slot.open]
        return gives, changed


def reserve(weighed: Sequence[Weighed], needs: Sequence[int]) -> bool:
    """Take a call's needs from all its slots, or from none where one has too little."""
    for slot, which in weighed:
        if slot.free < needs[which]:
            return False
    for slot, which in weighed:
        need = needs[which]
        slot.free -= need
        slot.open += need
        slot.touched = True
    return True


def settle(weighed: Sequence[Weighed], needs: Sequence[int], spent: Sequence[int]) -> None:
    """Give back to each slot what was reserved beyond what was spent."""
    for slot, which in weighed:
        slot.open -= needs[which]
        slot.free += needs[which] - spent[which]
        slot.touched = True
