"""Real servers on the loopback, as good or as bad as a test wants them; fast enough for the bench.

``python tests/trial/endpoints/servers.py`` starts the good one and prints its address.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

MODEL = "mock-1"


@dataclass
class Call:
    """One request as a server saw it."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Answer = Callable[[Call, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Server:
    """A running server: where it is and what it was asked."""

    port: int
    calls: list[Call] = field(default_factory=list)
    open_most: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def http(
    body: bytes | str | Mapping[str, Any],
    *,
    status: int = 200,
    kind: str = "application/json",
    **headers: str,
) -> bytes:
    """A whole HTTP answer; header names in keywords, ``_`` for ``-``."""
    raw = (
        body
        if isinstance(body, bytes)
        else (body if isinstance(body, str) else json.dumps(body)).encode()
    )
    lines = [f"HTTP/1.1 {status} X", f"content-type: {kind}", f"content-length: {len(raw)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + raw


def completion(text: str | None = "Paris [p1]", **changes: Any) -> dict[str, Any]:
    """A chat completion; keywords replace fields of it, or of its message and choice."""
    message: dict[str, Any] = {"role": "assistant", "content": text}
    choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": "stop"}
    whole: dict[str, Any] = {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": MODEL,
        "choices": [choice],
        "usage": {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15},
    }
    for name, value in changes.items():
        place = (
            choice if name in choice else message if name in ("refusal", "tool_calls") else whole
        )
        place[name] = value
    return whole


def chunk(delta: Mapping[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    """One chunk of a streamed completion."""
    choice = {"index": 0, "delta": dict(delta), "finish_reason": finish}
    return {
        "id": "c",
        "object": "chat.completion.chunk",
        "model": MODEL,
        "choices": [choice],
        **more,
    }


def sse(*events: Mapping[str, Any] | str, end: str = "\n\n", done: bool = True) -> bytes:
    """Server-sent events, with the end that OpenAI puts behind them."""
    said = [event if isinstance(event, str) else json.dumps(event) for event in events]
    return "".join(f"data: {text}{end}" for text in [*said, *(["[DONE]"] if done else [])]).encode()


def says(answer: bytes | Callable[[Call], bytes]) -> Answer:
    """A server that gives whole answers, one after the other."""

    async def reply(call: Call, writer: asyncio.StreamWriter) -> None:
        writer.write(answer if isinstance(answer, bytes) else answer(call))

    return reply


def in_turn(*answers: bytes) -> Answer:
    """The answers in their order, then the last one again."""
    left = list(answers)

    def answer(call: Call) -> bytes:
        return left.pop(0) if len(left) > 1 else left[0]

    return says(answer)


@contextmanager
def serving(answer: Answer, *, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """A server in a thread of its own, gone at the end with all that it still does."""
    loop = asyncio.new_event_loop()
    server = Server(0)
    ready = threading.Event()
    stop = asyncio.Event()

    async def main() -> None:
        tasks: set[asyncio.Task[None]] = set()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            server.open_most = max(server.open_most, len(tasks))
            try:
                await _talk(server, answer, reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                pass
            finally:
                tasks.discard(task)
                writer.close()

        listening = await asyncio.start_server(connected, "127.0.0.1", 0, backlog=2048, ssl=tls)
        server.port = listening.sockets[0].getsockname()[1]
        ready.set()
        await stop.wait()
        listening.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.sleep(0.02)

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()))
    thread.start()
    ready.wait()
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


async def _talk(
    server: Server, answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    while True:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ", 2)
        pairs = (line.split(":", 1) for line in head[1:] if line)
        headers = {name.strip().lower(): value.strip() for name, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        call = Call(method, path, headers, body)
        server.calls.append(call)
        await answer(call, writer)
        await writer.drain()
        if writer.is_closing():
            return


class Mock(asyncio.Protocol):
    """A mock OpenAI endpoint that costs next to nothing: one answer, echoing the model."""

    def __init__(self, text: str = "Paris [p1]") -> None:
        self._text = text
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self._held += data
        while (end := self._held.find(b"\r\n\r\n")) >= 0:
            head = self._held[:end].lower()
            length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
            if len(self._held) < end + 4 + length:
                return
            asked = json.loads(self._held[end + 4 : end + 4 + length])
            self._held = self._held[end + 4 + length :]
            self._transport.write(http(completion(self._text, model=asked["model"])))


async def mock(host: str = "127.0.0.1", port: int = 0) -> asyncio.Server:
    """Start the mock in this event loop."""
    return await asyncio.get_running_loop().create_server(Mock, host, port, backlog=2048)


async def _main() -> None:
    server = await mock(port=int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    host, port = server.sockets[0].getsockname()[:2]
    print(f"http://{host}:{port}/v1", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main())
