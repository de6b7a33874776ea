"""Views of the catalog: parties, delegations and keys; assets. Folds over the record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pilotbase.kernel.event import Entry
from pilotbase.record.rules.views import View, declare

State = dict[str, Any]


def fold_parties(state: State, entry: Entry) -> State:
    """Parties, delegations and keys by id. Persons are there by pseudonym only."""
    taken = _PARTIES.get(entry.kind)
    if taken is not None:
        taken(state, entry)
    return state


def _party(state: State, entry: Entry) -> None:
    body = entry.body
    known = state["parties"].get(body["party"], {"added": entry.index, "gone": False})
    kept = {**known, **body, "entry": entry.index}
    state["parties"][body["party"]] = kept
    if body["what"] == "person":
        state["people"][str(entry.index)] = body["party"]


def _erased(state: State, entry: Entry) -> None:
    """A person whose newest data are destroyed is gone."""
    for erased in entry.body["bodies"]:
        party = state["people"].get(str(erased["entry"]))
        if party is not None and state["parties"][party]["entry"] == erased["entry"]:
            state["parties"][party]["gone"] = True


def _delegated(state: State, entry: Entry) -> None:
    body = entry.body
    state["delegations"][body["delegation"]] = {**body, "ended": None, "entry": entry.index}


def _undelegated(state: State, entry: Entry) -> None:
    body = entry.body
    _end(state["delegations"], body["delegation"], body["at"])


def _created(state: State, entry: Entry) -> None:
    body = entry.body
    state["keys"][body["key"]] = {**body, "ended": None, "entry": entry.index}


def _revoked(state: State, entry: Entry) -> None:
    body = entry.body
    _end(state["keys"], body["key"], body["at"])


def _end(known: State, id_: str, at: str) -> None:
    # What was revoked stays so from the first time on.
    if id_ in known and known[id_]["ended"] is None:
        known[id_]["ended"] = at


_PARTIES: dict[str, Callable[[State, Entry], None]] = {
    "catalog.party_added/1": _party,
    "vault.erased/1": _erased,
    "catalog.delegated/1": _delegated,
    "catalog.undelegated/1": _undelegated,
    "catalog.key_created/1": _created,
    "catalog.key_revoked/1": _revoked,
}


def fold_assets(state: State, entry: Entry) -> State:
    """Assets by id: the newest card, and the versions there have been."""
    if entry.kind == "catalog.asset_added/1":
        body = entry.body
        asset = state.setdefault(body["asset"], {"versions": []})
        asset.update({name: body[name] for name in ("what", "number", "version", "card")})
        asset["versions"].append({"version": body["version"], "entry": entry.index})
    return state


_NOBODY: State = {"parties": {}, "people": {}, "delegations": {}, "keys": {}}
PARTIES = declare(View("parties", _NOBODY, fold_parties))
ASSETS = declare(View("assets", {}, fold_assets))
VIEWS = (PARTIES, ASSETS)
