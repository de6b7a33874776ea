"""Reading the catalog: lists, single entries, their history, and the whole of it as a list."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import Any

from pilotbase.catalog.parties.registry import name_of, person_of, unknown
from pilotbase.catalog.views import ASSETS, PARTIES
from pilotbase.kernel.event import Entry
from pilotbase.kernel.text import Text
from pilotbase.record.opened import Record
from pilotbase.record.views import catch_up

Said = Mapping[str, Any]
PARTY_OR_ASSET = Text("party or asset", "主体或资产")


def parties_of(record: Record) -> Said:
    """By id, what the view has of each party."""
    said: Said = catch_up(record, [PARTIES])[PARTIES.name]
    return said


def assets_of(record: Record) -> Said:
    """By id, the newest card of each asset, its kind, number and version."""
    said: Said = catch_up(record, [ASSETS])[ASSETS.name]
    return said


def known_id(record: Record, id_: str) -> str:
    """The id itself. Raises InputError when the catalog has neither party nor asset of it."""
    known = {**parties_of(record)["parties"], **assets_of(record)}
    if id_ not in known:
        raise unknown(PARTY_OR_ASSET, id_, known)
    return id_


def listed_parties(record: Record, kind: str | None) -> Iterator[dict[str, Any]]:
    for id_, said in sorted(parties_of(record)["parties"].items()):
        if kind in (None, said["what"]):
            yield {
                "id": id_,
                "what": said["what"],
                "name": name_of(record, said),
                **{word: said[word] for word in ("principal", "asset", "number")},
            }


def listed_assets(record: Record, kind: str | None) -> Iterator[dict[str, Any]]:
    for id_, said in sorted(assets_of(record).items()):
        if kind in (None, said["what"]):
            card = said["card"]
            yield {
                "id": id_,
                "what": said["what"],
                "title": card["title"],
                "provider": card.get("provider", ""),
                **{word: said[word] for word in ("number", "version")},
            }


def party_shown(record: Record, id_: str) -> dict[str, Any] | None:
    """A party with its name, and the delegations it gave and was given."""
    state = parties_of(record)
    said = state["parties"].get(id_)
    if said is None:
        return None
    person = person_of(record, said)
    contact = person["contact"] if person else said["contact"]
    all_ = state["delegations"].values()
    words = ("delegation", "giver", "taker", "scopes", "since", "until", "under", "ended")
    return {
        **{word: said[word] for word in ("party", "what", "number", "principal", "asset", "gone")},
        "name": name_of(record, said),
        "contact": contact,
        "given": [{w: d[w] for w in words} for d in all_ if d["giver"] == id_],
        "taken": [{w: d[w] for w in words} for d in all_ if d["taker"] == id_],
    }


def asset_shown(record: Record, id_: str) -> dict[str, Any] | None:
    """An asset's newest card and versions."""
    said = assets_of(record).get(id_)
    return None if said is None else {"id": id_, **said}


def history_of(record: Record, id_: str) -> Iterator[dict[str, Any]]:
    """The entries about a party or asset of that id, oldest first."""
    found = [e for about in ("party", "asset") for e in record.entries(about=f"{about}:{id_}")]
    before: dict[str, Said] = {}
    for entry in sorted(found, key=lambda entry: entry.index):
        body, kind = entry.body, entry.kind
        yield {
            "entry": entry.index,
            "at": entry.envelope["at"],
            "kind": kind,
            "by": entry.envelope["by"]["name"],
            "role": entry.envelope["by"]["role"],
            "number": body.get("number"),
            "version": body.get("version"),
            "changed": _changed(before.get(kind), entry),
        }
        before[kind] = _words(entry)


def _words(entry: Entry) -> Said:
    """What a version says, word by word; a person's words by their commitment."""
    body = entry.body
    own = {k: v for k, v in body.items() if k not in ("number", "version", "earlier", "card")}
    return {**own, **body.get("card", {}), **entry.envelope["vault"]}


def _changed(before: Said | None, entry: Entry) -> list[str]:
    if before is None:
        return []
    now = _words(entry)
    return sorted(word for word in {*before, *now} if before.get(word) != now.get(word))


def exported(record: Record, *, people: bool) -> tuple[str, list[str]]:
    """The catalog as a YAML list, and the ids that it leaves out.

    Without ``people`` a person has no name that could be exported, so persons stay out, and with
    them the bodies they answer for: a list without them could not be added anywhere.
    """
    from ruamel.yaml import YAML

    known = parties_of(record)["parties"]
    named = {
        id_
        for id_, said in known.items()
        if said["what"] != "person" or (people and person_of(record, said) is not None)
    }
    named -= {id_ for id_, said in known.items() if said["principal"] not in {"", *named}}
    parties = [_party_card(record, id_, known[id_]) for id_ in sorted(named)]
    cards = [_asset_card(said["card"], named) for _, said in sorted(assets_of(record).items())]
    out = io.StringIO()
    yaml = YAML()
    yaml.width = 100
    yaml.dump({"catalog": 1, "parties": parties, "assets": cards}, out)
    return out.getvalue(), sorted(set(known) - named)


def _party_card(record: Record, id_: str, said: Said) -> dict[str, Any]:
    person = person_of(record, said)
    contact = person["contact"] if person else said["contact"]
    extra = {"contact": contact, "principal": said["principal"], "asset": said["asset"]}
    card = {"id": id_, "kind": said["what"], "name": name_of(record, said)}
    return {**card, **{word: value for word, value in extra.items() if value}}


def _asset_card(card: Said, named: set[str]) -> dict[str, Any]:
    """A card without a provider that the list does not have."""
    return {k: v for k, v in card.items() if k != "provider" or v in named}
