"""Whether what waits could still go on, if a person let it: its key, and the filing asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pilotbase.catalog.parties.registry import registry
from pilotbase.catalog.rules.delegation import Refusal
from pilotbase.kernel.text import Text
from pilotbase.kernel.time import parse
from pilotbase.record.opened import Record
from pilotbase.register.filings import filings
from pilotbase.register.rules.states import standing
from pilotbase.serve.routes import why


def remarks(record: Record, calls: Sequence[Mapping[str, Any]]) -> list[Text | None]:
    """Of each call why nobody can have its answer any more, None where nothing is known of that.

    Args:
        calls: bodies of `events.Parked`.
    """
    if not calls:
        return []
    now, held, known = record.context.clock(), registry(record), filings(record)
    ring, found = held.ring(), list[Text | None]()
    for said in calls:
        filing, key = known.get(said["filing"]), held.keys.get(said["key"])
        stands = standing(filing["state"], parse(filing["expires"]), now) if filing else "live"
        holds = ring.standing(key, now) if key else None
        if stands != "live" and filing is not None:
            since = filing["expires"] if stands == "expired" else filing["history"][-1]["at"]
            found.append(why.shut(said["filing"], stands, since).message)
        else:
            found.append(holds.message if isinstance(holds, Refusal) else None)
    return found
