"""Who may act for whom: chains of delegation that end at a person.

A *party* is a person, a body (an organisation, which a person answers for) or an agent (a program).
A *delegation* lets its taker act for its giver, within scopes and until a moment. A person or a
body gives on its own authority; an agent has none, so it can only pass on, ``under`` a delegation
to itself, what that one allows to be passed on. Hence every chain can be followed up link by link
to one person or body, its *principal*, and to the person who answers for it.

What holds of every link of a chain (`chain_of`):

- its giver is the taker of the link above, or the principal of the chain;
- its scopes are covered by those above, and it ends no later (only narrowing);
- the link above allows at least one more link than it does itself;
- nobody stands in it twice, and it has at most `DEPTH_MAX` links.

A chain holds at a moment if every link has begun, none has ended and none was revoked by then: a
revocation cuts everything below at once, because everything below is asked through it. Pure: the
moment is an argument.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pilotbase.catalog.rules.scopes import EVERYTHING, beyond, is_scope
from pilotbase.kernel.text import Text
from pilotbase.kernel.time import stamp

PartyKind = Literal["person", "body", "agent"]
KINDS: tuple[PartyKind, ...] = ("person", "body", "agent")

DEPTH_MAX = 8
"""Most links in a chain: a longer one is no answer to the question who is responsible."""
BREADTH_MAX = 1_000
"""Most delegations that may be in force at once under one delegation, or by one principal."""


@dataclass(frozen=True, slots=True)
class Party:
    """Attributes:
    principal: for a body, the person who answers for it. gone: the person's data were erased.
    """

    id: str
    kind: PartyKind
    principal: str = ""
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Delegation:
    """Attributes:
    under: the delegation to the giver that this one passes on; empty for one's own authority.
    since, until: in force from the first moment up to, not including, the last.
    further: how many more links may follow below. ended: when it was revoked.
    """

    id: str
    giver: str
    taker: str
    scopes: tuple[str, ...]
    since: datetime
    until: datetime
    under: str = ""
    further: int = 0
    ended: datetime | None = None


@dataclass(frozen=True)
class Book:
    """All parties and delegations by id."""

    parties: Mapping[str, Party]
    delegations: Mapping[str, Delegation]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something may not be, or does not hold: a stable code, a sentence, whom it concerns."""

    code: str
    message: Text
    about: str = ""


@dataclass(frozen=True)
class Chain:
    """A chain that is well formed.

    Attributes:
        links: from the actor's own up to the principal's; empty for one who acts for itself.
        principal: the person or body at its end. person: who answers for that, or the same.
        scopes: what the actor may do. since, until: the time in which every link is in force
            (``until`` is None where there is no link).
    """

    links: tuple[Delegation, ...]
    principal: str
    person: str
    scopes: tuple[str, ...]
    since: datetime | None
    until: datetime | None

    def refusal(self, at: datetime) -> Refusal | None:
        """Why the chain does not hold at a moment; None if it does."""
        for link in self.links:
            ended = link.ended
            if ended is not None and at >= ended:
                return _refused("revoked", link.id, f"was revoked at {stamp(ended)}",
                                f"已于 {stamp(ended)} 撤销")  # fmt: skip
            if at >= link.until:
                return _refused("expired", link.id, f"ended at {stamp(link.until)}",
                                f"已于 {stamp(link.until)} 到期")  # fmt: skip
            if at < link.since:
                return _refused("not_yet", link.id, f"begins at {stamp(link.since)}",
                                f"自 {stamp(link.since)} 起生效")  # fmt: skip
        return None


def _refused(code: str, id_: str, en: str, zh: str) -> Refusal:
    said = Text(f"the delegation {id_} {en}", f"委托 {id_} {zh}")
    return Refusal(f"delegation.{code}", said, id_)


def chain_of(book: Book, actor: str, under: str) -> Chain | Refusal:
    """The chain by which a party acts, whether or not it holds at some moment.

    Args:
        under: the delegation it acts under; empty for its own authority.
    """
    links: list[Delegation] = []
    while under:
        link = book.delegations.get(under)
        if link is None:
            return _refused("unknown", under, "is not known", "不存在")
        above = book.delegations.get(link.under)
        if len(links) == DEPTH_MAX:
            return _too_deep(link.id)
        fault = _misfit(book, link, above, actor)
        if fault is not None:
            return fault
        links.append(link)
        actor, under = link.giver, link.under
        if any(actor == one.taker for one in links):
            return _circular(link.id, actor)
    return _ended(book, actor, tuple(links))


def _misfit(book: Book, link: Delegation, above: Delegation | None, taker: str) -> Refusal | None:
    """Why a link cannot stand where it stands."""
    if link.taker != taker:
        return _refused("not_yours", link.id, f"was not given to {taker}", f"并非授予 {taker}")
    if taker not in book.parties:
        return unknown_party(taker)
    if above is None:
        return None
    wider = beyond(above.scopes, link.scopes)
    if wider:
        return _widening(wider, above)
    if link.until > above.until:
        return _outlives(above)
    return _not_further(above) if link.further >= above.further else None


def _ended(book: Book, actor: str, links: tuple[Delegation, ...]) -> Chain | Refusal:
    """The chain whose topmost giver is ``actor``, if that can be a principal."""
    party = book.parties.get(actor)
    if party is None:
        return unknown_party(actor)
    if party.kind == "agent":
        return agent_alone(actor)
    person = party.principal if party.kind == "body" else actor
    human = book.parties.get(person)
    if human is None or human.kind != "person":
        return unknown_party(person)
    if human.gone:
        said = Text(
            f"the data of {person} were erased: nobody answers for {actor} any more",
            f"{person} 的个人信息已删除: {actor} 已无人负责",
        )
        return Refusal("delegation.nobody", said, person)
    ends = [min(one.until, one.ended or one.until) for one in links]
    since = max((one.since for one in links), default=None)
    scopes = links[0].scopes if links else EVERYTHING
    return Chain(links, actor, person, scopes, since, min(ends, default=None))


def unknown_party(id_: str) -> Refusal:
    said = Text(f"there is no party {id_!r} in the catalog", f"目录中没有主体 {id_!r}")
    return Refusal("party.unknown", said, id_)


def agent_alone(id_: str) -> Refusal:
    """An agent is never the responsible party."""
    said = Text(
        f"{id_} is an agent: it acts under a delegation and never on its own authority",
        f"{id_} 是智能体: 只能依委托行事, 不能自行授权或承担责任",
    )
    return Refusal("delegation.agent_principal", said, id_)


def _widening(scopes: tuple[str, ...], above: Delegation) -> Refusal:
    names = ", ".join(scopes)
    return Refusal(
        "delegation.widening",
        Text(
            f"{above.id} does not cover {names}: a delegation can only narrow",
            f"{above.id} 不包含 {names}: 转委托只能缩小范围",
        ),
        above.id,
    )


def _outlives(above: Delegation) -> Refusal:
    until = stamp(above.until)
    return Refusal(
        "delegation.outlives",
        Text(
            f"{above.id} ends at {until}: what is passed on cannot outlive it",
            f"{above.id} 于 {until} 到期: 转委托的期限不能更长",
        ),
        above.id,
    )


def _not_further(above: Delegation) -> Refusal:
    return Refusal(
        "delegation.not_further",
        Text(
            f"{above.id} may be passed on {above.further} more times, each time fewer",
            f"{above.id} 至多还可转委托 {above.further} 层, 且逐层递减",
        ),
        above.id,
    )


def _too_deep(id_: str) -> Refusal:
    said = Text(f"the chain has more than {DEPTH_MAX} links", f"委托链超过 {DEPTH_MAX} 层")
    return Refusal("delegation.too_deep", said, id_)


def _circular(id_: str, party: str) -> Refusal:
    said = Text(f"{party} would stand in the chain twice", f"{party} 在委托链中出现两次")
    return Refusal("delegation.circular", said, id_)


def faults_of_delegation(book: Book, new: Delegation, at: datetime) -> list[Refusal]:
    """All reasons why a delegation may not be given at a moment; none if it may."""
    found = list(_own_faults(book, new, at))
    above = chain_of(book, new.giver, new.under)
    if isinstance(above, Refusal):
        return [*found, *([above] if above not in found else [])]
    fallen = above.refusal(at)
    if fallen is not None:
        found.append(fallen)
    if any(new.taker in (one.taker, one.giver) for one in above.links):
        found.append(_circular(new.under, new.taker))
    if len(above.links) == DEPTH_MAX:
        found.append(_too_deep(new.under))
    if above.links:
        wider = beyond(above.scopes, filter(is_scope, new.scopes))
        found += [_widening(wider, above.links[0])] if wider else []
        found += [_outlives(above.links[0])] if new.until > above.links[0].until else []
        found += [_not_further(above.links[0])] if new.further >= above.links[0].further else []
    beside = _beside(book, new, at)
    if beside >= BREADTH_MAX:
        found.append(_too_broad(new.under or new.giver))
    return found


def _own_faults(book: Book, new: Delegation, at: datetime) -> Iterator[Refusal]:
    """What is wrong with a delegation whatever it is under."""
    for id_ in dict.fromkeys((new.giver, new.taker)):
        if id_ not in book.parties:
            yield unknown_party(id_)
    if new.giver == new.taker:
        yield _circular(new.id, new.giver)
    yield from scope_faults(new.scopes)
    if new.until <= max(at, new.since):
        yield Refusal(
            "delegation.no_time",
            Text("it would end before it begins", "到期时间早于生效时间"),
            new.id,
        )
    if not 0 <= new.further < DEPTH_MAX:
        yield Refusal(
            "delegation.further",
            Text(f"`further` is from 0 to {DEPTH_MAX - 1}", f"`further` 为 0 至 {DEPTH_MAX - 1}"),
            new.id,
        )


def scope_faults(scopes: tuple[str, ...]) -> Iterator[Refusal]:
    """What is wrong with the scopes of a mandate or a key."""
    if not scopes:
        yield Refusal("scope.none", Text("no scope is named", "没有指明范围"))
    for scope in scopes:
        if not is_scope(scope):
            said = Text(
                f"{scope!r} is no scope like serve.call or serve.*",
                f"{scope!r} 不是 serve.call 或 serve.* 形式的范围",
            )
            yield Refusal("scope.malformed", said, scope)


def _beside(book: Book, new: Delegation, at: datetime) -> int:
    """How many delegations are in force beside a new one."""
    return sum(
        one.under == new.under and one.giver == new.giver and at < (one.ended or one.until)
        for one in book.delegations.values()
    )


def _too_broad(about: str) -> Refusal:
    said = Text(
        f"{about} has {BREADTH_MAX} delegations in force already",
        f"{about} 已有 {BREADTH_MAX} 项有效委托",
    )
    return Refusal("delegation.too_broad", said, about)


def passable(book: Book, party: str, scopes: tuple[str, ...], at: datetime) -> list[str]:
    """The delegations to a party that hold at a moment and cover the scopes: what it may act
    under."""
    found = []
    for one in book.delegations.values():
        if one.taker == party and not beyond(one.scopes, scopes):
            chain = chain_of(book, party, one.id)
            if isinstance(chain, Chain) and chain.refusal(at) is None:
                found.append(one.id)
    return found
