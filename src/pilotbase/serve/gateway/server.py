"""The server: listens, counts its connections, stops in an orderly way."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import Callable
from email.utils import formatdate

from pilotbase.serve.gateway.asgi import App, Lifespan
from pilotbase.serve.gateway.http import Connection
from pilotbase.serve.gateway.limits import Limits
from pilotbase.serve.gateway.serving import Serving
from pilotbase.serve.ports import Door
from pilotbase.serve.rules.http_head import RequestHead
from pilotbase.serve.upstreams.timer import Ticks

BACKLOG = 2048
DRAIN_S = 20.0
SETTLE_S = 5.0
"""So long does a stop wait for what the meter was given: a call whose intent goes to a slow disk
can only be settled once it is there."""
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 2\r\nconnection: close\r\n"
    b"content-length: 0\r\n\r\n"
)

DoorOf = Callable[[bytes, bytes], Door | None]
"""The door of a method and a path; None where it is no call."""


class Server:
    """Takes connections for a serving flow and, for the rest, an ASGI application.

    Attributes:
        heads: what request heads say, by their bytes.
        date: the header line, made anew every second.
        bodies: bytes of requests that are being read. faults: requests that were none.
    """

    def __init__(
        self,
        serving: Serving,
        door_of: DoorOf,
        app: App,
        ticks: Ticks,
        limits: Limits | None = None,
    ) -> None:
        self.serving, self.door_of, self.app, self.ticks = serving, door_of, app, ticks
        self.limits = limits or Limits()
        self.loop = asyncio.get_running_loop()
        self.heads: dict[bytes, tuple[RequestHead, Door | None]] = {}
        self.bodies = self.faults = 0
        self.draining = False
        self.date = b""
        self._connections = set[Connection]()
        self._listening: list[asyncio.Server] = []
        self._lifespan = Lifespan(app)
        self._dating: asyncio.TimerHandle | None = None

    @property
    def connections(self) -> int:
        return len(self._connections)

    async def listen(self, *sockets: socket.socket) -> None:
        """Start on sockets that are bound; several processes may share one."""
        await self._lifespan.start()
        self.ticks.start()
        self._tell_date()
        for one in sockets:
            listening = await self.loop.create_server(
                lambda: Connection(self), sock=one, backlog=BACKLOG
            )
            self._listening.append(listening)
        gc.collect()
        gc.freeze()  # what is made by now stays: it need not be looked at again and again

    def _tell_date(self) -> None:
        self.date = f"date: {formatdate(usegmt=True)}\r\n".encode()
        self._dating = self.loop.call_later(1.0, self._tell_date)

    def joined(self, connection: Connection) -> None:
        self._connections.add(connection)
        self.ticks.watch(connection)
        if len(self._connections) > self.limits.connections_max:
            connection.turn_away(_FULL)
        elif self.draining:
            connection.drain()

    def left(self, connection: Connection) -> None:
        self._connections.discard(connection)
        self.ticks.forget(connection)

    async def stop(self, drain_s: float = DRAIN_S) -> None:
        """Take no more; answer what is under way; after ``drain_s`` cut and settle the rest."""
        self.draining = True
        for listening in self._listening:
            listening.close()
        for connection in tuple(self._connections):
            connection.drain()
        until = self.loop.time() + drain_s
        while (self._connections or self.serving.under_way) and self.loop.time() < until:
            await asyncio.sleep(0.02)
        self.serving.cut_all()
        until = self.loop.time() + SETTLE_S
        while self.serving.under_way and self.loop.time() < until:
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.05 if self._connections else 0)
        for connection in tuple(self._connections):
            connection.abandon()
        await self._lifespan.stop()
        if self._dating is not None:
            self._dating.cancel()
        await self.serving.replicas.aclose()
        self.ticks.stop()
        gc.unfreeze()
