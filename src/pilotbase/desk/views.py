"""Views of the desk: folds over the record, made again by `pilotbase rebuild` to the same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pilotbase.catalog import views as catalog
from pilotbase.desk.events import BY_STATE
from pilotbase.kernel.event import Entry
from pilotbase.record.rules.views import View, declare
from pilotbase.register import views as register
from pilotbase.serve.metering import views as metering
from pilotbase.serve.people import views as people
from pilotbase.serve.routes import views as routes

# An older shape of an event leads to the same state.
_STATE_OF = {cls.kind.split("/")[0]: state for state, cls in BY_STATE.items()}


def fold_pilots(state: dict[str, Any], entry: Entry) -> dict[str, Any]:
    """Per pilot: its state, where its entries are, and what was found."""
    reached = _STATE_OF.get(entry.kind.split("/")[0])
    if reached is None:
        return state
    pilot: dict[str, Any] = state.setdefault(entry.about, {"entries": {}})
    pilot["state"] = reached
    pilot["entries"][reached] = entry.index
    body = entry.body
    for name in ("scenario", "plan", "data", "verdicts", "chosen", "verdict"):
        if name in body:
            pilot[name] = body[name]
    return state


def fold_exposures(state: dict[str, Any], entry: Entry) -> dict[str, Any]:
    """Per data hash: how many plans were made on it and how often its test part was read."""
    if entry.kind == "pilot.planned/1":
        seen = state.setdefault(str(entry.body["data"]), {"plans": [], "read": []})
        if entry.about not in seen["plans"]:
            seen["plans"].append(entry.about)
    elif entry.kind.startswith("pilot.evaluated/"):
        for seen in state.values():
            if entry.about in seen["plans"] and entry.about not in seen["read"]:
                seen["read"].append(entry.about)
    return state


VIEWS = (
    declare(View("pilots", {}, fold_pilots)),
    declare(View("exposures", {}, fold_exposures)),
)

ALL = (
    *VIEWS,
    *catalog.VIEWS,
    register.FILINGS,
    *routes.VIEWS,
    metering.LIMITS,
    metering.JOURNALS,
    people.HANDOFFS,
)
"""The views of all rooms."""


def pilot_of(pilots: Mapping[str, Any], wanted: str) -> str | None:
    """The one pilot whose id starts with ``wanted`` or, failing that, the newest of the scenario
    with that id; None when nothing or more than one fits."""
    starts = [about for about in pilots if about.removeprefix("pilot:").startswith(wanted)]
    if len(starts) == 1:
        return starts[0]
    named = [about for about, pilot in pilots.items() if pilot.get("scenario") == wanted]
    newest = sorted(named, key=lambda about: pilots[about]["entries"].get("judged", -1))
    return newest[-1] if newest else None
