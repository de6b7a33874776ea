"""A gateway on the loopback for tests: real sockets; a gate and a meter, plain but whole."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from starlette.applications import Starlette

from pilotbase.kernel.text import Text
from pilotbase.serve.call import (
    Call,
    Caps,
    Charge,
    Grant,
    Outcome,
    Refused,
    Route,
    Tariff,
    Upstream,
    Usage,
)
from pilotbase.serve.doors.openai import DIALECTS, door_of
from pilotbase.serve.doors.openai_models import paths
from pilotbase.serve.gateway.limits import Limits
from pilotbase.serve.gateway.server import Server
from pilotbase.serve.gateway.serving import Serving
from pilotbase.serve.ports import Meter, Then
from pilotbase.serve.upstreams.replicas import Replicas
from pilotbase.serve.upstreams.timer import Ticks

KEY = "pbk_0123_secret"
Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
SAID = {
    "id": "c1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "好的"}, "finish_reason": "stop"}
    ],
    "usage": USAGE,
}


def refused(status: int, code: str) -> Refused:
    return Refused(status, code, Text(code, code), Text("See.", "请看。"), filing="f-1")


class TestGate:
    """Routes by name; one key opens all, others are added. For tests."""

    __test__ = False

    def __init__(self, routes: Sequence[Route]) -> None:
        self.known = {name: one for one in routes for name in (one.filing, one.service)}
        self.stopped = False
        self.keys = {KEY}
        self.grant = Grant("0123", "agent", ("d1",), "bureau", "officer", 4e9)
        self.grants: dict[str, Grant] = {}

    def route(self, service: str, at: float, key: str = "") -> Route:
        if self.stopped or service not in self.known:
            raise refused(404, "serve.not_filed")
        return self.known[service]

    def admit(self, key: str, route: Route, at: float) -> Grant:
        if key not in self.keys:
            raise refused(401, "key.wrong")
        return self.grants.get(key, self.grant)

    def whose(self, key: str, at: float) -> str:
        if key not in self.keys:
            raise refused(401, "key.wrong")
        return self.grants.get(key, self.grant).key

    def routes(self, at: float) -> Sequence[Route]:
        return list({one.filing: one for one in self.known.values()}.values())

    def standing(self, call: Call, at: float) -> Refused | None:
        return refused(403, "serve.stopped") if self.stopped else None

    def on_change(self, listener: Callable[[], None]) -> None: ...


class TestMeter:
    """Counts in memory; answers on the loop's next turn, as a disk would. For tests."""

    __test__ = False

    def __init__(self) -> None:
        self.begun: list[Call] = []
        self.settled: list[tuple[Call, Usage, Outcome]] = []
        self.refuses: Refused | None = None

    def begin(self, call: Call, then: Then) -> None:
        call.sequence = len(self.begun) + 1
        call.usage_id = f"gw-{call.sequence}"
        if self.refuses is None:
            self.begun.append(call)
        asyncio.get_running_loop().call_soon(then, self.refuses)

    def settle(self, call: Call, usage: Usage, outcome: Outcome) -> Charge:
        assert call in self.begun and all(one is not call for one, _, _ in self.settled)
        self.settled.append((call, replace(usage), outcome))
        return Charge("CNY", 0)

    @property
    def outcomes(self) -> list[Outcome]:
        return [outcome for _, _, outcome in self.settled]


def route(*urls: str, filing: str = "f-1", **changed: Any) -> Route:
    upstreams = tuple(
        Upstream(f"u{n}", "chat", url, model="m", private=True) for n, url in enumerate(urls)
    )
    said: dict[str, Any] = {
        "filing": filing,
        "service": filing.rpartition("-")[0],
        "speaks": frozenset(("chat", "embeddings", "responses")),
        "title": Text("Answers", "答复"),
        "asset": "asset:a",
        "version": "sha256:ab",
        "tried": "sha256:cd",
        "verdict": "go",
        "said": "go",
        "tier": "T1",
        "principal": "市监局",
        "person": "officer",
        "expires": 4e9,
        "expires_at": "2096",
        "tariff": Tariff("CNY"),
        "upstreams": upstreams,
        "caps": Caps(first_byte_s_max=5.0, between_bytes_s_max=5.0, whole_s_max=20.0),
    }
    return Route(**(said | changed))


@dataclass
class Rig:
    """A gateway that runs, and what it was made of."""

    gate: TestGate
    meter: TestMeter
    serving: Serving
    server: Server
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def gateway(
    *routes: Route, limits: Limits | None = None, metered: Meter | None = None, **parts: Any
) -> AsyncIterator[Rig]:
    loop = asyncio.get_running_loop()
    gate, meter, ticks = TestGate(routes), TestMeter(), Ticks(loop)
    serving = Serving(gate, metered or meter, Replicas(ticks), DIALECTS, **parts)
    app = Starlette(routes=paths(serving))
    server = Server(serving, door_of, app, ticks, limits)
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    await server.listen(listening)
    try:
        yield Rig(gate, meter, serving, server, port)
    finally:
        await server.stop(0.0)


@asynccontextmanager
async def upstream(
    script: Script, path: str = "", tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    """A server that does with each connection what the script says; on a socket's path or TCP."""
    tasks = set[asyncio.Task[None]]()

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await script(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            tasks.discard(task)
            writer.close()

    if path:
        server, url = await asyncio.start_unix_server(met, path), f"unix:{path}"
    else:
        server = await asyncio.start_server(met, "127.0.0.1", 0, limit=2**24, ssl=tls)
        scheme = "https" if tls else "http"
        url = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield url
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.sleep(0)


async def request(reader: asyncio.StreamReader) -> tuple[bytes, dict[str, Any]]:
    """What an upstream was asked: head and body."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if line)
    return head, json.loads(await reader.readexactly(int(lines[b"content-length"])))


def whole(body: bytes, status: str = "200 OK", media: str = "application/json") -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-type: {media}\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def saying(*answers: bytes, seen: list[dict[str, Any]] | None = None) -> Script:
    """Answers with one after the other, the last for ever."""
    left = list(answers)

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            _, body = await request(reader)
            if seen is not None:
                seen.append(body)
            writer.write(left.pop(0) if len(left) > 1 else left[0])
            await writer.drain()

    return script


def chat(service: str = "f-1", **more: Any) -> bytes:
    return json.dumps({"model": service, "messages": [], **more}).encode()


def post(body: bytes, path: str = "/v1/chat/completions", key: str = KEY, extra: str = "") -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: gw\r\nAuthorization: Bearer {key}\r\n{extra}"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


@dataclass
class Answer:
    """What a client got; ``whole`` tells whether its framing was completed."""

    status: int
    headers: dict[str, str]
    body: bytes
    whole: bool = True

    @property
    def json(self) -> Any:
        return json.loads(self.body)


async def answer(reader: asyncio.StreamReader) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines if line)
    status = int(first.split()[1])
    if "content-length" in headers:
        body = await reader.readexactly(int(headers["content-length"]))
        return Answer(status, headers, body)
    parts = list[bytes]()
    while True:
        try:
            size = int(await reader.readuntil(b"\r\n"), 16)
            parts.append((await reader.readexactly(size + 2))[:-2])
        except (asyncio.IncompleteReadError, ConnectionError):
            return Answer(status, headers, b"".join(parts), False)
        if size == 0:
            return Answer(status, headers, b"".join(parts))


async def ask(rig: Rig, sent: bytes) -> Answer:
    """One request on a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
    try:
        writer.write(sent)
        return await asyncio.wait_for(answer(reader), 10)
    finally:
        writer.close()


async def until(true: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.005)


def chunked(*parts: bytes, end: bool = True) -> bytes:
    framed = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    return framed + (b"0\r\n\r\n" if end else b"")


STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
)


def piece(content: str | None = None, finish: str | None = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": {"content": content} if content else {}, "finish_reason": finish}
    said = {"id": "c", "object": "chat.completion.chunk", "choices": [choice], "usage": None}
    return b"data: " + json.dumps(said | more, ensure_ascii=False).encode() + b"\n\n"


def stream_of(*words: str) -> bytes:
    """A whole chat stream, as bytes of events."""
    events = [piece(word) for word in words]
    events += [piece(finish="stop"), piece(choices=[], usage=USAGE), b"data: [DONE]\n\n"]
    return b"".join(events)
