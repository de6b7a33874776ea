"""The operator's view of calls: those under way, and the latest that ended; never their content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pilotbase.kernel.time import stamp
from pilotbase.serve.call import Charge
from pilotbase.serve.gateway.live import Live
from pilotbase.serve.routes.gate import moment_of
from pilotbase.serve.rules.budget import shown
from pilotbase.serve.telemetry.counting import Ended
from pilotbase.serve.telemetry.metrics import Parts

LIVE_MAX = 1000
Row = dict[str, Any]


def view(parts: Parts) -> dict[str, Any]:
    """``{"gateway", "live": […], "ended": […]}``: the oldest first."""
    now = parts.counts.clock()
    begun = [live for live in parts.serving.live if live.call is not None]
    begun.sort(key=lambda live: live.at)
    return {
        "gateway": parts.gateway,
        "live": [_live(one, now) for one in begun[:LIVE_MAX]],
        "ended": [_ended(one) for one in parts.counts.recent],
    }


def together(views: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The views of several processes as one, in order of time."""
    live = [{"gateway": one["gateway"], **row} for one in views for row in one["live"]]
    ended = [{"gateway": one["gateway"], **row} for one in views for row in one["ended"]]
    return {
        "processes": sorted(one["gateway"] for one in views),
        "live": sorted(live, key=lambda row: row["since"]),
        "ended": sorted(ended, key=lambda row: (row["until"], row["number"])),
    }


def _live(live: Live, now: float) -> Row:
    call = live.call
    assert call is not None
    state = "with a person" if live.waits else "answering" if live.started else "asked"
    return {
        "usage": call.usage_id,
        "filing": call.route.filing,
        "door": call.ask.door,
        "operation": call.ask.operation,
        "key": call.grant.key,
        "for": call.grant.principal,
        "upstream": call.upstream,
        "state": state,
        "stream": live.streams,
        "since": stamp(moment_of(call.at)),
        "seconds": round(max(0.0, now - call.at), 3),
    }


def _ended(ended: Ended) -> Row:
    return {
        "number": ended.number,
        "usage": ended.usage_id,
        "filing": ended.route.filing,
        "door": ended.door,
        "operation": ended.operation,
        "key": ended.grant.key,
        "for": ended.grant.principal,
        "upstream": ended.upstream,
        "outcome": ended.outcome,
        "code": ended.code,
        "since": stamp(moment_of(ended.at)),
        "until": stamp(moment_of(ended.at + ended.seconds)),
        "seconds": round(ended.seconds, 4),
        "input_tokens": ended.usage.input_tokens,
        "output_tokens": ended.usage.output_tokens,
        "charge": amount(ended.charge),
    }


def amount(charge: Charge) -> str:
    """Money as people read it, exact.

    >>> amount(Charge("CNY", 20_000_500)), amount(Charge("CNY", 0))
    ('0.0200005 CNY', '0.00 CNY')
    """
    return shown(charge.nano, charge.currency)
