"""Views of metering: limits in force, sealed segments, what was reconciled or settled late."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pilotbase.kernel.event import Entry
from pilotbase.kernel.time import parse
from pilotbase.record.rules.views import View, declare

_LATE = "serve.settled_late/1"
_PARKED = "serve.parked/"
KINDS = (
    "serve.parked/1",
    "serve.parked/2",
    "serve.journal_opened/1",
    "serve.segment_sealed/1",
    "serve.journal_ended/1",
    "serve.reconciled/1",
    _LATE,
)


def fold_limits(state: dict[str, Any], entry: Entry) -> dict[str, Any]:
    """By account and window: the limit in force, and since when it has limited each unit."""
    if entry.kind == "serve.limited/1":
        from pilotbase.serve.rules.budget import limits_of  # heavy: verbs import this module

        said = entry.body
        key = f"{said['account']} {said['per']}"
        if said["requests"] is said["tokens"] is said["money"] is None:
            state.pop(key, None)
        else:
            at = entry.envelope["at"]
            before, now = state.get(key, {"since": {}})["since"], int(parse(at).timestamp())
            since = {one.unit: before.get(one.unit, now) for one in limits_of(said)}
            state[key] = {**said, "entry": entry.index, "at": at, "since": since}
    return state


def fold_journals(state: dict[str, Any], entry: Entry) -> dict[str, Any]:
    """By gateway process: its sealed segments in order, and of calls that it did not settle those
    that were reconciled (``{usage id: nano}``) or settled late; what was said first stands.
    ``parked``: calls that were put down for a person, each after its intent was durable in this
    journal. ``given_up``: how many records of it were, as damaged."""
    if entry.kind not in KINDS:
        return state
    if entry.kind.startswith(_PARKED):
        said = entry.body
        begun = (said.get("metered") or {}).get("gateway", said["gateway"])
        if begun in state:
            state[begun]["parked"].setdefault(said["usage"], entry.index)
        return state
    journal = {"opened": entry.envelope["at"], "segments": [], "ended": None, "given_up": 0,
               "reconciled": {}, "late": {}, "parked": {}}  # fmt: skip
    journal = state.setdefault(entry.body["gateway"], journal)
    if entry.kind == "serve.segment_sealed/1":
        journal["segments"].append(entry.body)
    elif entry.kind == "serve.journal_ended/1":
        journal["ended"] = entry.body["segments"]
        journal["given_up"] = entry.body.get("given_up", 0)
    elif entry.kind == "serve.reconciled/1":
        for usage_id, nano in entry.body["calls"].items():
            if usage_id not in journal["late"]:
                journal["reconciled"].setdefault(usage_id, nano)
    elif entry.kind == _LATE and entry.body["usage"] not in journal["reconciled"]:
        journal["late"].setdefault(entry.body["usage"], entry.body)
    return state


def named(journal: Mapping[str, Any]) -> set[str]:
    """The usage ids whose intents a journal has to have, because the record names them; none that
    may have been given up as damaged."""
    if journal.get("given_up", 0):
        return set()
    return {one for name in ("parked", "reconciled", "late") for one in journal.get(name, ())}


LIMITS = declare(View("limits", {}, fold_limits, version=2))
JOURNALS = declare(View("usage-journals", {}, fold_journals, version=3))
