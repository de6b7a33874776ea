"""Calls that wait for a person: the gateway's side of it (`ports.People`).

What is durable lies in the record; what only this process knows is whom to call back. So a gateway
may end at any moment: open calls stay in the queue, and are brought to an end by another
(`people.orphans`), or go on when their caller comes back for them (`people.door`).
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal, TypeVar

from pilotbase.kernel.time import stamp
from pilotbase.record.opened import Record
from pilotbase.serve.call import Call, Charge, Outcome, Refused, Route, Usage
from pilotbase.serve.metering import late
from pilotbase.serve.people import keeping, orphans
from pilotbase.serve.people.outcomes import come_of, decided_of, full, not_parked
from pilotbase.serve.people.policy import Occasion, Policy, read
from pilotbase.serve.people.webhook import Webhooks
from pilotbase.serve.ports import Decided, Given, Ticket
from pilotbase.serve.rules.audit_draw import is_audited

_log = logging.getLogger("pilotbase.serve")
Stage = Literal["before", "after"]
T = TypeVar("T")
WAITING_MAX = 10_000
GRACE_S = 5.0
"""So long after its time a call is closed by a gateway that does not wait for it, where the one
that does is not known to be gone."""


@dataclass
class _Waiting:
    """A call of this process that waits."""

    call: Call
    ticket: Ticket
    policy: Policy
    given: Given | None
    decided: Callable[[Decided], None]
    timer: asyncio.TimerHandle
    late: bool = False


class HandOff:
    """See `ports.People`. On the loop's thread; the record is used in one thread of its own.

    Args:
        gateway: the id of this process's journal.
    """

    def __init__(self, record: Record, loop: asyncio.AbstractEventLoop, gateway: str) -> None:
        self.record, self._loop, self.gateway = record, loop, gateway
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="people")
        self._waiting: dict[str, _Waiting] = {}
        self._policies: dict[str, tuple[Any, Policy]] = {}
        self._seeds: dict[str, bytes] = {}
        self._ours = set[str]()
        self._metered: dict[str, Mapping[str, Any]] = {}
        self._hooked: dict[str, Policy] = {}
        self._hooks = Webhooks(loop)
        self._looking = self._over = False

    async def open(self) -> None:
        """Commit to the seeds of this month and the next. Raises PilotbaseError."""
        now = self.record.context.clock()
        following = datetime(now.year + now.month // 12, now.month % 12 + 1, 1, tzinfo=UTC)
        for month in (month_of(now.timestamp()), month_of(following.timestamp())):
            self._seeds[month] = await self.off(partial(keeping.seed_of, self.record, month))

    def close(self) -> None:
        """What is being written is written; what waits stays in the record."""
        self._over = True
        for one in self._waiting.values():
            one.timer.cancel()
        self._hooks.close()
        self._thread.shutdown(wait=True)

    def wanted(
        self, call: Call, stage: Stage, flags: Sequence[str], answer: bytes | None = None
    ) -> tuple[str, ...]:
        """See `ports.People`."""
        policy = self._policy(call)
        occasion = policy.before if stage == "before" else policy.after
        return occasion.reasons(call, flags, answer, partial(self._drawn, call, stage))

    def take_over(self, parked: Mapping[str, Any], route: Route) -> TakenUp:
        """Go on with a call that was put down by a process which is gone."""
        usage = parked["usage"]
        self._ours.add(usage)
        self._metered[usage] = parked["metered"]
        policy = _read_policy(route.handoff)
        if policy.hook is not None:
            self._hooked[usage] = policy
        return TakenUp(self, parked)

    def park(
        self,
        call: Call,
        stage: Stage,
        why: tuple[str, ...],
        flags: Sequence[str],
        given: Given | None,
        parked: Callable[[Ticket | Refused], None],
        decided: Callable[[Decided], None],
    ) -> None:
        """See `ports.People`."""
        policy = self._policy(call)
        if len(self._waiting) >= WAITING_MAX:
            parked(full())
            return
        now = self.record.context.clock().timestamp()
        until = now + policy.wait_s
        ticket = Ticket(call.usage_id, stage, why, until)
        metered = keeping.metered_of(call, self.gateway, flags, given)
        if (before := self._metered.get(call.usage_id)) is not None:
            now_so = {name: metered[name] for name in ("used", "media", "flags")}
            metered = {**metered, **before, **now_so}
        write = partial(
            keeping.put_down, self.record, call, stage, why, given,
            stamp(datetime.fromtimestamp(until, UTC)), (policy.late, policy.people), self.gateway,
            metered,
        )  # fmt: skip

        def done(error: BaseException | None, _: None) -> None:
            if error is not None:
                self._ours.discard(call.usage_id)
                parked(not_parked())
                return
            timer = self._loop.call_later(policy.wait_s, self._late, call.usage_id)
            self._waiting[call.usage_id] = _Waiting(call, ticket, policy, given, decided, timer)
            if policy.hook is not None:
                self._hooked[call.usage_id] = policy
            parked(ticket)

        self._ours.add(call.usage_id)
        self._do(write, done)

    def deliver(self, usage: str, status: int, media: str, answer: bytes) -> None:
        """See `ports.People`."""
        write = partial(keeping.keep, self.record, usage, status, media, answer)

        def done(error: BaseException | None, _: None) -> None:
            self._ours.discard(usage)
            self._metered.pop(usage, None)
            if (one := self._waiting.pop(usage, None)) is not None:  # a stop cut it
                one.timer.cancel()
            policy = self._hooked.pop(usage, None)
            if error is None and policy is not None and policy.hook is not None:
                self._hooks.tell(policy.hook, usage, status)

        self._do(write, done)

    def settle(self, begun: late.Begun, usage: Usage, outcome: Outcome) -> None:
        """Settle a call that another process began; before what comes of it is kept."""

        def done(error: BaseException | None, _: Charge | None) -> None:
            if error is not None:  # it stays charged as reserved, until it is reconciled
                _log.error("the call %s could not be settled", begun.usage, exc_info=error)

        self._do(partial(late.settle, self.record, begun, usage, outcome), done)

    def look(self) -> None:
        """The record has grown, or some time has passed: see what was decided."""
        if not (self._looking or self._over):
            self._looking = True
            self._do(self._read, self._seen)

    def owns(self, usage: str) -> bool:
        """Whether this process waits for it, or goes on with it."""
        return usage in self._ours

    async def off(self, work: Callable[[], T]) -> T:
        """Do something with the record in its thread."""
        return await self._loop.run_in_executor(self._thread, work)

    def _read(self) -> list[tuple[str, Decided]]:
        """In the thread: close what is overdue or decided of gateways that are gone; what was
        decided of ours."""
        now = self.record.context.clock().timestamp()
        open_now = keeping.waiting(self.record)
        self._each(open_now, partial(self._overdue, now))
        self._each(keeping.not_taken_up(self.record), partial(self._orphaned, now))
        found = list[tuple[str, Decided]]()
        ours = {usage: one for usage, one in dict(self._waiting).items() if usage not in open_now}
        self._each(ours, partial(self._ours_decided, found))
        return found

    def _each(self, calls: Mapping[str, T], look: Callable[[str, T], None]) -> None:
        """Each call by itself: what fails of one is no reason to leave the others."""
        failed = list[tuple[str, Exception]]()
        for usage, said in calls.items():
            try:
                look(usage, said)
            except Exception as error:
                failed.append((usage, error))
        if failed:
            words = "%d parked calls could not be looked at, the first is %s"
            _log.error(words, len(failed), failed[0][0], exc_info=failed[0][1])

    def _overdue(self, now: float, usage: str, said: Mapping[str, Any]) -> None:
        gone = usage not in self._ours and orphans.is_gone(self.record, said, self.gateway)
        overdue = now > keeping.seconds(said["until"]) + (0.0 if gone else GRACE_S)
        if overdue and not said["manual"] and usage not in self._waiting:
            self._lapse(usage, said["late"], said["entry"])

    def _orphaned(self, now: float, usage: str, said: Mapping[str, Any]) -> None:
        if usage in self._ours or orphans.needs_key(said, now):
            return
        if orphans.is_orphan(self.record, said, self.gateway, now):
            orphans.finish(self.record, usage, secrets.token_hex(8))

    def _ours_decided(self, found: list[tuple[str, Decided]], usage: str, one: _Waiting) -> None:
        parking = keeping.parking_of(self.record, usage)
        if parking is not None and parking.decided is not None:
            found.append((usage, self._taken_up(one, parking.parked, parking.decided)))

    def _taken_up(self, one: _Waiting, parked: Mapping[str, Any], said: dict[str, Any]) -> Decided:
        """Claimed, so that no other process takes it for an orphan while it goes on."""
        if not keeping.resume(self.record, said["usage"], parked["entry"], self.gateway):
            return Decided(False, said["said"], said["person"], elsewhere=True)

        def read() -> Decided:
            edited = keeping.body_of(self.record, said, "edited")
            return decided_of(said, one.ticket.stage, one.call.ask, one.given, edited)

        return come_of(said, read)

    def _seen(self, error: BaseException | None, found: list[tuple[str, Decided]]) -> None:
        self._looking = False
        if error is not None:
            _log.error("the queue for people could not be read", exc_info=error)
            return
        for usage, decided in found:
            one = self._waiting.pop(usage, None)
            if one is not None:
                one.timer.cancel()
                one.decided(decided)
            if decided.elsewhere:
                self._ours.discard(usage)

    def _late(self, usage: str) -> None:
        """Nobody came in time: what the policy says, unless somebody was quicker."""
        one = self._waiting.get(usage)
        if one is None or one.late:
            return
        one.late = True

        def work() -> None:
            said = keeping.waiting(self.record).get(usage)
            if said is not None:
                self._lapse(usage, one.policy.late, said["entry"])

        self._do(work, lambda error, _: self.look())

    def _lapse(self, usage: str, late: str, number: int) -> None:
        if late == "manual":
            keeping.fall_to_manual(self.record, usage, number)
        else:
            go = late == "unreviewed"
            keeping.decide(self.record, usage, "lapsed", go, "", keeping.GATEWAY, number)

    def _policy(self, call: Call) -> Policy:
        filing, handoff = call.route.filing, call.route.handoff
        kept = self._policies.get(filing)
        if kept is None or kept[0] is not handoff:
            kept = self._policies[filing] = (handoff, _read_policy(handoff))
        return kept[1]

    def _drawn(self, call: Call, stage: Stage, share: float) -> bool:
        seed = self._seeds.get(month_of(call.at))
        # Without a seed that was committed to, nobody could redo the lot: then a person looks.
        return seed is None or is_audited(seed, share, call.route.filing, stage, call.usage_id)

    def _do(self, work: Callable[[], T], done: Callable[[BaseException | None, Any], None]) -> None:
        """Work in the record's thread, and go on here."""

        def ended(future: asyncio.Future[T]) -> None:
            if not future.cancelled():
                error = future.exception()
                done(error, None if error is not None else future.result())

        self._loop.run_in_executor(self._thread, work).add_done_callback(ended)


class TakenUp:
    """A call that another process began (`ports.Taken`). Where an older program put it down, its
    reservation is left to be reconciled."""

    def __init__(self, people: HandOff, parked: Mapping[str, Any]) -> None:
        self._people, self._begun = people, keeping.begun_of(parked)
        self.usage = str(parked["usage"])
        self.flags = tuple(parked["metered"].get("flags", ()))

    def settle(self, call: Call, usage: Usage, outcome: Outcome) -> Charge:
        """See `ports.Taken`."""
        if self._begun is None:
            return Charge(call.route.tariff.currency, 0)
        begun = replace(self._begun, upstream=call.upstream or self._begun.upstream)
        charge = begun.charge(usage, outcome)
        self._people.settle(begun, replace(usage), outcome)
        return charge

    def let_go(self) -> None:
        """See `ports.Taken`."""
        if self._begun is not None:
            self._people.settle(self._begun, Usage(), "refused")


def _read_policy(handoff: Mapping[str, Any]) -> Policy:
    """An arrangement that cannot be read asks for a person each time: nothing slips through."""
    policy, faults = read(handoff)
    if not faults:
        return policy
    return replace(policy, before=Occasion(always=True), late="refuse")


def month_of(at: float) -> str:
    """The month of a moment, in UTC.

    >>> month_of(0.0)
    '1970-01'
    """
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m")
