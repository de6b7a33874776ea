"""Answers in pieces: read as they pass, guarded, held where a person may have to see them first.

Functions of a `Live`; three of them are its methods as a sink.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pilotbase.serve.call import Refused
from pilotbase.serve.gateway import attempts, said
from pilotbase.serve.gateway.callbacks import callback
from pilotbase.serve.gateway.headers import JSON, STREAM
from pilotbase.serve.rules.as_events import IN_EVENTS
from pilotbase.serve.rules.http_head import ResponseHead
from pilotbase.serve.upstreams.link import Link

if TYPE_CHECKING:
    from pilotbase.serve.gateway.live import Live


@callback
def begin(live: Live, head: ResponseHead, link: Link) -> None:
    assert live.call is not None
    live.link = link
    live.replica.answered()
    if attempts.miscounted(live, head):
        live.leave()
        return live.refuse("failed", said.miscounted(live.route))
    if live.watch is not None:
        live.pieces = live.watch.pieces()
    if "after" in live.route.handoff and live.serving.people is not None:
        live.held = []  # a person may have to see it whole
    try:
        live.reading = live.dialect.reading(live.call, live.usage, live.pieces)
    except Refused as refused:
        live.leave()
        live.refuse("refused", refused)


@callback
def piece(live: Live, data: bytes) -> None:
    reading = live.reading
    assert reading is not None
    try:
        out = reading.feed(data)
    except Refused as refused:
        live.leave()
        return live.refuse("cut", refused)
    except ValueError:
        live.leave()
        return live.refuse("failed", said.unread(live.route))
    if reading.done:
        _last_word(live, out)
    elif out:
        _pass_on(live, out)


@callback
def end(live: Live) -> None:
    """The upstream's message is over, with or without the protocol's last word."""
    live.link = None
    if live.reading is not None and not live.reading.done:
        _last_word(live, b"")


def _pass_on(live: Live, out: bytes) -> None:
    live.usage.bytes_out += len(out)
    if live.usage.bytes_out > live.route.caps.answer_bytes_max:
        live.leave()
        return live.refuse("cut", said.unread(live.route))
    if live.held is not None:
        return live.held.append(out)
    if not live.started:
        live.started = True
        live.first = live.serving.clock()
        live.reply.start(200, live.block(STREAM))
    if live.copy is not None:
        live.copy.append(out)
    if live.ask.receipt:
        live.digest = live.digest or hashlib.sha256()
        live.digest.update(out)
    live.reply.send(out)


def _last_word(live: Live, out: bytes) -> None:
    """The upstream is done; the end goes out once the guards have let go of the tail."""
    link, live.link = live.link, None
    if link is not None:
        link.last_word()
    if out:
        _pass_on(live, out)
    if live.ended:
        return
    if live.pieces is not None:
        live.pieces.finish(lambda held: _let_go(live, held))
    else:
        _close(live, ())


@callback
def _let_go(live: Live, held: list[bytes] | Refused) -> None:
    if live.ended:
        return
    if isinstance(held, Refused):
        return live.refuse("cut", held)
    _close(live, held)


def _close(live: Live, tail: Sequence[bytes]) -> None:
    reading = live.reading
    assert reading is not None
    if not reading.whole:
        return live.refuse("failed", said.unread(live.route))
    out = reading.last(tail)
    if live.held is not None:
        media = STREAM if live.ask.operation in IN_EVENTS else JSON
        return live.answer(b"".join((*live.held, out)), media)
    if out:
        _pass_on(live, out)
    if live.ended:
        return
    live.settle("served")
    live.ended = True
    live.serving.live.discard(live)
    if not live.started:
        live.reply.whole(200, live.block(STREAM), b"")
    else:
        live.reply.end()
