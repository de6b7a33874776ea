"""Duties that were not met in time, each with a proof that others can check."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context, asked, verb
from pilotbase.record.verbs.words import AT, moment


@dataclass(frozen=True)
class OverdueRequest:
    at: str = asked(*AT, default="")
    out: Path | None = asked(
        "Write a proof of each into this folder; records a tally and signs a checkpoint.",
        "将每项的证明写入此文件夹; 会记录一次计数并签署检查点。",
        default=None,
        short="-o",
    )


@dataclass(frozen=True)
class OverdueResponse:
    """Duties not met by then, or met late, in the order in which they arose.

    Each is ``{"duty", "text", "subject", "opened", "opened_at", "deadline", "state", "closed",
    "closed_at", "proof"}``: ``state`` is ``not met``, ``met late``, or ``due`` where the deadline
    is yet to come by the base's clock; ``opened`` and ``closed`` are entries, ``deadline`` the
    first moment that was too late, ``proof`` a file or None. ``notice`` says why some have none.
    """

    at: str
    duties: tuple[dict[str, Any], ...]
    notice: Text | None = None


@verb(
    "record.overdue",
    summary=Text(
        "List the duties that were not met in time, with proofs of absence.",
        "列出未按期履行的义务, 并可附缺席证明。",
    ),
    changes=True,
    roles=("regulator", "case officer", "programme office"),
)
def overdue(context: Context, request: OverdueRequest) -> OverdueResponse:
    from pilotbase.kernel.canonical import encode
    from pilotbase.kernel.home import storage_errors, write_whole
    from pilotbase.kernel.time import stamp
    from pilotbase.record import duties
    from pilotbase.record.opened import open_record

    at, files = moment(request.at, context.clock), dict[tuple[int, str], Path]()
    with open_record(context, create=False) as record:
        found = duties.overdue(record, at)
        if request.out is not None:
            proofs = duties.prove_absence(record, found, by=context.actor("case officer"))
            for one, proof in proofs:
                file = request.out / f"{one.opened:06}-{one.rule.name}.json"
                with storage_errors(file):
                    write_whole(file, encode(proof))
                files[one.opened, one.rule.name] = file
    now, state = context.clock(), {True: "not met", False: "due"}
    shown = [
        {
            "duty": one.rule.name,
            "text": dict(one.rule.text),
            "subject": one.subject,
            "opened": one.opened,
            "opened_at": one.opened_at,
            "deadline": stamp(one.deadline),
            "state": "met late" if one.closed is not None else state[one.deadline <= now],
            "closed": one.closed,
            "closed_at": one.closed_at or None,
            "proof": files.get((one.opened, one.rule.name)),
        }
        for one in found
    ]
    early = request.out is not None and any(one["state"] == "due" for one in shown)
    return OverdueResponse(stamp(at), tuple(shown), TOO_EARLY if early else None)


TOO_EARLY = Text(
    "A proof is possible only once the deadline has passed by the base's clock: what is due has "
    "none.",
    "须待期限依基地时钟届满后方可出具证明: 尚未到期者没有证明。",
)
