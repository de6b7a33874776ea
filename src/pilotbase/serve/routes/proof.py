"""Is what answers what was tried? What a gateway can tell of that by itself. Pure.

Of its own workers it can: they make the trial again and refuse where anything differs
(`serve.worker.proof`). Of a network endpoint it knows where it is and how the model is called over
there: the same as was tried, or not. Of everything else a person says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pilotbase.serve.call import Served, Upstream

Said = Mapping[str, Any]
PROGRAMS = ("estimator", "plugin", "callable", "command")
"""Words of a candidate that is a program, tried by the base itself."""
_TRIED_AS = {"chat": ("chat", "model"), "oip": ("infer", "model"), "mcp": ("mcp", "tool")}
# By kind of upstream: the word of the candidate, and what its model is called there.


def is_program(offer: Said | None) -> bool:
    """Whether a candidate was tried as a program: an address is something else than that."""
    return offer is not None and any(offer.get(word) for word in PROGRAMS)


def is_tried(one: Upstream, offer: Said | None) -> bool:
    """Whether an upstream is known to be what was tried.

    Args:
        offer: the candidate as the scenario has it; None where that is not known.
    """
    if one.kind == "candidate":
        return True
    word, model = _TRIED_AS.get(one.kind, ("", ""))
    said = (offer or {}).get(word) or {}
    if not said.get("url") or said.get("version"):
        return False
    return bool(one.url.rstrip("/") == said["url"].rstrip("/") and one.model == said[model])


def served_by(upstreams: Sequence[Upstream], offer: Said | None) -> Served:
    """What all upstreams of a route are; one that is declared makes the route so."""
    proven = bool(upstreams) and all(is_tried(one, offer) for one in upstreams)
    return "proven" if proven else "declared"
