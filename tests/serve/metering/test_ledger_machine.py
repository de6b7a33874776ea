"""The ledger under any order of events: two processes, windows that turn, crashes, lifted limits.

Whatever happens, charges and reservations together never go over a limit, nothing is lost but what
a living process holds, and each call is settled once.
"""

from __future__ import annotations

import sqlite3
from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pilotbase.serve.metering import ledger
from pilotbase.serve.metering.ledger import Ledger, Slot, Weighed
from pilotbase.serve.metering.store import Asked, LedgerStore
from pilotbase.serve.rules.budget import Limit, Window

LIMITS = [
    Limit("key:a", "requests", "PT1M", 5),
    Limit("party:b", "tokens", "total", 300),
    Limit("key:a", "money:CNY", "P1D", 900),
]
ACCOUNTS = ("key:a", "party:b")
Reserved = tuple[tuple[Weighed, ...], tuple[int, int, int]]


class Process:
    """What one gateway process has in memory, and what its journal would say."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ledger = Ledger(LIMITS)
        self.open: list[Reserved] = []
        self.spent = Counter[Window]()


class LedgerMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.store = LedgerStore(
            lambda: sqlite3.connect(":memory:", isolation_level=None),
            "BEGIN IMMEDIATE", "?", sqlite3.Error,
        )  # fmt: skip
        self.names = iter(range(10**6))
        self.processes = [self.new(), self.new()]
        self.at = 100.0
        self.gone = Counter[Window]()

    def new(self) -> Process:
        return Process(f"gateway {next(self.names)}")

    which = st.integers(0, 1)

    @rule(which=which, tokens=st.integers(0, 120), nano=st.integers(0, 400))
    def begin(self, which: int, tokens: int, nano: int) -> None:
        process, needs = self.processes[which], (1, tokens, nano)
        for _ in range(2):
            weighed = process.ledger.weighed(ACCOUNTS, "CNY", self.at)
            if ledger.reserve(weighed, needs):
                process.open.append((weighed, needs))
                return
            for slot, _ in weighed:
                slot.lease.sum_up()
            asks = [
                (slot, Asked(slot.window, slot.limit.most, needs[n] - slot.free, slot.lease.held))
                for slot, n in weighed
                if needs[n] > slot.free
            ]
            found = self.store.lease(process.name, [ask for _, ask in asks])
            for (slot, _), given in zip(asks, found, strict=True):
                slot.lease.taken += given.amount
                process.ledger.granted(slot, given.amount)

    @precondition(lambda self: any(one.open for one in self.processes))
    @rule(which=which, share=st.floats(0, 1))
    def settle(self, which: int, share: float) -> None:
        process = self.processes[which]
        if process.open:
            weighed, needs = process.open.pop(0)
            spent = (1, int(needs[1] * share), int(needs[2] * share))
            ledger.settle(weighed, needs, spent)
            for slot, n in weighed:
                process.spent[slot.window] += spent[n]

    @rule(which=which, everything=st.booleans())
    def look(self, which: int, everything: bool) -> None:
        process = self.processes[which]
        gives, changed = process.ledger.returns(everything=everything)
        for lease, amount in gives:
            lease.taken -= amount
        held = {lease.window: lease.held for lease in changed}
        given = [(lease.window, amount) for lease, amount in gives]
        self.store.give_back(process.name, given, held)

    @rule(seconds=st.sampled_from([-90.0, 1.0, 30.0, 3_600.0, 90_000.0]))
    def later(self, seconds: float) -> None:
        self.at = max(self.at + seconds, 1.0)

    @rule(which=which)
    def limits_change_and_change_back(self, which: int) -> None:
        process = self.processes[which]
        process.ledger.limit(LIMITS[:1])
        process.ledger.limit(LIMITS)

    @rule(which=which)
    def crash(self, which: int) -> None:
        """What its journal says is spent, calls that were open at what they had reserved."""
        process = self.processes[which]
        spent = process.spent.copy()
        for weighed, needs in process.open:
            for slot, n in weighed:
                spent[slot.window] += needs[n]
        self.store.end(process.name, spent, {})
        assert self.store.leases(process.name) == {}
        self.gone.update(spent)
        self.processes[which] = self.new()

    def weight(self) -> Counter[Window]:
        """By window, all that was charged or is reserved."""
        total = self.gone.copy()
        for process in self.processes:
            total.update(process.spent)
            for weighed, needs in process.open:
                for slot, n in weighed:
                    total[slot.window] += needs[n]
        return total

    @invariant()
    def never_over_a_limit(self) -> None:
        most = {(one.account, one.unit, one.per): one.most for one in LIMITS}
        used = self.store.used()
        for window, amount in self.weight().items():
            assert amount <= used.get(window, 0) <= most[window[:3]]

    @invariant()
    def nothing_is_lost(self) -> None:
        """What is used beyond charges and reservations is what living processes hold free."""
        free = Counter[Window]()
        for process in self.processes:
            for slot in _slots(process.ledger):
                free[slot.window] += slot.free
        weight = self.weight()
        for window, used in self.store.used().items():
            assert used == weight[window] + free[window], window

    @invariant()
    def a_lease_knows_what_is_held(self) -> None:
        for process in self.processes:
            held = Counter[Window]()
            for slot in _slots(process.ledger):
                held[slot.window] += slot.free + slot.open
            for slot in _slots(process.ledger):
                assert slot.lease.held >= held[slot.window], "also what was not summed up since"
                slot.lease.sum_up()
                assert slot.lease.held == held[slot.window]

    def teardown(self) -> None:
        self.store.close()


def _slots(held: Ledger) -> list[Slot]:
    return list({id(slot): slot for slot in [*held._past, *held._slots.values()]}.values())


TestLedger = LedgerMachine.TestCase
TestLedger.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
