"""Upstreams that misbehave, second attempts, and calls that are left or cut."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from pilotbase.serve.call import Caps, Route, Upstream
from tests.serve.gateway.rig import (
    SAID,
    STREAM_HEAD,
    Script,
    answer,
    ask,
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
ANSWER = whole(JSON)
SMALL = Caps(answer_bytes_max=5000, first_byte_s_max=0.3, between_bytes_s_max=0.3, whole_s_max=3.0)
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
BOMB = gzip.compress(b" " * 10_000_000, 1)


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port where nobody listens, and which nobody else is given meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield int(held.getsockname()[1])


def sends(data: bytes, *, hold: bool = False) -> Script:
    """Answers each request with the same bytes, then closes, or keeps the connection."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(data)
        await writer.drain()
        if hold:
            await reader.read()

    return script


BROKEN: dict[str, tuple[bytes, bool, int]] = {
    "nothing": (b"", False, 502),
    "hangs": (b"", True, 504),
    "half a head": (b"HTTP/1.1 200 OK\r\nconten", True, 504),
    "garbage": (b"\x00\xff" * 40 + b"\r\n\r\n", True, 502),
    "an endless head": (b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 9999, True, 502),
    "another protocol": (b"SSH-2.0-OpenSSH_9\r\n\r\n", True, 502),
    "too short": (HEAD + b"content-length: 900\r\n\r\n" + JSON, False, 502),
    "too long": (HEAD + b"content-length: 9\r\n\r\n" + JSON, True, 502),
    "both lengths": (
        HEAD + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        True,
        502,
    ),
    "two lengths": (HEAD + b"content-length: 3\r\ncontent-length: 4\r\n\r\nabcd", True, 502),
    "bad chunk": (HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\n", True, 502),
    "chunks that end": (HEAD + b"transfer-encoding: chunked\r\n\r\n" + b"9\r\nabc", False, 502),
    "100 MB, said": (HEAD + b"content-length: 104857600\r\n\r\nx", True, 502),
    "100 MB, sent": (
        HEAD + b"transfer-encoding: chunked\r\n\r\n" + chunked(b"x" * 9999),
        True,
        502,
    ),
    "gzip bomb": (HEAD + b"content-encoding: gzip\r\n" + whole(BOMB)[17:], True, 502),
    "no JSON": (whole(b"<html>"), True, 502),
    "JSON, no answer": (whole(b"{}"), True, 502),
    "a list": (whole(b"[1]"), True, 502),
    "not UTF-8": (whole(JSON[:-1] + b',"x":"\xff"}'), True, 502),
    "a stream": (STREAM_HEAD + chunked(stream_of("a")), True, 502),
    "stands still": (HEAD + b"content-length: 900\r\n\r\n" + b"{", True, 504),
    "interim for ever": (b"HTTP/1.1 100 Continue\r\n\r\n" * 50, True, 502),
    "switches": (b"HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n", True, 502),
    "redirects": (
        b"HTTP/1.1 307 Go\r\nlocation: http://x/\r\ncontent-length: 0\r\n\r\n",
        True,
        502,
    ),
    "our key is wrong": (whole(b'{"error":"bad key sk-1"}', "401 No"), True, 502),
    "does not like it": (whole(b'{"error":"bad key sk-1"}', "400 No"), True, 422),
    "too busy": (whole(b"{}", "429 Busy"), True, 429),
    "broken": (whole(b"{}", "500 Oops"), True, 502),
}


@pytest.mark.parametrize("data, hold, status", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_upstream_is_an_error_and_no_charge(data: bytes, hold: bool, status: int) -> None:
    async def work() -> None:
        async with (
            upstream(sends(data, hold=hold)) as url,
            gateway(route(url, caps=SMALL)) as rig,
        ):
            got = await ask(rig, post(chat()))
            assert got.status == status, got
            assert got.json["error"]["code"].startswith("serve.upstream")
            assert b"sk-1" not in got.body
            [(_, usage, outcome)] = rig.meter.settled
            assert outcome == "failed" and usage.output_tokens == 0
            assert not rig.serving.live

    asyncio.run(work())


STREAMS: dict[str, tuple[bytes, bool]] = {
    "reset": (chunked(piece("a"), end=False), False),
    "stands still": (chunked(piece("a"), end=False), True),
    "ends early": (chunked(piece("a")), True),
    "garbage": (chunked(piece("a"), b"data: {{{\n\n"), True),
    "an error": (chunked(piece("a"), b'data: {"error":{"message":"sk-1"}}\n\n'), True),
    "bad chunk": (chunked(piece("a"), end=False) + b"zz\r\n", True),
    "never ends": (chunked(*(piece("a" * 900) for _ in range(20)), end=False), True),
    "not UTF-8": (
        chunked(piece("a"), b'data: {"choices":[{"delta":{"content":"\xff"}}]}\n\n'),
        True,
    ),
}


@pytest.mark.parametrize("data, hold", STREAMS.values(), ids=STREAMS.keys())
def test_a_stream_that_breaks_is_never_taken_for_whole(data: bytes, hold: bool) -> None:
    async def work() -> None:
        script = sends(STREAM_HEAD + data, hold=hold)
        async with upstream(script) as url, gateway(route(url, caps=SMALL)) as rig:
            got = await ask(rig, post(chat(stream=True)))
            assert not (got.status == 200 and got.whole)
            assert b"[DONE]" not in got.body and b"sk-1" not in got.body
            [(_, usage, outcome)] = rig.meter.settled
            assert outcome in ("failed", "cut") and not usage.counted

    asyncio.run(work())


def test_a_stream_left_by_its_client_is_cancelled_and_metered_to_the_byte() -> None:
    async def work() -> None:
        gone = asyncio.Event()

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await request(reader)
            writer.write(STREAM_HEAD + chunked(piece("abc"), piece("好"), end=False))
            await reader.read()
            gone.set()

        async with upstream(script) as url, gateway(route(url)) as rig:
            reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
            writer.write(post(chat(stream=True)))
            await reader.readuntil("好".encode())
            writer.close()
            await asyncio.wait_for(gone.wait(), 2)
            await until(lambda: bool(rig.meter.settled))
            [(call, usage, outcome)] = rig.meter.settled
            assert (outcome, usage.counted, usage.output_tokens) == ("aborted", False, 6)
            assert usage.input_tokens == call.most.input_tokens

    asyncio.run(work())


def test_a_call_left_before_its_answer_is_cancelled() -> None:
    async def work() -> None:
        asked, gone = asyncio.Event(), asyncio.Event()

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await request(reader)
            asked.set()
            await reader.read()
            gone.set()

        async with upstream(script) as url, gateway(route(url)) as rig:
            _, writer = await asyncio.open_connection("127.0.0.1", rig.port)
            writer.write(post(chat()))
            await asked.wait()
            writer.close()
            await asyncio.wait_for(gone.wait(), 2)
            assert rig.meter.outcomes == ["aborted"]

    asyncio.run(work())


def test_a_stop_cuts_live_streams() -> None:
    async def work() -> None:
        script = sends(STREAM_HEAD + chunked(piece("a"), end=False), hold=True)
        async with upstream(script) as url, gateway(route(url)) as rig:
            reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
            writer.write(post(chat(stream=True)))
            await reader.readuntil(b'"a"')
            rig.gate.stopped = True
            rig.serving.recheck()
            rest = await reader.read()
            assert b"0\r\n\r\n" not in rest
            assert b'data: {"error":{"code":"serve.stopped"' in rest, "why is the last event"
            assert rig.meter.outcomes == ["cut"]
            assert (await ask(rig, post(chat()))).status == 404
            writer.close()

    asyncio.run(work())


def test_connections_are_kept() -> None:
    connections = 0

    async def work() -> None:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal connections
            connections += 1
            await saying(ANSWER)(reader, writer)

        async with upstream(script) as url, gateway(route(url)) as rig:
            for _ in range(5):
                assert (await ask(rig, post(chat()))).status == 200
            assert connections == 1
            await asyncio.gather(*(ask(rig, post(chat())) for _ in range(20)))
            assert rig.meter.outcomes == ["served"] * 25

    asyncio.run(work())


def test_an_answered_connection_says_nothing_more() -> None:
    """What an upstream sends without being asked is not the next caller's answer."""
    other = whole(JSON.replace("好的".encode(), b"of others"))

    async def work() -> None:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await request(reader)
            writer.write(ANSWER)
            await asyncio.sleep(0.05)
            writer.write(other)
            await saying(ANSWER)(reader, writer)

        async with upstream(script) as url, gateway(route(url)) as rig:
            for _ in range(2):
                assert (await ask(rig, post(chat()))).json["choices"] == SAID["choices"]
                await asyncio.sleep(0.1)

    asyncio.run(work())


def test_another_replica_and_another_filing_answer_where_one_cannot(closed_port: int) -> None:
    """The second choice has a filing of its own, and its answers say so."""
    down = f"http://127.0.0.1:{closed_port}/v1"

    async def work() -> None:
        busy = whole(b"{}", "503 Busy")
        async with upstream(saying(busy)) as first, upstream(saying(ANSWER)) as second:
            spare = route(second, filing="spare-2")
            async with gateway(route(down, first, fallback=(spare,)), spare) as rig:
                extra = "Idempotency-Key: k\r\n"
                got = await ask(rig, post(chat(), extra=extra))
                assert got.status == 200 and got.headers["pilotbase-filing"] == "spare-2"
                assert got.headers["pilotbase-usage"] == "gw-2"
                assert rig.meter.outcomes == ["failed", "served"]
                assert [call.route.filing for call in rig.meter.begun] == ["f-1", "spare-2"]

    asyncio.run(work())


def test_an_upstream_that_fails_is_left_alone(closed_port: int) -> None:
    down = f"http://127.0.0.1:{closed_port}/v1"

    async def work() -> None:
        async with gateway(route(down)) as rig:
            codes = [(await ask(rig, post(chat()))).json["error"]["code"] for _ in range(7)]
            assert codes == ["serve.upstream_down"] * 5 + ["serve.no_upstream"] * 2
            assert rig.meter.outcomes == ["failed"] * 5

    asyncio.run(work())


@pytest.mark.parametrize("path, asked", [("chat/completions", 1), ("embeddings", 2)])
def test_only_what_may_be_repeated_is_repeated(path: str, asked: int) -> None:
    """A kept connection dies under the second request, before a byte came back."""
    seen: list[Any] = []

    async def work() -> None:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            _, body = await request(reader)
            writer.write(ANSWER if path[0] == "c" else whole(b'{"data":[]}'))
            if not seen:
                seen.append(body)
                await request(reader)
                return
            seen.append(body)
            await reader.read()

        async with upstream(script) as url, gateway(route(url)) as rig:
            target = f"/v1/{path}"
            assert (await ask(rig, post(chat(), target))).status == 200
            again = await ask(rig, post(chat(), target))
            assert again.status == (200 if asked == 2 else 502)
            assert len(seen) == asked
            assert rig.meter.outcomes == ["served", "served" if asked == 2 else "failed"]

    asyncio.run(work())


FORBIDDEN = ["http://169.254.169.254/v1", "http://[fe80::1]/v1", "http://100.100.100.200/v1"]


@pytest.mark.parametrize("url", [*FORBIDDEN, "http://127.0.0.1:9/v1", "https://localhost/v1"])
def test_addresses_that_nobody_may_reach(url: str) -> None:
    """Metadata never; this machine only where the arrangement allows it."""

    def only(private: bool) -> Route:
        return replace(route(url), upstreams=(Upstream("u", "chat", url, private=private),))

    async def work() -> None:
        async with gateway(only(url in FORBIDDEN)) as rig:
            got = await ask(rig, post(chat()))
            assert got.status == 503
            assert "served" not in rig.meter.outcomes

    asyncio.run(work())


def test_a_unix_socket_is_an_upstream(tmp_path: Any) -> None:
    async def work() -> None:
        served = upstream(saying(ANSWER), str(tmp_path / "s"))
        async with served as url, gateway(route(url)) as rig:
            assert (await ask(rig, post(chat()))).status == 200

    asyncio.run(work())


def test_the_upstreams_key_is_sent_and_never_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UP_KEY", "sk-very-secret")
    heads: list[bytes] = []

    async def work() -> None:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head, _ = await request(reader)
            heads.append(head)
            writer.write(whole(head, "500 Oops"))

        async with upstream(script) as url:
            one = Upstream("u", "chat", url, private=True, secret="env:UP_KEY")
            async with gateway(replace(route(url), upstreams=(one,))) as rig:
                got = await ask(rig, post(chat()))
                assert got.status == 502 and b"sk-very" not in got.body
        assert b"authorization: Bearer sk-very-secret\r\n" in heads[0]
        assert b"pbk_" not in heads[0]

    asyncio.run(work())


def test_answers_behind_one_another_on_one_connection() -> None:
    async def work() -> None:
        stream = STREAM_HEAD + chunked(stream_of("a"))
        async with upstream(saying(stream, ANSWER, stream)) as url, gateway(route(url)) as rig:
            reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
            for streamed in (True, False, True):
                writer.write(post(chat(stream=streamed)))
                got = await answer(reader)
                assert got.status == 200 and (b"[DONE]" in got.body) == streamed
            writer.close()

    asyncio.run(work())


def test_a_connection_is_kept_though_the_end_of_a_stream_comes_late() -> None:
    connections = 0

    async def work() -> None:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal connections
            connections += 1
            while True:
                await request(reader)
                writer.write(STREAM_HEAD + chunked(stream_of("a"), end=False))
                await asyncio.sleep(0.03)
                writer.write(chunked())

        async with upstream(script) as url, gateway(route(url)) as rig:
            for _ in range(3):
                got = await ask(rig, post(chat(stream=True)))
                assert got.whole and got.body.endswith(b"[DONE]\n\n")
                await asyncio.sleep(0.06)
            assert connections == 1

    asyncio.run(work())


def test_a_fault_of_ours_is_settled_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> bytes:
        raise LookupError("a fault")

    async def work() -> None:
        async with upstream(saying(ANSWER)) as url, gateway(route(url)) as rig:
            for place in ("question", "read"):
                with monkeypatch.context() as patched:
                    patched.setattr(type(rig.serving.dialects["chat"]), place, fails)
                    got = await ask(rig, post(chat()))
                    assert (got.status, got.json["error"]["code"]) == (500, "serve.fault")
            assert rig.meter.outcomes == ["failed", "failed"]
            assert (await ask(rig, post(chat()))).status == 200

    asyncio.run(work())
