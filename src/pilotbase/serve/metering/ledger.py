"""What this process holds of each limit, in memory: reserving and giving back without any disk.

Only the event loop's thread uses it. A `Slot` is one window of one limit; what is free in it was
leased from the store and can be spent here without asking. Whoever finds too little free asks the
store for more (`metering.meter`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pilotbase.serve.call import Refused
from pilotbase.serve.rules.budget import Limit, Window
from pilotbase.serve.rules.window import bounds

UNITS = ("requests", "tokens")
"""What a call needs is ``(requests, tokens, nano)``: one, and what it may use at most."""
MONEY = 2


class Slot:
    """One window of a limit.

    Attributes:
        free: leased and not spent. open: reserved by calls that are not settled. touched: whether
            it was used since the last look. dry: what is said to whoever finds too little free
            before ``dry_until``, by the loop's clock.
    """

    __slots__ = ("dry", "dry_until", "end", "free", "limit", "open", "start", "touched")

    def __init__(self, limit: Limit, start: int, end: float) -> None:
        self.limit, self.start, self.end = limit, start, end
        self.free = self.open = 0
        self.touched = False
        self.dry_until = 0.0
        self.dry: Refused | None = None

    @property
    def window(self) -> Window:
        limit = self.limit
        return Window(limit.account, limit.unit, limit.per, self.start)


Weighed = tuple[Slot, int]
"""A slot, and which of a call's needs weighs on it."""


class Ledger:
    """The limits in force, and their slots in this process."""

    def __init__(self, limits: Iterable[Limit] = ()) -> None:
        self._limits = dict[str, list[Limit]]()
        self._slots = dict[tuple[str, str, str], Slot]()
        self._past = list[Slot]()
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
            slot = self._slots[key] = Slot(limit, *bounds(limit.per, at))
        return slot

    def granted(self, slot: Slot, amount: int) -> None:
        """Free what the store leased to a slot; it may no longer be the current one."""
        slot.free += amount
        slot.touched = True
        limit = slot.limit
        key = limit.account, limit.unit, limit.per
        if self._slots.get(key) is not slot and slot not in self._past:
            self._past.append(slot)

    def returns(self, *, everything: bool = False) -> tuple[list[tuple[Window, int]], list[Slot]]:
        """What to give back to the store: of windows that are over, and of slots that were not used
        since the last time (or of all). It counts as given back from here on.

        The second list: the slots from which something changed, whose `open` the store is told.
        """
        slots = [*self._past, *self._slots.values()]
        gives, changed, past = list[tuple[Window, int]](), list[Slot](), set(map(id, self._past))
        for slot in slots:
            if slot.touched or slot.free:
                changed.append(slot)
            if slot.free and (everything or not slot.touched or id(slot) in past):
                gives.append((slot.window, slot.free))
                slot.free = 0
            slot.touched = False
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
