"""The server's side of HTTP: attacks, limits, order, an orderly stop."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from contextlib import suppress

import pytest

from pilotbase.serve.gateway.http import LINGER_S
from pilotbase.serve.gateway.limits import Limits
from tests.serve.gateway.rig import (
    KEY,
    SAID,
    STREAM_HEAD,
    Rig,
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

ANSWER = whole(json.dumps(SAID).encode())
BODY = chat()


async def raw(rig: Rig, sent: bytes) -> bytes:
    """All that comes back until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
    writer.write(sent)
    got = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    return got


def lengths(lines: str, body: bytes) -> bytes:
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nx-api-key: {KEY}\r\n{lines}\r\n"
    return head.encode() + body


CHUNKS = "Transfer-Encoding: chunked\r\n"
SECOND = post(chat("second"))
ATTACKS = {
    "CL.TE": lengths("Content-Length: 5\r\n" + CHUNKS, b"0\r\n\r\n" + SECOND),
    "TE.CL": lengths(CHUNKS + "Content-Length: 5\r\n", b"0\r\n\r\n" + SECOND),
    "TE.TE": lengths(CHUNKS + "Transfer-Encoding: x\r\n", b"0\r\n\r\n" + SECOND),
    "two lengths": lengths("Content-Length: 0\r\nContent-Length: 5\r\n", SECOND),
    "folded": lengths("X: a\r\n Content-Length: 5\r\n", SECOND),
    "bare line feeds": post(BODY).replace(b"\r\n", b"\n"),
    "bad chunk": lengths(CHUNKS, b"5x\r\nabcde\r\n0\r\n\r\n" + SECOND),
    "chunk without CR": lengths(CHUNKS, b"5\nabcde\n0\n\n" + SECOND),
    "negative chunk": lengths(CHUNKS, b"-5\r\nabcde\r\n0\r\n\r\n"),
    "huge chunk": lengths(CHUNKS, b"fffffffffffffffff\r\nabc"),
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "path": post(BODY, "/v1/../v1/chat/completions"),
    "long head": b"POST / HTTP/1.1\r\nX: " + b"a" * 30_000,
    "long body": lengths("Content-Length: 99999999999\r\n", b""),
}


@pytest.mark.parametrize("sent", ATTACKS.values(), ids=ATTACKS.keys())
def test_an_attack_gets_one_fault_and_the_end(sent: bytes) -> None:
    async def work() -> None:
        async with upstream(saying(ANSWER)) as url, gateway(route(url)) as rig:
            got = await raw(rig, sent)
            assert got.startswith(b"HTTP/1.1 4") or got.startswith(b"HTTP/1.1 505")
            assert got.count(b"HTTP/1.1 ") == 1 and b"connection: close" in got
            assert not rig.meter.begun
            error = json.loads(got.partition(b"\r\n\r\n")[2])["error"]
            assert error["message"] and error["message_zh"]

    asyncio.run(work())


def test_a_fault_is_told_in_both_languages() -> None:
    async def work() -> None:
        async with upstream(saying(ANSWER)) as url, gateway(route(url)) as rig:
            got = await raw(rig, lengths(f"Idempotency-Key: {'k' * 256}\r\n", b""))
            assert b"content-type: application/json" in got
            error = json.loads(got.partition(b"\r\n\r\n")[2])["error"]
            assert "255 characters" in error["message"] and "255 个字符" in error["message_zh"]

    asyncio.run(work())


def test_what_follows_chunks_is_never_a_request() -> None:
    async def work() -> None:
        async with upstream(saying(ANSWER)) as url, gateway(route(url)) as rig:
            got = await raw(rig, lengths(CHUNKS, chunked(BODY[:9], BODY[9:]) + SECOND))
            assert got.count(b"HTTP/1.1 ") == 1 and b"200 OK" in got

    asyncio.run(work())


def test_a_request_may_come_byte_by_byte() -> None:
    async def work() -> None:
        async with upstream(saying(ANSWER)) as url, gateway(route(url)) as rig:
            reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
            for byte in post(BODY):
                writer.write(bytes([byte]))
                await asyncio.sleep(0)
            assert (await answer(reader)).status == 200
            writer.close()

    asyncio.run(work())


def test_requests_sent_ahead_are_answered_in_their_order() -> None:
    async def work() -> None:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while True:
                _, body = await request(reader)
                await asyncio.sleep(0.02 if body["user"] == 0 else 0)
                writer.write(whole(json.dumps(SAID | {"id": body["user"]}).encode()))

        async with upstream(script) as url, gateway(route(url)) as rig:
            reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
            get = f"GET /v1/models HTTP/1.1\r\nHost: a\r\nx-api-key: {KEY}\r\n\r\n".encode()
            asked = [post(chat(user=n)) for n in range(6)]
            writer.write(b"".join([*asked[:3], get, *asked[3:]]))
            got = [await answer(reader) for _ in range(7)]
            assert [one.json.get("id") for one in got] == [0, 1, 2, None, 3, 4, 5]
            writer.close()

    asyncio.run(work())


def test_slow_clients_are_not_waited_for() -> None:
    limits = Limits(head_s_max=0.3, body_s_max=0.3, idle_s_max=0.3)

    async def work() -> None:
        async with upstream(saying(ANSWER)) as url, gateway(route(url), limits=limits) as rig:
            got = await asyncio.gather(
                raw(rig, b""),
                raw(rig, b"POST / HTTP/1.1\r\nHo"),
                raw(rig, post(BODY)[:-3]),
                raw(rig, post(BODY)),
            )
            assert got[0] == b""
            assert got[1].startswith(b"HTTP/1.1 408") and got[2].startswith(b"HTTP/1.1 408")
            assert got[3].startswith(b"HTTP/1.1 200")
            assert rig.server.connections == 0 and rig.server.bodies == 0

    asyncio.run(work())


def test_there_is_a_last_connection() -> None:
    async def work() -> None:
        limits = Limits(connections_max=2)
        async with upstream(saying(ANSWER)) as url, gateway(route(url), limits=limits) as rig:
            kept = [await asyncio.open_connection("127.0.0.1", rig.port) for _ in range(2)]
            await until(lambda: rig.server.connections == 2)
            assert (await raw(rig, b"")).startswith(b"HTTP/1.1 503")
            for _, writer in kept:
                writer.close()
            await until(lambda: rig.server.connections == 0)
            assert (await ask(rig, post(BODY))).status == 200

    asyncio.run(work())


def test_expectations_are_met() -> None:
    async def work() -> None:
        async with upstream(saying(ANSWER)) as url, gateway(route(url)) as rig:
            reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
            sent = post(BODY, extra="Expect: 100-continue\r\n")
            writer.write(sent[: -len(BODY)])
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(BODY)
            assert (await answer(reader)).status == 200
            writer.close()

    asyncio.run(work())


def test_an_orderly_stop_answers_what_is_under_way_and_cuts_the_rest() -> None:
    async def work() -> None:
        ready, go = asyncio.Event(), asyncio.Event()

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            _, body = await request(reader)
            if body.get("stream"):
                writer.write(STREAM_HEAD + chunked(piece("a"), end=False))
                await reader.read()
            ready.set()
            await go.wait()
            writer.write(ANSWER)

        async with upstream(script) as url, gateway(route(url)) as rig:
            slow = asyncio.create_task(ask(rig, post(BODY)))
            endless = asyncio.create_task(ask(rig, post(chat(stream=True))))
            await ready.wait()
            await until(lambda: len(rig.meter.begun) == 2)
            stop = asyncio.create_task(rig.server.stop(0.4))
            await asyncio.sleep(0.1)
            go.set()
            got = await slow
            assert got.status == 200 and got.headers["connection"] == "close"
            assert not (await endless).whole
            await stop
            assert sorted(rig.meter.outcomes) == ["cut", "served"]
            with pytest.raises(OSError):
                await asyncio.open_connection("127.0.0.1", rig.port)

    asyncio.run(work())


def test_who_was_let_in_before_a_stop_is_answered_and_who_only_waits_is_not_waited_for() -> None:
    async def work() -> None:
        async with upstream(saying(ANSWER)) as url, gateway(route(url)) as rig:
            each = [await asyncio.open_connection("127.0.0.1", rig.port) for _ in range(4)]
            (fresh, say), (half, say_half), (idle, ask_idle), (silent, _) = each
            asked = post(BODY)
            say_half.write(asked[:40])
            ask_idle.write(asked)
            await idle.readuntil(b"\r\n\r\n")
            await until(lambda: rig.server.connections == 4 and len(rig.meter.outcomes) == 1)
            await asyncio.sleep(0.05)
            began = time.monotonic()
            stop = asyncio.create_task(rig.server.stop(10))
            await asyncio.sleep(0.05)
            say.write(asked)
            say_half.write(asked[40:])
            for reader in (fresh, half):
                head = await reader.readuntil(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 200 ") and b"connection: close" in head
            await asyncio.gather(idle.read(), stop)
            with suppress(ConnectionError):
                assert await silent.read() == b""
            assert rig.meter.outcomes == ["served"] * 3 and time.monotonic() - began < 8
            for _, writer in each:
                writer.close()

    asyncio.run(work())


def test_a_request_that_is_on_its_way_when_a_stop_begins_is_answered() -> None:
    """Whoever was answered a moment ago is about to ask again; who has not is let go at once."""

    async def work() -> None:
        async with upstream(saying(ANSWER)) as url, gateway(route(url)) as rig:
            (quick, ask_quick), (slow, ask_slow) = [
                await asyncio.open_connection("127.0.0.1", rig.port) for _ in range(2)
            ]
            ask_slow.write(post(BODY))
            await answer(slow)
            await asyncio.sleep(LINGER_S + 0.5)
            ask_quick.write(post(BODY))
            await answer(quick)
            stop = asyncio.create_task(rig.server.stop(10))
            await asyncio.sleep(0.05)
            assert await asyncio.wait_for(slow.read(), 0.2) == b"" and not stop.done()
            ask_quick.write(post(BODY))
            got = await answer(quick)
            assert got.status == 200 and got.headers["connection"] == "close"
            await stop
            assert rig.meter.outcomes == ["served"] * 3
            for writer in (ask_quick, ask_slow):
                writer.close()

    asyncio.run(work())


def test_a_client_that_does_not_read_holds_the_upstream_back() -> None:
    """The stream is 12 MB; what the gateway keeps of it stays small."""
    words = [piece("x" * 60_000) for _ in range(200)]
    sent = 0

    async def work() -> None:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal sent
            await request(reader)
            writer.write(STREAM_HEAD)
            for word in words:
                writer.write(chunked(word, end=False))
                await writer.drain()
                sent += 1
            writer.write(chunked(stream_of()))

        many = route("", caps=route().caps.__class__(answer_bytes_max=2**27))
        async with upstream(script) as url, gateway(route(url, caps=many.caps)) as rig:
            loop = asyncio.get_running_loop()
            sock = socket.socket()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.setblocking(False)
            await loop.sock_connect(sock, ("127.0.0.1", rig.port))
            await loop.sock_sendall(sock, post(chat(stream=True)))
            await until(lambda: sent > 0)
            held = 0
            while held < sent:  # until nothing more is taken
                held = sent
                await asyncio.sleep(0.2)
            assert held < 190
            assert await count_of(sock) > 60_000 * 200
            await until(lambda: rig.meter.outcomes == ["served"])
            sock.close()

    asyncio.run(work())


async def count_of(sock: socket.socket) -> int:
    """How many bytes come up to the end of the chunks."""
    count, tail = 0, b""
    while not tail.endswith(b"0\r\n\r\n"):
        data = await asyncio.get_running_loop().sock_recv(sock, 2**18)
        assert data
        count += len(data)
        tail = (tail + data)[-16:]
    return count


def test_headers_of_an_answer_cannot_be_injected() -> None:
    async def work() -> None:
        evil = route("", principal="a\r\nset-cookie: x=1", filing="f-1")
        async with (
            upstream(saying(ANSWER)) as url,
            gateway(route(url, principal=evil.principal)) as rig,
        ):
            got = await ask(rig, post(BODY, extra="Idempotency-Key: a\tb\r\n"))
            assert got.status == 200 and "set-cookie" not in got.headers
            assert got.headers["pilotbase-principal"] == "a%0D%0Aset-cookie: x=1"

    asyncio.run(work())
