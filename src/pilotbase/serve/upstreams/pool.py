"""Connections to one upstream: kept, counted, opened to checked addresses only."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections import deque
from typing import Any

from pilotbase.kernel.errors import PilotbaseError
from pilotbase.serve.call import Caps, Upstream
from pilotbase.serve.rules.http_head import ResponseHead
from pilotbase.serve.upstreams.link import Link, Lost, Sink
from pilotbase.serve.upstreams.reasons import no_address, no_connection, no_tls
from pilotbase.serve.upstreams.timer import NEVER, Ticks
from pilotbase.trial.endpoints.address import Address, address_of, resolve

_log = logging.getLogger("pilotbase.serve")

CONNECTIONS_MAX = 256
WAITING_MAX = 1024
CONNECT_S = 5.0
JSON = b"application/json"
IDLE_S = 4.0  # servers close idle connections after 5 seconds and more
RESOLVED_S = 60.0


class Waiting:
    """A question for which there is no connection yet."""

    __slots__ = ("caps", "deadline", "pool", "question", "sink")

    def __init__(self, pool: Pool, question: bytes, sink: Sink, caps: Caps) -> None:
        self.pool, self.question, self.sink, self.caps = pool, question, sink, caps
        self.deadline = pool.ticks.now + min(caps.first_byte_s_max, caps.whole_s_max)

    def late(self, now: float) -> None:
        self.pool.give_up(self, Lost("no connection in time", sent=False, late=True))


class Pool:
    """As many connections to an upstream as are needed at once, up to a limit.

    Who may sign a server's certificate, the system says; ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` say
    it in its place (OpenSSL's own variables).

    Args:
        key: what stands after ``Authorization: Bearer``; empty where the upstream wants none.

    Raises:
        CandidateError: the upstream's address is none that may be written.
    """

    def __init__(
        self,
        upstream: Upstream,
        ticks: Ticks,
        *,
        key: str = "",
        connections_max: int = CONNECTIONS_MAX,
    ) -> None:
        self.upstream, self.ticks = upstream, ticks
        self._key, self._max = key, connections_max
        self._path = upstream.url.removeprefix("unix:") if upstream.url[:5] == "unix:" else ""
        self._address: Address | None = None
        if not self._path:
            self._address = address_of(upstream.url, private=upstream.private)
        self._tls = ssl.create_default_context() if self._address and self._address.tls else None
        self._numbers: tuple[str, ...] = ()
        self._resolved = -NEVER
        self._idle: list[Link] = []
        self._links = set[Link]()
        self._waiting = deque[Waiting]()
        self._dialling = set[asyncio.Task[None]]()
        self._heads: dict[bytes, bytes] = {}
        self._answers: dict[bytes, ResponseHead] = {}
        self._closed = False

    @property
    def links(self) -> int:
        """Connections that are open now."""
        return len(self._links)

    def question(self, path: bytes, media: bytes, body: bytes, headers: bytes = b"") -> bytes:
        """A POST to a path below the upstream's address; ``headers`` are lines of its own."""
        head = self._heads.get(path)
        if head is None or media != JSON or headers:
            head = self._head(path, media, headers)
            if media == JSON and not headers:
                self._heads[path] = head
        return b"%b%d\r\n\r\n%b" % (head, len(body), body)

    def _head(self, path: bytes, media: bytes, headers: bytes) -> bytes:
        return (
            f"POST {self._shared(path)}{headers.decode('latin-1')}"
            f"content-type: {media.decode('latin-1')}\r\ncontent-length: "
        ).encode("latin-1")

    def getting(self, path: bytes) -> bytes:
        """A GET of a path below the upstream's address."""
        return f"GET {self._shared(path)}\r\n".encode("latin-1")

    def _shared(self, path: bytes) -> str:
        address = self._address
        target = address.target(path.decode()) if address else path.decode()
        host = address.authority if address else "localhost"
        key = f"authorization: Bearer {self._key}\r\n" if self._key else ""
        return f"{target} HTTP/1.1\r\nhost: {host}\r\n{key}accept-encoding: identity\r\n"

    def ask(self, question: bytes, sink: Sink, caps: Caps, *, fresh: bool = False) -> Link | None:
        """Send a question; None where it waits for a connection and nothing was sent yet.

        Args:
            fresh: not on a connection that was used before.
        """
        while self._idle and not fresh:
            link = self._idle.pop()
            if link.usable:
                link.ask(question, sink, caps)
                return link
        if self._closed:
            sink.lost(anew())
            return None
        if len(self._waiting) >= WAITING_MAX:
            sink.lost(Lost("all its connections are taken", sent=False, full=True))
            return None
        waiting = Waiting(self, question, sink, caps)
        self._waiting.append(waiting)
        self.ticks.watch(waiting)
        self._dial_more()
        return None

    def forget(self, sink: Sink) -> bool:
        """A call was left; whether it still waited for a connection, so that nothing was sent."""
        return any([self._take_out(one) for one in [*self._waiting] if one.sink is sink])

    def give_up(self, waiting: Waiting, lost: Lost) -> None:
        if self._take_out(waiting):
            waiting.sink.lost(lost)

    def _take_out(self, waiting: Waiting) -> bool:
        self.ticks.forget(waiting)
        try:
            self._waiting.remove(waiting)
        except ValueError:
            return False
        return True

    # connections

    def _free(self, link: Link) -> None:
        if self._closed:
            return link.close()
        if self._waiting:
            one = self._waiting.popleft()
            self.ticks.forget(one)
            # not from within what the connection is just doing
            asyncio.get_running_loop().call_soon(self._give, link, one)
            return
        link.deadline = self.ticks.now + IDLE_S
        self._idle.append(link)

    def _give(self, link: Link, one: Waiting) -> None:
        if link.usable:
            link.ask(one.question, one.sink, one.caps)
            one.sink.asked(link)
        else:
            self._waiting.appendleft(one)
            self.ticks.watch(one)
            if self._closed:
                self.give_up(one, anew())
            else:
                self._dial_more()

    def _gone(self, link: Link) -> None:
        self._links.discard(link)
        if link in self._idle:
            self._idle.remove(link)
        if self._waiting:
            self._dial_more()
        if self._closed and not self._links:
            self._parted()

    def _dial_more(self) -> None:
        wanted = len(self._waiting) - len(self._dialling)
        room = self._max - len(self._links) - len(self._dialling)
        for _ in range(min(wanted, room)):
            task = asyncio.get_running_loop().create_task(self._dial())
            self._dialling.add(task)
            task.add_done_callback(self._dialled)

    def _dialled(self, task: asyncio.Task[None]) -> None:
        self._dialling.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and self._waiting:
            lost = error if isinstance(error, Lost) else Lost(str(error), sent=False)
            self.give_up(self._waiting[0], lost)
        if self._waiting and not self._closed:
            self._dial_more()

    async def _dial(self) -> None:
        link = await self._connected()
        self._links.add(link)
        self._free(link)

    async def _connected(self) -> Link:
        lost: Lost | None = None
        for where in await self._where():
            try:
                async with asyncio.timeout(CONNECT_S):
                    return await self._to(where)
            except ssl.SSLError as error:
                lost = no_tls(error)
            except OSError as error:
                lost = no_connection(error, CONNECT_S)
        raise lost or no_connection(OSError(), CONNECT_S)

    async def _where(self) -> tuple[dict[str, Any], ...]:
        """Where to connect: a socket's path, or the addresses that were checked."""
        address = self._address
        if address is None:
            return ({"path": self._path},)
        if self.ticks.now - self._resolved > RESOLVED_S:
            try:
                self._numbers = await resolve(address, private=self.upstream.private)
            except PilotbaseError as error:
                _log.warning("upstream %s: %s", self.upstream.id, error)
                raise no_address(error.code) from None
            self._resolved = self.ticks.now
        tls = {"ssl": self._tls, "server_hostname": address.host} if self._tls else {}
        return tuple({"host": one, "port": address.port, **tls} for one in self._numbers)

    async def _to(self, where: dict[str, Any]) -> Link:
        loop = asyncio.get_running_loop()

        def made() -> Link:
            return Link(self.ticks, self._free, self._gone, self._answers)

        if "path" in where:
            return (await loop.create_unix_connection(made, **where))[1]
        return (await loop.create_connection(made, **where))[1]

    def retire(self) -> None:
        """No route goes here any more: what is under way is answered, and each connection closed
        when it is free. What waits for one is told: nothing of it was sent."""
        self._closed = True
        for task in tuple(self._dialling):
            task.cancel()
        for link in tuple(self._idle):
            link.close()
        for waiting in tuple(self._waiting):
            self.give_up(waiting, anew())
        if not self._links:
            self._parted()

    def _parted(self) -> None:
        """It is retired, and its last connection closed."""

    async def aclose(self) -> None:
        """Close all; calls that are under way are lost."""
        self.retire()
        for link in tuple(self._links):
            link.close()
        await asyncio.sleep(0)


def anew() -> Lost:
    """Nothing goes to this upstream any more."""
    return Lost("the service was arranged anew", sent=False, full=True)
