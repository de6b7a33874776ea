"""A gateway on the loopback with any of its doors, and upstreams that answer by functions."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette

from pilotbase.serve.call import Caps, Route, Upstream
from pilotbase.serve.gateway.server import Server
from pilotbase.serve.gateway.serving import Serving
from pilotbase.serve.running.doors import mounted
from pilotbase.serve.upstreams.replicas import Replicas
from pilotbase.serve.upstreams.timer import Ticks
from tests.serve.gateway.rig import Rig, TestGate, TestMeter, route, upstream

Said = tuple[int, bytes]
Answering = Callable[[bytes, bytes, dict[bytes, bytes]], Said]
"""From path, body and headers of a request to status and JSON."""


@asynccontextmanager
async def doors(names: str, *routes: Route, **parts: Any) -> AsyncIterator[Rig]:
    loop = asyncio.get_running_loop()
    gate, meter, ticks = TestGate(routes), TestMeter(), Ticks(loop)
    serving = Serving(gate, meter, Replicas(ticks), {}, **parts)
    found = mounted(names.split(","), serving)
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
            writer.write(f"{line}content-length: {len(said)}\r\n\r\n".encode() + said)
            await writer.drain()

    async with upstream(script) as url:
        yield url.removesuffix("/v1")


def serving_by(kind: str, url: str, *speaks: str, **changed: Any) -> Route:
    """A route to one upstream of a kind."""
    one = Upstream("u0", kind, url, model="m", private=True)  # type: ignore[arg-type]
    said: dict[str, Any] = {"caps": Caps(whole_s_max=20.0, request_bytes_max=2**20)}
    return route(upstreams=(one,), speaks=frozenset(speaks), **(said | changed))


def as_json(said: Any, status: int = 200) -> Said:
    return status, json.dumps(said).encode()
