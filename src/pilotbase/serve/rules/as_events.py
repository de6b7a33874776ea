"""A whole answer written as the events of a stream, for a caller who asked for one. Pure.

A person's own words are one answer, and so is what the service said to a request that a person
changed; the caller reads a stream all the same.

Sources: OpenAI API reference, "Chat completion chunk", "Responses streaming events"; WHATWG HTML,
"Server-sent events".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

IN_EVENTS = frozenset(("chat", "responses"))
"""The operations whose answers in pieces are server-sent events; others end in one whole answer."""
JSON, EVENTS = "application/json", "text/event-stream"
_ENDS = ("completed", "incomplete", "failed")
Json = dict[str, Any]
_encode = msgspec.json.encode
_object = msgspec.json.Decoder(Json).decode


def media_of(operation: str, stream: bool) -> str:
    """The media type that a call's answer is wanted in.

    >>> media_of("chat", True), media_of("infer", False)
    ('text/event-stream', 'application/json')
    """
    return EVENTS if stream and operation in IN_EVENTS else JSON


def as_asked(operation: str, stream: bool, request: bytes) -> bytes:
    """A person's request in the place of a caller's: how the answer comes is the caller's choice.

    >>> as_asked("chat", True, b'{"messages":[]}')
    b'{"messages":[],"stream":true}'
    """
    if operation not in IN_EVENTS:
        return request
    try:
        fields = _object(request)
    except (msgspec.DecodeError, RecursionError):
        return request  # the service says what it is not
    if bool(fields.get("stream")) == stream:
        return request
    return _encode({**fields, "stream": stream})


def as_events(operation: str, request: bytes, answer: bytes) -> bytes:
    """A whole answer as the stream of a chat or of responses; what is neither is one event.

    >>> as_events("chat", b"{}", b'{"by":"hand"}')
    b'data: {"by":"hand"}\\n\\ndata: [DONE]\\n\\n'
    """
    try:
        said, wanted = _object(answer), _object(request)
        events = list((_chat if operation == "chat" else _responses)(said, wanted))
    except (RecursionError, KeyError, TypeError, ValueError, AttributeError):
        events = []
    if not events:
        events = [b"data: %b\n\n" % b"".join(answer.splitlines())]
    return b"".join([*events, b"data: [DONE]\n\n"] if operation == "chat" else events)


def _chat(said: Json, wanted: Json) -> Iterator[bytes]:
    """Each choice's message at once, then why it ends, then usage where it was asked for."""
    whole = {name: one for name, one in said.items() if name not in ("choices", "usage")}
    whole["object"] = "chat.completion.chunk"
    for choice in said["choices"]:
        delta = dict(choice["message"])
        if delta.get("tool_calls"):
            calls = enumerate(delta["tool_calls"])
            delta["tool_calls"] = [{"index": at, **one} for at, one in calls]
        place = {"index": choice.get("index", 0)}
        yield _data({**whole, "choices": [{**place, "delta": delta, "finish_reason": None}]})
        end = choice.get("finish_reason") or "stop"
        yield _data({**whole, "choices": [{**place, "delta": {}, "finish_reason": end}]})
    options = wanted.get("stream_options") or {}
    if options.get("include_usage") is True and said.get("usage"):
        yield _data({**whole, "choices": [], "usage": said["usage"]})


def _responses(said: Json, wanted: Json) -> Iterator[bytes]:
    """The response begun, each of its items, each text at once, and the response as it ended."""
    events: list[tuple[str, Json]] = [
        ("created", {"response": {**said, "status": "in_progress", "output": []}})
    ]
    for at, item in enumerate(said["output"]):
        place: Json = {"output_index": at}
        begun = {**item, "content": []} if "content" in item else item
        events.append(("output_item.added", {**place, "item": begun}))
        for n, part in enumerate(item.get("content") or ()):
            where = {**place, "item_id": item.get("id", ""), "content_index": n}
            events += _part(part, where)
        events.append(("output_item.done", {**place, "item": item}))
    ended = str(said.get("status")) if said.get("status") in _ENDS else "completed"
    events.append((ended, {"response": {**said, "status": ended}}))
    for number, (word, rest) in enumerate(events):
        kind = f"response.{word}"
        yield b"event: %b\n" % kind.encode() + _data(
            {"type": kind, "sequence_number": number, **rest}
        )


def _part(part: Json, where: Mapping[str, Any]) -> Iterator[tuple[str, Json]]:
    if part.get("type") != "output_text":
        yield "content_part.added", {**where, "part": part}
    else:
        yield "content_part.added", {**where, "part": {**part, "text": ""}}
        yield "output_text.delta", {**where, "delta": part["text"], "logprobs": []}
        yield "output_text.done", {**where, "text": part["text"], "logprobs": []}
    yield "content_part.done", {**where, "part": part}


def _data(said: Json) -> bytes:
    return b"data: %b\n\n" % _encode(said)
