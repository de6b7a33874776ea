"""What a receipt says: of a call as it was settled, or of what the meter kept of it."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime
from typing import Any

from pilotbase.kernel.time import stamp
from pilotbase.serve.call import Call, Charge, Outcome, Usage
from pilotbase.serve.rules.receipt import RECEIPT

_COLUMNS = (
    "usage_id", "at", "outcome", "nano", "input_tokens", "output_tokens", "cases", "counted",
    "key", "holder", "principal", "links", "filing", "service", "version", "operation", "source",
    "currency",
)  # fmt: skip


def of_call(
    call: Call, usage: Usage, charge: Charge, outcome: Outcome, answer: str
) -> dict[str, Any]:
    """The receipt of a settled call.

    Args:
        answer: SHA-256 of the answer's bytes as they went out, or empty.
    """
    route, grant = call.route, call.grant
    return {
        "format": RECEIPT,
        "usage": call.usage_id,
        "at": moment(call.at),
        "filing": route.filing,
        "service": route.service,
        "version": route.version,
        "tried": route.tried,
        "verdict": route.verdict,
        "tier": route.tier,
        "source": route.source,
        "served": route.served if call.upstream else None,
        "upstream": call.upstream or None,
        "arranged_by": route.arranged_by or None,
        "principal": route.principal,
        "person": route.person,
        "for": {
            "key": grant.key,
            "holder": grant.holder,
            "links": list(grant.links),
            "principal": grant.principal,
            "person": grant.person,
        },
        "operation": call.ask.operation,
        "outcome": outcome,
        "tokens": {"input": usage.input_tokens, "output": usage.output_tokens},
        "cases": usage.cases,
        "counted": usage.counted,
        "charge": {"currency": charge.currency, "nano": charge.nano},
        "scanned": list(call.scanned),
        "handoff": list(call.handoff),
        "request": call.ask.receipt or None,
        "answer": answer or None,
    }


def of_metered(usage: sqlite3.Connection, id_: str) -> dict[str, Any] | None:
    """A receipt of what was metered: no digests, and nothing about guards and people.

    Args:
        usage: from `metering.usage.usage_of`.
    """
    words = (
        f"SELECT {', '.join(_COLUMNS)} FROM usage JOIN terms ON terms.gateway = usage.gateway"
        " AND terms.number = usage.terms WHERE usage_id = ?"
    )
    row = usage.execute(words, (id_,)).fetchone()
    if row is None:
        return None
    said = dict(zip(_COLUMNS, row, strict=True))
    return {
        "format": RECEIPT,
        "usage": id_,
        "at": moment(said["at"] / 1000),
        **{name: said[name] for name in ("filing", "service", "version", "source", "operation")},
        "for": {
            "key": said["key"],
            "holder": said["holder"],
            "links": json.loads(said["links"]),
            "principal": said["principal"],
        },
        "outcome": said["outcome"],
        "tokens": {"input": said["input_tokens"], "output": said["output_tokens"]},
        "cases": said["cases"],
        "counted": bool(said["counted"]),
        "charge": {"currency": said["currency"], "nano": said["nano"]},
        "metered_only": True,
    }


def moment(at: float) -> str:
    """Seconds since 1970 as text.

    >>> moment(0.0)
    '1970-01-01T00:00:00.000Z'
    """
    return stamp(datetime.fromtimestamp(at, UTC))
