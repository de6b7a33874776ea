"""OpenAI's doors: what goes up, what comes down, with raw requests and with the official client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import openai
import pytest

from pilotbase.serve.call import Ask, Caps, Refused
from pilotbase.serve.doors.plain import refused_as_data
from pilotbase.serve.gateway.awaited import Awaited
from tests.serve.gateway.rig import (
    KEY,
    SAID,
    STREAM_HEAD,
    USAGE,
    Rig,
    ask,
    chat,
    chunked,
    gateway,
    piece,
    post,
    refused,
    request,
    route,
    saying,
    stream_of,
    upstream,
    whole,
)

ANSWER = whole(json.dumps(SAID).encode())


def test_an_answer_carries_its_receipt_and_its_usage_is_settled() -> None:
    async def work() -> None:
        seen: list[dict[str, Any]] = []
        async with upstream(saying(ANSWER, seen=seen)) as url, gateway(route(url)) as rig:
            got = await ask(rig, post(chat(temperature=0, user="张")))
            assert got.status == 200 and got.json == SAID
            assert got.headers["pilotbase-filing"] == "f-1"
            assert got.headers["pilotbase-usage"] == "gw-1"
            assert got.headers["pilotbase-principal"] == "%E5%B8%82%E7%9B%91%E5%B1%80"
            assert got.headers["pilotbase-for"] == "bureau"
            assert got.headers["pilotbase-verify"] == "/register/f-1"
            assert "pilotbase-development" not in got.headers
            assert seen == [
                {"model": "m", "messages": [], "temperature": 0, "user": "张", "max_tokens": 4096}
            ]
            [(call, usage, outcome)] = rig.meter.settled
            assert outcome == "served" and usage.counted and call.upstream == "u0"
            assert (usage.input_tokens, usage.output_tokens, usage.cases) == (7, 3, 1)

    asyncio.run(work())


def test_a_name_that_stands_twice_is_read_alike_above_and_below() -> None:
    async def work() -> None:
        seen: list[dict[str, Any]] = []
        async with upstream(saying(ANSWER, seen=seen)) as url, gateway(route(url)) as rig:
            body = b'{"model":"f-1","max_tokens":9,"messages":[],"max_tokens":5,"stream":null}'
            await ask(rig, post(body))
            assert seen[0]["max_tokens"] == 5
            assert rig.meter.begun[0].most.output_tokens == 5

    asyncio.run(work())


BAD: dict[str, tuple[bytes, int]] = {
    "no JSON": (b"{", 400),
    "a list": (b"[]", 400),
    "no model": (b'{"messages":[]}', 400),
    "model of another type": (b'{"model":3}', 400),
    "not UTF-8": (b'{"model":"f-1","user":"\xff"}', 400),
    "too deep": (b'{"model":"f-1","a":' + b"[" * 50_000 + b"]" * 50_000 + b"}", 400),
    "n of none": (chat(n=0), 400),
    "many answers": (chat(n=1000), 400),
    "more than it writes": (chat(max_tokens=10**9), 400),
    "unknown": (chat("g-1"), 404),
    "too long": (chat(user="x" * 2_000_000), 413),
}


@pytest.mark.parametrize("body, status", BAD.values(), ids=BAD.keys())
def test_faulty_requests_are_refused_in_openais_shape(body: bytes, status: int) -> None:
    async def work() -> None:
        async with upstream(saying(ANSWER)) as url, gateway(route(url)) as rig:
            got = await ask(rig, post(body))
            assert got.status == status, got
            assert {"message", "message_zh", "type", "code", "param"} <= got.json["error"].keys()
            assert not rig.meter.begun

    asyncio.run(work())


def test_a_refusal_of_a_call_that_was_begun_has_its_receipt() -> None:
    async def work() -> None:
        broken, none = whole(b"{}", "500 Oops"), whole(b"{}", "404 Not Found")
        async with upstream(saying(broken, none)) as url, gateway(route(url)) as rig:
            for status in (502, 422):
                got = await ask(rig, post(chat()))
                assert got.status == status
                assert got.headers["pilotbase-usage"] == rig.meter.begun[-1].usage_id
                assert got.headers["pilotbase-principal"] and got.json["error"]["register"]
            call = Awaited(rig.serving, Ask("f-1", "chat", chat()), KEY)
            with pytest.raises(Refused) as caught:
                await call.answered()
            said = refused_as_data(caught.value)
            assert said["receipt"]["usage"] == rig.meter.begun[-1].usage_id
            early = await ask(rig, post(chat(model="nobody")))
            assert early.status >= 400 and "pilotbase-usage" not in early.headers

    asyncio.run(work())


def test_a_second_choice_that_refuses_leaves_the_first_calls_receipt() -> None:
    async def work() -> None:
        async with upstream(saying(whole(b"{}", "503 Busy"))) as url:
            second = route(url, filing="g-1", speaks=frozenset({"infer"}))
            async with gateway(route(url, fallback=(second,)), second) as rig:
                got = await ask(rig, post(chat()))
                assert got.json["error"]["code"] == "serve.not_spoken"
                assert got.headers["pilotbase-usage"] == rig.meter.begun[0].usage_id
                assert got.headers["pilotbase-filing"] == "f-1"

    asyncio.run(work())


def test_refusals_say_whether_waiting_helps() -> None:
    async def work() -> None:
        async with upstream(saying(ANSWER)) as url, gateway(route(url)) as rig:
            wrong = await ask(rig, post(chat(), key="pbk_x"))
            assert wrong.status == 401 and wrong.headers["x-should-retry"] == "false"
            assert wrong.json["error"]["register"] == "/register/f-1"
            rig.meter.refuses = refused(429, "serve.limit")
            rig.meter.refuses.retry_after_s = 12.2
            over = await ask(rig, post(chat()))
            assert over.status == 429 and over.headers["retry-after"] == "13"

    asyncio.run(work())


@pytest.mark.parametrize("wanted", [False, True])
def test_usage_is_read_from_a_stream_that_is_split_anywhere(wanted: bool) -> None:
    """Every place of the stream is a split between two reads of some run."""
    stream = stream_of("甲", "b")
    end = len(stream)
    cuts = [*range(0, end, 17), *range(end - 90, end)]
    heads = [STREAM_HEAD + chunked(stream[:cut] or b":", stream[cut:] or b":") for cut in cuts]
    options: dict[str, Any] = {"stream_options": {"include_usage": True}} if wanted else {}

    async def work() -> None:
        seen: list[dict[str, Any]] = []
        async with upstream(saying(*heads, seen=seen)) as url, gateway(route(url)) as rig:
            for _ in cuts:
                got = await ask(rig, post(chat(stream=True, **options)))
                assert got.status == 200 and got.whole
                assert got.body.endswith(b"data: [DONE]\n\n")
                assert (b'"usage": {' in got.body) == wanted
                assert "甲".encode() in got.body
            assert all(one["stream_options"]["include_usage"] for one in seen)
            assert {(u.input_tokens, u.output_tokens) for _, u, _ in rig.meter.settled} == {(7, 3)}
            assert set(rig.meter.outcomes) == {"served"}

    asyncio.run(work())


def test_the_official_client() -> None:
    stream = STREAM_HEAD + chunked(stream_of("one ", "two"))
    vectors: dict[str, Any] = {
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}],
    }
    vectors |= {"model": "m", "usage": {"prompt_tokens": 4, "total_tokens": 4}}
    call = {"id": "t", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    choice: dict[str, Any] = {"index": 0, "finish_reason": "tool_calls"}
    choice["message"] = {"role": "assistant", "content": None, "tool_calls": [call]}
    tools = whole(json.dumps(SAID | {"choices": [choice]}).encode())
    response: dict[str, Any] = {
        "id": "r",
        "object": "response",
        "created_at": 1,
        "model": "m",
        "output": [],
    }
    response |= {"usage": {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}}
    done = {"type": "response.completed", "sequence_number": 1, "response": response}
    events = f"event: response.completed\ndata: {json.dumps(done)}\n\n".encode()
    said = [ANSWER, stream, whole(json.dumps(vectors).encode()), tools]
    said += [whole(json.dumps(response).encode()), STREAM_HEAD + chunked(events)]

    def client(url: str) -> None:
        with openai.OpenAI(base_url=url + "/v1", api_key=KEY, max_retries=0) as one:
            assert [m.id for m in one.models.list()] == ["f-1"]
            assert one.models.retrieve("f-1").owned_by == "市监局"
            user: Any = [{"role": "user", "content": "?"}]
            reply = one.chat.completions.create(model="f-1", messages=user)
            assert reply.choices[0].message.content == "好的"
            pieces = list(one.chat.completions.create(model="f-1", messages=user, stream=True))
            assert "".join(p.choices[0].delta.content or "" for p in pieces) == "one two"
            assert all(p.usage is None for p in pieces)
            vector = one.embeddings.create(model="f", input="x", encoding_format="float")
            assert vector.data[0].embedding == [0.5]
            tool: Any = {"type": "function", "function": {"name": "f", "parameters": {}}}
            asked = one.chat.completions.create(model="f-1", messages=user, tools=[tool])
            assert asked.choices[0].message.tool_calls
            assert one.responses.create(model="f-1", input="x").usage.total_tokens == 7  # type: ignore[union-attr]
            last = list(one.responses.create(model="f-1", input="x", stream=True))[-1]
            assert last.type == "response.completed"
            with pytest.raises(openai.NotFoundError) as missing:
                one.chat.completions.create(model="g", messages=user)
            assert missing.value.code == "serve.not_filed"
            with pytest.raises(openai.BadRequestError):
                one.responses.create(model="f-1", input="x", previous_response_id="r")
        stranger = openai.OpenAI(base_url=url + "/v1", api_key="x", max_retries=0)
        with stranger, pytest.raises(openai.AuthenticationError):
            stranger.models.list()

    async def work() -> None:
        async with upstream(saying(*said)) as url, gateway(route(url)) as rig:
            await asyncio.to_thread(client, rig.url)
            tokens = [(u.input_tokens, u.output_tokens) for _, u, _ in rig.meter.settled]
            assert tokens == [(7, 3), (7, 3), (4, 0), (7, 3), (5, 2), (5, 2)]

    asyncio.run(work())


def test_the_official_client_is_told_why_a_stream_was_cut() -> None:
    begun = STREAM_HEAD + chunked(piece("one "), end=False)

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(begun)
        await reader.read()

    def client(rig: Rig, stop: Callable[[], None]) -> str:
        with openai.OpenAI(base_url=rig.url + "/v1", api_key=KEY, max_retries=0) as one:
            stream = one.chat.completions.create(
                model="f-1", messages=[{"role": "user", "content": "?"}], stream=True
            )
            assert next(stream).choices[0].delta.content == "one "
            stop()
            with pytest.raises(openai.APIError) as told:
                next(stream)
            return str(told.value.code)

    async def work() -> None:
        loop = asyncio.get_running_loop()
        async with upstream(script) as url, gateway(route(url)) as rig:

            def stop() -> None:
                rig.gate.stopped = True
                loop.call_soon_threadsafe(rig.serving.recheck)

            assert await asyncio.to_thread(client, rig, stop) == "serve.stopped"

    asyncio.run(work())


def test_without_usage_tokens_are_bounded_by_bytes() -> None:
    silent = {name: value for name, value in SAID.items() if name != "usage"}
    stream = piece("好的") + piece(finish="stop")

    async def work() -> None:
        said = [whole(json.dumps(silent).encode()), STREAM_HEAD + chunked(stream)]
        small = route(caps=Caps(output_tokens_max=100))
        async with upstream(saying(*said)) as url, gateway(route(url, caps=small.caps)) as rig:
            body = chat()
            await ask(rig, post(body))
            assert (await ask(rig, post(chat(stream=True)))).body.endswith(b"[DONE]\n\n")
            [(_, first, _), (_, second, _)] = rig.meter.settled
            assert not first.counted and not second.counted
            assert (first.input_tokens, first.output_tokens) == (len(body), 100)
            assert second.output_tokens == len("好的".encode())

    asyncio.run(work())


def test_usage_that_cannot_be_is_not_believed() -> None:
    wrong = SAID | {"usage": USAGE | {"prompt_tokens": -5}}

    async def work() -> None:
        async with (
            upstream(saying(whole(json.dumps(wrong).encode()))) as url,
            gateway(route(url)) as rig,
        ):
            assert (await ask(rig, post(chat()))).status == 200
            [(_, usage, _)] = rig.meter.settled
            assert not usage.counted and usage.input_tokens > 0

    asyncio.run(work())
