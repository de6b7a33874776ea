"""The meter: reserves before a call, settles after it, and puts both down in the journal.

Three steps lead to a call being let in: room under all its limits (in memory where this process has
leased enough, else from the store), its idempotency key claimed where it has one, its intent on
disk. Only then is it dispatched. A call gets its number with its intent and not before: numbers
that nobody can account for there are none of. All methods run on the event loop's thread.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from pilotbase.serve.call import Call, Charge, Grant, Outcome, Refused, Route, Usage
from pilotbase.serve.metering import ledger, refusals
from pilotbase.serve.metering.journal import Journal, TermsRecord
from pilotbase.serve.metering.keeper import Backlog, Keeper, Request
from pilotbase.serve.metering.ledger import Ledger, Weighed
from pilotbase.serve.metering.store import Given, Wanted
from pilotbase.serve.ports import Then
from pilotbase.serve.rules import usage_id
from pilotbase.serve.rules.budget import Limit
from pilotbase.serve.rules.frames import Terms, encode
from pilotbase.serve.rules.price import bound, comes_back, due, price

TICK_S = 1.0
TRIES_MAX = 3
DRY_S = 0.2
"""How long a limit that is used up is believed to stay so without asking the store again."""
TERMS_MAX = 10_000
_log = logging.getLogger("pilotbase.serve")


class Under:
    """What calls under one key and one filing share, found once.

    ``until`` is when the first of the windows in ``weighed`` turns.
    """

    __slots__ = ("accounts", "foreign", "grant", "record", "route", "until", "version", "weighed")

    def __init__(self, grant: Grant, route: Route, record: TermsRecord) -> None:
        self.grant, self.route, self.record = grant, route, record
        self.accounts = tuple(dict.fromkeys(grant.accounts(route.service)))
        self.weighed: tuple[Weighed, ...] = ()
        self.foreign = ""
        self.until, self.version = 0.0, -1


class Held:
    """A call between its beginning and its settling."""

    __slots__ = ("at", "call", "claimed", "early", "needs", "ready", "then", "told", "tries",
                 "under", "weighed")  # fmt: skip

    def __init__(
        self, call: Call, then: Then, under: Under, needs: tuple[int, int, int], at: float
    ) -> None:
        self.call, self.then, self.under, self.needs, self.at = call, then, under, needs, at
        self.weighed: tuple[Weighed, ...] = ()
        self.claimed = self.ready = self.told = False
        self.early: tuple[Usage, Outcome] | None = None
        self.tries = 0


class Ending(Held):
    """The end of a call that cost nothing and has an idempotency key, until it is on disk."""

    __slots__ = ("payload",)

    def __init__(self, held: Held, payload: bytes, then: Then) -> None:
        super().__init__(held.call, then, held.under, held.needs, held.at)
        self.payload = payload


class JournalMeter:
    """`ports.Meter` over a journal and a ledger."""

    def __init__(
        self,
        gateway: str,
        journal: Journal[Held],
        keeper: Keeper,
        limits: Iterable[Limit],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """``journal`` is to call `written` and `unwritten`."""
        self.gateway = gateway
        self._journal, self._keeper, self._loop = journal, keeper, loop
        self._ledger = Ledger(limits)
        self._under = dict[tuple[str, str, str], Under]()
        self._terms = 0
        self._sequence = 0
        self._latest = 0.0
        self._held = dict[int, Held]()
        self._ending = set[str]()
        self._tick: asyncio.TimerHandle | None = loop.call_later(TICK_S, self._look)

    def granted(self, slot: ledger.Slot, amount: int) -> None:
        """The keeper's word on a lease; before the calls that asked for it are answered."""
        self._ledger.granted(slot, amount)

    @property
    def unsettled(self) -> int:
        """How many calls are begun and not settled."""
        return len(self._held)

    # Beginning

    def begin(self, call: Call, then: Then) -> None:
        at = call.at
        # A clock that goes back stands still here: a window that has turned does not come back.
        if at > self._latest:
            self._latest = at
        else:
            at = self._latest
        under = self._under_of(call, at)
        most = call.most
        needs = (1, most.input_tokens + most.output_tokens, price(call.route.tariff, most))
        self._held[id(call)] = held = Held(call, then, under, needs, at)
        weighed, asks = under.weighed, call.ask.idempotency_key or under.foreign
        if not (asks or self._journal.stuck) and (not weighed or ledger.reserve(weighed, needs)):
            held.weighed = weighed
            self._sequence = call.sequence = sequence = self._sequence + 1
            call.usage_id = f"{self.gateway}-{sequence}"
            record = under.record
            payload = encode(
                ("intent", sequence, int(at * 1000), record.number, needs[2], needs[1])
            )
            self._journal.put(payload, record, held)
        else:
            self._ask(held)

    def _under_of(self, call: Call, at: float) -> Under:
        grant, route = call.grant, call.route
        key = grant.key, route.filing, call.ask.operation
        under = self._under.get(key)
        if under is not None and under.route is route and under.grant is grant:
            pass
        elif under is not None and under.route == route and under.grant == grant:
            under.route, under.grant = route, grant
        else:
            if len(self._under) >= TERMS_MAX:
                self._under.clear()
            self._terms += 1
            record = TermsRecord(self._terms, terms_of(call))
            under = self._under[key] = Under(grant, route, record)
        if at >= under.until or under.version != self._ledger.version:
            self._weigh(under, at)
        return under

    def _weigh(self, under: Under, at: float) -> None:
        currency = under.route.tariff.currency
        found = self._ledger.weighed(under.accounts, currency, at)
        under.foreign = self._ledger.foreign(under.accounts, currency)
        under.weighed, under.version = found, self._ledger.version
        under.until = min((slot.end for slot, _ in found), default=float("inf"))

    def _ask(self, held: Held) -> None:
        """Go by way of the store: for a claim, or for more than is leased."""
        refused = self._hopeless(held)
        if refused is not None:
            self._loop.call_soon(self._refuse, held, refused)
            return
        call, wanted = held.call, None
        name = call.ask.idempotency_key
        if name and not held.claimed:
            key, at = call.grant.key, held.at
            first = usage_id.of_key(key, name, at)
            before = usage_id.of_key_before(key, name, at)
            wanted = Wanted(first, before, int(at), call.ask.follows)
        request = Request(
            held.under.weighed, held.needs, wanted, lambda back: self._told(held, back)
        )
        for slot, _ in held.under.weighed:
            slot.lease.sum_up()
        self._keeper.ask(request)

    def _hopeless(self, held: Held) -> Refused | None:
        """What can be said without asking the store."""
        if self._journal.stuck:
            return refusals.unmetered()
        under = held.under
        if under.foreign and held.needs[ledger.MONEY]:
            return refusals.other_currency(under.foreign, under.route.tariff.currency)
        for slot, which in under.weighed:
            if held.needs[which] > slot.limit.most:
                tariff, most = under.route.tariff, held.call.most
                return refusals.beyond(slot.limit, held.needs[which], tariff, most)
            if slot.free < held.needs[which] and self._loop.time() < slot.dry_until:
                return slot.dry
        return None

    def _told(self, held: Held, back: Request) -> None:
        try:
            self._answered(held, back)
        except Exception:  # of one call: the others that asked with it go on
            _log.exception("a call could not be begun")
            ledger.settle(held.weighed, held.needs, (0, 0, 0))
            self._refuse(held, refusals.unmetered())

    def _answered(self, held: Held, back: Request) -> None:
        """What the store said: go on, ask again, or refuse."""
        if back.claimed:
            held.call.usage_id, held.claimed = back.claimed, True
        if back.failed:
            self._refuse(held, refusals.unmetered())
            return
        if back.claim is not None:
            self._refuse(held, refusals.repeated(back.claim))
            return
        if held.early is not None:
            self._refuse(held, refusals.left())
        elif ledger.reserve(back.weighed, held.needs):
            held.weighed = tuple(back.weighed)
            self._intend(held)
        else:
            self._short(held, back)

    def _short(self, held: Held, back: Request) -> None:
        for slot, which in back.weighed:
            given, need = back.short.get(id(slot)), held.needs[which]
            if slot.free < need and given is not None:
                # What others hold, and what calls of this process have open, may come back.
                refused = self._used_up(slot, given, need, held.at)
                self._refuse(held, refused)
                return
        held.tries += 1
        if held.tries < TRIES_MAX:
            # Others took it in between, or the windows turned.
            self._weigh(held.under, max(held.at, self._latest))
            self._ask(held)
            return
        short = next(slot for slot, which in back.weighed if slot.free < held.needs[which])
        self._refuse(held, refusals.used_up(short.limit, short.end, held.at, 1, 1))

    def _used_up(self, slot: ledger.Slot, given: Given, need: int, at: float) -> Refused:
        refused = refusals.used_up(slot.limit, slot.end, at, given.open, need)
        if given.open < need:
            slot.dry_until, slot.dry = self._loop.time() + DRY_S, refused
        return refused

    def _intend(self, held: Held) -> None:
        call, record = held.call, held.under.record
        self._sequence = call.sequence = self._sequence + 1
        if not held.claimed:
            call.usage_id = usage_id.of_sequence(self.gateway, call.sequence)
        said = ("intent", call.sequence, int(held.at * 1000), record.number, held.needs[2],
                held.needs[1])  # fmt: skip
        claimed = (call.usage_id,) if held.claimed else ()
        self._journal.put(encode(said + claimed), record, held)

    def written(self, group: list[Held], done: bool) -> None:
        """The journal's word on intents: they are on disk, or never will be."""
        if not done:
            for held in group:
                ledger.settle(held.weighed, held.needs, (0, 0, 0))
                self._refuse(held, refusals.unmetered())
            return
        for held in group:
            held.ready = True
            self._say(held, None)

    def unwritten(self, held: Held) -> bytes:
        """What stands in the journal instead of an intent that the disk refused."""
        if isinstance(held, Ending):
            return held.payload
        return encode(("void", held.call.sequence))

    def _refuse(self, held: Held, refused: Refused) -> None:
        self._held.pop(id(held.call), None)
        if held.claimed:
            self._keeper.tell(Backlog(unclaim=[held.call.usage_id]))
        self._say(held, refused)

    def _say(self, held: Held, refused: Refused | None) -> None:
        try:
            if refused is None and held.early is not None:
                self.settle(held.call, *held.early)
            if not held.told:
                held.then(refused)
        except Exception as error:  # of one call: the others of its group go on
            self._loop.call_exception_handler({"message": "a call's begin", "exception": error})

    # Settling

    def settle(self, call: Call, usage: Usage, outcome: Outcome) -> Charge:
        held = self._held.get(id(call))
        if held is None:
            raise ValueError(f"the call {call.usage_id!r} is not begun, or settled already")
        tariff, needs, most = call.route.tariff, held.needs, call.most
        if usage.input_tokens > most.input_tokens or usage.output_tokens > most.output_tokens:
            bound(usage, most)
        nano = due(tariff, usage, outcome, needs[2])
        if not held.ready:
            # It is put down once its intent is: nothing is settled that was not begun.
            held.early = usage, outcome
            return Charge(tariff.currency, nano)
        del self._held[id(call)]
        if held.weighed:
            tokens = usage.input_tokens + usage.output_tokens
            ledger.settle(held.weighed, needs, (1, min(tokens, needs[1]), nano))
        payload = encode(
            ("settle", call.sequence, outcome, tariff.currency, nano, usage.input_tokens,
             usage.output_tokens, usage.cases, usage.bytes_in, usage.bytes_out, usage.chunks,
             usage.counted, call.upstream)
        )  # fmt: skip
        if held.claimed:
            self._settle_named(held, payload, outcome)
        else:
            self._journal.add(payload)
        return Charge(tariff.currency, nano)

    def _settle_named(self, held: Held, payload: bytes, outcome: Outcome) -> None:
        """Of a call that cost nothing the key is free; once that is on disk, and not before: after
        a crash it would be charged as reserved, and so would be who has its key then."""
        name = held.call.usage_id
        self._keeper.tell(Backlog(settled=[name]))
        if not comes_back(outcome, held.call.ask.operation):
            self._journal.add(payload)
            return
        self._ending.add(name)
        ending = Ending(held, payload, lambda refused: self._ended(name, refused))
        self._journal.put(payload, held.under.record, ending)

    def _ended(self, name: str, refused: Refused | None) -> None:
        self._ending.discard(name)
        if refused is None:
            self._keeper.tell(Backlog(free=[name]))

    # Keeping

    def limit(self, limits: Iterable[Limit]) -> None:
        """Put limits in force instead of those before."""
        self._ledger.limit(limits)

    def _look(self) -> None:
        self._give_back()
        self._journal.look()
        if self._journal.stuck:
            self._excuse()
        self._tick = self._loop.call_later(TICK_S, self._look)

    def _excuse(self) -> None:
        """The disk does not answer: who waits for it is refused. Whether their intents are down is
        known once it does; then they are settled, and cost nothing."""
        waiting = [one for one in self._held.values() if not (one.ready or one.early)]
        for held in waiting:
            if held.call.sequence:  # it is with the journal, and not on its way to the store
                held.early = Usage(), "refused"
                self._say(held, refusals.unmetered())
                held.told = True

    def _give_back(self, *, everything: bool = False) -> None:
        gives, changed = self._ledger.returns(everything=everything)
        if gives or changed:
            self._keeper.tell(Backlog(gives, changed))

    def close(self) -> None:
        """Put everything down and give back what was leased; blocks. No call may be begun after.

        Calls that are not settled by now stay charged at what was reserved.
        """
        if self._tick is not None:
            self._tick.cancel()
            self._tick = None
            self._journal.close()
            if self._journal.whole:
                self._keeper.tell(Backlog(free=list(self._ending)))
            self._give_back(everything=True)
            self._keeper.close()


def terms_of(call: Call) -> Terms:
    """Under what a call is metered, for the journal."""
    grant, route, tariff = call.grant, call.route, call.route.tariff
    return Terms(
        grant.key,
        grant.holder,
        grant.principal,
        grant.links,
        route.filing,
        route.service,
        route.version,
        call.ask.operation,
        tariff.currency,
        tariff.call,
        tariff.case,
        tariff.input_token,
        tariff.output_token,
        tuple(dict.fromkeys(grant.accounts(route.service))),
        route.source,
    )
