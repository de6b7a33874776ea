"""Each way in which a server can be bad ends soon, in a reason that a person understands."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import time
from collections.abc import Callable

import anyio
import pytest

from pilotbase.kernel.errors import CandidateError
from pilotbase.trial.endpoints.port import Misspoken, Unanswered
from tests.trial.endpoints.conftest import KEY, KEY_NAME, asked, case_of, chat_at, during
from tests.trial.endpoints.servers import (
    Answer,
    Call,
    chunk,
    completion,
    http,
    in_turn,
    says,
    serving,
    sse,
)

GOOD = http(completion())


def raw(data: bytes, *, close: bool = True) -> Answer:
    async def answer(call: Call, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        if close:
            writer.close()

    return answer


async def silent(call: Call, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


async def drips(call: Call, writer: asyncio.StreamWriter) -> None:
    writer.write(
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\r\n"
    )
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.01)


async def drips_its_head(call: Call, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.01)


async def never_ends(call: Call, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
    while True:
        writer.write(sse(chunk({"content": "and "}), done=False))
        await writer.drain()
        await asyncio.sleep(0.005)


async def hundred_megabytes(call: Call, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n")
    for _ in range(1600):
        writer.write(b"x" * 65536)
        await writer.drain()


async def cuts_off(call: Call, writer: asyncio.StreamWriter) -> None:
    writer.write(GOOD[:-20])
    await writer.drain()
    writer.close()


def reset(call: Call) -> bytes:
    raise ConnectionResetError


BOMB = gzip.compress(b'{"a": "' + b"x" * 50_000_000 + b'"}')
PLENTY = b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n"
CHUNKS = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"

LOST: dict[str, tuple[Answer, str]] = {
    "slow": (silent, "no answer within 0.5 s"),
    "drips": (drips, "no answer within 0.5 s"),
    "drips its head": (drips_its_head, "no answer within 0.5 s"),
    "never ends": (never_ends, "no answer within 0.5 s"),
    "100 MB": (hundred_megabytes, "more than 8 MiB"),
    "100 GB promised": (raw(PLENTY), "more than 8 MiB"),
    "closes early": (cuts_off, "the answer breaks off"),
    "closes at once": (raw(b""), "closed without an answer"),
    "resets": (says(reset), "closed without an answer"),
    "bad chunk size": (raw(CHUNKS + b"zz\r\n{}\r\n"), "no proper HTTP"),
    "chunks break off": (raw(CHUNKS + b"5\r\n{"), "the answer breaks off"),
    "not HTTP": (raw(b"SSH-2.0-OpenSSH_9.9\r\n\r\n"), "no proper HTTP"),
    "half a head": (raw(b"HTTP/1.1 200 OK\r\nconte"), "the answer breaks off"),
    "endless headers": (raw(b"HTTP/1.1 200 OK\r\n" + b"x-a: b\r\n" * 20_000), "64 KiB"),
    "gzip bomb": (says(http(BOMB, content_encoding="gzip")), "more than 8 MiB"),
    "bad gzip": (says(http(b"nothing", content_encoding="gzip")), "cannot be unpacked"),
    "brotli": (says(http(b"nothing", content_encoding="br")), "compressed"),
    "redirects": (says(http("", status=307, location="http://127.0.0.1:1/")), "redirects are not"),
    "key refused": (says(http("", status=401)), "HTTP 401: the key is not accepted"),
    "nothing there": (says(http("", status=404)), "HTTP 404: nothing is there"),
    "broken": (says(http({"error": {"code": "oops"}}, status=500)), "HTTP 500: oops"),
    "rate": (says(http("", status=429, retry_after="1")), "HTTP 429: too many requests"),
    "long pause": (says(http("", status=429, retry_after="3600")), "wait longer than 120 s"),
    "switches": (raw(b"HTTP/1.1 101 Switching\r\nupgrade: x\r\n\r\n"), ""),
}


@pytest.mark.parametrize("name", LOST)
def test_no_answer(name: str):
    server_does, reason = LOST[name]
    with serving(server_does) as server:
        started = time.monotonic()
        with pytest.raises(Unanswered) as caught:
            asked(chat_at(server.url, retries=0), seconds=0.5 if "within" in reason else 5)
        assert reason in str(caught.value)
        assert time.monotonic() - started < 4


WRONG: dict[str, tuple[bytes, str]] = {
    "HTML": (http("<html>", kind="text/html; charset=utf-8"), "text/html instead of JSON"),
    "no media type": (http(completion(), kind=""), "no media type"),
    "no JSON": (http("{"), "not JSON"),
    "NaN": (http('{"choices": NaN}'), "not JSON"),
    "deep": (http("[" * 100_000), "not JSON"),
    "list": (http("[]"), "no JSON object"),
    "empty": (http(""), "not JSON"),
    "no choices": (http({"model": "mock-1"}), "without choices"),
    "choices of none": (http({"model": "mock-1", "choices": []}), "without choices"),
    "choice of text": (http({"model": "mock-1", "choices": ["x"]}), "without choices"),
    "no message": (http({"model": "mock-1", "choices": [{}]}), "without message"),
    "number": (http(completion(3)), "content is no text"),  # type: ignore[arg-type]
    "nothing said": (http(completion("")), "an empty answer"),
    "null": (http(completion(None)), "an empty answer"),
    "truncated": (http(completion(finish_reason="length")), "truncated"),
    "another model": (http(completion(model="mock-1-mini")), "another model answered: mock-1-mini"),
    "no model": (http(completion(model=None)), "which model"),
    "error in 200": (
        http({"error": {"type": "overloaded"}}),
        "an error instead of an answer: over",
    ),
    "too long a prompt": (
        http({"error": {"code": "context_length_exceeded"}}, status=400),
        "HTTP 400: context_length_exceeded",
    ),
    "half a letter": (http(json.dumps(completion("\ud83d"))), "no Unicode"),
    "tools": (
        http(
            completion(None, tool_calls=[{"id": "1", "function": {"name": "f", "arguments": "{}"}}])
        ),
        "calls a tool",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_answers(name: str):
    answer, reason = WRONG[name]
    with serving(says(answer)) as server, pytest.raises(Misspoken) as caught:
        asked(chat_at(server.url))
    assert reason in str(caught.value)


def test_down():
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))  # bound, not listening: nobody else can take the port
        url = f"http://127.0.0.1:{holder.getsockname()[1]}/v1"
        with pytest.raises(CandidateError, match="connection refused") as caught:
            asked(chat_at(url))
    assert "连通" in caught.value.message.zh


def test_no_tls_where_tls_is_asked_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("pilotbase.trial.endpoints.http.CONNECT_SECONDS", 0.3)
    with serving(says(GOOD)) as server, pytest.raises(CandidateError, match="no connection"):
        asked(chat_at(server.url.replace("http:", "https:")))


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_passes_is_asked_again(status: int):
    with serving(in_turn(http("", status=status, retry_after="0"), GOOD)) as server:
        found = asked(chat_at(server.url))
        assert found["text"] == "Paris [p1]"
        assert found["_response"].tries == 2 and len(server.calls) == 2
    # a gateway that got no answer may have passed the question on
    assert found.get("lost", 0) == (1 if status in (502, 504) else 0)


@pytest.mark.parametrize("status", [301, 307, 400, 401, 403, 404, 500, 501])
def test_what_does_not_pass_is_not_asked_again(status: int):
    with serving(in_turn(http("", status=status), GOOD)) as server:
        with pytest.raises((Unanswered, Misspoken)):
            asked(chat_at(server.url))
        assert len(server.calls) == 1


def test_a_connection_lost_before_an_answer_is_tried_again_and_counted():
    def first_resets() -> Callable[[Call], bytes]:
        seen: list[Call] = []

        def answer(call: Call) -> bytes:
            seen.append(call)
            if len(seen) == 1:
                raise ConnectionResetError
            return GOOD

        return answer

    with serving(says(first_resets())) as server:
        found = asked(chat_at(server.url, price={"input": "2.00 CNY", "output": "8.00 CNY"}))
    assert found["_response"].tries == 2 and found["lost"] == 1
    endpoint = chat_at(
        "https://models.example.org", price={"input": "2.00 CNY", "output": "8.00 CNY"}
    )
    once = (12 * 200 + 3 * 800) / 1_000_000
    assert endpoint.price({"tokens": {"in": 12, "out": 3}}) == pytest.approx(once)
    assert endpoint.price(found) == pytest.approx(2 * once)


def test_an_answer_that_began_is_not_drawn_again():
    with serving(cuts_off) as server:
        with pytest.raises(Unanswered, match="breaks off"):
            asked(chat_at(server.url, retries=5))
        assert len(server.calls) == 1


def test_retries_do_not_stretch_the_deadline():
    with serving(silent) as server:
        started = time.monotonic()
        with pytest.raises(Unanswered, match="no answer within"):
            asked(chat_at(server.url, retries=10), seconds=0.4)
        assert time.monotonic() - started < 1.5
        assert len(server.calls) == 1


def test_a_rate_limit_is_kept_by_all_tasks_and_nothing_is_lost():
    allowed, first = [0.0], iter([True])

    def answer(call: Call) -> bytes:
        now = time.monotonic()
        if next(first, False) or now < allowed[0]:
            return http("", status=429, retry_after="0.2")
        allowed[0] = now + 0.01
        return GOOD

    with serving(says(answer)) as server:
        endpoint = chat_at(server.url, concurrency=8, retries=1)
        tries: list[int] = []

        async def work() -> list[str]:
            texts: list[str] = []

            async def one(number: int) -> None:
                case, began = case_of(f"Where is {number}?"), time.monotonic()
                response = await endpoint.send(endpoint.request(case), 10)
                texts.append(endpoint.read(case, response)["text"])
                tries.append(response.tries)
                # The pauses are not the candidate's, however slow this machine is.
                other_ms = (time.monotonic() - began) * 1000 - response.taken_ms
                assert other_ms > 199 * (response.tries - 1)

            async with anyio.create_task_group() as group:
                for number in range(24):
                    group.start_soon(one, number)
            return texts

        assert during(endpoint, work) == ["Paris [p1]"] * 24
        assert max(tries) > 1


def test_a_thousand_at_once_share_a_few_connections():
    with serving(says(GOOD)) as server:
        endpoint = chat_at(server.url, concurrency=32)

        async def work() -> int:
            done: list[int] = []

            async def one() -> None:
                done.append((await endpoint.send(endpoint.request(case_of()), 25)).tries)

            async with anyio.create_task_group() as group:
                for _ in range(1000):
                    group.start_soon(one)
            return sum(done)

        assert during(endpoint, work) == 1000
        assert server.open_most <= 32


def test_a_connection_that_was_closed_while_idle_is_nobodys_fault():
    with serving(raw(GOOD)) as server:  # it closes after each answer, without saying so
        endpoint = chat_at(server.url, retries=0)

        async def work() -> list[int]:
            tries = []
            for _ in range(3):
                response = await endpoint.send(endpoint.request(case_of()), 5)
                tries.append(response.tries)
                await anyio.sleep(0.05)
            return tries

        assert max(during(endpoint, work)) <= 2


ECHOES: dict[str, Callable[[Call], bytes]] = {
    "answer": lambda call: http(completion(f"Your key is {call.headers['authorization']}")),
    "error": lambda call: http({"error": {"code": call.headers["authorization"][7:]}}, status=500),
    "refused": lambda call: http(
        {"error": {"code": "bad", "message": call.headers["authorization"]}}, status=400
    ),
    "page": lambda call: http(f"<p>{call.headers['authorization']}</p>", kind="text/html"),
    "kind": lambda call: http("", kind=call.headers["authorization"]),
    "model": lambda call: http(completion(model=call.headers["authorization"][7:])),
    "header": lambda call: http(completion(), x_seen=call.headers["authorization"]),
    "wide": lambda call: http(json.dumps({"a": call.headers["authorization"]}).encode("utf-16")),
    "length": lambda call: http(
        completion(), inference_header_content_length=call.headers["authorization"][7:]
    ),
    "stream": lambda call: http(
        sse(chunk({"content": call.headers["authorization"]}, "stop")), kind="text/event-stream"
    ),
    "pieces": lambda call: http(
        sse(*(chunk({"content": letter}) for letter in KEY), chunk({}, "stop")),
        kind="text/event-stream",
    ),
    "pieces, truncated": lambda call: http(
        sse(*(chunk({"content": letter}) for letter in KEY), done=False), kind="text/event-stream"
    ),
    "tool, in pieces": lambda call: http(
        sse(
            *(
                chunk(
                    {"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": letter}}]}
                )
                for letter in KEY
            ),
            chunk({}, "tool_calls"),
        ),
        kind="text/event-stream",
    ),
}


@pytest.mark.parametrize("name", ECHOES)
def test_a_key_that_is_echoed_is_not_kept(
    name: str, key: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
):
    caplog.set_level("DEBUG")
    kept: list[str] = []
    with serving(says(ECHOES[name])) as server:
        endpoint = chat_at(server.url, key={"env": KEY_NAME}, stream="stream" in name, retries=0)

        async def work() -> None:
            request = endpoint.request(case_of())
            kept.append(repr(request) + request.body.decode())
            try:
                response = await endpoint.send(request, 5)
                kept.extend([repr(response), response.body.decode("utf-8", "replace")])
                kept.append(response.body.decode("utf-16", "replace"))
                kept.append(repr(endpoint.read(case_of(), response)))
                # letter by letter it would not be found by looking for it
                kept.append(
                    "".join(
                        x["choices"][0]["delta"].get("content", "") for x in _events(response.body)
                    )
                )
            except (Unanswered, Misspoken) as error:
                kept.extend([str(error), repr(error)])

        during(endpoint, work)
        assert server.calls[0].headers["authorization"] == f"Bearer {key}"
        kept.append(repr(endpoint) + repr(vars(endpoint)))
    said = capfd.readouterr()
    for text in [*kept, said.out, said.err, caplog.text]:
        assert key.lower() not in text.lower()


def _events(body: bytes) -> list[dict[str, object]]:
    lines = [line[6:] for line in body.decode().splitlines() if line.startswith("data: {")]
    return [x for x in map(json.loads, lines) if "choices" in x]
