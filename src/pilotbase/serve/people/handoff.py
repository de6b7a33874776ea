"""Calls that wait for a person: the gateway's side of it (`ports.People`).

What is durable lies in the record; what only this process knows is whom to call back. So a gateway
may end at any moment: open calls stay in the queue, and go on when their caller comes back for them
(`people.door`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal, TypeVar

from pilotbase.kernel.errors import SheetError
from pilotbase.kernel.text import Text
from pilotbase.kernel.time import stamp
from pilotbase.record.opened import Record
from pilotbase.serve.call import Call, Refused
from pilotbase.serve.people import keeping
from pilotbase.serve.people.policy import Occasion, Policy, policy_of
from pilotbase.serve.people.webhook import Webhooks
from pilotbase.serve.ports import Decided, Ticket
from pilotbase.serve.rules.audit_draw import is_audited

Stage = Literal["before", "after"]
T = TypeVar("T")
WAITING_MAX = 10_000
GRACE_S = 5.0
"""So long after its time a call of a gateway that is gone is closed by any other."""


@dataclass
class _Waiting:
    """A call of this process that waits."""

    call: Call
    ticket: Ticket
    policy: Policy
    answer: bytes | None
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
        self._passed = set[int]()
        self._hooked: dict[str, Policy] = {}
        self._hooks = Webhooks(loop)
        self._looking = False

    async def open(self) -> None:
        """Commit to the seeds of this month and the next. Raises PilotbaseError."""
        now = self.record.context.clock()
        following = datetime(now.year + now.month // 12, now.month % 12 + 1, 1, tzinfo=UTC)
        for month in (month_of(now.timestamp()), month_of(following.timestamp())):
            self._seeds[month] = await self.off(partial(keeping.seed_of, self.record, month))

    def close(self) -> None:
        """What is being written is written; what waits stays in the record."""
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
        if stage == "before" and id(call.ask) in self._passed:
            return ()  # a person has seen it before its gateway ended
        return occasion.reasons(call, flags, answer, partial(self._drawn, call, stage))

    def take_over(self, usage: str, ask: object) -> None:
        """Go on with a request that a person approved in the time of an earlier gateway."""
        self._ours.add(usage)
        self._passed.add(id(ask))
        self._loop.call_later(60, self._passed.discard, id(ask))

    def park(
        self,
        call: Call,
        stage: Stage,
        why: tuple[str, ...],
        answer: bytes | None,
        parked: Callable[[Ticket | Refused], None],
        decided: Callable[[Decided], None],
    ) -> None:
        """See `ports.People`."""
        policy = self._policy(call)
        if len(self._waiting) >= WAITING_MAX:
            parked(_full())
            return
        now = self.record.context.clock().timestamp()
        until = now + policy.wait_s
        ticket = Ticket(call.usage_id, stage, why, until)
        write = partial(
            keeping.put_down, self.record, call, stage, why, answer,
            stamp(datetime.fromtimestamp(until, UTC)), policy.late, policy.people, self.gateway,
        )  # fmt: skip

        def done(error: BaseException | None, _: None) -> None:
            if error is not None:
                parked(_not_kept())
                return
            self._ours.add(call.usage_id)
            timer = self._loop.call_later(policy.wait_s, self._late, call.usage_id)
            self._waiting[call.usage_id] = _Waiting(call, ticket, policy, answer, decided, timer)
            if policy.hook is not None:
                self._hooked[call.usage_id] = policy
            parked(ticket)

        self._do(write, done)

    def deliver(self, usage: str, status: int, media: str, answer: bytes) -> None:
        """See `ports.People`."""
        write = partial(keeping.keep, self.record, usage, status, media, answer)

        def done(error: BaseException | None, _: None) -> None:
            self._ours.discard(usage)
            policy = self._hooked.pop(usage, None)
            if error is None and policy is not None and policy.hook is not None:
                self._hooks.tell(policy.hook, usage, status)

        self._do(write, done)

    def outcome(self, usage: str, then: Callable[[keeping.Parking | None], None]) -> None:
        """What the record has of a parked call; for doors that ask instead of being called."""

        def done(error: BaseException | None, found: keeping.Parking | None) -> None:
            then(None if error is not None else found)

        self._do(partial(keeping.parking_of, self.record, usage), done)

    def look(self) -> None:
        """The record has grown, or some time has passed: see what was decided."""
        if not self._looking:
            self._looking = True
            self._do(self._read, self._seen)

    def owns(self, usage: str) -> bool:
        """Whether this process waits for it, or goes on with it."""
        return usage in self._ours

    async def off(self, work: Callable[[], T]) -> T:
        """Do something with the record in its thread."""
        return await self._loop.run_in_executor(self._thread, work)

    def _read(self) -> list[tuple[str, keeping.Parking, bytes | None]]:
        """In the thread: close what is overdue of gateways that are gone; what was decided."""
        open_now = keeping.waiting(self.record)
        now = self.record.context.clock().timestamp()
        for usage, said in open_now.items():
            overdue = now > keeping.seconds(said["until"]) + GRACE_S and not said["manual"]
            if overdue and usage not in self._waiting:
                self._lapse(usage, said["late"], said["entry"])
        found = []
        for usage in tuple(self._waiting):
            if usage not in open_now:
                parking = keeping.parking_of(self.record, usage)
                if parking is not None and parking.decided is not None:
                    # Claimed, so that no other process takes it for an orphan while it goes on.
                    keeping.resume(self.record, usage, self.gateway)
                    edited = keeping.body_of(self.record, parking.decided, "edited")
                    found.append((usage, parking, edited))
        return found

    def _seen(
        self,
        error: BaseException | None,
        found: list[tuple[str, keeping.Parking, bytes | None]],
    ) -> None:
        self._looking = False
        for usage, parking, edited in found if error is None else ():
            one = self._waiting.pop(usage, None)
            if one is not None and parking.decided is not None:
                one.timer.cancel()
                one.decided(decided_of(parking.decided, one.ticket.stage, one.answer, edited))

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


def _read_policy(handoff: Mapping[str, Any]) -> Policy:
    """An arrangement that cannot be read asks for a person each time: nothing slips through."""
    try:
        return policy_of(handoff)
    except SheetError:
        return Policy(before=Occasion(always=True))


def decided_of(
    said: dict[str, Any], stage: str, answer: bytes | None, edited: bytes | None
) -> Decided:
    """What a decision means for the call."""
    if not said["go"]:
        return Decided(False, said["said"], said["person"], refused=refusal_of(said))
    if said["said"] == "manual" or (stage == "after" and edited is not None):
        return Decided(True, said["said"], said["person"], answer=edited)
    return Decided(True, said["said"], said["person"], request=edited, answer=answer)


def refusal_of(said: dict[str, Any]) -> Refused:
    """What a caller is told whose call a person refused, or nobody came for."""
    if said["said"] == "lapsed":
        return Refused(
            504,
            "serve.nobody_answered",
            Text(
                "a person had to look at this call, and none did in time",
                "此调用须经人工审核, 但逾期无人处理",
            ),
            Text(
                "Ask again later, or ask whoever answers for the service.",
                "请稍后重试, 或联系服务责任人。",
            ),
            where=said["usage"],
            retry_after_s=300.0,
        )
    return Refused(
        403,
        "serve.person_refused",
        Text("a person looked at this call and refused it", "经人工审核, 此调用被拒绝"),
        Text("Ask whoever answers for the service why.", "请向服务责任人询问原因。"),
        where=said["usage"],
    )


def month_of(at: float) -> str:
    """The month of a moment, in UTC.

    >>> month_of(0.0)
    '1970-01'
    """
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m")


def _full() -> Refused:
    return Refused(
        503,
        "serve.queue_full",
        Text("too many calls wait for a person", "等待人工处理的调用过多"),
        Text("Try again later.", "请稍后重试。"),
        retry_after_s=60.0,
    )


def _not_kept() -> Refused:
    return Refused(
        503,
        "serve.not_parked",
        Text("the call could not be put down for a person", "无法为此调用登记人工处理"),
        Text("Try again in a while.", "请稍后重试。"),
        retry_after_s=10.0,
    )
