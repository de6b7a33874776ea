"""A request's body that comes in more than one read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httptools

from pilotbase.serve.ports import Door
from pilotbase.serve.rules.http_head import HEAD_BYTES_MAX, HeadError, RequestHead

if TYPE_CHECKING:
    from pilotbase.serve.gateway.server import Server


class Body:
    """Put together piece by piece, within the server's limits.

    Args:
        raw: the head as it came; the parser of chunks needs it.

    Attributes:
        chunked: whether it comes in chunks. rest: what came behind it, where it does not.

    Raises:
        HeadError: it says that it is too long.
    """

    __slots__ = ("_chunks", "_count", "_framed", "_parts", "_server", "door", "head", "rest")

    def __init__(self, server: Server, head: RequestHead, door: Door | None, raw: bytes) -> None:
        if head.length > server.limits.body_bytes_max:
            raise HeadError("the body is too long", 413)
        self._server, self.head, self.door = server, head, door
        self._parts: list[bytes] = []
        self._count, self._framed, self.rest = 0, False, b""
        self._chunks: httptools.HttpRequestParser | None = None
        if head.length < 0:
            self._chunks = httptools.HttpRequestParser(self)
            self._chunks.feed_data(raw)

    @property
    def chunked(self) -> bool:
        return self._chunks is not None

    def on_body(self, data: bytes) -> None:  # called by the parser of chunks
        if not self._framed:
            self._parts.append(data)

    def on_message_complete(self) -> None:  # likewise
        self._framed = True

    def feed(self, data: bytes) -> bytes | None:
        """The whole body once it is there. Raises HeadError."""
        self._count += len(data)
        self._server.bodies += len(data)
        if self._chunks is None:
            self._parts.append(data)
        else:
            try:
                self._chunks.feed_data(data)
            except (httptools.HttpParserError, httptools.HttpParserUpgrade):
                if not self._framed:
                    raise HeadError("no proper chunks") from None
        if self._count > self._server.limits.body_bytes_max + HEAD_BYTES_MAX:
            raise HeadError("the body is too long", 413)
        if self._server.bodies > self._server.limits.bodies_bytes_max:
            raise HeadError("too many requests are being read", 503)
        length = self.head.length
        if not (self._framed if self.chunked else self._count >= length):
            return None
        body = b"".join(self._parts)
        if not self.chunked:
            body, self.rest = body[:length], body[length:]
        return body

    def drop(self) -> None:
        """It is read, or nobody wants it."""
        self._server.bodies -= self._count
        self._count, self._parts = 0, []
