"""Parked calls whose gateway process is gone: whoever looks at the record brings them to an end.

What a person, the caller or the clock has decided needs no key where nothing is to be asked any
more: a refusal, an answer that is there, an answer by hand. Only what goes on to the service waits
for its caller (`people.door`), for `LEFT_S` at most. All under the first usage id and reservation.
Every function may block.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from pilotbase.record.opened import Record
from pilotbase.serve.call import Outcome, Refused, Usage
from pilotbase.serve.gateway.parking import refusal_body
from pilotbase.serve.metering import late
from pilotbase.serve.metering.reconcile import is_over
from pilotbase.serve.people import keeping
from pilotbase.serve.people.outcomes import come_of, decided_of, erased, not_fetched
from pilotbase.serve.ports import Decided, Given
from pilotbase.serve.rules.as_events import JSON

ORPHANED_S, LEFT_S = 5.0, 86_400.0
"""So long after a decision does the process that waits have to take it up, where it is not known
to be gone; and so long does what was let pass wait for its caller."""


def is_gone(record: Record, said: Mapping[str, Any], gateway: str) -> bool:
    """Whether the ``gateway`` that put a call down is known to wait for it no more.

    Args:
        gateway: this process, which does not wait for it.
    """
    return bool(said["gateway"] == gateway or is_over(record.home, said["gateway"]))


def is_orphan(record: Record, said: Mapping[str, Any], gateway: str, now: float) -> bool:
    """Whether nobody takes up a decision any more.

    Args:
        said: of the call: its ``gateway``, and ``at``, when it was decided.
    """
    late = now - keeping.seconds(said["at"]) >= ORPHANED_S
    return late or is_gone(record, said, gateway)


def needs_key(said: Mapping[str, Any], now: float) -> bool:
    """Whether a decided call goes on to the service, for which its caller is waited for."""
    goes_on = said["go"] and said["stage"] == "before" and said["said"] != "manual"
    return bool(goes_on and now - keeping.seconds(said["at"]) < LEFT_S)


def finish(record: Record, usage: str, mark: str) -> bool:
    """End a decided call that needs no key, once; whether it was this time.

    Args:
        mark: of this attempt; see `keeping.resume`.

    Raises:
        HomeError, RecordError: the record or the ledger cannot be written.
    """
    parking = keeping.parking_of(record, usage)
    if parking is None or parking.decided is None or parking.kept is not None:
        return False
    parked, decided = parking.parked, parking.decided
    used = keeping.used_of(parked)
    come = come_of(decided, partial(_read, record, parked, decided, used))
    if not keeping.resume(record, usage, parked["entry"], mark):
        return False
    outcome: Outcome = "served"
    if come.answer is None:
        outcome = "refused"
        _keep_refusal(record, usage, come.refused or not_fetched(usage))
    else:
        used.bytes_out = len(come.answer)
        if come.said == "manual":
            used.cases = parked["asked"].get("cases", 1)
        keeping.keep(record, usage, 200, come.media, come.answer)
    if (begun := keeping.begun_of(parked)) is not None:
        late.settle(record, begun, used, outcome)
    return True


def _read(record: Record, parked: dict[str, Any], decided: dict[str, Any], used: Usage) -> Decided:
    """What a decision comes to that nobody takes to the service any more."""
    request = keeping.body_of(record, parked, "request")
    ask = keeping.ask_of(parked, request or b"{}")
    answer = keeping.body_of(record, parked, "answer")
    media = parked["metered"].get("media") or JSON
    given = None if answer is None else Given(answer, media, used)
    edited = keeping.body_of(record, decided, "edited")
    come = decided_of(decided, parked["stage"], ask, given, edited)
    if come.go and request is come.request is come.answer is None:
        return replace(come, go=False, refused=erased(parked["usage"]))
    return come


def _keep_refusal(record: Record, usage: str, refused: Refused) -> None:
    keeping.keep(record, usage, refused.status, JSON, refusal_body(refused))
