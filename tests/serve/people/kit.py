"""A home with people, and a gateway whose calls may wait for them (for tests)."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from starlette.applications import Starlette

from pilotbase.catalog.parties.events import PartyAdded
from pilotbase.kernel.actor import Actor
from pilotbase.kernel.event import Draft
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import Record, open_record
from pilotbase.serve.guards.watch import Watchers
from pilotbase.serve.metering.opened import Metering
from pilotbase.serve.people.door import CallDoor
from pilotbase.serve.people.handoff import HandOff
from pilotbase.serve.ports import Meter
from tests.serve.gateway.rig import (
    KEY,
    SAID,
    Rig,
    Script,
    gateway,
    request,
    route,
    upstream,
    whole,
)

BY = Actor("single operator", "case officer")


def home(folder: Path) -> Context:
    """A home with three people."""
    context = Context(folder / "home")
    with open_record(context) as record:
        for name in ("zhao", "li", "officer"):
            record.append(Draft(PartyAdded(name, "person", 1), BY, f"party:{name}"))
    return context


@dataclass
class Desk:
    """A gateway, its people and a client that polls."""

    rig: Rig
    people: HandOff
    record: Record
    client: httpx2.AsyncClient
    seen: list[dict[str, Any]]

    async def poll(self, usage: str, key: str = KEY) -> httpx2.Response:
        headers = {"authorization": f"Bearer {key}"}
        return await self.client.get(f"http://gw/calls/{usage}", headers=headers)

    async def until(self, usage: str, status: int) -> httpx2.Response:
        """Poll until a status comes; the record is looked at as the gateway would."""
        async with asyncio.timeout(5):
            while (answer := await self.poll(usage)).status_code != status:
                self.people.look()
                await asyncio.sleep(0.01)
            return answer


@asynccontextmanager
async def desk(
    context: Context, handoff: Mapping[str, Any], gateway_id: str = "gw", **more: Any
) -> AsyncIterator[Desk]:
    async with _desk(context, gateway_id, None, {"f-1": handoff}, (), more) as found:
        yield found


@asynccontextmanager
async def metered_desk(
    context: Context, handoffs: Mapping[str, Mapping[str, Any]], *answers: bytes, **more: Any
) -> AsyncIterator[Desk]:
    """A route for each hand-off, with a journal and a ledger. Calls that are not settled at the end
    are left as by a kill: by then nobody knows of them but journal and record."""
    with open_record(context) as record:
        metering = Metering(record, asyncio.get_running_loop())
        try:
            async with _desk(
                context, metering.gateway, metering.meter, handoffs, answers, more
            ) as found:
                yield found
        finally:
            metering.close()


@asynccontextmanager
async def _desk(
    context: Context,
    gateway_id: str,
    meter: Meter | None,
    handoffs: Mapping[str, Mapping[str, Any]],
    answers: tuple[bytes, ...],
    more: Mapping[str, Any],
) -> AsyncIterator[Desk]:
    loop, seen = asyncio.get_running_loop(), list[dict[str, Any]]()
    with open_record(context) as record:
        people = HandOff(record, loop, gateway_id)
        await people.open()
        watchers = Watchers()
        said = answers or (whole(json.dumps(SAID).encode()),)
        async with upstream(as_wanted(*said, seen=seen)) as url:
            routes = [
                route(url, filing=filing, handoff=handoff, **more)
                for filing, handoff in handoffs.items()
            ]
            async with gateway(
                *routes, metered=meter, people=people, watching=watchers.watch
            ) as rig:
                door = CallDoor(people, rig.gate, rig.serving.resume, time.time)
                app = Starlette(routes=door.routes)
                transport = httpx2.ASGITransport(app=app)
                async with httpx2.AsyncClient(transport=transport) as client:
                    yield Desk(rig, people, record, client, seen)
        people.close()
        watchers.close()


def as_wanted(*answers: bytes, seen: list[dict[str, Any]]) -> Script:
    """Answers with the first, or with the last where a stream is asked for."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            _, body = await request(reader)
            seen.append(body)
            writer.write(answers[-1] if body.get("stream") else answers[0])
            await writer.drain()

    return script
