"""A gateway on the loopback with any of its doors, and upstreams that answer by functions."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response

from pilotbase.serve.call import Call, Caps, Route, Upstream
from pilotbase.serve.gateway.server import Server
from pilotbase.serve.gateway.serving import Serving
from pilotbase.serve.ports import Decided, Ticket
from pilotbase.serve.running.doors import mounted
from pilotbase.serve.upstreams.replicas import Replicas
from pilotbase.serve.upstreams.timer import Ticks
from tests.serve.gateway.rig import KEY, Rig, TestGate, TestMeter, refused, route, upstream

Said = tuple[int, bytes]
Answering = Callable[[bytes, bytes, dict[bytes, bytes]], Said]
"""From path, body and headers of a request to status and JSON."""


@asynccontextmanager
async def doors(names: str, *routes: Route, beside: Any = None, **parts: Any) -> AsyncIterator[Rig]:
    loop = asyncio.get_running_loop()
    gate, meter, ticks = TestGate(routes), TestMeter(), Ticks(loop)
    serving = Serving(gate, meter, Replicas(ticks), {}, **parts)
    kept = beside(serving) if callable(beside) else beside
    found = mounted(names.split(","), serving, kept)
    app = Starlette(routes=list(found.paths))
    server = Server(serving, found.door_of or (lambda method, path: None), app, ticks)
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    await server.listen(listening)
    try:
        yield Rig(gate, meter, serving, server, port)
    finally:
        await server.stop(0.0)


@asynccontextmanager
async def answering(answer: Answering, seen: list[Any] | None = None) -> AsyncIterator[str]:
    """An upstream that answers each request, GET or POST, by a function; its address."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            first, *lines = head[:-4].split(b"\r\n")
            headers = dict(line.lower().split(b": ", 1) for line in lines)
            body = await reader.readexactly(int(headers.get(b"content-length", b"0")))
            path = first.split(b" ")[1]
            if seen is not None:
                seen.append((first, headers, body))
            status, said = answer(path, body, headers)
            line = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n"
            line += "pilotbase-cases: 1\r\n"  # as own workers say; from others it means nothing
            writer.write(f"{line}content-length: {len(said)}\r\n\r\n".encode() + said)
            await writer.drain()

    async with upstream(script) as url:
        yield url.removesuffix("/v1")


def serving_by(kind: str, url: str, *speaks: str, **changed: Any) -> Route:
    """A route to one upstream of a kind."""
    one = Upstream("u0", kind, url, model="m", private=True)  # type: ignore[arg-type]
    said: dict[str, Any] = {
        "caps": Caps(whole_s_max=20.0),
        "upstreams": (one,),
        "speaks": frozenset(speaks),
    }
    return route(**(said | changed))


def as_json(said: Any, status: int = 200) -> Said:
    return status, json.dumps(said).encode()


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """An ASGI application on the loopback; its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="on"))
    task = asyncio.create_task(server.serve([listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


class Books:
    """What a gateway keeps beside calls; parked calls are answered when a test says so."""

    def __init__(self) -> None:
        self.answers: dict[str, Response] = {}

    def filings(self) -> list[dict[str, Any]]:
        return [{"filing": "f-1", "stands": "live"}]

    def filing(self, name: str) -> dict[str, Any]:
        if name != "f-1":
            raise refused(404, "serve.unknown_service")
        return {"filing": name, "verdict": "go"}

    async def usage(self, serving: Serving, key: str) -> list[dict[str, Any]]:
        return [{"service": "f", "calls": 1}] if key == KEY else []

    async def outcome(self, usage: str, key: str) -> Response:
        if key != KEY:
            raise refused(404, "serve.no_such_call")
        return self.answers.get(usage) or Response(b"{}", 202)

    async def name_task(self, task: str, context: str, service: str, usage: str) -> None: ...

    async def task(self, task: str) -> dict[str, Any] | None:
        return None


class Queue:
    """A hand-off that asks for a person before every call. For tests."""

    def __init__(self) -> None:
        self.decided: list[Callable[[Decided], None]] = []
        self.kept: dict[str, bytes] = {}

    def wanted(self, call: Call, stage: str, flags: Any, answer: Any = None) -> tuple[str, ...]:
        return ("tier",) if stage == "before" else ()

    def park(
        self, call: Call, stage: Any, why: Any, flags: Any, given: Any, parked: Any, decided: Any
    ) -> None:
        self.decided.append(decided)
        asyncio.get_running_loop().call_soon(parked, Ticket(call.usage_id, stage, why, 4e9))

    def deliver(self, usage: str, status: int, media: str, answer: bytes) -> None:
        self.kept[usage] = answer
