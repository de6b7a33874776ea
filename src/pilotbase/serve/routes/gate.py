"""The gate: which service a name stands for and whether a key opens it, in memory and O(1).

What it knows is compiled from the record and put in place of what it knew in one step (`put`); a
call sees either the old state or the new one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from pilotbase.catalog.rules.delegation import Chain, Refusal
from pilotbase.catalog.rules.keys import Admission, KeyRing
from pilotbase.serve.call import Call, Grant, Refused, Route
from pilotbase.serve.routes import why
from pilotbase.serve.routes.compile import Books, Compiled
from pilotbase.serve.routes.near import Near

GRANTS_MAX = 100_000
SERVICE_MAX = 200
SCOPE = "serve.call."


class RecordGate:
    """`ports.Gate`, compiled from the record. Event loop's thread only."""

    def __init__(self) -> None:
        self._compiled = Compiled()
        self._books: Books | None = None
        self._ring: KeyRing | None = None
        self._grants: dict[tuple[bytes, str], Grant] = {}
        self._near: Near | None = None
        self._listeners: list[Callable[[], None]] = []
        self.lost = False
        """The record has not been read for too long; nothing is served until it is."""

    @property
    def books(self) -> Books | None:
        """What the record says; None before it was read."""
        return self._books

    def put(self, books: Books, compiled: Compiled) -> None:
        """Put a new state in place of the old one, and tell all who listen."""
        self._books, self._ring = books, KeyRing(books.book, books.keys)
        self._compiled, self._grants, self._near = compiled, {}, None
        for listener in self._listeners:
            listener()

    def route(self, service: str, at: float, key: str = "") -> Route:
        """See `ports.Gate.route`."""
        route = self._compiled.routes.get(service)
        if route is None or at >= route.expires or self.lost:
            # One that is kept would hold on to the calls that it was raised for before.
            raise self._why_not(service, at, key).with_traceback(None)
        return route

    def admit(self, key: str, route: Route, at: float) -> Grant:
        """See `ports.Gate.admit`.

        A key that was let in before is found by the hash of its text, so that the time of a look-up
        tells nothing of any key. One that was not takes the way of `KeyRing.admit`.
        """
        named = hashlib.sha256(key.encode("utf-8", "replace")).digest(), route.filing
        grant = self._grants.get(named)
        if grant is not None and at < grant.until:
            return grant
        grant = self._asked(key, route, at)
        if len(self._grants) >= GRANTS_MAX:
            self._grants.clear()
        self._grants[named] = grant
        return grant

    def whose(self, key: str, at: float) -> str:
        """See `ports.Gate.whose`."""
        if not key:
            raise why.no_key()
        if self._ring is None or self.lost:
            raise why.lost()
        found = self._ring.known(_text(key), moment_of(at))
        if isinstance(found, Refusal):
            raise why.of_key(found)
        return found.id

    def routes(self, at: float) -> Sequence[Route]:
        """See `ports.Gate.routes`."""
        if self.lost:
            return ()
        found = {one.filing: one for one in self._compiled.routes.values() if at < one.expires}
        return [found[name] for name in sorted(found)]

    def standing(self, call: Call, at: float) -> Refused | None:
        """See `ports.Gate.standing`."""
        try:
            self.route(call.route.filing, at)
        except Refused as refused:
            return refused
        assert self._books is not None and self._ring is not None
        key = self._books.keys.get(call.grant.key)
        if key is None:
            return why.of_key(Refusal("key.wrong", why.no_key().message))
        found = self._ring.standing(key, moment_of(at))
        return why.of_key(found) if isinstance(found, Refusal) else None

    def opens(self, key: str, scope: str, at: float) -> str:
        """Who holds a key that opens something other than a service. Raises Refused."""
        if not key:
            raise why.no_key()
        if self._ring is None or self.lost:
            raise why.lost()
        found = self._ring.admit(_text(key), scope, moment_of(at))
        if isinstance(found, Refusal):
            raise why.of_key(found)
        return found.key.holder

    def on_change(self, listener: Callable[[], None]) -> None:
        """See `ports.Gate.on_change`."""
        self._listeners.append(listener)

    def _asked(self, key: str, route: Route, at: float) -> Grant:
        if not key:
            raise why.no_key()
        if self._ring is None:
            raise why.lost()
        moment = moment_of(at)
        found = self._ring.admit(_text(key), SCOPE + route.filing, moment)
        if isinstance(found, Refusal) and found.code == "key.scope":
            found = self._ring.admit(key, SCOPE + route.service, moment)
        if isinstance(found, Refusal):
            raise why.of_key(found)
        return _grant(found)

    def _why_not(self, service: str, at: float, key: str) -> Refused:
        if self.lost:
            return why.lost()
        route = self._compiled.routes.get(service)
        if route is not None:
            return why.shut(route.filing, "expired", route.expires_at)
        if service in self._compiled.shut:
            return self._compiled.shut[service]
        name = service[:SERVICE_MAX]
        tried = self._books.tried["candidates"] if self._books else {}
        if name in tried:
            return why.not_filed(name, tried[name]["verdict"])
        return why.unknown(name, self._meant(name, at, key))

    def _meant(self, name: str, at: float, key: str) -> str | None:
        """Only for who has a key: looking costs more than saying no."""
        if not key or self._ring is None:
            return None
        if isinstance(self._ring.known(_text(key), moment_of(at)), Refusal):
            return None
        self._near = self._near or Near(self._compiled.routes)
        return self._near.to(name)


def _text(key: str) -> str:
    # What is no text of a key is no key; it must not fail where it is hashed.
    return key if key.isascii() else "?"


def moment_of(at: float) -> datetime:
    """Seconds since 1970 as a moment."""
    return datetime.fromtimestamp(at, UTC)


def _grant(found: Admission) -> Grant:
    key, chain = found.key, found.chain
    ends = [key.until, *([key.ended] if key.ended else []), *_ends(chain)]
    return Grant(
        key=key.id,
        holder=key.holder,
        links=tuple(link.id for link in chain.links),
        principal=chain.principal,
        person=chain.person,
        until=min(ends).timestamp(),
    )


def _ends(chain: Chain) -> list[datetime]:
    return [chain.until] if chain.until is not None else []
