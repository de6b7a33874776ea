"""Calls to be metered, and a loop to do it on (for tests)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from pilotbase.catalog.parties.events import Delegated, KeyCreated
from pilotbase.kernel.actor import Actor
from pilotbase.kernel.event import Draft
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import Record, open_record
from pilotbase.register.events import Filed
from pilotbase.serve.call import Ask, Call, Grant, Refused, Route, Tariff, Usage
from pilotbase.serve.metering.events import Limited
from pilotbase.serve.metering.meter import JournalMeter
from pilotbase.serve.metering.opened import Metering
from pilotbase.serve.routes.events import Arranged

R = TypeVar("R")
FEN = 10**7
TARIFF = Tariff("CNY", call=2 * FEN, input_token=500, output_token=2_000)
MOST = Usage(input_tokens=500, output_tokens=1_000)
USED = Usage(input_tokens=100, output_tokens=200, bytes_in=400, bytes_out=900, counted=True)
RESERVED = 2 * FEN + 500 * 500 + 1_000 * 2_000
PAID = 2 * FEN + 100 * 500 + 200 * 2_000
BY = Actor("single operator", "finance")


def route(tariff: Tariff = TARIFF, filing: str = "line-1") -> Route:
    return Route(
        filing, filing.rpartition("-")[0], frozenset(["chat"]), Text("line", "线"), "asset", "v1",
        "tried", "verdict", "go", "low", "bureau", "zhao", 4e9, "2096-10-02", tariff, (),
    )  # fmt: skip


def grant(key: str = "a1") -> Grant:
    return Grant(key, "agent", ("d1",), "bureau", "zhao", 4e9)


def call(
    *, at: float = 0.0, name: str = "", key: str = "a1", most: Usage = MOST, of: Route | None = None
) -> Call:
    ask = Ask("line", "chat", b"{}", idempotency_key=name)
    return Call(ask, of or route(), grant(key), at or time.time(), most)


def known(record: Record) -> None:
    """Say in the record what stands behind such calls: key, delegation, filings, token prices."""
    ever = "2026-01-01T00:00:00Z", "2096-01-01T00:00:00Z"
    link = Delegated("d1", "bureau", "agent", ("serve",), *ever, "", 0, "test")
    key = KeyCreated("a1", "agent", "d1", ("serve",), *ever, "00" * 32)
    said: list[Draft] = [Draft(link, BY, "delegation:d1"), Draft(key, BY, "key:a1")]
    for filing, price in (("line-1", ("0.02 CNY", "call")), ("count-2", ("0.03 EUR", "case"))):
        asset, amount = (
            {"id": "asset", "version": "v1", "number": 1},
            dict(zip(("amount", "per"), price, strict=True)),
        )
        filed = Filed(
            filing, "", "run", "scenario", "candidate", asset, "tried", "trust", "plan", "verdict",
            "go", (), {"tier": "low"}, *ever, amount, "bureau", "zhao", "zhao", {}, (), (),
        )  # fmt: skip
        said.append(Draft(filed, BY, f"filing:{filing}"))
    tokens = {"input": "0.50 CNY per 1000000", "output": "2.00 CNY per 1000000"}
    arranged = Arranged("line-1", "zhao", "test", (), (), (), tokens, {}, {}, {}, False)
    record.append_many([*said, Draft(arranged, BY, "filing:line-1")])


async def begun(meter: JournalMeter, one: Call) -> Refused | None:
    """What the meter says of a call."""
    said: asyncio.Future[Refused | None] = asyncio.get_running_loop().create_future()
    meter.begin(one, said.set_result)
    return await asyncio.wait_for(said, 20)


def limit(record: Record, account: str, per: str = "total", **most: Any) -> None:
    said = {"requests": None, "tokens": None, "money": None, **most}
    record.append(
        Draft(Limited(account, per, by="zhao", reason="test", **said), BY, f"account:{account}")
    )


@asynccontextmanager
async def metering(record: Record, **how: Any) -> AsyncIterator[Metering]:
    opened = Metering(record, asyncio.get_running_loop(), **how)
    try:
        yield opened
    finally:
        opened.close()


def run(home: Path, work: Callable[[Record], Awaitable[R]]) -> R:
    """Do the work on a loop of its own, over the home's record."""

    async def whole() -> R:
        with open_record(Context(home)) as record:
            return await work(record)

    return asyncio.run(whole())
