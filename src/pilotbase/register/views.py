"""Views of the register: the filings, folded from the record."""

from __future__ import annotations

from typing import Any

from pilotbase.kernel.event import Entry
from pilotbase.record.rules.views import View, declare

_STATES = {
    "register.filed/1": "filed",
    "register.suspended/1": "suspended",
    "register.resumed/1": "filed",
    "register.stopped/1": "stopped",
    "register.withdrawn/1": "withdrawn",
    "register.exited/1": "exited",
}
FILING = "filing:"


def fold_filings(state: dict[str, Any], entry: Entry) -> dict[str, Any]:
    """Per filing: what was filed, its state, and what led there."""
    reached = _STATES.get(entry.kind)
    if reached is None:
        return state
    id_ = entry.about.removeprefix(FILING)
    filing: dict[str, Any] = state.setdefault(id_, {"history": []})
    if reached == "filed" and entry.kind == "register.filed/1":
        filing.update(entry.body)
    filing["state"] = reached
    by = entry.envelope["by"]
    step = {"entry": entry.index, "state": reached, "at": entry.envelope["at"], "role": by["role"]}
    filing["history"].append({**step, "reason": entry.body.get("reason", "")})
    return state


FILINGS = declare(View("filings", {}, fold_filings))
