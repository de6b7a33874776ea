"""Parked calls in the record: put down, decided, kept for the caller. Every function may block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pilotbase.kernel.actor import Actor
from pilotbase.kernel.canonical import digest_bytes
from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.event import Draft, Entry
from pilotbase.kernel.time import parse
from pilotbase.record.opened import Record
from pilotbase.record.views import catch_up
from pilotbase.serve.call import Ask, Call, Grant, Usage
from pilotbase.serve.metering import late
from pilotbase.serve.people import events
from pilotbase.serve.people.edits import Counted
from pilotbase.serve.people.views import CALL, HANDOFFS, MONTH, PARKED, TASK
from pilotbase.serve.ports import Given
from pilotbase.serve.rules import cases
from pilotbase.serve.rules.audit_draw import SEED_BYTES, commitment

GATEWAY = Actor("gateway", "compute operator", single_operator=False)
"""Who appends what happens by itself; people act under their own name."""


@dataclass(frozen=True)
class Parking:
    """What the record has of one parked call.

    Attributes:
        parked: the event's body, with ``entry`` and ``at``. decided, kept: bodies of those events,
            None where they have not happened; ``decided`` has ``at`` too.
        resumed: when somebody took up what was decided; empty where nobody has.
    """

    parked: dict[str, Any]
    decided: dict[str, Any] | None = None
    kept: dict[str, Any] | None = None
    resumed: str = ""


def put_down(
    record: Record,
    call: Call,
    stage: Literal["before", "after"],
    why: tuple[str, ...],
    given: Given | None,
    until: str,
    policy: tuple[str, tuple[str, ...]],
    gateway: str,
    metered: Mapping[str, Any],
) -> None:
    """Record that a call waits; durable when this returns.

    Args:
        policy: what happens when nobody comes, and who may decide. metered: see `events.Parked`.
    """
    route, grant, ask = call.route, call.grant, call.ask
    happened = events.Parked(
        usage=call.usage_id, filing=route.filing, service=route.service, operation=ask.operation,
        media=ask.media, stage=stage, why=why, until=until, late=policy[0], key=grant.key,
        holder=grant.holder, principal=grant.principal, person=route.person, people=policy[1],
        digest=digest_bytes(ask.body), gateway=gateway, asked=_asked(ask), metered=metered,
    )  # fmt: skip
    bodies = {"request": ask.body}
    if given is not None:
        bodies["answer"] = given.body
    once = f"handoff:{call.usage_id}:{stage}"
    record.append(Draft(happened, GATEWAY, CALL + call.usage_id, bodies, key=once))


def _asked(ask: Ask) -> dict[str, Any]:
    return {name: getattr(ask, name) for name in _ASKED}


_ASKED = ("stream", "choices", "output_tokens_max", "cases", "door", "receipt")


def ask_of(parked: Mapping[str, Any], body: bytes) -> Ask:
    """The call as its door had read it, with this request."""
    return Ask(
        parked["filing"], parked["operation"], body, media=parked["media"], **parked["asked"]
    )


def metered_of(
    call: Call, gateway: str, flags: Sequence[str], given: Given | None
) -> dict[str, Any]:
    """Under what a call is metered, and what it has used; see `events.Parked`."""
    used = {} if given is None else {name: getattr(given.usage, name) for name in _USED}
    said, own = late.said_of(call, gateway), cases.own(call.route.upstreams)
    media = "" if given is None else given.media
    counting = {"own": own, "columns": own and call.route.columns}
    return {**said, "used": used, "media": media, "flags": list(flags), **counting}


_USED = ("input_tokens", "output_tokens", "cases", "bytes_in", "chunks", "counted")


def begun_of(parked: Mapping[str, Any]) -> late.Begun | None:
    """Under what a parked call was begun; None where an older program put it down."""
    said = parked["metered"]
    if not said:
        return None
    links = tuple(said["links"])
    grant = Grant(parked["key"], parked["holder"], links, parked["principal"], "", 0.0)
    return late.begun_of(parked["usage"], said, grant, parked["service"], parked["operation"])


def counted_of(parked: Mapping[str, Any]) -> Counted | None:
    """How many cases a parked call holds; None where an older program put it down."""
    said = parked["metered"]
    if "own" not in said:
        return None
    return Counted(parked["asked"]["cases"], said["own"], said["columns"])


def used_of(parked: Mapping[str, Any]) -> Usage:
    """What it had used when it was put down."""
    return Usage(**(parked["metered"] or {"used": {}})["used"])


def name_task(record: Record, task: str, context: str, service: str, usage: str) -> None:
    """Record by which other name a caller asks for a parked call."""
    happened = events.TaskParked(task, context, service, usage)
    record.append(Draft(happened, GATEWAY, TASK + task, key=TASK + task))


def task_of(record: Record, task: str) -> dict[str, Any] | None:
    """What a task's name stands for: ``{"task", "context", "service", "usage"}``."""
    for entry in record.entries(about=TASK + task):
        if entry.kind == "serve.task_parked/1":
            return dict(entry.body)
    return None


def decide(
    record: Record,
    usage: str,
    said: str,
    go: bool,
    person: str,
    by: Actor,
    number: int,
    bodies: dict[str, bytes] | None = None,
) -> Entry:
    """Record a decision; whoever comes second gets the first one's entry.

    Args:
        number: the entry that parked the call: it may be parked twice, before and after.
    """
    happened = events.PersonDecided(usage, said, go, person)
    once = f"handoff:{usage}:{number}:decided"
    return record.append(Draft(happened, by, CALL + usage, bodies or {}, key=once))


def fall_to_manual(record: Record, usage: str, number: int) -> None:
    """Record that a person has to answer by hand."""
    once = f"handoff:{usage}:{number}:manual"
    record.append(Draft(events.FellToManual(usage), GATEWAY, CALL + usage, key=once))


def keep(record: Record, usage: str, status: int, media: str, answer: bytes) -> None:
    """Keep what came of a call; the first is the one that stays."""
    happened = events.Kept(usage, status, media, digest_bytes(answer))
    draft = Draft(happened, GATEWAY, CALL + usage, {"answer": answer}, key=f"handoff:{usage}:kept")
    record.append(draft)


def resume(record: Record, usage: str, number: int, mark: str) -> bool:
    """Whether a decided call is ours to go on with.

    Args:
        number: the entry that parked it.
    """
    once = f"handoff:{usage}:{number}:resumed"
    draft = Draft(events.Resumed(usage, mark), GATEWAY, CALL + usage, key=once)
    return bool(record.append(draft).body["by"] == mark)


def waiting(record: Record) -> dict[str, dict[str, Any]]:
    """The open calls by usage id."""
    found: dict[str, dict[str, Any]] = catch_up(record, [HANDOFFS])[HANDOFFS.name]["waiting"]
    return found


def not_taken_up(record: Record) -> dict[str, dict[str, Any]]:
    """By usage id, what was decided and nobody has taken up."""
    found: dict[str, dict[str, Any]] = catch_up(record, [HANDOFFS])[HANDOFFS.name]["decided"]
    return found


def parking_of(record: Record, usage: str) -> Parking | None:
    """What the record has of a parked call; its newest parking counts."""
    parked = decided = kept = None
    resumed = ""
    for entry in record.entries(about=CALL + usage):
        body = {**entry.body, "entry": entry.index, "at": entry.envelope["at"]}
        if entry.kind.startswith(PARKED):
            parked, decided, resumed = body, None, ""
        elif entry.kind == "serve.decided/1":
            decided = body
        elif entry.kind == "serve.kept/1":
            kept = body
        elif entry.kind == "serve.resumed/1":
            resumed = body["at"]
    return Parking(parked, decided, kept, resumed) if parked is not None else None


def body_of(record: Record, said: dict[str, Any], name: str) -> bytes | None:
    """A body of an event; None where there is none, or it was erased."""
    try:
        return record.body(record.entry(said["entry"]), name)
    except RecordError as error:
        if error.code in ("record.body_gone", "record.no_body"):
            return None
        raise


def seed_of(record: Record, month: str) -> bytes:
    """The seed of a month's audit; drawn and committed to where there is none yet.

    All gateways of a record get the same one. Raises RecordError where it was erased.
    """
    seed = record.context.entropy(SEED_BYTES)
    happened = events.AuditCommitted(month, commitment(seed, month))
    entry = record.append(
        Draft(happened, GATEWAY, MONTH + month, {"seed": seed}, key=f"audit:{month}")
    )
    return record.body(entry, "seed")


def seconds(moment: str) -> float:
    """A moment of the record in seconds since 1970."""
    return parse(moment).timestamp()
