"""One question to an upstream outside the serving flow, awaited: what it says about itself.

Nothing is charged for it, so callers must not be able to cause it at will: what is fetched is kept.
"""

from __future__ import annotations

import asyncio

from pilotbase.serve.call import Caps
from pilotbase.serve.rules.http_head import ResponseHead
from pilotbase.serve.upstreams.link import Link, Lost
from pilotbase.serve.upstreams.pool import Pool

BYTES_MAX = 2**20
LIMITS = Caps(answer_bytes_max=BYTES_MAX, first_byte_s_max=10.0, whole_s_max=20.0)


class _Once:
    """The sink of one whole answer."""

    streams = False

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.answer: asyncio.Future[tuple[ResponseHead, bytes]] = loop.create_future()

    def asked(self, link: Link) -> None: ...

    def whole(self, head: ResponseHead, body: bytes) -> None:
        if not self.answer.done():
            self.answer.set_result((head, body))

    def begin(self, head: ResponseHead, link: Link) -> None: ...

    def piece(self, data: bytes) -> None: ...

    def end(self) -> None: ...

    def lost(self, lost: Lost) -> None:
        if not self.answer.done():
            self.answer.set_exception(lost)


async def fetched(pool: Pool, question: bytes, limits: Caps = LIMITS) -> tuple[ResponseHead, bytes]:
    """Head and body of the answer. Raises Lost."""
    once = _Once()
    link = pool.ask(question, once, limits)
    try:
        return await once.answer
    except asyncio.CancelledError:
        if link is not None:
            link.cancel()
        pool.forget(once)
        raise
