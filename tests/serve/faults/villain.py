"""An upstream that does whatever wrong it is asked for, and a gateway before it (for tests).

The request's ``user`` names the fault. The gateway is real: processes, record, journal, keys.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pilotbase.kernel.verb import Context
from pilotbase.record.opened import open_record
from pilotbase.serve.metering.asking import Asked, sums
from pilotbase.serve.metering.usage import usage_of
from pilotbase.serve.routes.offer import offer
from tests.serve.gateway.rig import (
    SAID,
    STREAM_HEAD,
    chunked,
    piece,
    request,
    stream_of,
    upstream,
    whole,
)
from tests.serve.routes.making import Base, base
from tests.serve.running.gateway import Gateway, gateway

JSON = json.dumps(SAID).encode()
ANSWER = whole(JSON)
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
BOMB = gzip.compress(b" " * 50_000_000, 1)
DEEP = b"[" * 100_000
HOLD, DRIP, FLOOD, ENDLESS = object(), object(), object(), object()
"""What comes after the bytes: the next request, a byte now and then, 100 MB, a stream for ever."""

Fault = tuple[bytes, Any]
WHOLE: dict[str, Fault] = {
    "hangs": (b"", HOLD),
    "closes": (b"", None),
    "garbage": (b"\x00\xff" * 40 + b"\r\n\r\n", HOLD),
    "drips its head": (b"HTTP/1.1 200 OK\r\n", DRIP),
    "drips its body": (HEAD + b"content-length: 900\r\n\r\n", DRIP),
    "too short": (HEAD + b"content-length: 900\r\n\r\n" + JSON, None),
    "too long": (HEAD + b"content-length: 9\r\n\r\n" + JSON, HOLD),
    "both lengths": (
        HEAD + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n" + chunked(JSON), HOLD
    ),
    "two lengths": (HEAD + b"content-length: 3\r\ncontent-length: 4\r\n\r\nabcd", HOLD),
    "signed length": (HEAD + b"content-length: +%d\r\n\r\n" % len(JSON) + JSON, HOLD),
    "list of lengths": (HEAD + b"content-length: 9, 9\r\n\r\n" + JSON, HOLD),
    "gzip, chunked": (HEAD + b"transfer-encoding: gzip, chunked\r\n\r\n" + chunked(JSON), HOLD),
    "folded": (HEAD + b"x: a\r\n b\r\ncontent-length: 2\r\n\r\n{}", HOLD),
    "two answers": (HEAD + b"transfer-encoding: chunked\r\n\r\n" + chunked(JSON) + ANSWER, HOLD),
    "two types": (HEAD + b"content-type: text/event-stream\r\ncontent-length: 2\r\n\r\n{}", HOLD),
    "gzip bomb": (HEAD + b"content-encoding: gzip\r\n" + whole(BOMB)[17:], HOLD),
    "100 MB": (HEAD + b"transfer-encoding: chunked\r\n\r\n", FLOOD),
    "extension": (HEAD + b"transfer-encoding: chunked\r\n\r\n5;", FLOOD),
    "not UTF-8": (whole(JSON[:-1] + b',"x":"\xff"}'), HOLD),
    "too deep": (whole(b'{"choices":' + DEEP + b"]" * len(DEEP) + b"}"), HOLD),
    "a redirect": (
        b"HTTP/1.1 307 Go\r\nlocation: http://169.254.169.254/latest\r\ncontent-length: 0\r\n\r\n",
        HOLD,
    ),
}  # fmt: skip
BEGUN = STREAM_HEAD + chunked(piece("word "), end=False)
STREAMS: dict[str, Fault] = {
    "resets mid-stream": (BEGUN, None),
    "ends early": (BEGUN + b"0\r\n\r\n", HOLD),
    "stands still": (BEGUN, HOLD),
    "garbage in pieces": (BEGUN + chunked(b"data: {{{\n\n", end=False), HOLD),
    "bad chunk": (BEGUN + b"zz\r\n", HOLD),
    "pieces not UTF-8": (
        BEGUN + chunked(b'data: {"choices":[{"delta":{"content":"\xff"}}]}\n\n', end=False), HOLD
    ),
    "pieces too deep": (
        BEGUN + chunked(b'data: {"x":' + DEEP + b"]" * len(DEEP) + b',"choices":[]}\n\n'), HOLD
    ),
    "an event without end": (BEGUN + chunked(b"data: " + b"a" * 3_000_000, end=False), HOLD),
    "never ends": (BEGUN, ENDLESS),
}  # fmt: skip
FAULTS = WHOLE | STREAMS

SHEET = """\
gateway: 1
reason: a villain
services:
  - filing: advice-logit-1
    upstreams: [{id: villain, kind: chat, url: "%s", model: m, private: true, declared: same}]
    caps: {answer_bytes_max: 2000000, first_byte_s_max: 1, between_bytes_s_max: 1, whole_s_max: 2}
"""


async def villain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        _, body = await request(reader)
        name = str(body.get("user", ""))
        if name not in FAULTS:
            said = STREAM_HEAD + chunked(stream_of("好", "的")) if body.get("stream") else ANSWER
            writer.write(said)
            await writer.drain()
            continue
        data, after = FAULTS[name]
        writer.write(data)
        await writer.drain()
        if after is not HOLD:
            return await _after(after, writer)


async def _after(after: Any, writer: asyncio.StreamWriter) -> None:
    while after is DRIP:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.1)
    for _ in range(1600 if after is FLOOD else 0):
        writer.write(b"10000\r\n" + b"a" * 65536 + b"\r\n")
        await writer.drain()
    while after is ENDLESS:
        writer.write(chunked(piece("word " * 2000), end=False))
        await writer.drain()


@contextmanager
def running_villain() -> Iterator[str]:
    """The villain's address; it lives in a thread."""
    loop = asyncio.new_event_loop()
    ready: asyncio.Future[str] = loop.create_future()
    over = asyncio.Event()

    async def live() -> None:
        async with upstream(villain) as url:
            ready.set_result(url)
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(live(),), daemon=True)
    thread.start()
    try:
        yield asyncio.run_coroutine_threadsafe(_result(ready), loop).result(10)
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(10)
        loop.close()


async def _result(future: asyncio.Future[str]) -> str:
    return await future


@dataclass
class Stand:
    """A gateway before the villain."""

    base: Base
    gateway: Gateway
    key: str
    operator: str

    def call(self, user: str = "", **more: Any) -> tuple[int, bytes, bool]:
        """Status, body, and whether it came whole."""
        body = {"model": "advice-logit", "messages": [], "user": user, **more}
        headers = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        connection = self.gateway.connection()
        with contextlib.closing(connection):
            connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
            answer = connection.getresponse()
            try:
                return answer.status, answer.read(), True
            except http.client.IncompleteRead as error:
                return answer.status, error.partial, False

    def calls(self) -> dict[str, Any]:
        """What the operator sees."""
        connection = self.gateway.connection()
        with contextlib.closing(connection):
            headers = {"authorization": f"Bearer {self.operator}"}
            connection.request("GET", "/calls.json", headers=headers)
            found: dict[str, Any] = json.loads(connection.getresponse().read())
            return found

    def used(self) -> list[dict[str, Any]]:
        """What the journals have of each call."""
        with open_record(Context(self.base.context.home)) as record, usage_of(record) as usage:
            return list(sums(usage, "call", Asked()))


@contextmanager
def stand(folder: Path, *words: str) -> Iterator[Stand]:
    with base(folder / "home", real_time=True) as made, running_villain() as url:
        made.try_("logit")
        made.file()
        sheet = folder / "sheet.yaml"
        sheet.write_text(SHEET % url, "utf-8")
        offer(made.record, made.context, sheet, "person-1")
        key, operator = made.key("buyer"), made.key("maker", "operate.*")
        with gateway(made.context.home, "serve", "--drain", "1", *words) as found:
            yield Stand(made, found, key, operator)
