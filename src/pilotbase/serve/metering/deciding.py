"""``gateway reconcile``: what a person decides about calls that a crash left unsettled."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple

from pilotbase.kernel.errors import InputError
from pilotbase.kernel.text import Text
from pilotbase.kernel.time import stamp
from pilotbase.record.opened import Record
from pilotbase.record.views import catch_up
from pilotbase.serve.metering.ledger_file import open_store
from pilotbase.serve.metering.limits import REASON_MAX
from pilotbase.serve.metering.reconcile import Unsettled, reconcile, recover, unsettled
from pilotbase.serve.metering.sealing import Accepted
from pilotbase.serve.people.views import HANDOFFS
from pilotbase.serve.routes.offer import check_person
from pilotbase.serve.rules.budget import shown


class Conducted(NamedTuple):
    """The journals that were completed, the calls, those that nobody has to decide here (they wait
    for a person), and how many records were given up at least, by journal."""

    completed: tuple[str, ...]
    calls: tuple[dict[str, Any], ...]
    going: tuple[dict[str, Any], ...]
    given_up: dict[str, int]


def conduct(
    record: Record, charge: str, call: str, by: str, reason: str, accept_damage: bool = False
) -> Conducted:
    """Complete journals, then list what is unsettled, or decide it where ``charge`` says how.

    Args:
        accept_damage: give up what is damaged of journals.

    Raises:
        InputError: no such call, person or reason; a call that waits for a person. RecordError: a
            journal is damaged, and that is not accepted.
    """
    if charge or accept_damage:
        check_person(record, by)
        if not 0 < len(reason.strip()) <= REASON_MAX:
            raise _refused("serve.no_reason", "--reason", *NO_REASON)
    store = open_store(record.home)
    try:
        completed = recover(record, store, Accepted(by, reason) if accept_damage else None)
        found = [one for one in unsettled(record) if call in ("", one.usage_id)]
        going = _going(record)
        if call in {one["usage_id"] for one in going}:
            raise _refused("serve.call_goes_on", "--call", *GOES_ON)
        if call and not found:
            said = NOT_UNSETTLED.format(call=repr(call[:80]))
            raise _refused("serve.not_unsettled", "--call", said, LISTED)
        amounts = {one: 0 if charge == "nothing" else one.nano for one in found}
        if charge:
            reconcile(record, store, amounts, by, reason)
    finally:
        store.close()
    rows = tuple(_row(one, nano) for one, nano in amounts.items())
    return Conducted(tuple(completed), rows, going, _given_up(record, completed))


def _refused(code: str, where: str, message: Text, step: Text) -> InputError:
    return InputError(code, message, where=where, next_step=step)


NO_REASON = Text("a reason is needed", "须说明理由"), Text("Say how this is known.", "请说明依据。")
GOES_ON = (
    Text("this call waits for a person, and is settled then", "该调用正在等待人工处理, 届时结算"),
    Text("`pilotbase gateway queue` shows what waits.",
         "`pilotbase gateway queue` 可列出待处理调用。"),
)  # fmt: skip
NOT_UNSETTLED = Text("no unsettled call is {call}", "没有未结算的调用 {call}")
LISTED = Text(
    "`pilotbase gateway reconcile` lists them.", "`pilotbase gateway reconcile` 可列出全部。"
)


def _given_up(record: Record, completed: list[str]) -> dict[str, int]:
    ends = (entry.body for entry in record.entries(kind="serve.journal_ended/1"))
    return {
        said["gateway"]: said["given_up"]
        for said in ends
        if said["gateway"] in completed and said.get("given_up", 0)
    }


def _going(record: Record) -> tuple[dict[str, Any], ...]:
    """The calls that wait for a person, or that one has let pass and nobody has fetched yet."""
    state = catch_up(record, [HANDOFFS])[HANDOFFS.name]
    waiting = [{"usage_id": usage, "said": None} for usage in sorted(state["waiting"])]
    decided = sorted((usage, said["said"]) for usage, said in state["decided"].items())
    return (*waiting, *({"usage_id": usage, "said": said} for usage, said in decided))


def _row(one: Unsettled, nano: int) -> dict[str, Any]:
    return {
        "usage_id": one.usage_id,
        "at": stamp(datetime.fromtimestamp(one.at_ms / 1000, UTC)),
        "key": one.key,
        "holder": one.holder,
        "service": one.service,
        "reserved": shown(one.nano, one.currency),
        "charged": shown(nano, one.currency),
    }
