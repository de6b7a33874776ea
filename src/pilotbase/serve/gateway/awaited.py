"""The serving flow for doors that are coroutines (protocols with SDKs of their own, over ASGI)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass

from pilotbase.serve.call import Ask, Refused
from pilotbase.serve.gateway.live import Live
from pilotbase.serve.gateway.serving import Serving
from pilotbase.serve.ports import Ticket

AHEAD_BYTES_MAX = 256 * 1024
"""Of a stream that its reader has not yet taken; beyond it the upstream is held back."""


class BrokenOff(Exception):
    """A stream ended before its answer was whole."""


class BegunRefused(Refused):
    """A refusal of a call that was begun; ``headers`` is its receipt, as of an answer."""

    def __init__(self, refused: Refused, headers: dict[str, str]) -> None:
        super().__init__(
            refused.status,
            refused.code,
            refused.message,
            refused.next_step,
            where=refused.where,
            filing=refused.filing,
            retry_after_s=refused.retry_after_s,
        )
        self.headers = headers


@dataclass(slots=True)
class Answered:
    """What came of a call.

    Attributes:
        status: 200; or 202 where a person is asked first, and ``ticket`` says where.
        headers: the receipt, in lower case.
        body: a whole answer; empty for a stream, which is read from the `Awaited`.
    """

    status: int
    headers: dict[str, str]
    body: bytes = b""
    ticket: Ticket | None = None


class Awaited:
    """One call, awaited.

    >>> async with Awaited(serving, ask, key) as call:           # doctest: +SKIP
    ...     answered = await call.answered()
    ...     async for piece in call.pieces():
    ...         ...
    """

    def __init__(self, serving: Serving, ask: Ask, key: str) -> None:
        self._begun: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        self._parts = deque[bytes]()
        self._ahead = 0
        self._more = asyncio.Event()
        self._over = self._broken = self._held = False
        self.gone = False
        self._live: Live | None = None
        self._live = serving.serve(ask, key, self)

    async def __aenter__(self) -> Awaited:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Who leaves before the end has left the call."""
        self.gone = True
        if self._live is not None:
            self._live.cancel()
        if self._begun.done() and not self._begun.cancelled():
            self._begun.exception()

    async def answered(self) -> Answered:
        """The answer, or its beginning where it is a stream. Raises Refused."""
        return await self._begun

    async def pieces(self) -> AsyncIterator[bytes]:
        """A stream's pieces. Raises BrokenOff where it ends before it is whole."""
        while True:
            while self._parts:
                piece = self._parts.popleft()
                self._ahead -= len(piece)
                if self._held and self._ahead < AHEAD_BYTES_MAX // 2 and self._live is not None:
                    self._held = False
                    self._live.resume()
                yield piece
            if self._broken:
                raise BrokenOff
            if self._over:
                return
            self._more.clear()
            await self._more.wait()

    # Reply

    def whole(self, status: int, block: bytes, body: bytes) -> None:
        self._over = True
        self._say(Answered(status, _headers(block), body))

    def start(self, status: int, block: bytes) -> None:
        self._say(Answered(status, _headers(block)))

    def send(self, data: bytes) -> None:
        self._parts.append(data)
        self._ahead += len(data)
        self._more.set()
        if self._ahead > AHEAD_BYTES_MAX and not self._held and self._live is not None:
            self._held = True
            self._live.pause()

    def end(self) -> None:
        self._over = True
        self._more.set()

    def parting(self, refused: Refused) -> bytes:
        return b""

    def abort(self, refused: Refused) -> None:
        self._broken = True
        self._more.set()

    def refuse(self, refused: Refused, block: bytes = b"") -> None:
        self._over = True
        if not self._begun.done():
            self._begun.set_exception(BegunRefused(refused, _headers(block)) if block else refused)

    def parked(self, ticket: Ticket, block: bytes) -> None:
        self._over = True
        self._say(Answered(202, _headers(block), ticket=ticket))

    def _say(self, answered: Answered) -> None:
        if not self._begun.done():
            self._begun.set_result(answered)


def _headers(block: bytes) -> dict[str, str]:
    lines = (line.partition(": ") for line in block.decode("latin-1").split("\r\n") if line)
    return {name: value for name, _, value in lines}
