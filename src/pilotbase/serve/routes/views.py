"""Views of the gateway: arrangements, and what was tried. Folds over the record."""

from __future__ import annotations

from typing import Any

from pilotbase.kernel.event import Entry
from pilotbase.record.rules.views import View, declare

State = dict[str, Any]
NAME_MAX = 28


def fold_arrangements(state: State, entry: Entry) -> State:
    """By filing: its newest arrangement, the entry that says so, and the newest drill."""
    body = entry.body
    if entry.kind == "serve.arranged/1":
        drill = state.get(body["filing"], {}).get("drill")
        state[body["filing"]] = {**body, "entry": entry.index, "drill": drill}
    elif entry.kind == "serve.drill_begun/1":
        drill = {name: body[name] for name in ("upstream", "until")}
        state.setdefault(body["filing"], {"entry": None})["drill"] = drill
    return state


def fold_tried(state: State, entry: Entry) -> State:
    """By ``scenario-candidate`` as filings are called without their number: run and verdict."""
    kind = entry.kind.split("/")[0]
    if kind == "pilot.submitted":
        state["scenarios"][entry.about] = entry.body["scenario"]
        state["submitted"][entry.about] = entry.index
    elif kind == "pilot.judged":
        scenario = state["scenarios"][entry.about]
        for candidate, verdict in entry.body["verdicts"].items():
            state["candidates"][service_name(scenario, candidate)] = {
                "pilot": entry.about,
                "scenario": scenario,
                "candidate": candidate,
                "verdict": verdict,
            }
    elif kind in ("pilot.started", "pilot.evaluated", "pilot.planned"):
        state["steps"].setdefault(entry.about, {})[kind.removeprefix("pilot.")] = entry.index
    return state


def service_name(scenario: str, candidate: str) -> str:
    """What a filing of this candidate is called, without its number."""
    return f"{scenario[:NAME_MAX]}-{candidate[:NAME_MAX]}"


ARRANGEMENTS = declare(View("arrangements", {}, fold_arrangements))
TRIED = declare(
    View("tried", {"scenarios": {}, "submitted": {}, "candidates": {}, "steps": {}}, fold_tried)
)
VIEWS = (ARRANGEMENTS, TRIED)
