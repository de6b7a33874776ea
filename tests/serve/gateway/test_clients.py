"""Clients out of the ordinary: HTTP/1.0, and those who say all they have to say and then listen."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop
from starlette.responses import StreamingResponse
from starlette.routing import Route as Path

from pilotbase.serve.gateway.limits import Limits
from tests.serve.gateway.rig import (
    KEY,
    SAID,
    STREAM_HEAD,
    Rig,
    chat,
    chunked,
    gateway,
    piece,
    post,
    request,
    route,
    saying,
    stream_of,
    until,
    upstream,
    whole,
)

JSON = json.dumps(SAID).encode()
STREAMED = STREAM_HEAD + chunked(stream_of("好", "的"))
LOOPS: list[Callable[[Coroutine[Any, Any, None]], None]] = [asyncio.run, uvloop.run]
on_both_loops = pytest.mark.parametrize("run", LOOPS, ids=["asyncio", "uvloop"])


def old(sent: bytes, lines: str = "") -> bytes:
    """The same request in HTTP/1.0."""
    return sent.replace(b" HTTP/1.1\r\nHost: gw\r\n", f" HTTP/1.0\r\n{lines}".encode(), 1)


async def said_to(rig: Rig, sent: bytes, *, half: bool = False) -> tuple[bytes, bytes]:
    """Head and body of all that comes until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
    writer.write(sent)
    if half:
        writer.write_eof()
    got = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    head, _, body = got.partition(b"\r\n\r\n")
    return head, body


def unchunked(body: bytes) -> bytes:
    """Chunks put together, read as strictly as the grammar has them."""
    found = b""
    while True:
        size, _, body = body.partition(b"\r\n")
        count = int(size, 16)
        if count == 0:
            assert body == b"\r\n"
            return found
        found, end, body = found + body[:count], body[count : count + 2], body[count + 2 :]
        assert end == b"\r\n"


def test_an_old_client_gets_what_it_can_read_and_the_end() -> None:
    async def work() -> None:
        async with upstream(saying(whole(JSON), STREAMED)) as url, gateway(route(url)) as rig:
            head, body = await said_to(rig, old(post(chat())))
            assert b"connection: close" in head and json.loads(body)["id"] == "c1"
            head, body = await said_to(
                rig, old(post(chat(stream=True)), "Expect: 100-continue\r\n")
            )
            assert head.startswith(b"HTTP/1.1 200 OK") and b"connection: close" in head
            assert b"transfer-encoding" not in head and b"content-length" not in head
            assert body.startswith(b"data: {") and body.endswith(b"data: [DONE]\n\n")
            assert "好" in body.decode()
            assert rig.meter.outcomes == ["served", "served"]

    asyncio.run(work())


def test_an_old_client_may_ask_to_go_on_but_not_after_a_stream() -> None:
    asks = "Connection: Keep-Alive\r\n"

    async def work() -> None:
        answers = saying(whole(JSON), whole(JSON), STREAMED)
        async with upstream(answers) as url, gateway(route(url)) as rig:
            sent = old(post(chat()), asks)
            reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
            for _ in range(2):
                writer.write(sent)
                head = await reader.readuntil(b"\r\n\r\n")
                assert b"connection: keep-alive" in head
                size = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
                assert json.loads(await reader.readexactly(size))["id"] == "c1"
            writer.write(old(post(chat(stream=True)), asks))
            rest = await asyncio.wait_for(reader.read(), 5)
            assert b"connection: close" in rest and rest.endswith(b"data: [DONE]\n\n")
            assert b"chunked" not in rest
            writer.close()

    asyncio.run(work())


def test_an_old_client_does_not_take_a_broken_stream_for_whole() -> None:
    """It has no last chunk to go by: the connection is reset."""

    async def work() -> None:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await request(reader)
            writer.write(STREAM_HEAD + chunked(piece("a"), end=False))
            await asyncio.sleep(0.05)

        async with upstream(script) as url, gateway(route(url)) as rig:
            reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
            writer.write(old(post(chat(stream=True))))
            await reader.readuntil(b"\n\n")
            with pytest.raises(ConnectionResetError):
                await asyncio.wait_for(reader.read(), 5)
            writer.close()
            assert rig.meter.outcomes == ["failed"]

    asyncio.run(work())


def test_pages_reach_an_old_client_too() -> None:
    async def numbers(_: Any) -> StreamingResponse:
        return StreamingResponse(iter([b"one", b"two"]), media_type="text/plain")

    async def work() -> None:
        async with gateway(route("http://127.0.0.1:1/v1")) as rig:
            rig.server.app.router.routes.append(Path("/numbers", numbers))  # type: ignore[attr-defined]
            head, body = await said_to(rig, b"GET /numbers HTTP/1.0\r\n\r\n")
            assert body == b"onetwo" and b"connection: close" in head
            head, body = await said_to(rig, b"HEAD /numbers HTTP/1.0\r\n\r\n")
            assert body == b"" and head.startswith(b"HTTP/1.1 200")
            get = f"GET /v1/models HTTP/1.0\r\nx-api-key: {KEY}\r\n\r\n".encode()
            assert json.loads((await said_to(rig, get, half=True))[1])["object"] == "list"

    asyncio.run(work())


@on_both_loops
def test_who_sends_no_more_is_answered(run: Callable[[Coroutine[Any, Any, None]], None]) -> None:
    """Slowly enough that the end is seen first; the probe for who has left cannot be seen."""

    async def work() -> None:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while True:
                _, body = await request(reader)
                await asyncio.sleep(0.03)
                if not body.get("stream"):
                    writer.write(whole(JSON))
                    continue
                writer.write(STREAM_HEAD + chunked(piece("好"), end=False))
                await asyncio.sleep(0.03)
                writer.write(chunked(stream_of("的")))

        async with upstream(script) as url, gateway(route(url)) as rig:
            for make in (bytes, old):
                head, body = await said_to(rig, make(post(chat())), half=True)
                assert head.startswith(b"HTTP/1.1 200 OK\r\n") and b"connection: close" in head
                assert head.count(b"HTTP/1.1") == 1 and json.loads(body)["id"] == "c1"
                head, body = await said_to(rig, make(post(chat(stream=True))), half=True)
                assert head.startswith(b"HTTP/1.1 200 OK\r\n")
                body = unchunked(body) if b"chunked" in head else body
                assert body.count(b"data: ") == 4 and body.endswith(b"data: [DONE]\n\n")
            head, body = await said_to(rig, post(chat()) + post(chat()), half=True)
            assert b"connection: close" not in head  # the second answer says it
            assert body.count(b"HTTP/1.1 200 OK\r\n") == 1 and body.count(b"close") == 1
            assert rig.meter.outcomes == ["served"] * 6
            assert not rig.server.connections and not rig.serving.live

    run(work())


@on_both_loops
def test_who_sends_no_more_and_then_leaves_has_left_the_stream(
    run: Callable[[Coroutine[Any, Any, None]], None],
) -> None:
    async def work() -> None:
        left = asyncio.Event()

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await request(reader)
            writer.write(STREAM_HEAD + chunked(piece("a"), end=False))
            while not reader.at_eof():
                writer.write(chunked(piece("b"), end=False))
                await asyncio.sleep(0.03)
            left.set()

        async with upstream(script) as url, gateway(route(url)) as rig:
            reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
            writer.write(post(chat(stream=True)))
            writer.write_eof()
            await reader.readuntil(b"\n\n")
            await reader.readuntil(b"\n\n")
            writer.transport.abort()
            await until(lambda: rig.meter.outcomes == ["aborted"])
            assert not rig.serving.live and not rig.server.connections
            await asyncio.wait_for(left.wait(), 2)

    run(work())


@on_both_loops
def test_who_has_left_wholly_is_noticed_though_nothing_is_to_be_sent(
    run: Callable[[Coroutine[Any, Any, None]], None],
) -> None:
    async def work() -> None:
        gone = asyncio.Event()

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            _, body = await request(reader)
            if body.get("stream"):
                writer.write(STREAM_HEAD + chunked(piece("a"), end=False))
            await reader.read()
            gone.set()

        async with upstream(script) as url, gateway(route(url)) as rig:
            for body in (chat(), chat(stream=True)):
                gone.clear()
                reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
                writer.write(post(body))
                if b"stream" in body:
                    await reader.readuntil(b"\n\n")
                await until(lambda: bool(rig.serving.live))
                writer.close()
                await asyncio.wait_for(gone.wait(), 2)
            assert rig.meter.outcomes == ["aborted", "aborted"]

    run(work())


def test_who_sends_half_a_request_and_no_more_is_let_go() -> None:
    async def work() -> None:
        async with upstream(saying(whole(JSON))) as url:
            async with gateway(route(url), limits=Limits(half_s_max=0.2)) as rig:
                for sent in (b"", post(chat())[:40], post(chat())[:-3]):
                    assert await said_to(rig, sent, half=True) == (b"", b"")
                head, body = await said_to(rig, post(chat()) + post(chat())[:-3], half=True)
                assert head.startswith(b"HTTP/1.1 200 OK")
                assert body.count(b"HTTP/1.1") == 0
            assert not rig.server.connections and not rig.server.bodies

    asyncio.run(work())


def test_who_sends_no_more_is_not_waited_for_without_end() -> None:
    async def work() -> None:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()

        limits = Limits(half_s_max=0.1)
        async with upstream(script) as url, gateway(route(url), limits=limits) as rig:
            assert await said_to(rig, post(chat()), half=True) == (b"HTTP/1.1 ", b"")
            assert rig.meter.outcomes == ["aborted"]

    asyncio.run(work())
