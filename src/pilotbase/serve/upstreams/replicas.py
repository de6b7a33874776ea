"""Which upstream of a route a call goes to, and which are left alone for now."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from pilotbase.serve.call import Route, Upstream
from pilotbase.serve.rules.breaker import Breaker
from pilotbase.serve.rules.choice import Turns
from pilotbase.serve.upstreams.mcp import McpPool
from pilotbase.serve.upstreams.pool import Pool
from pilotbase.serve.upstreams.timer import Ticks
from pilotbase.trial.endpoints.secret import read_secret

ROUTES_MAX = 10_000
_WELL = Breaker()


class Replica:
    """An upstream with its connections and its breaker.

    Attributes:
        held: kept out of turn, for a drill or by an operator.
    """

    __slots__ = ("breaker", "held", "pool", "upstream")

    def __init__(self, upstream: Upstream, pool: Pool) -> None:
        self.upstream, self.pool = upstream, pool
        self.breaker = _WELL
        self.held = False

    def answered(self) -> None:
        if self.breaker is not _WELL:
            self.breaker = self.breaker.answered()

    def failed(self) -> None:
        self.breaker = self.breaker.failed(self.pool.ticks.now)


class Replicas:
    """The upstreams of all routes; one and the same upstream of two routes is one.

    Args:
        key_of: the key's text for an upstream's ``secret``; by default read from where it says.
    """

    def __init__(self, ticks: Ticks, key_of: Callable[[str], str] | None = None) -> None:
        self._ticks = ticks
        self._key_of = key_of or key_at
        self._all: dict[Upstream, Replica] = {}
        self._turns: dict[int, tuple[Route, Turns, tuple[Replica, ...]]] = {}
        self._retired = set[Pool]()
        self._wanted: set[Upstream] | None = None  # until it is said, any

    def pick(self, route: Route, tried: Iterable[Replica] = ()) -> Replica | None:
        """Whose turn it is, of those that can take a call and were not tried with it. A call may
        have a route that is no more: then of those that others have still.

        Raises:
            CandidateError: an upstream's address or key is not in order.
        """
        found = self._turns.get(id(route))
        if found is None or found[0] is not route:
            said = self._wanted
            upstreams = [one for one in route.upstreams if said is None or one in said]
            if not upstreams:
                return None
            replicas = tuple(self.of(one) for one in upstreams)
            found = route, Turns([one.weight for one in upstreams]), replicas
            if len(self._turns) >= ROUTES_MAX:
                self._turns.clear()
            self._turns[id(route)] = found
        replicas = found[2]
        if len(replicas) == 1:
            only = replicas[0]
            if only.breaker is _WELL and not only.held and not tried:
                return only
        now = self._ticks.now
        able = [not r.held and r.breaker.allows(now) and r not in tried for r in replicas]
        place = found[1].next(able)
        if place is None:
            return None
        chosen = replicas[place]
        chosen.breaker = chosen.breaker.probe(now)
        return chosen

    def of(self, upstream: Upstream) -> Replica:
        replica = self._all.get(upstream)
        if replica is None:
            key = self._key_of(upstream.secret) if upstream.secret else ""
            kind = McpPool if upstream.kind == "mcp" else Pool
            replica = Replica(upstream, kind(upstream, self._ticks, key=key))
            self._all[upstream] = replica
        return replica

    def known(self, upstream: Upstream) -> Replica | None:
        """The upstream's replica, where a call has gone to it already."""
        return self._all.get(upstream)

    def hold(self, upstream_id: str, held: bool) -> int:
        """Keep an upstream out of turn, or let it in again. Returns how many are of that name."""
        found = [one for one in self._all.values() if one.upstream.id == upstream_id]
        for one in found:
            one.held = held
        return len(found)

    def keep(self, routes: Iterable[Route]) -> None:
        """After the routes have changed: upstreams that none has any more get no more calls."""
        self._wanted = wanted = set[Upstream]()
        for route in routes:
            for one in (route, *route.fallback):
                wanted.update(one.upstreams)
        self._turns.clear()
        self._retired = {pool for pool in self._retired if pool.links}
        gone = [self._all.pop(one).pool for one in self._all.keys() - wanted]
        self._retired.update(gone)
        for pool in gone:
            pool.retire()

    async def aclose(self) -> None:
        pools = [*self._retired, *(replica.pool for replica in self._all.values())]
        await asyncio.gather(*(pool.aclose() for pool in pools))


def key_at(secret: str, environment: Mapping[str, str] = os.environ) -> str:
    """The key that ``env:NAME`` or ``file:PATH`` names; arrangements are the operator's own words.

    Raises:
        CandidateError: it is not there, or is no key.
    """
    from pilotbase.scenario.offer import Key

    kind, _, name = secret.partition(":")
    key = Key(env=name) if kind == "env" else Key(file=name)
    return read_secret(key, Path("/"), trust=True, environment=environment).reveal()
