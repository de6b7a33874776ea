"""Our gateway as `bench/gateway.py` measures it, all on: ``gateway_served.py HOME PORT URL``.

Key with a chain of three delegations, budgets of money, tokens and requests on the key and its
party, a route with a price, the usage journal on disk, receipt headers. Prints the key when ready;
at SIGTERM it stops in order and prints how many journal rows it has settled as served.
"""

from __future__ import annotations

import asyncio
import random
import signal
import socket
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvloop

from pilotbase.catalog.rules.delegation import Book, Delegation, Party
from pilotbase.catalog.rules.keys import Key, key_text
from pilotbase.kernel.event import Draft
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import Record, open_record
from pilotbase.serve.call import Call, Charge, Outcome, Route, Tariff, Upstream, Usage
from pilotbase.serve.doors.openai import DIALECTS, door_of
from pilotbase.serve.gateway.asgi import Message
from pilotbase.serve.gateway.server import Server
from pilotbase.serve.gateway.serving import Serving
from pilotbase.serve.metering.events import Limited
from pilotbase.serve.metering.meter import JournalMeter
from pilotbase.serve.metering.opened import Metering
from pilotbase.serve.routes.compile import Books, Compiled
from pilotbase.serve.routes.gate import RecordGate
from pilotbase.serve.upstreams.replicas import Replicas
from pilotbase.serve.upstreams.timer import Ticks

YEAR = timedelta(days=365)


def route_of(url: str) -> Route:
    return Route(
        filing="bench-20261122",
        service="bench",
        speaks=frozenset(("chat", "embeddings")),
        title=Text("Bench", "基准"),
        asset="asset:bench",
        version="sha256:" + "ab" * 32,
        tried="sha256:" + "cd" * 32,
        verdict="go",
        said="go",
        tier="T1",
        principal="bureau",
        person="officer",
        expires=4e9,
        expires_at="2096-10-02",
        tariff=Tariff("CNY", call=10**6, input_token=500, output_token=2000),
        upstreams=(Upstream("one", "chat", url, model="m", private=True),),
    )


def gate_of(route: Route, draw: random.Random) -> tuple[RecordGate, str]:
    now = datetime.now(UTC)
    parties = {"p": Party("p", "person"), "b": Party("b", "body", "p")}
    parties |= {name: Party(name, "agent") for name in ("top", "mid", "caller")}
    scope = ("serve.call.bench",)
    links = {
        "d1": Delegation("d1", "b", "top", ("serve.*",), now, now + YEAR, further=2),
        "d2": Delegation("d2", "top", "mid", ("serve.*",), now, now + YEAR, "d1", 1),
        "d3": Delegation("d3", "mid", "caller", scope, now, now + YEAR, "d2"),
    }
    id_, text, kept = key_text(draw.randbytes(6), draw.randbytes(32))
    keys = {id_: Key(id_, "caller", "d3", scope, now, now + YEAR, kept)}
    gate = RecordGate()
    tried: dict[str, dict[str, object]] = {"candidates": {}, "submitted": {}}
    books = Books({}, {}, tried, {}, {}, Book(parties, links), keys)
    gate.put(books, Compiled({route.filing: route, route.service: route}))
    return gate, text


def limit(record: Record, account: str) -> None:
    what = Limited(account, "P1D", 10**9, 10**13, "1000000000.00 CNY", "p", "bench")
    actor = record.context.actor("finance")
    record.append(Draft(what, actor, f"account:{account}"))


class Counting:
    """The meter, and how many calls it settled as served."""

    def __init__(self, meter: JournalMeter) -> None:
        self._meter, self.served = meter, 0
        self.begin = meter.begin

    def settle(self, call: Call, usage: Usage, outcome: Outcome) -> Charge:
        self.served += outcome == "served" and usage.counted
        return self._meter.settle(call, usage, outcome)


async def nothing(scope: Message, receive: object, send: object) -> None:
    if scope["type"] == "http":
        raise LookupError(scope["path"])


async def serve(home: Path, port: int, url: str) -> None:
    loop = asyncio.get_running_loop()
    record = open_record(Context(home))
    route = route_of(url)
    gate, key = gate_of(route, random.Random(1))
    for account in (f"key:{key.split('_')[1]}", "party:caller"):
        limit(record, account)
    metering = Metering(record, loop)
    meter = Counting(metering.meter)
    ticks = Ticks(loop)
    serving = Serving(gate, meter, Replicas(ticks), DIALECTS)
    gate.on_change(serving.recheck)
    server = Server(serving, door_of, nothing, ticks)
    listening = socket.create_server(("127.0.0.1", port), backlog=512)
    await server.listen(listening)
    over = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, over.set)
    print(key, flush=True)
    await over.wait()
    await server.stop(2.0)
    metering.close()
    record.close()
    print(meter.served, flush=True)


if __name__ == "__main__":
    uvloop.run(serve(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
