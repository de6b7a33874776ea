"""The serving flow: one way for every call, whatever protocol it was asked by."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from pilotbase.kernel.errors import PilotbaseError
from pilotbase.serve.call import Ask, Operation, Refused, Route
from pilotbase.serve.gateway import said
from pilotbase.serve.gateway.headers import Blocks
from pilotbase.serve.gateway.live import Live
from pilotbase.serve.gateway.resumed import Resumed
from pilotbase.serve.ports import (
    Dialect,
    Gate,
    Meter,
    Observer,
    People,
    Receipts,
    Reply,
    Taken,
    Watch,
)
from pilotbase.serve.upstreams.replicas import Replicas

Watching = Callable[[Route], Watch | None]
"""The guards of one call to a route; None where nothing looks."""


class Serving:
    """Serves calls. On the loop's thread only.

    Args:
        dialects: how each operation is put to an upstream.
        clock: seconds since 1970; read once a call.

    Attributes:
        live: the calls that are under way or wait for a person, and those that are answered and
            cannot be settled yet.
    """

    def __init__(
        self,
        gate: Gate,
        meter: Meter,
        replicas: Replicas,
        dialects: Mapping[Operation, Dialect],
        *,
        watching: Watching | None = None,
        people: People | None = None,
        receipts: Receipts | None = None,
        observer: Observer | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.gate, self.meter, self.replicas = gate, meter, replicas
        self.dialects = dict(dialects)
        self.watching, self.people, self.receipts = watching, people, receipts
        self.observer = observer
        self.clock = clock
        self.blocks = Blocks()
        self.live = set[Live]()
        self.stopping = False

    def serve(self, ask: Ask, key: str, reply: Reply) -> Live | None:
        """Begin a call. The reply hears of everything; None where it was refused at once."""
        live = Live(self, ask, key, reply, self.clock())
        return live if self._enter(live, key) else None

    def resume(self, ask: Ask, key: str, reply: Reply, taken: Taken) -> None:
        """Go on with a call that another process began. The reply hears of what comes of it."""
        self._enter(Resumed(self, ask, key, reply, self.clock(), taken), "")

    def _enter(self, live: Live, key: str) -> bool:
        """Let a call in; False where it was refused at once. ``key``: who may be told of names."""
        try:
            if self.stopping:
                raise said.stopping()
            route = self.gate.route(live.ask.service, live.at, key)
            if route.fallback:
                live.others = route.fallback
            self.live.add(live)
            live.enter(route)
        except Refused as refused:
            live.turn_away(refused)
        except PilotbaseError as error:  # an upstream's address or key is not in order
            live.turn_away(Refused(503, error.code, error.message, error.next_step))
        except Exception:  # a guard, or a fault of ours: it must not end the connection
            live.broken()
        else:
            return True
        return False

    def note(self, refused: Refused) -> None:
        """A call was refused before it was begun."""
        if self.observer is not None:
            self.observer.refused(refused)

    def recheck(self) -> None:
        """What is allowed has changed: calls that may go on no longer are cut."""
        at = self.clock()
        for live in tuple(self.live):
            if live.call is not None and (why := self.gate.standing(live.call, at)) is not None:
                live.cut(why)

    @property
    def under_way(self) -> bool:
        """Whether any call is, also without a client; none that waits for a person."""
        return any(not live.waits for live in self.live)

    def cut_all(self) -> None:
        """The end of a graceful stop: what is still under way is cut and settled.

        What waits for a person stays in the queue, with its reservation, for a later gateway.
        """
        self.stopping = True
        for live in tuple(self.live):
            if not live.waits:
                live.cut(said.stopping())
