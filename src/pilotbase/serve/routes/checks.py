"""What an arrangement sheet must hold against the record. Pure: yields findings."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pilotbase.catalog.rules.delegation import Party
from pilotbase.kernel.errors import CandidateError, InputError, SheetError
from pilotbase.kernel.text import Text
from pilotbase.scenario.finding import Finding, Path, nearest
from pilotbase.serve.routes.compile import Books
from pilotbase.serve.routes.second import spoken, unfit
from pilotbase.serve.routes.sheet import ArrangementSheet, ServiceSheet, UpstreamSheet
from pilotbase.serve.rules.tariff import tariff_of, token_price
from pilotbase.trial.endpoints.address import address_of, check_literal

Said = Mapping[str, Any]
ENDED = ("stopped", "withdrawn", "exited")
EARLIER = "earlier"
_ENV = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_AMOUNT = Text('"0.50 CNY per 1000000"', '"0.50 CNY per 1000000"')


def findings(
    sheet: ArrangementSheet,
    books: Books,
    programs: Collection[str] = (),
    *,
    development: bool,
) -> Iterator[Finding]:
    """All that stands against a sheet.

    Args:
        books: what the record says. programs: filings of what was tried as a program of the
            candidate; an address in its place has to be declared. development: services without a
            filing are meant.
    """
    filings, parties = books.filings, books.book.parties
    speaks = {one.filing: spoken(books, one.filing, one.model_dump()) for one in sheet.services}
    seen = set[str]()
    for number, service in enumerate(sheet.services):
        at: Path = ("services", number)
        if service.filing in seen:
            said = Text(f"{service.filing} stands here twice", f"{service.filing} 重复出现")
            yield Finding((*at, "filing"), "sheet.twice", said)
        seen.add(service.filing)
        yield from _filing(service, at, filings, development)
        yield from _fallback(service, at, books, speaks)
        yield from _upstreams(service, at, development)
        if service.filing in programs:
            yield from _declared(service, at)
        yield from _tokens(service, at, filings)
        yield from _guards(service, at)
        yield from _people(service.handoff.get("people"), (*at, "handoff", "people"), parties)


def _filing(service: ServiceSheet, at: Path, filings: Said, development: bool) -> Iterator[Finding]:
    known = filings.get(service.filing)
    where = (*at, "filing")
    if development:
        names = {*filings, *(id_.rpartition("-")[0] for id_ in filings)}
        if service.filing in names:
            said = Text(
                f"{service.filing} is filed: development never stands in for it",
                f"{service.filing} 已备案: 开发模式不能取代它",
            )
            yield Finding(where, "sheet.filed", said, Text("another name", "另取名称"))
    elif known is None:
        said = Text(
            f"no filing is called {service.filing!r}", f"没有名为 {service.filing!r} 的备案"
        )
        yield Finding(where, "sheet.unknown", said, None, nearest(service.filing, filings))
    elif known["state"] in ENDED:
        said = Text(f"the filing is {known['state']} for good", "该备案已永久失效")
        yield Finding(where, "sheet.ended", said, Text("a live filing", "有效的备案"))


def _fallback(
    service: ServiceSheet, at: Path, books: Books, speaks: Mapping[str, Collection[str]]
) -> Iterator[Finding]:
    """A second choice is another filing, which takes and answers what this one does."""
    filings, own = books.filings, service.filing
    for number, name in enumerate(service.fallback):
        where = (*at, "fallback", number)
        meant = filings.get(own, {}).get("earlier", "") if name == EARLIER else name
        if name not in filings and name != EARLIER:
            said = Text(f"no filing is called {name!r}", f"没有名为 {name!r} 的备案")
            yield Finding(where, "sheet.unknown", said, None, nearest(name, filings))
        elif meant in filings and (said := unfit(books, own, meant, speaks)).en:
            yield Finding(where, "sheet.fallback", said)


def _upstreams(service: ServiceSheet, at: Path, development: bool) -> Iterator[Finding]:
    ids = [one.id for one in service.upstreams]
    if development and not service.upstreams:
        said = Text("no upstream is named", "未写明上游")
        yield Finding((*at, "upstreams"), "sheet.no_upstream", said, at_key=True)
    for number, one in enumerate(service.upstreams):
        where = (*at, "upstreams", number)
        if one.id in ids[:number]:
            said = Text(f"two upstreams are called {one.id}", f"两个上游同名: {one.id}")
            yield Finding((*where, "id"), "sheet.twice", said)
        yield from _upstream(one, where, development)


def _upstream(one: UpstreamSheet, at: Path, development: bool) -> Iterator[Finding]:
    if one.kind == "candidate":
        if one.url is not None or one.key is not None or development:
            said = Text(
                "the base's own worker has neither url nor key, and serves filed candidates",
                "基地自有的工作进程没有 url 与 key, 且只服务已备案的候选方案",
            )
            yield Finding((*at, "kind"), "sheet.own_worker", said)
    elif one.url is None:
        said = Text("where it is, is not said", "未写明地址")
        yield Finding((*at, "url"), "sheet.no_url", said, at_key=True)
    else:
        try:
            check_literal(address_of(one.url, private=one.private), private=one.private)
        except CandidateError as error:
            yield Finding((*at, "url"), "sheet.address", error.message, error.next_step)
    key = one.key
    if key is not None and (key.env is None) == (key.file is None):
        said = Text("a key lies in one place", "密钥须恰好指明一处")
        yield Finding((*at, "key"), "sheet.key", said, Text("env or file", "env 或 file"))
    elif key is not None and key.env is not None and not _ENV.fullmatch(key.env):
        said = Text("this is no name of a variable", "不是环境变量名")
        yield Finding((*at, "key", "env"), "sheet.key", said)


def _declared(service: ServiceSheet, at: Path) -> Iterator[Finding]:
    """The gateway cannot find out whether what is behind an address is the program of a trial."""
    for number, one in enumerate(service.upstreams):
        if one.kind == "candidate" or one.declared:
            continue
        said = Text(
            f"{service.filing} was tried as a program; whether {one.id} runs that very version is "
            "only known to who arranges it",
            f"{service.filing} 是以程序形式试验的; {one.id} 运行的是否为同一版本, 只有安排人知道",
        )
        step = Text(
            "declared: why this is the version that was tried",
            "declared: 说明为何这就是试验过的版本",
        )
        yield Finding((*at, "upstreams", number), "sheet.declared", said, step, at_key=True)


def _tokens(service: ServiceSheet, at: Path, filings: Said) -> Iterator[Finding]:
    price = filings.get(service.filing, {}).get("price")
    for word, text in service.tokens.model_dump(exclude_none=True).items():
        try:
            _ = tariff_of(price, {word: text}) if price else token_price(text)
        except ValueError as error:
            said = Text(str(error), f"{text!r} 不能用作价格: 格式、币种或精度不符")
            yield Finding((*at, "tokens", word), "sheet.price", said, _AMOUNT)


def _guards(service: ServiceSheet, at: Path) -> Iterator[Finding]:
    """What the readers of guards and hand-off say to their words."""
    from pilotbase.serve.guards.arranged import arranged
    from pilotbase.serve.people.policy import policy_of

    for word, said, read in (
        ("guards", service.guards, arranged),
        ("handoff", service.handoff, policy_of),
    ):
        try:
            read(said)
        except SheetError as error:
            for fault in error.faults:
                names = fault.path.split(" → ")[1:]
                yield Finding((*at, word, *names), fault.code, fault.message, fault.expected)
        except InputError as error:
            yield Finding((*at, word), error.code, error.message, error.next_step)
    yield from _hook(service.handoff.get("webhook"), (*at, "handoff", "webhook", "url"))


def _people(said: Any, at: Path, parties: Mapping[str, Party]) -> Iterator[Finding]:
    """Who is to decide can: a person of the catalog who has not left it."""
    persons = [one.id for one in parties.values() if one.kind == "person" and not one.gone]
    for number, name in enumerate(said if isinstance(said, (list, tuple)) else ()):
        if isinstance(name, str) and name not in persons:
            told = Text(f"{name!r} is no person of the catalog", f"{name!r} 不是目录中的自然人")
            yield Finding((*at, number), "sheet.no_person", told, None, nearest(name, persons))


def _hook(said: Any, at: Path) -> Iterator[Finding]:
    """A webhook inside a private network has to be said to be there, as an upstream has."""
    if not isinstance(said, Mapping):
        return
    private = said.get("private") is True
    try:
        address = address_of(str(said.get("url")), private=private)
    except CandidateError:
        return  # told by the reader
    try:
        check_literal(address, private=private)
    except CandidateError as error:
        yield Finding(at, "sheet.address", error.message, error.next_step)
