"""The flow awaited, as doors over ASGI use it."""

from __future__ import annotations

import asyncio
import json

import pytest

from pilotbase.serve.call import Ask, Refused
from pilotbase.serve.gateway.awaited import Awaited, BrokenOff
from tests.serve.gateway.rig import (
    KEY,
    SAID,
    STREAM_HEAD,
    chat,
    chunked,
    gateway,
    piece,
    request,
    route,
    saying,
    stream_of,
    until,
    upstream,
    whole,
)


def asked(*, stream: bool = False) -> Ask:
    return Ask("f-1", "chat", chat(stream=stream), stream)


def test_answers_streams_and_refusals() -> None:
    said = [whole(json.dumps(SAID).encode()), STREAM_HEAD + chunked(stream_of("a", "b"))]
    said += [STREAM_HEAD + chunked(piece("a"))]

    async def work() -> None:
        async with upstream(saying(*said)) as url, gateway(route(url)) as rig:
            async with Awaited(rig.serving, asked(), KEY) as call:
                got = await call.answered()
                assert json.loads(got.body) == SAID and got.headers["pilotbase-usage"] == "gw-1"
            async with Awaited(rig.serving, asked(stream=True), KEY) as call:
                assert (await call.answered()).headers["content-type"] == "text/event-stream"
                assert b"".join([one async for one in call.pieces()]).endswith(b"[DONE]\n\n")
            async with Awaited(rig.serving, asked(stream=True), KEY) as call:
                with pytest.raises(BrokenOff):
                    _ = [one async for one in call.pieces()]
            async with Awaited(rig.serving, asked(), "wrong") as call:
                with pytest.raises(Refused) as refused:
                    await call.answered()
                assert refused.value.status == 401
            assert rig.meter.outcomes == ["served", "served", "failed"]

    asyncio.run(work())


def test_who_leaves_has_left_the_call_and_who_is_slow_holds_it_back() -> None:
    sent = 0

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await request(reader)
        writer.write(STREAM_HEAD)
        while True:
            writer.write(chunked(piece("x" * 60_000), end=False))
            await writer.drain()
            sent += 1

    async def work() -> None:
        async with upstream(script) as url, gateway(route(url)) as rig:
            async with Awaited(rig.serving, asked(stream=True), KEY) as call:
                await call.answered()
                await asyncio.sleep(0.2)
                held = sent
                await asyncio.sleep(0.1)
                assert sent - held <= 1
                async for _ in call.pieces():
                    break
            await until(lambda: rig.meter.outcomes == ["aborted"])

    asyncio.run(work())
