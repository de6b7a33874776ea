"""One connection to an upstream: one question at a time, its answer read strictly and limited."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

import httptools

from pilotbase.serve.call import Caps
from pilotbase.serve.rules.http_head import HEAD_BYTES_MAX, HeadError, ResponseHead, response_head
from pilotbase.serve.upstreams.timer import NEVER, REST_S, Ticks

STREAM = b"text/event-stream"
INTERIM_MAX = 8
LAST_S = 1.0
FAST_S = 1.5 * REST_S
"""Pieces closer together than that are read and passed on a few at a time: each read and each
write costs as much as all else that a piece costs. Slower streams, and first pieces, never wait."""
HEADS_KEPT = 256
_EMPTY_LINE = b"\r\n\r\n"


class Lost(Exception):
    """No whole answer came.

    Attributes:
        sent: the question may have arrived, and may have cost something.
        answered: an answer had begun.
        stale: a connection that had been idle was closed; nothing is said about the upstream.
        late: the time was up. full: nothing was tried, there is no connection to be had.
        closed: the other side ended the connection.
    """

    def __init__(
        self,
        reason: str,
        *,
        sent: bool = True,
        answered: bool = False,
        stale: bool = False,
        late: bool = False,
        full: bool = False,
        closed: bool = False,
    ) -> None:
        super().__init__(reason)
        self.sent, self.answered, self.stale = sent, answered, stale
        self.late, self.full, self.closed = late, full, closed


class Sink(Protocol):
    """Whom an answer is for. Exactly one of `whole`, `end` and `lost` comes last."""

    streams: bool
    """Whether an event stream is wanted in pieces."""

    def asked(self, link: Link) -> None:
        """A question that had to wait for a connection was sent now."""
        ...

    def whole(self, head: ResponseHead, body: bytes) -> None: ...

    def begin(self, head: ResponseHead, link: Link) -> None:
        """A stream begins; pieces follow. ``link`` may be paused."""
        ...

    def piece(self, data: bytes) -> None: ...

    def end(self) -> None: ...

    def lost(self, lost: Lost) -> None: ...


class Link(asyncio.Protocol):
    """A connection; ``closed`` and ``free`` tell the pool.

    Attributes:
        used: how many questions it was asked.
    """

    def __init__(
        self,
        ticks: Ticks,
        free: Callable[[Link], None],
        closed: Callable[[Link], None],
        heads: dict[bytes, ResponseHead],
    ) -> None:
        self._ticks, self._free, self._closed = ticks, free, closed
        self._transport: asyncio.Transport | None = None
        self._sink: Sink | None = None
        self._caps = Caps()
        self.deadline = NEVER
        self._until = NEVER
        self.used = 0
        self._rest = b""
        self._heads = heads
        self._held = self._resting = False
        self._clean()

    def _clean(self) -> None:
        self._head: ResponseHead | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._parts: list[bytes] = []
        self._count = self._interim = 0
        self._whole = self._done = False
        self._latest = 0.0

    # asked by the pool and the call

    @property
    def usable(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def ask(self, question: bytes, sink: Sink, caps: Caps) -> None:
        """Send a question; the answer goes to ``sink``."""
        assert self._transport is not None and self._sink is None
        self._sink, self._caps = sink, caps
        self.used += 1
        now = self._ticks.now
        self._until = now + caps.whole_s_max
        self.deadline = now + min(caps.first_byte_s_max, caps.whole_s_max)
        self._transport.write(question)

    def pause(self) -> None:
        """Whom the answer is for cannot keep up: read no further, and do not call that late."""
        self._held = True
        if self.usable and self._transport is not None:
            self._transport.pause_reading()
            self.deadline = self._until

    def resume(self) -> None:
        self._held = False
        if self.usable and self._transport is not None:
            if not self._resting:
                self._transport.resume_reading()
            self.deadline = min(self._until, self._ticks.now + self._caps.between_bytes_s_max)

    def _gather(self) -> None:
        """Let a fast stream gather for a moment."""
        now = self._ticks.time()
        latest, self._latest = self._latest, now
        if now - latest < FAST_S and self._transport is not None and not self._resting:
            self._resting = True
            self._transport.pause_reading()
            self._ticks.rest(self)

    def rested(self) -> None:
        """Called by the clock."""
        self._resting = False
        if self.usable and not self._held and self._transport is not None:
            self._transport.resume_reading()

    def cancel(self) -> None:
        """Nobody waits any more: the upstream sees the connection end."""
        self._sink = None
        self.close()

    def close(self) -> None:
        self.deadline = NEVER
        if self._transport is not None:
            self._transport.abort()

    # called by the transport and the clock

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._ticks.watch(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._ticks.forget(self)
        self.deadline = NEVER
        self._transport = None
        if self._sink is not None:
            self._ended_by_closing()
        self._closed(self)

    def _ended_by_closing(self) -> None:
        if self._head is not None and self._head.length == -2:
            self._finish()
        elif self._head is not None or self._rest:
            self._fail("the answer breaks off", answered=True, closed=True)
        else:
            reason = "the connection was closed without an answer"
            self._fail(reason, stale=self.used > 1, closed=True)

    def late(self, now: float) -> None:
        if self._sink is None:
            self.close()
        elif self._head is None:
            self._fail("no answer in time", late=True)
        else:
            self._fail("the answer stands still", late=True, answered=True)

    def data_received(self, data: bytes) -> None:
        if self._sink is None:
            return self.close()  # nobody asked
        if self._head is not None:
            return self._body(data)
        if self._rest:
            data = self._rest + data
            self._rest = b""
        at = data.find(_EMPTY_LINE)
        if at < 0:
            self._rest = data
            if len(data) > HEAD_BYTES_MAX:
                self._fail("headers are too long", answered=True)
            return None
        raw, body = data[: at + 4], data[at + 4 :]
        head = self._heads.get(raw)
        if head is not None:
            if head.plain and len(body) == head.length <= self._caps.answer_bytes_max:
                return self._all_at_once(head, body)
        else:
            try:
                head = response_head(raw)
            except HeadError as error:
                return self._fail(str(error), answered=True)
            if len(self._heads) >= HEADS_KEPT:
                self._heads.clear()
            self._heads[raw] = head
        return self._begun(raw, head, body)

    def _all_at_once(self, head: ResponseHead, body: bytes) -> None:
        """What most answers are: a head like one before, and the whole body with it."""
        sink, self._sink = self._sink, None
        assert sink is not None
        self.deadline = NEVER
        self._interim = 0
        if head.keep and self._transport is not None and not self._transport.is_closing():
            self._free(self)
        else:
            self.close()
        sink.whole(head, body)

    def _begun(self, raw: bytes, head: ResponseHead, body: bytes) -> None:
        if head.status < 200:
            self._interim += 1
            if self._interim > INTERIM_MAX or head.status == 101:
                self._fail("interim answers without end", answered=True)
            elif body:
                self.data_received(body)
            return
        assert self._sink is not None
        if head.length > self._caps.answer_bytes_max:
            return self._fail("an answer that is too long", answered=True)
        self._head = head
        stream = head.media == STREAM and head.status == 200
        if stream and not self._sink.streams:
            return self._fail("a stream, which was not asked for", answered=True)
        self._whole = not stream
        if head.length == -1:
            self._parser = httptools.HttpResponseParser(self)
            body = raw + body
        if stream:
            self._sink.begin(head, self)
        if body or head.length == 0:
            self._body(body)
        else:
            self._wait()

    def _wait(self) -> None:
        later = self._ticks.now + self._caps.between_bytes_s_max
        self.deadline = min(later, self._until)

    # what the parser of chunks says

    def on_body(self, data: bytes) -> None:
        if self._done:
            raise HeadError("more than one answer")
        self._parts.append(data)

    def on_message_complete(self) -> None:
        self._done = True

    def _body(self, data: bytes) -> None:
        head = self._head
        assert head is not None
        if self._parser is not None:
            if self._done:
                return self._fail("more than one answer", answered=True)
            try:
                self._parser.feed_data(data)
            except (httptools.HttpParserError, httptools.HttpParserUpgrade):
                return self._fail("no proper chunks", answered=True)
            fresh = sum(map(len, self._parts)) if not self._whole else len(data)
        else:
            self._parts.append(data)
            fresh = len(data)
        self._count += fresh
        if self._count > self._caps.answer_bytes_max:
            return self._fail("an answer that is too long", answered=True)
        if head.length >= 0:
            if self._count > head.length:
                return self._fail("more than its length says", answered=True)
            self._done = self._count == head.length
        return self._pass_on()

    def _pass_on(self) -> None:
        if not self._whole and self._parts:
            data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
            self._parts.clear()
            sink = self._sink
            if data and sink is not None:
                sink.piece(data)
            if not self._done and self._sink is sink:
                self._gather()
        if self._sink is None:
            return  # the call ended with this piece
        if self._done:
            self._finish()
        elif self.deadline != self._until:
            self._wait()

    def _finish(self) -> None:
        """The answer is whole. The connection is free before the answer is handled."""
        sink, head, whole = self._sink, self._head, self._whole
        assert sink is not None and head is not None
        body = b"".join(self._parts) if whole else b""
        self._sink = None
        self.deadline = NEVER
        self._clean()
        if self._held:  # by its last piece; the next call has another client
            self.resume()
            self.deadline = NEVER
        if head.keep and self.usable:
            self._free(self)
        else:
            self.close()
        if whole:
            sink.whole(head, body)
        else:
            sink.end()

    def _fail(self, reason: str, **how: bool) -> None:
        sink = self._sink
        self._sink = None
        self.close()
        if sink is not None:
            sink.lost(Lost(reason, **how))

    def last_word(self) -> None:
        """The call has all it needs of a stream. What ends the message may still be on its way:
        it is waited for a moment, so that the connection can be kept."""
        self._sink = _NOBODY
        self._until = self.deadline = self._ticks.now + LAST_S


class _Nobody:
    """Whom the rest of a stream is for, after its last word."""

    streams = True

    def asked(self, link: Link) -> None: ...

    def whole(self, head: ResponseHead, body: bytes) -> None: ...

    def begin(self, head: ResponseHead, link: Link) -> None: ...

    def piece(self, data: bytes) -> None: ...

    def end(self) -> None: ...

    def lost(self, lost: Lost) -> None: ...


_NOBODY = _Nobody()
