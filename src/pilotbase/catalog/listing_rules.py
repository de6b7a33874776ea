"""What a list must hold beyond its grammar, against what the catalog has already. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pilotbase.catalog.listing import AssetCard, Listing, PartyCard
from pilotbase.kernel.text import Text
from pilotbase.scenario.finding import Finding, Path, nearest
from pilotbase.scenario.section import Bilingual

Known = Mapping[str, Mapping[str, Any]]
_WORD = re.compile(r"[^\W\d_]{2,}")


def findings(listing: Listing, parties: Known, assets: Known) -> Iterator[Finding]:
    """All that is wrong with a list of good grammar.

    Args:
        parties, assets: what the catalog has, by id.
    """
    yield from _twice("parties", [card.id for card in listing.parties])
    yield from _twice("assets", [card.id for card in listing.assets])
    kinds = {id_: said["what"] for id_, said in parties.items() if not said["gone"]}
    kinds |= {card.id: card.kind for card in listing.parties}
    things = {id_: said["what"] for id_, said in assets.items()}
    things |= {card.id: card.kind for card in listing.assets}
    for number, card in enumerate(listing.parties):
        yield from _party(("parties", number), card, parties.get(card.id), kinds, things)
    for number, asset in enumerate(listing.assets):
        yield from _asset(("assets", number), asset, assets.get(asset.id), kinds, things)


def _twice(section: str, ids: Sequence[str]) -> Iterator[Finding]:
    first: dict[str, int] = {}
    for number, id_ in enumerate(ids):
        if id_ in first:
            said = Text(
                f"{id_!r} is listed twice; first as {section}[{first[id_]}]",
                f"{id_!r} 重复列出; 首次为 {section}[{first[id_]}]",
            )
            yield Finding((section, number, "id"), "sheet.duplicate_id", said)
        first.setdefault(id_, number)


def _party(
    at: Path,
    card: PartyCard,
    known: Mapping[str, Any] | None,
    kinds: Mapping[str, str],
    things: Mapping[str, str],
) -> Iterator[Finding]:
    yield from _kind(at, card.kind, known)
    if known is not None and known["gone"]:
        said = Text("the data of this person were erased", "此人的个人信息已删除")
        another = Text("another pseudonym", "换用另一代号")
        yield Finding((*at, "id"), "sheet.erased", said, another)
    told = _tells(card) if card.kind == "person" else ""
    if told:
        said = Text(
            f"the id repeats {told!r} of the person's name, and stays in the log for good",
            f"编号含有姓名中的 {told!r}, 且将永久留在日志中",
        )
        yield Finding((*at, "id"), "sheet.id_tells_name", said, Text("person-7", "person-7"))
    yield from _principal(at, card, kinds)
    if card.asset is not None:
        if card.kind != "agent":
            yield _idle((*at, "asset"), Text("agents", "智能体"))
        elif things.get(card.asset) != "agent":
            agents = [id_ for id_, kind in things.items() if kind == "agent"]
            yield _unknown((*at, "asset"), Text("agent", "智能体"), card.asset, agents)


def _principal(at: Path, card: PartyCard, kinds: Mapping[str, str]) -> Iterator[Finding]:
    """A body names the person who answers for it; nobody else has one."""
    if card.kind != "body":
        if card.principal is not None:
            yield _idle((*at, "principal"), Text("bodies", "组织"))
    elif card.principal is None:
        said = Text("“principal” is missing", "缺少 “principal”")
        who = Text("the person who answers for the body", "该组织的负责人")
        yield Finding(at, "sheet.no_principal", said, who, at_key=True)
    elif card.principal not in kinds:
        persons = [id_ for id_, kind in kinds.items() if kind == "person"]
        yield _unknown((*at, "principal"), Text("person", "人员"), card.principal, persons)
    elif kinds[card.principal] != "person":
        said = Text(f"{card.principal} is no person", f"{card.principal} 不是自然人")
        who = Text("a person; an agent is never responsible", "自然人; 智能体不能承担责任")
        yield Finding((*at, "principal"), "sheet.not_a_person", said, who)


def _asset(
    at: Path,
    card: AssetCard,
    known: Mapping[str, Any] | None,
    kinds: Mapping[str, str],
    things: Mapping[str, str],
) -> Iterator[Finding]:
    yield from _kind(at, card.kind, known)
    if card.provider is not None and card.provider not in kinds:
        yield _unknown((*at, "provider"), Text("party", "主体"), card.provider, kinds)
    elif card.provider is not None and kinds[card.provider] == "agent":
        said = Text(f"{card.provider} is an agent", f"{card.provider} 是智能体")
        who = Text("a person or a body", "自然人或组织")
        yield Finding((*at, "provider"), "sheet.agent_provides", said, who)
    for number, part in enumerate(card.parts):
        if part.kind == "asset" and part.name not in things:
            path = (*at, "parts", number, "name")
            yield _unknown(path, Text("asset", "资产"), part.name, things)
        if part.name == card.id:
            said = Text("an asset is no part of itself", "资产不能是自身的组成部分")
            yield Finding((*at, "parts", number, "name"), "sheet.part_of_itself", said)


def _kind(at: Path, kind: str, known: Mapping[str, Any] | None) -> Iterator[Finding]:
    if known is not None and known["what"] != kind:
        said = Text(f"this id is a {known['what']} already", f"此编号已是 {known['what']}")
        yield Finding((*at, "kind"), "sheet.other_kind", said, Text("another id", "换用另一编号"))


def _idle(path: Path, whose: Text) -> Finding:
    said = Text(f"this is for {whose.en} only", f"仅适用于{whose.zh}")
    return Finding(path, "sheet.no_effect", said, at_key=True)


def _unknown(path: Path, what: Text, id_: str, known: Iterable[str]) -> Finding:
    said = Text(f"there is no {what.en} {id_!r}", f"没有{what.zh} {id_!r}")
    beside = Text("one of this list or of the catalog", "本清单或目录中已有的")
    meant = nearest(id_, known)
    return Finding(path, "sheet.unknown", said, None if meant else beside, meant)


def _tells(card: PartyCard) -> str:
    """A word of a person's name that stands in the id; nothing is known of transcriptions."""
    name = f"{card.name.en} {card.name.zh}" if isinstance(card.name, Bilingual) else card.name
    words = {word.casefold() for word in _WORD.findall(name)}
    return next((word for word in sorted(words) if word in card.id.split("-")), "")
