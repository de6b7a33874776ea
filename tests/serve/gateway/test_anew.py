"""A service is arranged anew, or an upstream retired, while calls are under way there."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from pilotbase.kernel.errors import CandidateError
from pilotbase.kernel.text import Text
from pilotbase.serve.call import Call, Route, Upstream
from pilotbase.serve.ports import Then
from pilotbase.serve.upstreams.mcp import SESSION, McpPool, Way
from pilotbase.serve.upstreams.replicas import Replicas
from pilotbase.serve.upstreams.timer import Ticks
from tests.serve.gateway.rig import (
    SAID,
    STREAM_HEAD,
    Rig,
    Script,
    ask,
    chat,
    chunked,
    gateway,
    post,
    request,
    route,
    saying,
    stream_of,
    until,
    upstream,
    whole,
)

ANSWER = whole(json.dumps(SAID).encode())


def arrange(rig: Rig, new: Route) -> None:
    """As `running.child` does when the record has grown."""
    rig.gate.known = {"f-1": new, "f": new}
    rig.serving.recheck()
    rig.serving.replicas.keep(rig.gate.routes(0.0))


def held(asked: asyncio.Event, go: asyncio.Event, sent: bytes) -> Script:
    """Answers when it may, again and again on each connection."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await request(reader)
            asked.set()
            await go.wait()
            writer.write(sent)
            await writer.drain()

    return script


def test_what_is_under_way_is_answered_and_its_connection_closed_then() -> None:
    async def scene() -> None:
        asked, go = asyncio.Event(), asyncio.Event()
        sent = STREAM_HEAD + chunked(stream_of("one", "two"))
        async with (
            upstream(held(asked, go, sent)) as a,
            upstream(saying(ANSWER)) as b,
            gateway(old := route(a)) as rig,
        ):
            one = asyncio.ensure_future(ask(rig, post(chat(stream=True))))
            await until(asked.is_set)
            pool = rig.serving.replicas.of(old.upstreams[0]).pool
            arrange(rig, route(b))
            assert (await ask(rig, post(chat()))).status == 200
            assert pool.links == 1 and not one.done()
            go.set()
            answer = await one
            assert answer.whole and b"two" in answer.body
            await until(lambda: pool.links == 0)
            assert rig.meter.outcomes == ["served", "served"]

    asyncio.run(scene())


@pytest.mark.parametrize("left", [False, True])
def test_what_waits_for_a_connection_goes_elsewhere_or_is_told(left: bool) -> None:
    """Nothing of it was sent. The upstream's key is gone by then; its pool is not made again."""
    keys = {"env:OLD": "k"}

    def key_of(secret: str) -> str:
        if secret not in keys:
            raise CandidateError("endpoint.no_key", Text("no key", "没有密钥"))
        return keys[secret]

    async def scene() -> None:
        asked, go = asyncio.Event(), asyncio.Event()
        async with upstream(held(asked, go, ANSWER)) as a, upstream(saying(ANSWER)) as b:
            both = route(a, b)
            first, second = replace(both.upstreams[0], secret="env:OLD"), both.upstreams[1]
            old = replace(both, upstreams=(first, second) if left else (first,))
            async with gateway(old) as rig:
                replicas = rig.serving.replicas
                replicas._key_of = key_of
                pool = replicas.of(first).pool
                pool._max = 1
                replicas.of(second).held = True
                calls = [asyncio.ensure_future(ask(rig, post(chat()))) for _ in range(2)]
                await until(asked.is_set)
                await until(lambda: len(pool._waiting) == 1)
                replicas.of(second).held = False
                keys.clear()
                arrange(rig, replace(both, upstreams=(second,)))
                done, late = await asyncio.wait(calls, return_when="FIRST_COMPLETED")
                told = done.pop().result()
                assert told.status == (200 if left else 503)
                if not left:
                    assert "arranged anew" in told.json["error"]["message"]
                assert replicas.known(first) is None
                go.set()
                assert (await late.pop()).status == 200
                assert sorted(rig.meter.outcomes) == ["served" if left else "failed", "served"]

    asyncio.run(scene())


def test_a_call_that_finds_its_upstream_retired_is_cancelled_where_it_went(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It was let in before, and its intent is on disk after."""

    async def scene() -> None:
        asked, go = asyncio.Event(), asyncio.Event()
        go.set()
        async with upstream(held(asked, go, ANSWER)) as a, gateway(both := route(a, a)) as rig:
            first, second = (rig.serving.replicas.of(one) for one in both.upstreams)
            begin = rig.meter.begin

            def slow(call: Call, then: Then) -> None:
                arrange(rig, replace(both, upstreams=both.upstreams[1:]))
                second.held = False
                begin(call, then)

            first.held = True
            assert (await ask(rig, post(chat()))).status == 200  # a connection is there
            first.held, second.held = False, True
            asked.clear()
            go.clear()
            monkeypatch.setattr(rig.meter, "begin", slow)
            call = asyncio.ensure_future(ask(rig, post(chat())))
            await until(asked.is_set)
            call.cancel()
            await until(lambda: not second.pool.links)
            assert rig.meter.outcomes == ["served", "aborted"]

    asyncio.run(scene())


def test_a_second_attempt_that_no_key_is_left_for_is_told_and_settled() -> None:
    """The other upstream was retired, and is arranged again; its key is gone by then."""
    keys = {"env:OLD": "k"}

    def key_of(secret: str) -> str:
        if secret not in keys:
            raise CandidateError("endpoint.no_key", Text("no key", "没有密钥"))
        return keys[secret]

    async def scene() -> None:
        asked, go = asyncio.Event(), asyncio.Event()
        busy = whole(b"{}", status="503 Service Unavailable")
        async with upstream(held(asked, go, busy)) as a:
            first, second = route(a, a).upstreams
            both = route(upstreams=(first, replace(second, secret="env:OLD")))
            async with gateway(both) as rig:
                rig.serving.replicas._key_of = key_of
                call = asyncio.ensure_future(ask(rig, post(chat())))
                await until(asked.is_set)
                arrange(rig, replace(both, upstreams=(first,)))
                arrange(rig, both)
                keys.clear()
                go.set()
                told = await call
                assert (told.status, told.json["error"]["code"]) == (503, "endpoint.no_key")
                assert rig.meter.outcomes == ["failed"] and not rig.serving.live

    asyncio.run(scene())


def test_sessions_are_parted_from_at_once_however_often_the_record_changes() -> None:
    """Servers that hang: each is waited for half a second, and for all together."""

    async def scene() -> None:
        loop, silent = asyncio.get_running_loop(), asyncio.Event()
        heard = list[bytes]()

        async def hangs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heard.append((await reader.readuntil(b" "))[:-1])
            await silent.wait()

        async with upstream(hangs) as url:
            ticks = Ticks(loop)
            replicas = Replicas(ticks)
            upstreams = [Upstream(f"u{n}", "mcp", url, private=True) for n in range(4)]
            for one in upstreams:
                pool = replicas.of(one).pool
                assert isinstance(pool, McpPool)
                pool._way = Way("2025-06-18", SESSION + b": s\r\n", True)
            replicas.keep([route(url, upstreams=tuple(upstreams[2:]))])
            replicas.keep([route(url, upstreams=tuple(upstreams[2:]))])
            assert [replicas.known(one) is None for one in upstreams] == [True, True, False, False]
            begun = loop.time()
            await replicas.aclose()
            await until(lambda: len(heard) == 4)
            assert heard == [b"DELETE"] * 4 and loop.time() - begun < 1.0

    asyncio.run(scene())
