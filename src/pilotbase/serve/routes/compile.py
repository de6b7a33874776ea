"""From what the record says to what may be called. Pure: the moment is an argument."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, get_args

from pilotbase.catalog.rules.delegation import Book, Delegation
from pilotbase.catalog.rules.keys import Key
from pilotbase.kernel.text import Text
from pilotbase.kernel.time import parse
from pilotbase.register.rules.states import standing
from pilotbase.serve.call import Caps, Operation, Refused, Route, Tariff, Upstream
from pilotbase.serve.routes import why
from pilotbase.serve.routes.proof import served_by
from pilotbase.serve.rules.tariff import tariff_of

Said = Mapping[str, Any]
SPEAKS: dict[str, tuple[Operation, ...]] = {
    "chat": ("chat",),
    "oip": ("infer",),
    "mcp": ("tool",),
    "a2a": ("message",),
}
"""What an upstream of a kind answers, where its arrangement does not say."""
OWN: dict[str, tuple[Operation, ...]] = {
    "classification": ("infer", "chat"),
    "detection": ("infer", "chat"),
    "regression": ("infer", "chat"),
    "forecast": ("infer", "chat"),
    "answer": ("chat",),
}
"""By task: what the base's own workers answer. An agent that acts needs a world of its own."""
FILES = ("csv", "xlsx", "parquet", "sql", "results", "sealed")
EVER = float("inf")


@dataclass(frozen=True)
class Craft:
    """What the base must know of a scenario to serve its candidates itself.

    ``in_files``: its data lie in files beside the scenario, so that a folder has to be named.
    ``data``, ``features``: where its cases come from, and their columns where it names them.
    """

    task: str
    in_files: bool
    offers: Mapping[str, Said]
    data: Said = field(default_factory=dict)
    features: tuple[str, ...] = ()


@dataclass(frozen=True)
class Books:
    """What the record says, as far as routes hang on it.

    Attributes:
        filings, arrangements, tried: states of the views. titles: by asset, its title.
        crafts: by pilot, of those that some filing or development route needs.
        limits: state of the view of limits, for the meter.
    """

    filings: Said
    arrangements: Said
    tried: Said
    titles: Mapping[str, Text]
    crafts: Mapping[str, Craft]
    book: Book
    keys: Mapping[str, Key]
    limits: Said = field(default_factory=dict)


@dataclass(frozen=True)
class Compiled:
    """What may be called at a moment.

    Attributes:
        routes: by filing and by service. shut: the same names where a filing is not live.
        until: the next moment at which the clock alone changes any of it, or a key or a mandate.
    """

    routes: Mapping[str, Route] = field(default_factory=dict)
    shut: Mapping[str, Refused] = field(default_factory=dict)
    until: float = EVER


def craft_of(document: Said) -> Craft:
    """From a scenario as it was recorded."""
    sources = [document.get("data", {}), (document.get("documents") or {}).get("data", {})]
    in_files = any(source.get(word) for source in sources for word in FILES)
    offers = {offer["id"]: offer for offer in document["candidates"]}
    features = tuple(document.get("features") or ())
    return Craft(document["task"], in_files, offers, document.get("data", {}), features)


def compiled(
    books: Books,
    at: float,
    sockets: str = "",
    *,
    development: bool = False,
    workers: Mapping[str, Said] = MappingProxyType({}),
) -> Compiled:
    """Everything that may be called at a moment, and why the rest may not.

    Args:
        at: seconds since 1970. sockets: the folder of the own workers' sockets; empty where there
            are no such workers. development: also what is not filed. workers: by filing, how its
            own workers are (`workers.Note.said`).
    """
    making = _Making(books, at, sockets)
    routes, shut = dict[str, Route](), dict[str, Refused]()
    for id_ in sorted(books.filings, key=lambda one: books.filings[one]["history"][0]["entry"]):
        try:
            made = making.filed(id_)
        except (ValueError, TypeError, KeyError) as error:  # one bad arrangement shuts one service
            made = why.bad_arrangement(id_, f"{type(error).__name__}: {error}")
        for name in (id_, service_of(id_)):
            routes.pop(name, None)
            shut.pop(name, None)
            if isinstance(made, Route):
                routes[name] = made
            else:
                shut[name] = made
    routes = {name: making.with_fallback(route, routes) for name, route in routes.items()}
    for name, route in [*routes.items()]:
        if not route.upstreams and not route.fallback:
            shut[name] = making.unreached(route.filing)
            del routes[name]
    if development:
        for name, route in making.in_development():
            if name not in routes and name not in shut:
                routes[name] = route
    for name, route in [*routes.items()]:
        found = _as_workers_are(route, workers.get(route.filing), at)
        if isinstance(found, Refused):
            shut[name] = found
            del routes[name]
        else:
            routes[name] = found
    return Compiled(routes, shut, making.until())


def _as_workers_are(route: Route, worker: Said | None, at: float) -> Route | Refused:
    """A route whose workers cannot answer goes to its second choice, or is shut."""
    if worker is None or any(one.kind != "candidate" for one in route.upstreams):
        return route
    shut = why.worker(route.filing, worker, at)
    if shut is None:
        return replace(route, worker=str(worker["state"]))
    return replace(route, upstreams=()) if route.fallback else shut


def service_of(filing: str) -> str:
    """A filing's name without its number; it stays over renewals.

    >>> service_of("travel-mode-forest-2")
    'travel-mode-forest'
    """
    return filing.rpartition("-")[0]


def socket_of(sockets: str, filing: str, number: int = 1) -> str:
    """Where an own worker listens. Short: the path of a socket has at most 107 bytes."""
    return f"{sockets}/{hashlib.sha256(filing.encode()).hexdigest()[:12]}-{number}.sock"


@dataclass(frozen=True)
class _Making:
    books: Books
    at: float
    sockets: str

    def filed(self, id_: str) -> Route | Refused:
        said = self.books.filings[id_]
        stands = standing(said["state"], parse(said["expires"]), _moment(self.at))
        if stands != "live":
            since = said["expires"] if stands == "expired" else said["history"][-1]["at"]
            return why.shut(id_, stands, since)
        arranged = self._arranged(id_)
        offer, craft = self._offer(f"pilot:{said['run']}", said["candidate"])
        upstreams = self._upstreams(id_, arranged, offer, craft)
        reached = self._without_drilled(id_, upstreams)
        return Route(
            filing=id_,
            service=service_of(id_),
            speaks=_speaks(arranged, upstreams, craft),
            columns=_columns(craft),
            title=self.books.titles.get(said["asset"]["id"], Text(id_, id_)),
            asset=said["asset"]["id"],
            version=said["asset"]["version"],
            tried=said["tried"],
            verdict=said["verdict"],
            said=said["said"],
            tier=said["tier"]["tier"],
            principal=said["principal"],
            person=said["person"],
            expires=parse(said["expires"]).timestamp(),
            expires_at=said["expires"],
            tariff=tariff_of(said["price"], arranged.get("tokens", {})),
            upstreams=reached,
            served=served_by(reached, offer),
            arranged_by=arranged.get("by", ""),
            **_terms(arranged),
        )

    def with_fallback(self, route: Route, routes: Mapping[str, Route]) -> Route:
        """The route with those of second choice that are live, each without a further one."""
        named = self._arranged(route.filing).get("fallback", ())
        earlier = self.books.filings.get(route.filing, {}).get("earlier", "")
        ids = [earlier if name == "earlier" else name for name in named]
        found = [routes[id_] for id_ in dict.fromkeys(ids) if id_ in routes and id_ != route.filing]
        return replace(route, fallback=tuple(replace(one, fallback=()) for one in found))

    def in_development(self) -> Iterator[tuple[str, Route]]:
        """Arrangements without a filing, and candidates of runs that nobody filed."""
        for name, arranged in self.books.arrangements.items():
            if name not in self.books.filings and arranged["entry"] is not None:
                yield name, self._unfiled(name, arranged, None, None, {})
        for name, tried in self.books.tried["candidates"].items():
            offer, craft = self._offer(tried["pilot"], tried["candidate"])
            if self._own(offer, craft):
                yield name, self._unfiled(name, {}, offer, craft, tried)

    def _unfiled(
        self, name: str, arranged: Said, offer: Said | None, craft: Craft | None, tried: Said
    ) -> Route:
        upstreams = self._upstreams(name, arranged, offer, craft)
        return Route(
            filing=name, service=name, speaks=_speaks(arranged, upstreams, craft),
            columns=_columns(craft), title=Text(name, name), asset="", version="", tried="",
            verdict="", said=tried.get("verdict", ""), tier="", principal=arranged.get("by", ""),
            person=arranged.get("by", ""), expires=EVER, expires_at="", tariff=Tariff(""),
            upstreams=self._without_drilled(name, upstreams), source="development",
            **_terms(arranged),
        )  # fmt: skip

    def _arranged(self, name: str) -> Said:
        found: Said = self.books.arrangements.get(name, {})
        return found if found.get("entry") is not None else {}

    def _offer(self, pilot: str, candidate: str) -> tuple[Said | None, Craft | None]:
        craft = self.books.crafts.get(pilot)
        return (craft.offers.get(candidate), craft) if craft else (None, None)

    def _own(self, offer: Said | None, craft: Craft | None) -> bool:
        """Whether the base can serve it with nothing arranged."""
        if offer is None or craft is None or craft.in_files or not self.sockets:
            return False
        return craft.task in OWN and bool(offer.get("estimator") or offer.get("plugin"))

    def _upstreams(
        self, id_: str, arranged: Said, offer: Said | None, craft: Craft | None
    ) -> tuple[Upstream, ...]:
        if not arranged.get("upstreams"):
            return (self._own_one(id_, "own", 1, 1),) if self._own(offer, craft) else ()
        return tuple(self._arranged_ones(id_, arranged["upstreams"]))

    def _arranged_ones(self, id_: str, named: Sequence[Said]) -> Iterator[Upstream]:
        number = 0
        for said in named:
            if said["kind"] != "candidate":
                yield Upstream(
                    id=said["id"], kind=said["kind"], url=said["url"], model=said["model"],
                    secret=said["secret"], weight=said["weight"], private=said["private"],
                )  # fmt: skip
            elif self.sockets:
                number += 1
                yield self._own_one(id_, said["id"], number, said["weight"])

    def _own_one(self, id_: str, name: str, number: int, weight: int) -> Upstream:
        url = f"unix:{socket_of(self.sockets, id_, number)}"
        return Upstream(name, "candidate", url, model=id_, weight=weight, private=True)

    def _without_drilled(self, id_: str, upstreams: tuple[Upstream, ...]) -> tuple[Upstream, ...]:
        if self.drill_left(id_) is None:
            return upstreams
        cut = self.books.arrangements[id_]["drill"]["upstream"]
        return tuple(one for one in upstreams if one.id != cut)

    def drill_left(self, id_: str) -> float | None:
        """Seconds for which a drill still cuts an upstream off; None where there is none."""
        drill = self.books.arrangements.get(id_, {}).get("drill")
        left = parse(drill["until"]).timestamp() - self.at if drill else 0.0
        return left if left > 0 else None

    def unreached(self, id_: str) -> Refused:
        """Why a live filing has no upstream."""
        drill = self.drill_left(id_)
        pilot = f"pilot:{self.books.filings.get(id_, {}).get('run', '')}"
        recorded = pilot in self.books.tried.get("submitted", {})
        if drill is None and recorded and pilot not in self.books.crafts:
            return why.erased(id_, pilot)
        return why.no_upstream(id_, drill)

    def until(self) -> float:
        books = self.books
        ends = [parse(said["expires"]) for said in books.filings.values()]
        ends += [
            parse(said["drill"]["until"])
            for said in books.arrangements.values()
            if said.get("drill")
        ]
        held: list[Key | Delegation] = [*books.keys.values(), *books.book.delegations.values()]
        for one in held:
            ends += [one.since, one.until, one.ended or one.until]
        return min((t for end in ends if (t := end.timestamp()) > self.at), default=EVER)


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _speaks(
    arranged: Said, upstreams: Sequence[Upstream], craft: Craft | None
) -> frozenset[Operation]:
    said = [word for word in arranged.get("speaks", ()) if word in get_args(Operation)]
    if said:
        return frozenset(said)
    own = OWN.get(craft.task, ()) if craft else ()
    return frozenset(
        word for one in upstreams for word in (own if one.kind == "candidate" else SPEAKS[one.kind])
    )


def _columns(craft: Craft | None) -> bool:
    """Whether own workers take columns: all but those that answer questions in words."""
    return craft is not None and craft.task in OWN and craft.task != "answer"


def _terms(arranged: Said) -> dict[str, Any]:
    return {
        "caps": Caps(**arranged.get("caps", {})),
        "guards": arranged.get("guards", {}),
        "handoff": arranged.get("handoff", {}),
        "content": arranged.get("content", False),
    }
