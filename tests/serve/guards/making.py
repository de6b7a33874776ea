"""A route and an ask for guards to look at, for tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pilotbase.kernel.text import Text
from pilotbase.serve.call import Ask, Refused, Route, Tariff
from pilotbase.serve.guards.watch import CallWatch, Watchers
from pilotbase.serve.ports import Pieces


def route(guards: Mapping[str, Any], **more: Any) -> Route:
    said: dict[str, Any] = {
        "filing": "assistant-1", "service": "assistant", "speaks": frozenset({"chat"}),
        "title": Text("Assistant", "助手"), "asset": "sha256:aa", "version": "1",
        "tried": "sha256:bb",
        "verdict": "sha256:cc", "said": "go", "tier": "limited", "principal": "body-1",
        "person": "person-1", "expires": 4e9, "expires_at": "2096-10-02T07:06:40.000Z",
        "tariff": Tariff("CNY"), "upstreams": (),
    }  # fmt: skip
    return Route(**{**said, "guards": guards, **more})


def ask(*texts: str, **more: Any) -> Ask:
    messages = [{"role": "user", "content": text} for text in texts]
    body = json.dumps({"model": "assistant", "messages": messages, **more}).encode()
    return Ask("assistant", "chat", body)


def watch(guards: Mapping[str, Any]) -> CallWatch:
    made = Watchers().watch(route(guards))
    assert made is not None
    return made


def before(made: CallWatch, asked: Ask) -> Refused | None:
    """What comes of a request, where nothing looks aside."""
    said: list[Refused | None] = []
    made.before(asked, said.append)
    (one,) = said
    return one


def answer(text: str, **more: Any) -> bytes:
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text},
        "finish_reason": "stop",
    }
    return json.dumps({"id": "chatcmpl-1", "choices": [{**choice, **more}]}).encode()


def after(made: CallWatch, data: bytes) -> bytes | Refused:
    said: list[bytes | Refused] = []
    made.after(data, said.append)
    (one,) = said
    return one


def content(data: bytes | Refused) -> str:
    assert isinstance(data, bytes), data
    text = json.loads(data)["choices"][0]["message"]["content"]
    assert isinstance(text, str)
    return text


def chunk(text: str | None = None, *, finish: str | None = None, index: int = 0) -> bytes:
    delta = {} if text is None else {"content": text}
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    event = {"id": "c1", "object": "chat.completion.chunk", "model": "m", "choices": [choice]}
    return json.dumps(event).encode()


def stream(pieces: Pieces | None, events: list[bytes]) -> list[dict[str, Any]]:
    """What comes out of a stream. Raises Refused."""
    assert pieces is not None
    out = [one for event in events for one in pieces.feed(event)]
    said: list[list[bytes] | Refused] = []
    pieces.finish(said.append)
    (rest,) = said
    if isinstance(rest, Refused):
        raise rest
    return [json.loads(one) for one in [*out, *rest]]


def streamed(events: list[dict[str, Any]], index: int = 0) -> str:
    return "".join(
        choice["delta"].get("content") or ""
        for event in events
        for choice in event["choices"]
        if choice["index"] == index
    )
