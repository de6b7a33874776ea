"""Who does something with rights: a named person of the catalog, and for whom they may act."""

from __future__ import annotations

from datetime import datetime

from pilotbase.catalog.parties.registry import Registry, unknown
from pilotbase.catalog.rules.delegation import Chain, chain_of, passable
from pilotbase.kernel.errors import InputError
from pilotbase.kernel.text import Text

SCOPE = "rights.register"
"""The scope of a delegation by which a person may act for a holder of rights."""
PERSON, PARTY, HOLDER = Text("person", "自然人"), Text("party", "主体"), Text("holder", "权利人")
REASON_MAX = 4_000


def named_person(held: Registry, id_: str) -> str:
    """The id itself. Raises InputError unless it is a person of the catalog who is still there."""
    party = held.book.parties.get(id_)
    if party is None:
        persons = {one.id: one for one in held.book.parties.values() if one.kind == "person"}
        raise unknown(PERSON, id_, persons)
    if party.kind != "person" or party.gone:
        raise InputError(
            "rights.not_a_person",
            Text(f"{id_} is no person who can be named", f"{id_} 不是可指名的自然人"),
            where="--by",
            next_step=Text("Name the person who does this.", "请指明经办的自然人。"),
        )
    return id_


def known_holder(held: Registry, id_: str) -> str:
    """The id itself. Raises InputError unless it is a person or a body: an agent holds no right."""
    party = held.book.parties.get(id_)
    if party is None:
        raise unknown(HOLDER, id_, held.book.parties)
    if party.kind == "agent" or party.gone:
        raise InputError(
            "rights.no_holder",
            Text(f"{id_} cannot hold a right", f"{id_} 不能成为权利人"),
            where=id_,
            next_step=Text("Rights are held by persons and bodies.", "权利人为自然人或组织。"),
        )
    return id_


def acts_for(held: Registry, person: str, holder: str, at: datetime) -> bool:
    """Whether a person is the holder, answers for it, or has its mandate for `SCOPE`."""
    party = held.book.parties[holder]
    if person in (holder, party.principal):
        return True
    chains = (chain_of(held.book, person, one) for one in passable(held.book, person, (SCOPE,), at))
    return any(isinstance(chain, Chain) and chain.principal == holder for chain in chains)


def reason_of(text: str, where: str = "--reason") -> str:
    """The reason as it is recorded. Raises InputError where there is none."""
    if not 0 < len(text.strip()) <= REASON_MAX:
        raise InputError(
            "rights.no_reason",
            Text("a reason is needed", "须说明理由"),
            where=where,
            next_step=Text(
                f"Say why, in at most {REASON_MAX} characters.",
                f"请说明理由, 不超过 {REASON_MAX} 个字符。",
            ),
        )
    return text.strip()
