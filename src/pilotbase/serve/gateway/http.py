"""A connection from a client, speaking HTTP/1.1 strictly.

Requests of the doors go to the serving flow without a task and without ASGI; a connection is itself
the reply of the one call it is busy with. All others go to an ASGI application.

A client sends nearly the same head with every request. What a head says follows from its bytes
alone, so heads that were read are kept by their bytes, and the parser sees only new ones.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

import httptools

from pilotbase.serve.call import Refused
from pilotbase.serve.gateway.asgi import Cycle
from pilotbase.serve.ports import Door, Ticket
from pilotbase.serve.rules.http_head import HEAD_BYTES_MAX, HeadError, RequestHead, request_head
from pilotbase.serve.upstreams.timer import NEVER

if TYPE_CHECKING:
    from pilotbase.serve.gateway.live import Live
    from pilotbase.serve.gateway.server import Server

HEADS_KEPT = 1024
KEPT_HEAD_BYTES_MAX = 2048
STATUS = {one.value: f"HTTP/1.1 {one.value} {one.phrase}\r\n".encode() for one in HTTPStatus}
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection(asyncio.Protocol):
    """One client; answers in the order of its requests."""

    __slots__ = (
        "_ahead",
        "_busy",
        "_chunks",
        "_closing",
        "_count",
        "_cycle",
        "_door",
        "_framed",
        "_head",
        "_live",
        "_parts",
        "_paused",
        "_rest",
        "_server",
        "_transport",
        "_whole",
        "client",
        "deadline",
        "gone",
    )

    def __init__(self, server: Server) -> None:
        self._server = server
        self._transport: asyncio.Transport
        self._head: RequestHead | None = None
        self._door: Door | None = None
        self._live: Live | None = None
        self._cycle: Cycle | None = None
        self._chunks: httptools.HttpRequestParser | None = None
        self._parts: list[bytes] = []
        self._rest = self._ahead = b""
        self._count = 0
        self._busy = self._closing = self._paused = self._framed = self._whole = False
        self.gone = False
        self.client: tuple[str, int] | None = None
        self.deadline = NEVER

    @property
    def server(self) -> tuple[str, int] | None:
        """The address it came to; None for a socket without one."""
        name = self._transport.get_extra_info("sockname")
        return (str(name[0]), int(name[1])) if isinstance(name, tuple) else None

    # called by the transport and the clock

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        if isinstance(peer, tuple):
            self.client = (str(peer[0]), int(peer[1]))
        self.deadline = self._server.ticks.now + self._server.limits.head_s_max
        self._server.joined(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone = True
        self.deadline = NEVER
        self._drop_body()
        self._server.left(self)
        live, self._live = self._live, None
        if live is not None:
            live.cancel()
        if self._cycle is not None:
            self._cycle.disconnected()

    def pause_writing(self) -> None:
        self._paused = True
        if self._live is not None:
            self._live.pause()
        if self._cycle is not None:
            self._cycle.paused(True)

    def resume_writing(self) -> None:
        self._paused = False
        if self._live is not None:
            self._live.resume()
        if self._cycle is not None:
            self._cycle.paused(False)
        if self._ahead and not self._busy:
            self._next()

    def late(self, now: float) -> None:
        if self._head is not None or self._rest:
            self._fault(HeadError("the request comes too slowly", 408))
        else:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._busy or self._closing:
            if not self._closing:
                self._ahead += data
                if len(self._ahead) > self._server.limits.ahead_bytes_max:
                    self._transport.pause_reading()
            return
        if self._head is not None:
            return self._more_body(data)
        if not self._rest:  # most requests come whole, with a head like one before
            at = data.find(b"\r\n\r\n") + 4
            found = self._server.heads.get(data[:at])
            if found is not None and len(data) == at + found[0].length:
                return self._begin(found[0], found[1], data[at:])
        return self._read_head(data)

    # reading a request

    def _read_head(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
            self._rest = b""
        at = data.find(b"\r\n\r\n")
        if at < 0 or at > HEAD_BYTES_MAX:
            if len(data) > HEAD_BYTES_MAX:
                return self._fault(HeadError("headers are too long", 431))
            if data.count(b"\n") != data.count(b"\r\n"):
                return self._fault(HeadError("lines end with CR and LF"))
            late = self._server.ticks.now + self._server.limits.head_s_max
            self.deadline = min(self.deadline, late)  # later bytes do not move it
            self._rest = data
            return None
        raw = data[: at + 4]
        kept = self._server.heads
        found = kept.get(raw)
        if found is None:
            try:
                head = request_head(raw)
            except HeadError as error:
                return self._fault(error)
            found = head, self._server.door_of(head.method, head.path)
            if len(raw) <= KEPT_HEAD_BYTES_MAX and not (head.idempotency or head.trace):
                if len(kept) >= HEADS_KEPT:
                    kept.clear()
                kept[raw] = found
        head, door = found
        end = at + 4 + head.length
        if head.length >= 0 and len(data) >= end:
            if len(data) > end:
                self._ahead = data[end:]
                return self._begin(head, door, data[at + 4 : end])
            return self._begin(head, door, data[at + 4 :])
        return self._await_body(head, door, raw, data[at + 4 :])

    def _await_body(self, head: RequestHead, door: Door | None, raw: bytes, body: bytes) -> None:
        limits = self._server.limits
        if head.length > limits.body_bytes_max:
            return self._fault(HeadError("the body is too long", 413))
        self._head, self._door = head, door
        self.deadline = self._server.ticks.now + limits.body_s_max
        if head.expects and not body:
            self._transport.write(_CONTINUE)
        if head.length < 0:
            self._chunks = httptools.HttpRequestParser(self)
            self._framed = self._whole = False
            self._chunks.feed_data(raw)
        return self._more_body(body) if body else None

    def on_body(self, data: bytes) -> None:  # called by the parser of chunks
        if not self._framed:
            self._parts.append(data)

    def on_message_complete(self) -> None:  # likewise
        self._framed = True

    def _more_body(self, data: bytes) -> None:
        head, door = self._head, self._door
        assert head is not None
        self._count += len(data)
        self._server.bodies += len(data)
        if self._chunks is not None:
            try:
                self._chunks.feed_data(data)
            except (httptools.HttpParserError, httptools.HttpParserUpgrade):
                if not self._framed:
                    return self._fault(HeadError("no proper chunks"))
        else:
            self._parts.append(data)
        if self._count > self._server.limits.body_bytes_max + HEAD_BYTES_MAX:
            return self._fault(HeadError("the body is too long", 413))
        if self._server.bodies > self._server.limits.bodies_bytes_max:
            return self._fault(HeadError("too many requests are being read", 503))
        if self._chunks is None and self._count < head.length:
            return None
        if self._chunks is not None and not self._framed:
            return None
        body = b"".join(self._parts)
        if self._chunks is not None:
            self._closing = True  # what follows chunks is not looked at: the connection ends
        elif len(body) > head.length:
            self._ahead, body = body[head.length :], body[: head.length]
        self._drop_body()
        return self._begin(head, door, body)

    def _drop_body(self) -> None:
        self._server.bodies -= self._count
        self._count = 0
        self._parts, self._chunks, self._head = [], None, None

    def _begin(self, head: RequestHead, door: Door | None, body: bytes) -> None:
        self._busy = True
        self.deadline = NEVER
        self._door = door
        if not head.keep or self._server.draining:
            self._closing = True
        if door is None:
            self._cycle = Cycle(self, self._server.app, head, body)
            return
        try:
            ask = door.ask(head, body)
        except Refused as refused:
            self._server.serving.note(refused)
            return self.refuse(refused)
        if head.trace:
            ask.trace = head.trace
        live = self._server.serving.serve(ask, head.key, self)
        if self._busy:  # not answered yet
            self._live = live
            if self._paused and live is not None:
                live.pause()

    def _next(self) -> None:
        """The request that was sent ahead."""
        if self.gone or self._busy or self._closing or self._paused or not self._ahead:
            return
        data, self._ahead = self._ahead, b""
        self._transport.resume_reading()
        self._read_head(data)

    # answering (Reply)

    def whole(self, status: int, block: bytes, body: bytes) -> None:
        if self.gone:
            return self._answered()
        self._transport.write(
            b"%b%b%b%bcontent-length: %d\r\n\r\n%b"
            % (
                STATUS[status],
                self._server.date,
                block,
                b"connection: close\r\n" if self._closing else b"",
                len(body),
                body,
            )
        )
        return self._answered()

    def bodiless(self, status: int, block: bytes) -> None:
        """An answer without a body: to HEAD, or 204 and 304."""
        close = b"connection: close\r\n" if self._closing else b""
        if not self.gone:
            self._transport.write(
                b"%b%b%b%b\r\n" % (STATUS[status], self._server.date, block, close)
            )
        self._answered()

    def start(self, status: int, block: bytes) -> None:
        framing = b"connection: close\r\n" if self._closing else b""
        if not self.gone:
            self._transport.write(
                b"%b%b%b%btransfer-encoding: chunked\r\n\r\n"
                % (STATUS[status], self._server.date, block, framing)
            )

    def send(self, data: bytes) -> None:
        if data and not self.gone:
            self._transport.write(b"%x\r\n%b\r\n" % (len(data), data))

    def end(self) -> None:
        if not self.gone:
            self._transport.write(b"0\r\n\r\n")
        self._answered()

    def abort(self) -> None:
        self._closing = True
        self._answered()

    def refuse(self, refused: Refused) -> None:
        assert self._door is not None
        block, body = self._door.refusal(refused)
        self.whole(refused.status, block, body)

    def parked(self, ticket: Ticket, block: bytes) -> None:
        assert self._door is not None
        body = b'{"object":"call.parked","usage":"%b","at":"/calls/%b"}' % (
            ticket.usage.encode(),
            ticket.usage.encode(),
        )
        where = b"location: /calls/%b\r\nretry-after: 5\r\n" % ticket.usage.encode()
        self.whole(202, block + where, body)

    def _answered(self) -> None:
        self._live = self._cycle = None
        self._busy = False
        server = self._server
        if self.gone:
            return
        if self._closing:
            self.deadline = server.ticks.now + server.limits.close_s_max
            self._transport.close()
            return
        self.deadline = server.ticks.now + server.limits.idle_s_max
        if self._ahead:
            server.loop.call_soon(self._next)

    def _fault(self, error: HeadError) -> None:
        """What is wrong with the request itself; nothing more is read."""
        self._drop_body()
        self._rest = self._ahead = b""
        self._closing = True
        self._server.faults += 1
        body = str(error).encode("ascii", "replace")
        self.whole(error.status, b"content-type: text/plain; charset=utf-8\r\n", body)

    def drain(self) -> None:
        """No further request on this connection; the one that is under way is answered."""
        self._closing = True
        if not self._busy:
            self._transport.close()

    def turn_away(self, answer: bytes) -> None:
        """There is no room: said without reading."""
        self._closing = True
        self._transport.write(answer)
        self._transport.close()

    def abandon(self) -> None:
        self._transport.abort()
