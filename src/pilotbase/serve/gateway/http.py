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

from pilotbase.serve.call import Refused
from pilotbase.serve.gateway.asgi import Cycle
from pilotbase.serve.gateway.body import Body
from pilotbase.serve.gateway.leaving import AHEAD, DIGIT, has_left, reset
from pilotbase.serve.ports import Door, Ticket
from pilotbase.serve.rules.http_head import HEAD_BYTES_MAX, HeadError, RequestHead, request_head
from pilotbase.serve.upstreams.timer import NEVER

if TYPE_CHECKING:
    from pilotbase.serve.gateway.live import Live
    from pilotbase.serve.gateway.server import Server

HEADS_KEPT = 1024
KEPT_HEAD_BYTES_MAX = 2048
FRESH_S = 1.0
"""How long a stop waits for the first byte of who has just come."""
LINGER_S = 0.5
"""How long after its last answer a stop waits for a client's next request, which may be on its way
already: closed at once, it would be lost without a word."""
STATUS = {one.value: f"HTTP/1.1 {one.value} {one.phrase}\r\n".encode() for one in HTTPStatus}
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_CLOSE = b"connection: close\r\n"
_KEEP = b"connection: keep-alive\r\n"


class Connection(asyncio.Protocol):
    """One client; answers in the order of its requests."""

    __slots__ = (
        "_ahead",
        "_body",
        "_busy",
        "_closing",
        "_cycle",
        "_door",
        "_fresh",
        "_half",
        "_live",
        "_odd",
        "_old",
        "_paused",
        "_rest",
        "_said",
        "_server",
        "_started",
        "_transport",
        "_until",
        "client",
        "deadline",
        "gone",
    )

    def __init__(self, server: Server) -> None:
        self._server = server
        self._transport: asyncio.Transport
        self._door: Door | None = None
        self._live: Live | None = None
        self._cycle: Cycle | None = None
        self._body: Body | None = None
        self._rest = self._ahead = b""
        self._busy = self._closing = self._paused = False
        # HTTP/1.0 is old; half is who sends no more; odd is either, so that most calls ask once.
        self._odd = self._old = self._half = self._started = False
        self._fresh = True
        self._said = 0  # bytes of the answer's first line that are sent already
        self._until = NEVER
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

    def eof_received(self) -> bool:
        """The client sends no more. What it has asked is answered, if it is still there."""
        if self._half or not (self._busy or self._ahead):
            return False
        self._half = self._odd = True
        self._until = self._server.ticks.now + self._server.limits.half_s_max
        if self._busy:
            if not self._ahead:
                self._closing = True
            self._probe()
        return True

    def late(self, now: float) -> None:
        if self._half and self._busy:
            if now > self._until or has_left(self._transport):
                return self._transport.abort()
            self.deadline = now  # looked at with every tick
            return None
        if self._body is not None or self._rest:
            self._fault(HeadError("the request comes too slowly", 408))
        else:
            self._transport.abort()
        return None

    def data_received(self, data: bytes) -> None:
        if self._busy or self._closing:
            if not self._closing:
                self._ahead += data
                if len(self._ahead) > self._server.limits.ahead_bytes_max:
                    self._transport.pause_reading()
            return
        if self._body is not None:
            return self._more_body(self._body, data)
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
        try:
            self._body = Body(self._server, head, door, raw)
        except HeadError as error:
            return self._fault(error)
        self.deadline = self._server.ticks.now + self._server.limits.body_s_max
        if head.expects and not body:
            self._transport.write(_CONTINUE)
        return self._more_body(self._body, body) if body else None

    def _more_body(self, coming: Body, data: bytes) -> None:
        try:
            body = coming.feed(data)
        except HeadError as error:
            return self._fault(error)
        if body is None:
            return None
        if coming.chunked:
            self._closing = True  # what follows chunks is not looked at: the connection ends
        self._ahead = coming.rest
        self._drop_body()
        return self._begin(coming.head, coming.door, body)

    def _drop_body(self) -> None:
        if self._body is not None:
            self._body.drop()
            self._body = None

    def _begin(self, head: RequestHead, door: Door | None, body: bytes) -> None:
        self._busy, self._fresh = True, False
        self.deadline = NEVER
        self._door = door
        if not head.keep or self._server.draining or (self._half and not self._ahead):
            self._closing = True
        if head.version != "1.1" or self._odd:
            self._old = head.version != "1.1"
            self._odd = self._old or self._half
        if door is None:
            self._cycle = Cycle(self, self._server.app, head, body)
            return self._probe() if self._half else None
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
            if self._half:
                self._probe()

    def _next(self) -> None:
        """The request that was sent ahead."""
        if self.gone or self._busy or self._closing or self._paused or not self._ahead:
            return
        data, self._ahead = self._ahead, b""
        if not self._half:
            self._transport.resume_reading()
        self._read_head(data)
        if self._half and not (self._busy or self._ahead or self._closing):
            self._transport.close()  # the rest of a request never comes

    def _probe(self) -> None:
        """Send what can be sent already, so that a client that has left lets it be known."""
        self.deadline = self._server.ticks.now
        if not self._started:
            self._said = len(AHEAD)
            self._transport.write(AHEAD)
        elif not self._old:
            self._transport.write(DIGIT)

    # answering (Reply)

    def whole(self, status: int, block: bytes, body: bytes) -> None:
        if self.gone:
            return self._answered()
        self._transport.write(
            b"%b%b%b%bcontent-length: %d\r\n\r\n%b"
            % (
                self._line(status) if self._odd else STATUS[status],
                self._server.date,
                block,
                _CLOSE if self._closing else b"",
                len(body),
                body,
            )
        )
        return self._answered()

    def bodiless(self, status: int, block: bytes) -> None:
        """An answer without a body: to HEAD, or 204 and 304."""
        close = _CLOSE if self._closing else b""
        if not self.gone:
            self._transport.write(
                b"%b%b%b%b\r\n" % (self._line(status), self._server.date, block, close)
            )
        self._answered()

    def _line(self, status: int) -> bytes:
        """The first line, or what is left of it; an HTTP/1.0 client hears whether it may go on."""
        line = STATUS[status][self._said :]
        return line + _KEEP if self._old and not self._closing else line

    def start(self, status: int, block: bytes) -> None:
        self._started = True
        if self._old:  # it knows no chunks: the answer ends with the connection
            self._closing = True
        chunks = b"" if self._old else b"transfer-encoding: chunked\r\n"
        close = _CLOSE if self._closing else b""
        if not self.gone:
            self._transport.write(
                b"%b%b%b%b%b\r\n" % (self._line(status), self._server.date, block, close, chunks)
            )

    def send(self, data: bytes) -> None:
        if data and not self.gone:
            self._transport.write(data if self._old else b"%x\r\n%b\r\n" % (len(data), data))

    def end(self) -> None:
        if not (self.gone or self._old):
            self._transport.write(b"0\r\n\r\n")
        self._answered()

    def parting(self, refused: Refused) -> bytes:
        # OpenAI's clients raise what an event calls an error.
        return b"data: %b\n\n" % self._door.refusal(refused)[1] if self._door is not None else b""

    def abort(self, refused: Refused) -> None:
        self.send(self.parting(refused))
        self.break_off()

    def break_off(self) -> None:
        """End the connection where an answer was to go on."""
        self._closing = True
        if self._old and not self.gone:
            reset(self._transport)
        self._answered()

    def refuse(self, refused: Refused, block: bytes = b"") -> None:
        assert self._door is not None
        lines, body = self._door.refusal(refused)
        self.whole(refused.status, lines + block, body)

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
        self._busy = self._started = False
        server, self._said = self._server, 0
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
        self.whole(error.status, b"content-type: application/json\r\n", error.told())

    def drain(self) -> None:
        """One more answer at most: to what was asked, is being read, or is about to be asked."""
        if self._busy:
            self._closing = True
        elif self._rest or self._body is not None:
            return  # read on: `_begin` sees that it is the last
        elif self._fresh:  # it was let in before the door was closed
            self.deadline = min(self.deadline, self._server.ticks.now + FRESH_S)
        else:
            self._let_go()

    def _let_go(self) -> None:
        """Of who asks nothing now: at once, or a moment after the last answer."""
        limits, now = self._server.limits, self._server.ticks.now
        answered = self.deadline - limits.idle_s_max
        if answered + LINGER_S > now:
            self.deadline = answered + LINGER_S
        else:
            self._closing = True
            self._transport.close()

    def turn_away(self, answer: bytes) -> None:
        """There is no room: said without reading."""
        self._closing = True
        self._transport.write(answer)
        self._transport.close()

    def abandon(self) -> None:
        self._transport.abort()
