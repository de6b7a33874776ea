"""Calls that wait, and how many were decided in which way. A fold over the record."""

from __future__ import annotations

from typing import Any

from pilotbase.kernel.event import Entry
from pilotbase.record.rules.views import View, declare

State = dict[str, Any]
CALL, MONTH, TASK = "call:", "audit:", "task:"
PARKED = "serve.parked/"


def fold_handoffs(state: State, entry: Entry) -> State:
    """``waiting``: open calls by usage id. ``decided``: of those that nobody has taken up yet, the
    stage, the gateway, when and whether they go on. ``count``: by filing, how often each was said.
    ``months``: of the audit, the entries that commit and reveal."""
    kind, body = entry.kind, entry.body
    if kind.startswith(PARKED):
        said = {"entry": entry.index, "at": entry.envelope["at"], "manual": False}
        state["waiting"][body["usage"]] = {**body, **said}
        state["decided"].pop(body["usage"], None)
    elif kind == "serve.fell_to_manual/1" and body["usage"] in state["waiting"]:
        state["waiting"][body["usage"]]["manual"] = True
    elif kind == "serve.decided/1":
        call = state["waiting"].pop(body["usage"], None)
        if call is not None:
            count = state["count"].setdefault(call["filing"], {})
            word = body["said"] if body["said"] != "lapsed" or body["go"] else "lapsed-refused"
            count[word] = count.get(word, 0) + 1
            state["decided"][body["usage"]] = {
                "stage": call["stage"], "gateway": call["gateway"], "go": body["go"],
                "said": body["said"], "at": entry.envelope["at"],
            }  # fmt: skip
    elif kind == "serve.resumed/1":
        state["decided"].pop(body["usage"], None)
    elif kind == "serve.kept/1":  # a stop may have cut it while it waited
        state["decided"].pop(body["usage"], None)
        state["waiting"].pop(body["usage"], None)
    elif kind == "serve.audit_committed/1":
        state["months"].setdefault(body["month"], {})["committed"] = entry.index
    elif kind == "serve.audit_revealed/1":
        state["months"].setdefault(body["month"], {})["revealed"] = body["seed"]
    return state


_NOTHING: State = {"waiting": {}, "decided": {}, "count": {}, "months": {}}
HANDOFFS = declare(View("handoffs", _NOTHING, fold_handoffs, version=2))
