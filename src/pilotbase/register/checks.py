"""What a filing sheet must hold against the record and the catalog. Pure: yields findings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pilotbase.catalog.rules.delegation import Book, Chain, Refusal, chain_of
from pilotbase.kernel.money import Money
from pilotbase.kernel.text import Text
from pilotbase.kernel.time import check_term, end_of_term, parse
from pilotbase.register.sheet import FilingSheet
from pilotbase.scenario.finding import Finding, Path, nearest

TERM_MAX = "P5Y"
SERVABLE = ("model", "agent", "tool")
PASSED = ("go", "conditional")
TRIED = "tried"
"""The property by which an asset says that its content is a candidate that was tried."""


@dataclass(frozen=True)
class Proven:
    """What the record knows of a candidate.

    Attributes:
        said: its verdict. tried: the digest under which the plan froze it.
        condition: what the panel's rule asks of a conditional one, in both languages.
    """

    candidate: str
    said: str
    stand_in: bool
    tried: str
    condition: Mapping[str, str] | None


def findings(
    sheet: FilingSheet,
    candidates: Mapping[str, Proven],
    chosen: str | None,
    book: Book,
    assets: Mapping[str, Mapping[str, Any]],
    at: datetime,
) -> Iterator[Finding]:
    """All that stands against a filing.

    Args:
        candidates: by id, all of the pilot. assets: the catalog's, by id.
    """
    proven = candidates.get(sheet.candidate or chosen or "")
    yield from _candidate(sheet, proven, candidates)
    chain = chain_of(book, sheet.principal, "")
    if isinstance(chain, Refusal):
        yield Finding(("principal",), "sheet.principal", chain.message, PRINCIPAL)
    person = chain.person if isinstance(chain, Chain) else ""
    yield from _person(("accepted_by",), sheet.accepted_by, book, "")
    for number, met in enumerate(sheet.conditions):
        yield from _person(("conditions", number, "by"), met.by, book, person)
    if sheet.tier is not None:
        yield from _person(("tier", "by"), sheet.tier.by, book, person)
    if sheet.asset is not None:
        yield from _asset(sheet.asset, proven, assets)
    yield from _terms(sheet, at)


PRINCIPAL = Text(
    "a person or a body of the catalog; an agent is never responsible",
    "目录中的自然人或组织; 智能体不能承担责任",
)


def _candidate(
    sheet: FilingSheet, proven: Proven | None, candidates: Mapping[str, Proven]
) -> Iterator[Finding]:
    """Only an evidenced go, or a conditional whose condition is met, can be filed."""
    at: Path = ("candidate",)
    if proven is None:
        passed = [id_ for id_, one in candidates.items() if one.said in PASSED]
        said = Text("the pilot has no such candidate", "该试点没有此候选方案")
        if sheet.candidate is None:
            said = Text("the verdict chose no candidate", "结论未选定候选方案")
        names = ", ".join(passed) or "–"
        one_of = Text(f"one that passed: {names}", f"已通过的候选方案: {names}")
        yield Finding(at, "sheet.candidate", said, one_of, nearest(sheet.candidate, passed))
        return
    if proven.said not in PASSED:
        said = Text(
            f"the verdict on {proven.candidate} is {proven.said}: it cannot be filed",
            f"{proven.candidate} 的结论为 {proven.said}: 不能备案",
        )
        only = Text("an evidenced go, or conditional with its condition met",
                    "已签证的 go, 或条件已满足的 conditional")  # fmt: skip
        yield Finding(at, "sheet.not_passed", said, only)
    if proven.stand_in:
        said = Text(f"{proven.candidate} is a stand-in", f"{proven.candidate} 只是替身")
        yield Finding(at, "sheet.stand_in", said, Text("a real system", "真实系统"))
    if proven.said == "conditional" and not sheet.conditions:
        said = Text("the verdict has a condition, and nobody says that it is met",
                    "结论附有条件, 但无人说明条件已满足")  # fmt: skip
        wanted = Text(**proven.condition) if proven.condition else None
        yield Finding(("conditions",), "sheet.condition_open", said, wanted, at_key=True)


def _person(at: Path, id_: str, book: Book, principal: str) -> Iterator[Finding]:
    """A step that a named person takes, other than who answers for the service."""
    party = book.parties.get(id_)
    if party is None or party.kind != "person" or party.gone:
        persons = [p.id for p in book.parties.values() if p.kind == "person" and not p.gone]
        said = Text(f"{id_!r} is no person of the catalog", f"{id_!r} 不是目录中的自然人")
        yield Finding(at, "sheet.no_person", said, None, nearest(id_, persons))
    elif id_ == principal:
        said = Text(f"{id_} answers for the service itself", f"{id_} 本人即该服务的负责人")
        yield Finding(at, "sheet.own_judge", said, Text("another person", "另一自然人"))


def _asset(
    id_: str, proven: Proven | None, assets: Mapping[str, Mapping[str, Any]]
) -> Iterator[Finding]:
    """What is served has to be what was tried."""
    asset = assets.get(id_)
    if asset is None:
        said = Text(f"the catalog has no asset {id_!r}", f"目录中没有资产 {id_!r}")
        yield Finding(("asset",), "sheet.unknown", said, None, nearest(id_, assets))
        return
    if asset["what"] not in SERVABLE:
        said = Text(f"a {asset['what']} is not served", f"{asset['what']} 不能作为服务")
        yield Finding(("asset",), "sheet.not_servable", said, Text(*[", ".join(SERVABLE)] * 2))
    card = asset["card"]
    if proven and proven.tried not in (card.get("digest"), card.get("properties", {}).get(TRIED)):
        said = Text(f"{id_} is not what was tried", f"{id_} 不是当时试验的方案")
        name = f"properties: {{{TRIED}: {proven.tried}}}"
        wanted = Text(f"an asset whose provider states `{name}`", f"供给方声明 `{name}` 的资产")
        yield Finding(("asset",), "sheet.not_tried", said, wanted)


def _terms(sheet: FilingSheet, at: datetime) -> Iterator[Finding]:
    try:
        if Money.parse(sheet.price).minor < 0:
            raise ValueError
    except ValueError:
        said = Text(f"{sheet.price!r} is no price", f"{sheet.price!r} 不是价格")
        yield Finding(("price",), "sheet.price", said, Text('"0.02 CNY"', '"0.02 CNY"'))
    try:
        soon = not at < expiry(sheet.expires, at) <= end_of_term(at, TERM_MAX)
    except (ValueError, OverflowError):
        soon = True
    if soon:
        said = Text(f"{sheet.expires!r} cannot be its end", f"{sheet.expires!r} 不能作为到期时间")
        wanted = Text(f"a moment to come, or a term up to {TERM_MAX}",
                      f"将来的时刻, 或不超过 {TERM_MAX} 的期限")  # fmt: skip
        yield Finding(("expires",), "sheet.expires", said, wanted)
    if sheet.ip.public_funding and sheet.ip.funding is None:
        said = Text("whose public money it is, is not said", "未说明公共资金的来源")
        yield Finding(("ip", "funding"), "sheet.funding", said)
    if sheet.facts.sensitive_data and not sheet.facts.personal_data:
        said = Text("sensitive personal data are personal data", "敏感个人信息也是个人信息")
        yield Finding(("facts", "personal_data"), "sheet.facts", said, Text("true", "true"))


def expiry(text: str, at: datetime) -> datetime:
    """The end that a sheet names. Raises ValueError, OverflowError: it names none."""
    return end_of_term(at, check_term(text)) if text.startswith("P") else parse(text)
