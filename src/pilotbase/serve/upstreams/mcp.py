"""Connections to an MCP server, whichever of the protocol's versions it speaks.

A server of 2026-07-28 answers requests that stand alone. An older one wants a session first: a
version is agreed on (``initialize``), and what follows names the session that it may have given.
Which it is, a server is asked once (``server/discover``), and now and then again; calls that come
meanwhile wait. Sources: modelcontextprotocol.io/specification, 2025-03-26, 2025-06-18, 2025-11-25
("Lifecycle", "Transports") and 2026-07-28 ("Versioning").
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import msgspec

from pilotbase.kernel.text import Text
from pilotbase.serve.call import Caps, Upstream
from pilotbase.serve.doors import jsonrpc
from pilotbase.serve.doors.mcp_upstream import VERSION, put
from pilotbase.serve.ports import Put
from pilotbase.serve.rules.http_head import ResponseHead
from pilotbase.serve.rules.sse import Events, data_of
from pilotbase.serve.upstreams.fetching import LIMITS
from pilotbase.serve.upstreams.link import Link, Lost, Sink
from pilotbase.serve.upstreams.pool import JSON, WAITING_MAX, Pool, Waiting, anew
from pilotbase.serve.upstreams.reasons import Unreached, reason_of
from pilotbase.serve.upstreams.timer import Ticks

_log = logging.getLogger("pilotbase.serve")

EARLIER = ("2025-11-25", "2025-06-18", "2025-03-26")
"""Versions that begin with a session, newest first."""
SINCE_HEADER = "2025-06-18"
"""Since then requests of a session name its version."""
ASKED_AGAIN_S = 600.0
UNSURE_S = 60.0
PARTING_S = 0.5
SESSION = b"mcp-session-id"
HELLO = "hello"
_ALONE = f"mcp-protocol-version: {VERSION}\r\n".encode()
_NAME = re.compile(rb"[!-~]{1,512}")
_object = msgspec.json.Decoder(dict[str, Any]).decode


@dataclass(frozen=True)
class Way:
    """How a server is spoken to: header lines in place of those of requests that stand alone."""

    version: str
    lines: bytes = b""
    session: bool = False

    def dressed(self, question: bytes) -> bytes:
        return question.replace(_ALONE, self.lines, 1) if self.version != VERSION else question


class McpPool(Pool):
    """A pool that knows how its server is spoken to; as any other for those who ask."""

    def __init__(self, upstream: Upstream, ticks: Ticks, *, key: str = "") -> None:
        super().__init__(upstream, ticks, key=key)
        self._way: Way | None = None
        self._since, self._asked = 0.0, 0
        self._before: list[Waiting] = []  # questions that came before it was known how to put them
        self._finding: asyncio.Task[None] | None = None
        self._parting: asyncio.Task[None] | None = None

    def ask(self, question: bytes, sink: Sink, caps: Caps, *, fresh: bool = False) -> Link | None:
        way, age = self._way, self.ticks.now - self._since
        if way is None or (not way.session and age > ASKED_AGAIN_S):
            self._wait(question, sink, caps)
            return None
        if not way.session:
            inner = sink.inner if isinstance(sink, _InSession) else sink
            return super().ask(way.dressed(question), inner, caps, fresh=fresh)
        held = sink if isinstance(sink, _InSession) else _InSession(self, question, sink, caps)
        held.way = way
        held.link = super().ask(way.dressed(question), held, caps, fresh=fresh)
        return held.link

    def forget(self, sink: Sink) -> bool:
        for one in [*self._before, *self._waiting]:
            inner = one.sink.inner if isinstance(one.sink, _InSession) else one.sink
            if inner is sink:
                return self._take_out(one)
        return False

    def over(self, way: Way | None, *, surely: bool) -> None:
        """The server knows the session no more: another is begun with the next call."""
        if self._way is way and (surely or self.ticks.now - self._since > UNSURE_S):
            self._way = None

    async def told(self, method: str) -> bytes | None:
        """The result of a request outside the serving flow; None where there is none."""
        self._asked += 1  # calls are numbered by their usage ids
        heard = _Heard(id_ := f"beside-{self._asked}")
        link = self.ask(self.question(*put(method, {}, id_=id_)), heard, LIMITS)
        return (await heard.of(self, link))[1]

    def retire(self) -> None:
        if self._finding is not None:
            self._finding.cancel()
        super().retire()
        for one in [*self._before]:
            self.give_up(one, anew())

    def _parted(self) -> None:
        way, self._way = self._way, None
        if way is not None and SESSION in way.lines:
            self._parting = asyncio.get_running_loop().create_task(self._part(way))

    async def aclose(self) -> None:
        await super().aclose()
        self._parted()
        if self._parting is not None:
            await self._parting

    async def _part(self, way: Way) -> None:
        """Tell the server that its session is over; it may be away, and need not agree."""
        heard = _Heard()
        question = f"DELETE {self._shared(b'')}".encode("latin-1") + way.lines + b"\r\n"
        with suppress(Lost, TimeoutError):
            async with asyncio.timeout(PARTING_S):
                link = await self._connected()
                if link.usable:
                    link.ask(question, heard, LIMITS)
                    await heard.of(self, link)

    # which way it is

    def _wait(self, question: bytes, sink: Sink, caps: Caps) -> None:
        if self._closed:
            return sink.lost(anew())
        if len(self._before) >= WAITING_MAX:
            return sink.lost(Lost("all its connections are taken", sent=False, full=True))
        waiting = Waiting(self, question, sink, caps)
        self._before.append(waiting)
        self.ticks.watch(waiting)
        if self._finding is None:
            self._finding = asyncio.get_running_loop().create_task(self._find())

    def _take_out(self, waiting: Waiting) -> bool:
        if waiting in self._before:
            self._before.remove(waiting)
            self.ticks.forget(waiting)
            return True
        return super()._take_out(waiting)

    async def _find(self) -> None:
        lost: Lost | None = None
        try:
            self._way = await self._found()
            self._since = self.ticks.now
        except Lost as error:
            lost = Unreached(reason_of(error))
        except Exception:  # whatever it says, those who wait are told
            _log.exception("the versions of upstream %s", self.upstream.id)
            lost = Unreached(_UNKNOWN)
        finally:
            self._finding = None
        for one in [*self._before]:
            self._take_out(one)
            if lost is not None:
                one.sink.lost(lost)
            elif (link := self.ask(one.question, one.sink, one.caps)) is not None:
                one.sink.asked(link)

    async def _found(self) -> Way:
        """Raises Lost where nobody answers, or none of the versions is spoken."""
        _, result = await self._exchanged(*put("server/discover", {}, id_=HELLO))
        spoken = _said(result).get("supportedVersions")
        if isinstance(spoken, list) and VERSION in spoken:
            return Way(VERSION)
        head, result = await self._exchanged(*_hello())
        agreed = _said(result).get("protocolVersion")
        if agreed not in EARLIER:
            raise Unreached(_UNKNOWN, lasting=True)
        name = head.headers.get(SESSION, b"")
        lines = b"%b: %b\r\n" % (SESSION, name) if _NAME.fullmatch(name) else b""
        if agreed >= SINCE_HEADER:
            lines += f"mcp-protocol-version: {agreed}\r\n".encode()
        done = b'{"jsonrpc":"2.0","method":"notifications/initialized"}'
        await self._exchanged(b"", JSON, done, jsonrpc.ACCEPTS + lines)
        return Way(agreed, lines, True)

    async def _exchanged(
        self, path: bytes, media: bytes, body: bytes, headers: bytes
    ) -> tuple[ResponseHead, bytes | None]:
        heard = _Heard(HELLO)
        link = super().ask(self.question(path, media, body, headers), heard, LIMITS)
        return await heard.of(self, link)


_UNKNOWN = Text(
    f"it speaks no version of MCP that is known here ({VERSION}, {', '.join(EARLIER)})",
    f"其 MCP 协议版本不受支持 (支持 {VERSION}, {', '.join(EARLIER)})",
)


def _hello() -> Put:
    params = {
        "protocolVersion": EARLIER[0],
        "capabilities": {},
        "clientInfo": {"name": "pilotbase", "version": version("pilotbase")},
    }
    return Put(b"", JSON, jsonrpc.question("initialize", params, HELLO), jsonrpc.ACCEPTS)


def _said(result: bytes | None) -> Mapping[str, Any]:
    return _object(result) if result is not None else {}


class _Heard:
    """The sink of one answer that may come whole or at the end of a stream."""

    streams = True

    def __init__(self, id_: jsonrpc.Id = jsonrpc.ID) -> None:
        self._id = id_
        loop = asyncio.get_running_loop()
        self._answer: asyncio.Future[tuple[ResponseHead, bytes | None]] = loop.create_future()
        self._events = Events()
        self._link: Link | None = None
        self._head = ResponseHead()

    async def of(self, pool: McpPool, link: Link | None) -> tuple[ResponseHead, bytes | None]:
        """Head and result. Raises Lost."""
        self._link = link
        try:
            return await self._answer
        except asyncio.CancelledError:
            if self._link is not None:
                self._link.cancel()
            pool.forget(self)
            raise

    def asked(self, link: Link) -> None:
        self._link = link

    def whole(self, head: ResponseHead, body: bytes) -> None:
        self._end(head, jsonrpc.result_of(body, self._id) if head.status == 200 else None)

    def begin(self, head: ResponseHead, link: Link) -> None:
        self._head, self._link = head, link

    def piece(self, data: bytes) -> None:
        try:
            said = [data_of(event) for event in self._events.feed(data)]
            news = [one for one in said if one and not jsonrpc.is_news(one)]
        except (ValueError, RecursionError):
            if self._link is not None:
                self._link.cancel()
            return self._end(self._head, None)
        if news and self._link is not None:
            self._link.last_word()
            self._end(self._head, jsonrpc.result_of(news[0], self._id))
        return None

    def end(self) -> None:
        self._end(self._head, None)

    def lost(self, lost: Lost) -> None:
        if not self._answer.done():
            self._answer.set_exception(lost)

    def _end(self, head: ResponseHead, result: bytes | None) -> None:
        self._link = None
        if not self._answer.done():
            self._answer.set_result((head, result))


class _InSession:
    """A call's sink. Where the session is over, nothing was done: the question goes once more, in
    another session."""

    def __init__(self, pool: McpPool, question: bytes, inner: Sink, caps: Caps) -> None:
        self._pool, self._question, self._caps = pool, question, caps
        self.inner, self.streams = inner, inner.streams
        self.way: Way | None = None
        self.link: Link | None = None
        self._again = False

    def asked(self, link: Link) -> None:
        self.link = link
        self.inner.asked(link)

    def whole(self, head: ResponseHead, body: bytes) -> None:
        if head.status in (400, 404):  # some say the one, some the other
            self._pool.over(self.way, surely=head.status == 404)
        if head.status != 404 or self._again:
            return self.inner.whole(head, body)
        self._again = True
        if self.link is not None:
            self.link.close()  # the call still has it, and may cancel it: nobody else's by then
        link = self._pool.ask(self._question, self, self._caps)
        return self.inner.asked(link) if link is not None else None

    def begin(self, head: ResponseHead, link: Link) -> None:
        self.inner.begin(head, link)

    def piece(self, data: bytes) -> None:
        self.inner.piece(data)

    def end(self) -> None:
        self.inner.end()

    def lost(self, lost: Lost) -> None:
        self.inner.lost(lost)
