"""Models behind a real loopback endpoint: each reads the conversation and makes its next turn."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from pilotbase.trial.agents.service_desk.careful import Careful
from tests.trial.endpoints.servers import Call, completion, http

Model = Callable[[list[dict[str, Any]]], bytes]


def calls(*wanted: tuple[str, Any], text: str | None = None) -> bytes:
    """A turn that calls tools; arguments that are no object are sent as they are."""
    made = [
        {
            "id": f"c{number}",
            "type": "function",
            "function": {
                "name": tool,
                "arguments": arguments if isinstance(arguments, str) else json.dumps(arguments),
            },
        }
        for number, (tool, arguments) in enumerate(wanted)
    ]
    return http(completion(text, tool_calls=made, finish_reason="tool_calls"))


def says(text: str, **changes: Any) -> bytes:
    return http(completion(text, **changes))


def goal_of(messages: list[dict[str, Any]]) -> str:
    return str(next(m["content"] for m in messages if m["role"] == "user"))


def observations(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the tools said so far, as an agent that is a program is told it."""
    told = []
    for message in messages:
        if message["role"] == "tool":
            value = json.loads(message["content"])
            fault = isinstance(value, dict) and set(value) == {"fault"}
            told.append(value if fault else {"value": value})
    return told


def careful(messages: list[dict[str, Any]]) -> bytes:
    """The careful script as a model without memory: it goes through the conversation anew."""
    acting = Careful().act(goal_of(messages), {})
    try:
        call = next(acting)
        for observed in observations(messages):
            call = acting.send(observed)
    except StopIteration as end:
        return says(str(end.value))
    return calls(call)


def model(make: Model) -> Callable[[Call], bytes]:
    """As an answer of `servers.serving`."""
    return lambda call: make(call.json["messages"])


def at(url: str, **changes: Any) -> Mapping[str, Any]:
    """A candidate behind the endpoint."""
    return {"chat": {"url": url, "model": "mock-1", "private": True, **changes}}
