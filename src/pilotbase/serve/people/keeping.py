"""Parked calls in the record: put down, decided, kept for the caller. Every function may block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pilotbase.kernel.actor import Actor
from pilotbase.kernel.canonical import digest_bytes
from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.event import Draft, Entry
from pilotbase.kernel.time import parse
from pilotbase.record.opened import Record
from pilotbase.record.views import catch_up
from pilotbase.serve.call import Call
from pilotbase.serve.people import events
from pilotbase.serve.people.views import CALL, HANDOFFS, MONTH
from pilotbase.serve.rules.audit_draw import SEED_BYTES, commitment

GATEWAY = Actor("gateway", "compute operator", single_operator=False)
"""Who appends what happens by itself; people act under their own name."""


@dataclass(frozen=True)
class Parking:
    """What the record has of one parked call.

    Attributes:
        parked: the event's body, with ``entry`` and ``at``. decided, kept: bodies of those events,
            None where they have not happened; ``decided`` has ``at`` too.
    """

    parked: dict[str, Any]
    decided: dict[str, Any] | None = None
    kept: dict[str, Any] | None = None
    resumed: bool = False


def put_down(
    record: Record,
    call: Call,
    stage: Literal["before", "after"],
    why: tuple[str, ...],
    answer: bytes | None,
    until: str,
    late: str,
    people: tuple[str, ...],
    gateway: str,
) -> None:
    """Record that a call waits; durable when this returns."""
    route, grant, ask = call.route, call.grant, call.ask
    happened = events.Parked(
        usage=call.usage_id, filing=route.filing, service=route.service, operation=ask.operation,
        media=ask.media, stage=stage, why=why, until=until, late=late, key=grant.key,
        holder=grant.holder, principal=grant.principal, person=route.person, people=people,
        digest=digest_bytes(ask.body), gateway=gateway,
    )  # fmt: skip
    bodies = {"request": ask.body} if answer is None else {"request": ask.body, "answer": answer}
    once = f"handoff:{call.usage_id}:{stage}"
    record.append(Draft(happened, GATEWAY, CALL + call.usage_id, bodies, key=once))


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


def resume(record: Record, usage: str, mark: str) -> bool:
    """Whether the call is ours to go on with."""
    draft = Draft(
        events.Resumed(usage, mark), GATEWAY, CALL + usage, key=f"handoff:{usage}:resumed"
    )
    return bool(record.append(draft).body["by"] == mark)


def waiting(record: Record) -> dict[str, dict[str, Any]]:
    """The open calls by usage id."""
    found: dict[str, dict[str, Any]] = catch_up(record, [HANDOFFS])[HANDOFFS.name]["waiting"]
    return found


def parking_of(record: Record, usage: str) -> Parking | None:
    """What the record has of a parked call; its newest parking counts."""
    parked = decided = kept = None
    resumed = False
    for entry in record.entries(about=CALL + usage):
        body = {**entry.body, "entry": entry.index, "at": entry.envelope["at"]}
        if entry.kind == "serve.parked/1":
            parked, decided = body, None
        elif entry.kind == "serve.decided/1":
            decided = body
        elif entry.kind == "serve.kept/1":
            kept = body
        elif entry.kind == "serve.resumed/1":
            resumed = True
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
