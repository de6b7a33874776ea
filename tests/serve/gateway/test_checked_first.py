"""What an own worker would not take is refused before a person has to look at it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from pilotbase.serve.call import Caps
from pilotbase.serve.ports import Decided
from pilotbase.serve.worker.app import App
from tests.serve.doors.mounting import Queue, doors, served, serving_by
from tests.serve.doors.test_cases import CASE, NUMBERS, Adds
from tests.serve.gateway.rig import KEY, Rig, refused, until, upstream

HEADERS = {"Authorization": f"Bearer {KEY}"}
HANDOFF = {"before": {"always": True}}
CHAT, INFER = "/v1/chat/completions", "/v2/models/f/infer"


class Counting(Adds):
    """Says how often it was asked for answers."""

    asked = 0

    def answer(self, cases: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        self.asked += 1
        return super().answer(cases)


@asynccontextmanager
async def gateway(
    url: str, kind: str = "candidate"
) -> AsyncIterator[tuple[Rig, Queue, httpx.AsyncClient]]:
    more: dict[str, Any] = {"handoff": HANDOFF, "columns": True, "caps": Caps(whole_s_max=20.0)}
    route, queue = serving_by(kind, url, "chat", "infer", **more), Queue()
    async with (
        doors("openai,oip", route, people=queue) as rig,
        httpx.AsyncClient(base_url=rig.url, headers=HEADERS) as client,
    ):
        yield rig, queue, client


def said(path: str, case: Mapping[str, Any]) -> dict[str, Any]:
    if path == CHAT:
        return {"model": "f", "messages": [{"role": "user", "content": json.dumps(case)}]}
    inputs = [
        {"name": name, "datatype": "FP64", "shape": [1], "data": [float(one)]}
        for name, one in case.items()
    ]
    return {"inputs": inputs}


@pytest.mark.parametrize(("path", "stream"), [(CHAT, False), (CHAT, True), (INFER, False)])
def test_wrong_columns_are_told_at_once_and_nobody_is_asked(path: str, stream: bool) -> None:
    async def work() -> None:
        model = Counting(NUMBERS)
        async with served(App("m", "1", model)) as url, gateway(url) as (rig, queue, client):
            wrong = said(path, {"age": 41, "colour": 2})
            if path == CHAT:
                wrong["stream"] = stream
            got = await client.post(path, json=wrong)
            assert got.status_code == 422 and got.headers["pilotbase-usage"]
            assert "no such column: colour" in got.text and "没有这样的列: colour" in got.text
            assert queue.decided == [] and rig.meter.outcomes == ["refused"]
            got = await client.post(path, json=said(path, CASE))
            assert got.status_code == 202 and len(queue.decided) == 1 and model.asked == 0
            queue.decided[0](Decided(True, "approved", "li"))
            await until(lambda: rig.meter.outcomes == ["refused", "served"])
            assert model.asked == 1

    asyncio.run(work())


@pytest.mark.parametrize("status", ["500 Fault", "503 Not ready", "200 OK"])
def test_a_worker_that_does_not_say_so_keeps_nobody_from_a_person(status: str) -> None:
    async def work() -> None:
        heads = list[bytes]()

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            if status[0] == "5":
                writer.write(f"HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n".encode())

        async with upstream(script) as url, gateway(url.removesuffix("/v1")) as (_, queue, client):
            got = await client.post(CHAT, json=said(CHAT, CASE))
            assert got.status_code == 202 and len(queue.decided) == 1
            assert b"\r\npilotbase-check: 1\r\n" in heads[0]

    asyncio.run(work())


def test_others_are_not_asked_to_check() -> None:
    async def work() -> None:
        heads = list[bytes]()

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heads.append(await reader.readuntil(b"\r\n\r\n"))

        async with upstream(script) as url, gateway(url, "chat") as (_, queue, client):
            got = await client.post(CHAT, json=said(CHAT, CASE))
            assert got.status_code == 202 and len(queue.decided) == 1 and heads == []

    asyncio.run(work())


def test_who_leaves_meanwhile_has_nobody_asked() -> None:
    async def work() -> None:
        asked, goes_on = asyncio.Event(), asyncio.Event()

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            asked.set()
            await goes_on.wait()
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
            await writer.drain()

        async with upstream(script) as url, gateway(url.removesuffix("/v1")) as (rig, queue, _):
            async with httpx.AsyncClient(base_url=rig.url, headers=HEADERS) as leaves:
                task = asyncio.create_task(leaves.post(CHAT, json=said(CHAT, CASE)))
                await asked.wait()
                task.cancel()
                await asyncio.wait([task])
            [live] = rig.serving.live
            await until(lambda: live.reply.gone)
            assert rig.meter.outcomes == [], "it may be checked still"
            goes_on.set()
            await until(lambda: rig.meter.outcomes == ["refused"])
            assert queue.decided == [] and not rig.serving.live

    asyncio.run(work())


def test_a_stop_meanwhile_costs_nothing() -> None:
    async def work() -> None:
        asked = asyncio.Event()

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            asked.set()
            await reader.read()

        async with upstream(script) as url, gateway(url.removesuffix("/v1")) as (rig, queue, http):
            task = asyncio.create_task(http.post(CHAT, json=said(CHAT, CASE)))
            await asked.wait()
            [live] = rig.serving.live
            live.cut(refused(403, "serve.stopped"))
            assert (await task).status_code == 403
            assert rig.meter.outcomes == ["refused"] and queue.decided == []

    asyncio.run(work())
