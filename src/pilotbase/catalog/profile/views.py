"""Views of profiles: by asset the newest profile, and what persons confirmed of its columns."""

from __future__ import annotations

from typing import Any

from pilotbase.kernel.event import Entry
from pilotbase.record.rules.views import View, declare

State = dict[str, Any]


def fold_profiles(state: State, entry: Entry) -> State:
    """By asset: the newest profile's summary, and by column what was confirmed last."""
    body = entry.body
    if entry.kind == "catalog.profiled/1":
        known = state.setdefault(body["asset"], {"confirmed": {}})
        known.update(body, entry=entry.index)
    elif entry.kind == "catalog.column_confirmed/1":
        known = state.setdefault(body["asset"], {"confirmed": {}})
        kept = {name: body[name] for name in ("kind", "person", "data")}
        known["confirmed"][body["column"]] = {**kept, "entry": entry.index}
    return state


PROFILES = declare(View("profiles", {}, fold_profiles))
