"""The catalog's parties, delegations and keys as the record has them now."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pilotbase.catalog.rules.delegation import Book, Chain, Delegation, Party, Refusal
from pilotbase.catalog.rules.keys import Key, KeyRing
from pilotbase.catalog.views import PARTIES
from pilotbase.kernel.canonical import decode
from pilotbase.kernel.errors import InputError, RecordError
from pilotbase.kernel.text import Text
from pilotbase.kernel.time import parse
from pilotbase.record.opened import Record
from pilotbase.record.views import catch_up
from pilotbase.scenario.finding import nearest

PERSON = "person"
"""The vault body with a person's name and contact."""
Said = Mapping[str, Any]


@dataclass(frozen=True)
class Registry:
    """Attributes:
    state: the view's state. book, keys: the same as the rules take it.
    """

    state: Said
    book: Book
    keys: Mapping[str, Key]

    def ring(self) -> KeyRing:
        """What checks keys; make it once for many calls."""
        return KeyRing(self.book, self.keys)


def registry(record: Record) -> Registry:
    """Parties, delegations and keys after the last entry."""
    state = catch_up(record, [PARTIES])[PARTIES.name]
    parties = {id_: party_of(id_, said) for id_, said in state["parties"].items()}
    delegations = {id_: delegation_of(said) for id_, said in state["delegations"].items()}
    keys = {id_: key_of(said) for id_, said in state["keys"].items()}
    return Registry(state, Book(parties, delegations), keys)


def party_of(id_: str, said: Said) -> Party:
    return Party(id_, said["what"], said["principal"], said["gone"])


def delegation_of(said: Said) -> Delegation:
    """A delegation as the rules take it, from what the view holds."""
    return Delegation(
        id=said["delegation"],
        giver=said["giver"],
        taker=said["taker"],
        scopes=tuple(said["scopes"]),
        since=parse(said["since"]),
        until=parse(said["until"]),
        under=said["under"],
        further=said["further"],
        ended=parse(said["ended"]) if said.get("ended") else None,
    )


def key_of(said: Said) -> Key:
    """A key as the rules take it, from what the view holds."""
    return Key(
        id=said["key"],
        holder=said["holder"],
        under=said["under"],
        scopes=tuple(said["scopes"]),
        since=parse(said["since"]),
        until=parse(said["until"]),
        hash=bytes.fromhex(said["sha256"]),
        ended=parse(said["ended"]) if said.get("ended") else None,
    )


def name_of(record: Record, said: Said) -> Mapping[str, str] | None:
    """A party's name in both languages; None of a person whose data were erased."""
    person = person_of(record, said)
    if said["what"] == "person":
        return person["name"] if person else None
    name: Mapping[str, str] | None = said["name"]
    return name


def person_of(record: Record, said: Said) -> dict[str, Any] | None:
    """What the vault keeps of a person: ``{"name", "contact"}``; None where it was erased."""
    if said["what"] != "person" or said["gone"]:
        return None
    # A body that is gone without a recorded erasure is a fault that the audit names.
    with suppress(RecordError):
        person: dict[str, Any] = decode(record.body(record.entry(said["entry"]), PERSON))
        return person
    return None


def chain_links(record: Record, held: Registry, actor: str, chain: Chain) -> list[dict[str, Any]]:
    """The parties of a chain from the actor up to the person who answers for it."""
    steps: list[tuple[str, Said]] = [(actor, {})]
    for link in chain.links:
        steps[-1] = (steps[-1][0], held.state["delegations"][link.id])
        steps.append((link.giver, {}))
    if chain.person != chain.principal:
        steps.append((chain.person, {}))
    return [_link(record, held, party, said) for party, said in steps]


def _link(record: Record, held: Registry, party: str, said: Said) -> dict[str, Any]:
    known = held.state["parties"][party]
    return {
        "party": party,
        "what": known["what"],
        "name": name_of(record, known),
        **{name: said.get(name) for name in ("delegation", "scopes", "since", "until", "reason")},
    }


def refused(found: list[Refusal], where: str = "") -> InputError:
    """All reasons of a refusal as one error."""
    said = Text("; ".join(f.message.en for f in found), "; ".join(f.message.zh for f in found))
    code = found[0].code if len(found) == 1 else "catalog.refused"
    return InputError(
        f"catalog.{code}" if not code.startswith("catalog.") else code,
        said,
        where=where,
        next_step=Text(
            "`pilotbase catalog list` and `pilotbase catalog key list` show what there is.",
            "`pilotbase catalog list` 与 `pilotbase catalog key list` 可列出已有内容。",
        ),
    )


def unknown(what: Text, id_: str, known: Mapping[str, Any]) -> InputError:
    """The error for an id that the catalog does not have."""
    meant = nearest(id_, known)
    hint = Text(
        f"Did you mean {meant!r}?" if meant else "`pilotbase catalog list` shows what there is.",
        f"是否想写 {meant!r}?" if meant else "`pilotbase catalog list` 可列出已有内容。",
    )
    message = Text(f"the catalog has no {what.en} {id_!r}", f"目录中没有{what.zh} {id_!r}")
    return InputError("catalog.unknown", message, where=id_[:80], next_step=hint)
