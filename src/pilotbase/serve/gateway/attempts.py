"""Second attempts: a new connection, another replica, a route of second choice. Of a `Live`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pilotbase.kernel.errors import PilotbaseError
from pilotbase.serve.call import Refused
from pilotbase.serve.gateway import said
from pilotbase.serve.gateway.callbacks import callback
from pilotbase.serve.rules.cases import ANSWERED
from pilotbase.serve.rules.http_head import ResponseHead
from pilotbase.serve.upstreams.link import Lost

if TYPE_CHECKING:
    from pilotbase.serve.gateway.live import Live

TRIES_MAX = 4
_ANSWERED = ANSWERED.encode()


@callback
def lost(live: Live, lost: Lost) -> None:
    live.link = None
    if lost.stale and live.dialect.idempotent and _again(live):
        return
    if not lost.full and not lost.stale:
        live.replica.failed()
    refused = said.lost(lost, live.route)
    if not lost.sent and _another(live, refused):
        return
    live.refuse("failed", refused)


def miscounted(live: Live, head: ResponseHead) -> bool:
    """Whether an own worker answered another number of cases than was reserved, or says none."""
    if live.replica.upstream.kind != "candidate" or live.call is None:
        return False
    return head.headers.get(_ANSWERED) != b"%d" % live.call.most.cases


def not_answered(live: Live, head: ResponseHead, body: bytes) -> None:
    """A status other than 200. 429 and 503 say that nothing was done: another may do it."""
    if head.status >= 500:
        live.replica.failed()
    else:
        live.replica.answered()
    if live.replica.upstream.kind == "candidate":
        refused = of_first(live, said.own_said(head.status, body, live.route))
    else:
        retry = head.headers.get(b"retry-after", b"")
        refused = said.upstream_said(head.status, live.route, retry)
    if head.status in (429, 503) and _another(live, refused):
        return
    live.refuse("failed", refused)


def of_first(live: Live, refused: Refused) -> Refused:
    """The caller asked the first choice: that a second one cannot take the request is not their
    fault, and what they have to know is that the first did not answer."""
    blamed = refused.status in (400, 413, 415, 422)
    return live.missed if blamed and live.missed is not None else refused


def _again(live: Live) -> bool:
    """On a new connection to the same upstream."""
    if live.replica in live.tried or live.begun is False:
        return False
    live.tried = (*live.tried, live.replica)
    live.send()
    return True


def _another(live: Live, refused: Refused) -> bool:
    """Another replica, then the routes of second choice, each a call of its own.

    Args:
        refused: what the caller is told where there is none.
    """
    if len(live.tried) >= TRIES_MAX or live.reply.gone:
        return False
    live.tried = (*live.tried, live.replica)
    try:
        replica = live.serving.replicas.pick(live.route, live.tried)
    except PilotbaseError as error:
        live.refuse("failed", _not_in_order(error))
        return True
    if replica is not None:
        live.replica = replica
        live.send()
        return True
    return _fall_back(live, refused)


def _fall_back(live: Live, refused: Refused) -> bool:
    if not live.others:
        return False
    live.told = live.block()
    live.settle("failed")
    live.watch = None  # the other route has its own guards
    if live.call is not None:  # it goes on under the same idempotency key, where there is one
        live.ask.follows = live.call.usage_id
    try:
        live.enter(live.next_route(refused))
    except Refused as error:
        live.turn_away(error)
    except PilotbaseError as error:
        live.turn_away(_not_in_order(error))
    return True


def _not_in_order(error: PilotbaseError) -> Refused:
    """An upstream's address or key."""
    return Refused(503, error.code, error.message, error.next_step)
