"""A whole answer as the stream that its caller asked for: read back by what reads streams."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotbase.serve.call import Ask, Call, Usage
from pilotbase.serve.doors.openai_streams import ChatReading, ResponsesReading
from pilotbase.serve.rules.as_events import as_asked, as_events, media_of
from tests.serve.metering.kit import MOST, grant, route

words = st.text(max_size=30)


def call() -> Call:
    return Call(Ask("line", "chat", b"{}", True), route(), grant(), 0.0, MOST)


def events(stream: bytes) -> list[Any]:
    lines = [one.rpartition(b"data: ")[2] for one in stream.split(b"\n\n") if one]
    return [json.loads(one) for one in lines if one != b"[DONE]"]


@settings(max_examples=40)
@given(said=st.lists(words, min_size=1, max_size=3), wanted=st.booleans())
def test_a_chat_reads_back_as_it_was_written(said: list[str], wanted: bool) -> None:
    choices = [
        {"index": at, "message": {"role": "assistant", "content": one}, "finish_reason": "stop"}
        for at, one in enumerate(said)
    ]
    usage = {"prompt_tokens": 7, "completion_tokens": 3}
    answer = {"id": "c", "object": "chat.completion", "choices": choices, "usage": usage}
    request = {"stream": True, "stream_options": {"include_usage": wanted}}
    stream = as_events("chat", json.dumps(request).encode(), json.dumps(answer).encode())
    used = Usage()
    reading = ChatReading(call(), used, None, wanted=wanted)
    assert reading.feed(stream) + reading.last(()) == stream and reading.whole
    assert (used.input_tokens, used.counted) == ((7, True) if wanted else (0, False))
    back = dict.fromkeys(range(len(said)), "")
    for chunk in events(stream):
        assert chunk["object"] == "chat.completion.chunk" and chunk["id"] == "c"
        for choice in chunk["choices"]:
            back[choice["index"]] += choice["delta"].get("content", "")
    assert list(back.values()) == said


def test_calls_of_tools_have_places() -> None:
    tool = {"id": "t", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "tool_calls": [tool, tool]}
    answer = {"choices": [{"message": message, "finish_reason": "tool_calls"}]}
    first, last = events(as_events("chat", b"{}", json.dumps(answer).encode()))
    assert [one["index"] for one in first["choices"][0]["delta"]["tool_calls"]] == [0, 1]
    assert last["choices"][0]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("status", ["completed", "incomplete"])
def test_responses_say_their_texts_and_end_whole(status: str) -> None:
    text = {"type": "output_text", "text": "好的", "annotations": []}
    item = {"id": "m", "type": "message", "role": "assistant", "content": [text]}
    answer = {"id": "r", "status": status, "output": [item, {"id": "x", "type": "reasoning"}],
              "usage": {"input_tokens": 7, "output_tokens": 3}}  # fmt: skip
    stream = as_events("responses", b"{}", json.dumps(answer).encode())
    used = Usage()
    reading = ResponsesReading(call(), used, None)
    assert reading.feed(stream) == stream and reading.whole and used.output_tokens == 3
    found = events(stream)
    assert [one["sequence_number"] for one in found] == list(range(len(found)))
    assert [one["delta"] for one in found if one["type"].endswith(".delta")] == ["好的"]
    assert found[0]["response"]["output"] == [] and found[-1]["response"] == answer
    assert found[-1]["type"] == f"response.{status}"


@given(st.binary(max_size=60))
@settings(max_examples=40)
def test_what_is_no_answer_is_one_event(said: bytes) -> None:
    for operation in ("chat", "responses"):
        stream = as_events(operation, said, said)
        assert stream.startswith(b"data: ") and stream.endswith(b"\n\n")
        assert stream.count(b"\n\n") == (2 if operation == "chat" else 1)


def test_how_an_answer_comes_is_its_callers_choice() -> None:
    assert as_asked("chat", False, b'{"stream":true}') == b'{"stream":false}'
    assert as_asked("responses", True, b'{"input":"a"}') == b'{"input":"a","stream":true}'
    for same in (b'{"a":1}', b"no object", b"[]"):
        assert as_asked("chat", False, same) == same
    assert as_asked("tool", True, b'{"area":"n"}') == b'{"area":"n"}'
    assert [media_of(one, True) for one in ("chat", "tool")] == [
        "text/event-stream", "application/json",
    ]  # fmt: skip
