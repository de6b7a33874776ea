"""The two ends of `bench/gateway.py`, each in a process of its own: an upstream and a load.

``upstream PORT`` answers chat requests at once, or with 50 events, one a millisecond and stream.
``load URL KEY KIND CONNECTIONS REQUESTS [RATE]`` asks and prints what it saw as one line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import deque
from typing import cast
from urllib.parse import urlsplit

import uvloop

CHUNKS = 50
TICK_S = 0.001
LOAD_S_MAX = 60
USAGE = '"usage":{"prompt_tokens":9,"completion_tokens":50,"total_tokens":59}'
ANSWER = (
    '{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,'
    '"message":{"role":"assistant","content":"'
    + "word " * 50
    + '"},"finish_reason":"stop"}],'
    + USAGE
    + "}"
).encode()
WHOLE = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
    len(ANSWER),
    ANSWER,
)
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_EVENT = '{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":['


def _chunk(data: str) -> bytes:
    event = f"data: {data}\n\n".encode()
    return b"%x\r\n%b\r\n" % (len(event), event)


PIECE = _chunk(
    _EVENT + '{"index":0,"delta":{"content":"word "},"finish_reason":null}],"usage":null}'
)
LAST = (
    _chunk(_EVENT + '{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}')
    + _chunk(_EVENT + "]," + USAGE + "}")
    + _chunk("[DONE]")
    + b"0\r\n\r\n"
)


class Upstream(asyncio.Protocol):
    """Answers what it is asked, without a look at what it says."""

    streams: dict[Upstream, int]

    def __init__(self, streams: dict[Upstream, int]) -> None:
        self.streams, self._rest = streams, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.streams.pop(self, None)

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        at = data.find(b"\r\n\r\n")
        name = data.lower().find(b"content-length:")
        if at < 0 or name < 0:
            self._rest = data
            return
        end = at + 4 + int(data[name + 15 : data.find(b"\r\n", name)])
        if len(data) < end:
            self._rest = data
            return
        self._rest = data[end:]
        if b'"stream":true' in data[at:end]:
            self.transport.write(HEAD)
            self.streams[self] = 0
        else:
            self.transport.write(WHOLE)


async def upstream(port: int) -> None:
    streams: dict[Upstream, int] = {}
    loop = asyncio.get_running_loop()
    await loop.create_server(lambda: Upstream(streams), "127.0.0.1", port, backlog=512)
    print("ready", flush=True)
    while True:
        await asyncio.sleep(TICK_S)
        for one, sent in tuple(streams.items()):
            if sent < CHUNKS:
                one.transport.write(PIECE)
                streams[one] = sent + 1
            else:
                one.transport.write(LAST)
                del streams[one]


class Asking(asyncio.Protocol):
    """One connection that asks until the load is done."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.began, self._buffer = 0.0, b""
        self._need = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        if not self.load.rate:
            self.ask()

    def connection_lost(self, exc: Exception | None) -> None:
        self.load.lost(self)

    def ask(self) -> None:
        if self.load.left <= 0:
            return
        self.load.left -= 1
        self.load.open += 1
        self.began = time.perf_counter()
        self.transport.write(self.load.question)

    def data_received(self, data: bytes) -> None:
        self._buffer = data = self._buffer + data if self._buffer else data
        if self._need < 0:
            at = data.find(b"\r\n\r\n")
            if at < 0:
                return
            head = data[:at].lower()
            name = head.find(b"content-length:")
            self._chunked = name < 0
            self._good = b" 200 " in head[:16]
            self._receipt = b"pilotbase-usage:" in head
            end = head.find(b"\r\n", name)
            length = head[name + 15 : end if end > 0 else at]
            self._need = 0 if name < 0 else at + 4 + int(length)
        if self._chunked:
            if not data.endswith(b"0\r\n\r\n"):
                self._buffer = data[-8:]
                return
        elif len(data) < self._need:
            return
        self._buffer, self._need = b"", -1
        self.load.answered(self, self._good, self._receipt)


class Load:
    """So many requests over so many connections; at a rate where one is given."""

    def __init__(self, question: bytes, requests: int, rate: float) -> None:
        self.question, self.left, self.rate = question, requests, rate
        self.open = self.good = self.bad = self.receipts = self.late = 0
        self.taken: list[float] = []
        self.free = deque[Asking]()  # who waited longest is next: all connections are in use
        self.over = asyncio.get_running_loop().create_future()

    def answered(self, one: Asking, good: bool, receipt: bool) -> None:
        self.taken.append(time.perf_counter() - one.began)
        self.open -= 1
        self.good += good
        self.bad += not good
        self.receipts += receipt
        if self.rate:
            self.free.append(one)
        elif self.left > 0:
            one.ask()
        self._look()

    def lost(self, one: Asking) -> None:
        if one in self.free:
            self.free.remove(one)
        elif not self.over.done() and one.began:
            self.bad += 1
            self.open -= 1
            self._look()

    def _look(self) -> None:
        if self.left <= 0 and self.open <= 0 and not self.over.done():
            self.over.set_result(None)

    async def pace(self, conns: list[Asking]) -> None:
        self.free.extend(conns)
        began, asked = time.perf_counter(), 0
        while self.left > 0:
            due = int((time.perf_counter() - began) * self.rate) - asked
            for _ in range(due):
                if self.free and self.left > 0:
                    self.free.popleft().ask()
                else:
                    self.late += 1
                asked += 1
            await asyncio.sleep(0.002)


async def load(url: str, key: str, kind: str, connections: int, requests: int, rate: float) -> None:
    parts = urlsplit(url)
    assert parts.hostname and parts.port
    host, port = parts.hostname, parts.port
    body: dict[str, object] = {
        "model": "bench",
        "messages": [{"role": "user", "content": "What is the bench? " * 8}],
    }
    if kind == "sse":
        body |= {"stream": True}
    raw = json.dumps(body, separators=(",", ":")).encode()
    question = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(raw)}\r\n\r\n"
    ).encode() + raw
    work = Load(question, requests, rate)
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    conns = [
        (await loop.create_connection(lambda: Asking(work), host, port))[1]
        for _ in range(connections)
    ]
    if rate:
        await work.pace(conns)
    try:
        await asyncio.wait_for(work.over, LOAD_S_MAX)
    except TimeoutError:
        work.bad += work.open + work.left
    took = time.perf_counter() - began
    taken = sorted(work.taken) or [LOAD_S_MAX]
    said = {
        "good": work.good,
        "bad": work.bad,
        "receipts": work.receipts,
        "late": work.late,
        "seconds": took,
        "p50_ms": taken[len(taken) // 2] * 1000,
        "p99_ms": taken[int(len(taken) * 0.99)] * 1000,
    }
    print(json.dumps(said), flush=True)


def main() -> None:
    role, *rest = sys.argv[1:]
    if role == "upstream":
        uvloop.run(upstream(int(rest[0])))
    else:
        url, key, kind, connections, requests, *rate = rest
        uvloop.run(
            load(url, key, kind, int(connections), int(requests), float(rate[0] if rate else 0))
        )


if __name__ == "__main__":
    main()
