"""Streamed chat completions: cut anywhere, in each line ending, with tools in pieces."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotbase.trial.endpoints.completion import events, stream_ended, turn_of
from pilotbase.trial.endpoints.port import Misspoken, Response
from tests.trial.endpoints.conftest import case_of, chat_at, during
from tests.trial.endpoints.servers import MODEL, Call, chunk, completion, http, says, serving, sse

STREAM = "text/event-stream"


def read(body: bytes) -> Any:
    """A streamed answer, read without a server."""
    endpoint = chat_at("https://models.example.org/v1", stream=True)
    return endpoint.read(case_of(), Response(body, STREAM, 1.0))


PIECES = [
    chunk({"role": "assistant", "content": ""}),
    chunk({"content": "Par"}),
    chunk({"content": "is [p1]"}),
    chunk({}, "stop"),
    {"model": MODEL, "choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}},
]


@pytest.mark.parametrize("end", ["\n\n", "\r\n\r\n", "\r\r"])
def test_streams_in_each_line_ending(end: str):
    found = read(b"\xef\xbb\xbf: hello" + end.encode() + sse(*PIECES, end=end))
    assert found["text"] == "Paris [p1]" and found["tokens"] == {"in": 5, "out": 2}


def test_events_as_the_standard_has_them():
    body = b"event: x\nid: 1\ndata:a\ndata: b\n:c\nretry: 5\n\n\n\ndata:  c\n\ndata"
    assert list(events(body)) == ["a\nb", " c"]


@given(st.text(alphabet=st.characters(codec="utf-8"), min_size=1), st.data())
@settings(max_examples=50)
def test_a_stream_says_what_its_pieces_say(text: str, data: st.DataObject):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    parts = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    body = sse(*(chunk({"content": part}) for part in parts), chunk({}, "stop"))
    if text.strip():
        assert turn_of(Response(body, STREAM, 1.0), MODEL).text == text


def test_a_letter_cut_in_two_is_joined():
    body = sse(chunk({"content": "\ud83d"}), chunk({"content": "\ude00"}), chunk({}, "stop"))
    assert turn_of(Response(body, STREAM, 1.0), MODEL).text == "😀"


TOOL = [
    chunk({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "look", "arguments": ""}}]}),
    chunk(
        {"tool_calls": [{"index": 1, "id": "b", "function": {"name": "sum", "arguments": "{}"}}]}
    ),
    chunk({"tool_calls": [{"index": 0, "function": {"arguments": '{"x"'}}]}),
    chunk({"tool_calls": [{"index": 0, "function": {"arguments": ": 1}"}}]}),
    chunk({}, "tool_calls"),
]


def test_tools_in_pieces():
    turn = turn_of(Response(sse(*TOOL), STREAM, 1.0), MODEL)
    assert [(c.id, c.name, dict(c.arguments)) for c in turn.tool_calls] == [
        ("a", "look", {"x": 1}),
        ("b", "sum", {}),
    ]
    assert turn.finish == "tool_calls" and not turn.text


def test_a_turn_with_tools_as_an_agent_asks_for_it():
    tools = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
    call = {"id": "a", "type": "function", "function": {"name": "look", "arguments": '{"x": 1}'}}
    with serving(
        says(http(completion(None, tool_calls=[call], finish_reason="tool_calls")))
    ) as server:
        endpoint = chat_at(server.url)

        async def work():
            request = endpoint.request_turn([{"role": "user", "content": "Look."}], tools)
            return endpoint.read_turn(await endpoint.send(request, 5))

        turn = during(endpoint, work)
        assert server.calls[0].json["tools"] == tools
    assert turn.tool_calls[0].name == "look" and turn.tool_calls[0].arguments == {"x": 1}


def piece(**function: str) -> dict[str, Any]:
    """A piece of the first tool call."""
    return chunk({"tool_calls": [{"index": 0, "function": function}]})


FAULTY_STREAMS = {
    "ends early": sse(chunk({"content": "Par"}), done=False),
    "no JSON": b"data: {\n\n",
    "an error": sse(chunk({"content": "Par"}), {"error": {"type": "overloaded"}}),
    "another model": sse(chunk({"content": "a"}), {**chunk({}, "stop"), "model": "other"}),
    "truncated": sse(chunk({"content": "a"}, "length")),
    "index": sse(chunk({"tool_calls": [{"function": {"name": "f"}}]}), chunk({}, "stop")),
    "without name": sse(piece(arguments="{}"), chunk({}, "stop")),
    "not UTF-8": b"data: \xff\n\n",
    "empty": sse(),
    "no completion": sse({"choices": [{"delta": "x"}], "model": MODEL}),
}


def test_arguments_that_are_no_json_are_the_fault_of_that_call_alone():
    body = sse(piece(name="f", arguments="{"), chunk({}, "stop"))
    turn = turn_of(Response(body, STREAM, 1.0), MODEL)
    (call,) = turn.tool_calls
    assert call.name == "f" and call.arguments == {} and "not JSON" in call.fault


@pytest.mark.parametrize("name", FAULTY_STREAMS)
def test_faulty_streams(name: str):
    with pytest.raises(Misspoken):
        read(FAULTY_STREAMS[name])


@given(st.lists(st.integers(1, 40), max_size=40))
def test_the_end_is_seen_however_a_stream_is_cut(sizes: list[int]):
    body = sse(chunk({"content": "data: [DONE] is not the end"}), chunk({}, "stop"))
    ended, held, at = stream_ended(), bytearray(), 0
    for size in [*sizes, len(body)]:
        held += body[at : at + size]
        at += size
        assert ended(held) == (b"\ndata: [DONE]" in held) or at > len(body)


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def test_a_stream_over_the_wire_ends_with_its_last_event():
    """The connection stays open, and is used again where the answer was whole."""

    async def answer(call: Call, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD)
        body = sse(*PIECES, end="\r\n\r\n")
        for at in range(0, len(body), 7):  # cut anywhere
            piece = body[at : at + 7]
            writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            await writer.drain()
        if call.json["messages"][0]["content"] == "whole":
            writer.write(b"0\r\n\r\n")
        else:
            await asyncio.sleep(30)

    with serving(answer) as server:
        endpoint = chat_at(server.url, stream=True)

        async def work() -> list[tuple[str, bool]]:
            found = []
            for text in ("whole", "whole", "open"):
                response = await endpoint.send(endpoint.request(case_of(text)), 5)
                found.append((endpoint.read(case_of(), response)["text"], response.taken_ms < 2000))
            return found

        assert during(endpoint, work) == [("Paris [p1]", True)] * 3
        assert server.open_most == 1
        assert server.calls[0].json["stream_options"] == {"include_usage": True}
