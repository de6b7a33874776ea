"""Views of rights: registrations and disputes; and of terms, uses and fulfilled duties."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pilotbase.catalog.rights.rules.states import Standing, disputed, settled
from pilotbase.kernel.event import Entry
from pilotbase.record.rules.views import View, declare

State = dict[str, Any]
_CONTENT = ("holder", "basis", "version")


def place(asset: str, right: str) -> str:
    """What disputes and rivalry are about: one right of one data set."""
    return f"{asset}/{right}"


def fold_rights(state: State, entry: Entry) -> State:
    """Registrations and disputes by id, and how many steps each right of each data set has seen."""
    taken = _RIGHTS.get(entry.kind)
    if taken is not None:
        taken(state, entry)
        one = state["registrations"][entry.body["registration"]]
        where = place(one["asset"], one["right"])
        state["steps"][where] = state["steps"].get(where, 0) + 1
    return state


def _applied(state: State, entry: Entry) -> None:
    body = entry.body
    content = {word: body[word] for word in _CONTENT}
    state["registrations"][body["registration"]] = {
        "registration": body["registration"],
        "asset": body["asset"],
        "right": body["right"],
        "stage": "applied",
        "asked": content,
        "in_force": None,
        "until": "",
        "code": "",
        "history": [_step(entry, "apply", "applied", body["basis"])],
    }


def _moved(state: State, entry: Entry) -> None:
    body = entry.body
    one = state["registrations"][body["registration"]]
    one["stage"], one["until"] = body["stage"], body["until"]
    if body["action"] == "code":
        one["in_force"], one["code"] = one["asked"], body["code"]
    elif body["action"] == "refuse" and one["in_force"]:
        one["asked"] = one["in_force"]
    elif body["stage"] == "cancelled":
        one["in_force"] = None
    one["history"].append(_step(entry, body["action"], body["stage"], body["reason"]))


def _amended(state: State, entry: Entry) -> None:
    body = entry.body
    one = state["registrations"][body["registration"]]
    one["stage"], one["asked"] = "applied", {word: body[word] for word in _CONTENT}
    one["history"].append(_step(entry, body["action"], "applied", body["reason"]))


def _disputed(state: State, entry: Entry) -> None:
    body = entry.body
    one = state["registrations"][body["registration"]]
    state["disputes"][body["dispute"]] = {
        "dispute": body["dispute"],
        "registration": body["registration"],
        "about": place(one["asset"], one["right"]),
        "reason": body["reason"],
        "person": body["person"],
        "entry": entry.index,
        "outcome": "",
    }
    one["history"].append(_step(entry, "dispute", one["stage"], body["reason"]))


def _settled(state: State, entry: Entry) -> None:
    body = entry.body
    one = state["registrations"][body["registration"]]
    state["disputes"][body["dispute"]]["outcome"] = body["outcome"]
    before = disputed(Standing(one["stage"], one["in_force"] is not None))
    after = settled(before, body["outcome"]) if isinstance(before, Standing) else None
    if isinstance(after, Standing) and after.stage != one["stage"]:
        one["stage"], one["in_force"], one["until"] = after.stage, None, ""
    one["history"].append(_step(entry, f"settle: {body['outcome']}", one["stage"], body["reason"]))


def _step(entry: Entry, action: str, stage: str, reason: str) -> State:
    by = entry.envelope["by"]
    return {
        "entry": entry.index,
        "action": action,
        "stage": stage,
        "at": entry.envelope["at"],
        "role": by["role"],
        "person": entry.body["person"],
        "reason": reason,
    }


_RIGHTS: dict[str, Callable[[State, Entry], None]] = {
    "catalog.right_applied/1": _applied,
    "catalog.right_moved/1": _moved,
    "catalog.right_amended/1": _amended,
    "catalog.right_disputed/1": _disputed,
    "catalog.right_settled/1": _settled,
}


def fold_terms(state: State, entry: Entry) -> State:
    """By asset: its policies by uid, the uses of it, the duties that were fulfilled, and how often
    its terms were changed."""
    taken = _TERMS.get(entry.kind)
    if taken is not None:
        nothing: State = {"policies": {}, "uses": {}, "fulfilled": [], "steps": 0}
        one = state.setdefault(entry.body["asset"], nothing)
        taken(one, entry)
    return state


def _set(one: State, entry: Entry) -> None:
    body = entry.body
    said = {word: body[word] for word in ("policy", "version", "terms", "person")}
    one["steps"] += 1
    one["policies"][body["policy"]] = {**said, "entry": entry.index}


def _withdrawn(one: State, entry: Entry) -> None:
    one["policies"].pop(entry.body["policy"], None)
    one["steps"] += 1


def _used(one: State, entry: Entry) -> None:
    body = entry.body
    by_action = one["uses"].setdefault(body["party"], {})
    by_action[body["action"]] = by_action.get(body["action"], 0) + body["times"]


def _fulfilled(one: State, entry: Entry) -> None:
    body = entry.body
    words = ("party", "policy", "version", "duty", "facts")
    at = entry.envelope["at"]
    one["fulfilled"].append({**{word: body[word] for word in words}, "at": at})


_TERMS: dict[str, Callable[[State, Entry], None]] = {
    "catalog.terms_set/1": _set,
    "catalog.terms_withdrawn/1": _withdrawn,
    "catalog.asset_used/1": _used,
    "catalog.duty_fulfilled/1": _fulfilled,
}

RIGHTS = declare(View("rights", {"registrations": {}, "disputes": {}, "steps": {}}, fold_rights))
TERMS = declare(View("terms", {}, fold_terms))
VIEWS = (RIGHTS, TERMS)
