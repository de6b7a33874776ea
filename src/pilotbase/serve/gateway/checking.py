"""An own worker reads a call's cases before a person has to look at them. Of a `Live`.

It answers none, so it costs nothing. A worker that does not say in time that they are unfit is no
reason not to ask the person: when the call is sent on, it says so still.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pilotbase.serve.call import Caps, Refused
from pilotbase.serve.gateway import attempts, said
from pilotbase.serve.ports import Put
from pilotbase.serve.rules.cases import CHECK
from pilotbase.serve.rules.http_head import ResponseHead
from pilotbase.serve.upstreams.link import Link, Lost

if TYPE_CHECKING:
    from pilotbase.serve.gateway.live import Live

LIMITS = Caps(answer_bytes_max=2**20, first_byte_s_max=5.0, whole_s_max=10.0)
_HEADER = f"{CHECK}: 1\r\n".encode()
Then = Callable[[Refused | None], None]
"""Told what is wrong with the cases, or None."""


def check(live: Live, then: Then) -> None:
    """Ask the worker whose turn it is."""
    call, replica, dialect = live.call, live.replica, live.dialect
    assert call is not None
    try:
        body = dialect.question(call, replica.upstream)
    except Refused as refused:
        return then(refused)
    put = body if isinstance(body, Put) else Put(dialect.path, dialect.media, body)
    question = replica.pool.question(put.path, put.media, put.body, put.headers + _HEADER)
    replica.pool.ask(question, _Checking(live, then), LIMITS)


class _Checking:
    """The sink of the worker's word."""

    streams = False

    def __init__(self, live: Live, then: Then) -> None:
        self._live, self._then = live, then

    def asked(self, link: Link) -> None: ...

    def whole(self, head: ResponseHead, body: bytes) -> None:
        unfit = head.status in (400, 413, 422)
        refused = said.own_said(head.status, body, self._live.route) if unfit else None
        self._then(refused and attempts.of_first(self._live, refused))

    def begin(self, head: ResponseHead, link: Link) -> None: ...

    def piece(self, data: bytes) -> None: ...

    def end(self) -> None: ...

    def lost(self, lost: Lost) -> None:
        self._then(None)
