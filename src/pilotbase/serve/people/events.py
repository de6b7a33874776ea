"""Calls that wait for a person, and what people said. About ``call:<usage id>``; contents lie in
the vault. A month's seed of the random audit is about ``audit:<month>``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pilotbase.kernel.event import event, upgrader

KEPT = "P6M"
"""So long are the contents of parked calls kept, unless they are erased before."""


@event("serve.parked/1", retention=KEPT)
@dataclass(frozen=True)
class ParkedUnmetered:
    """A call was put down for a person: body ``request``, and ``answer`` where there is one.

    Attributes:
        usage: the call's usage id. stage: ``before`` or ``after`` the service is asked.
        why: the reasons by name. until: when the time-out policy ``late`` applies: ``refuse``,
            ``unreviewed`` (it goes on) or ``manual`` (a person has to answer by hand).
        key, holder, principal: of the caller. person: who answers for the service.
        people: who may decide; empty where every person of the catalog may.
        digest: of the request. gateway: the process that waits.
    """

    usage: str
    filing: str
    service: str
    operation: str
    media: str
    stage: str
    why: tuple[str, ...]
    until: str
    late: str
    key: str
    holder: str
    principal: str
    person: str
    people: tuple[str, ...]
    digest: str
    gateway: str


@event("serve.parked/2", retention=KEPT)
@dataclass(frozen=True)
class Parked(ParkedUnmetered):
    """A call was put down for a person, with what another process needs to go on with it.

    Attributes:
        asked: what else the door had read: whether the answer is wanted as a stream, how many
            answers and cases, the limit of tokens, the door, the digest for a receipt.
        metered: under what it was begun, for whoever settles it when that process is gone: the
            journal with its intent, when, mandates, tariff, the most that it may use, and what it
            has used; ``media`` of the answer; what guards had found; whether an own worker counts
            its cases (``own``), and in a chat too (``columns``). Empty where an older program put
            it down.
    """

    asked: Mapping[str, Any] = field(default_factory=dict)
    metered: Mapping[str, Any] = field(default_factory=dict)


@upgrader("serve.parked/1", "serve.parked/2")
def _unmetered(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "asked": {}, "metered": {}}


@event("serve.decided/1", retention=KEPT)
@dataclass(frozen=True)
class PersonDecided:
    """A parked call was decided: ``approved``, ``edited`` (body ``edited`` stands in the place of
    the request or answer), ``manual`` (the body is the answer, and the service is not asked),
    ``refused``, by its caller ``withdrawn``, or by time ``lapsed`` (``go`` says whether it goes
    on). Body ``reason``: why.
    """

    usage: str
    said: str
    go: bool
    person: str


@event("serve.fell_to_manual/1")
@dataclass(frozen=True)
class FellToManual:
    """Nobody decided in time; the call waits for a person to answer it by hand."""

    usage: str


@event("serve.resumed/1")
@dataclass(frozen=True)
class Resumed:
    """A decided call was taken up, by the process that waits for it or, where that is gone, by
    another; ``by`` is that process's own mark, so that one process alone goes on with it."""

    usage: str
    by: str


@event("serve.kept/1", retention=KEPT)
@dataclass(frozen=True)
class Kept:
    """What came of a parked call is kept for its caller: body ``answer``."""

    usage: str
    status: int
    media: str
    digest: str


@event("serve.task_parked/1")
@dataclass(frozen=True)
class TaskParked:
    """A parked call has another name by which its caller asks for it: a task of A2A, at the agent
    that is called ``service`` there. About ``task:<id>``."""

    task: str
    context: str
    service: str
    usage: str


@event("serve.audit_committed/1")
@dataclass(frozen=True)
class AuditCommitted:
    """The seed of a month's random audit was drawn: its hash. The body ``seed`` stays in the vault
    until it is revealed."""

    month: str
    commitment: str


@event("serve.audit_revealed/1")
@dataclass(frozen=True)
class AuditRevealed:
    """The seed of a month that is over, in hexadecimal: now anyone can redo the lots."""

    month: str
    seed: str
