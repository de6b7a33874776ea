"""A filed agent that speaks A2A 1.0, as an upstream: a message sent, what came of it.

Source: a2a-protocol.org, specification 1.0, section 9 (JSON-RPC). The agent is asked to answer at
once; a task that it leaves open is no answer, since nobody here would come back for it.
"""

from __future__ import annotations

import uuid
from typing import Any

import msgspec

from pilotbase.serve.call import Ask, Call, Route, Upstream, Usage
from pilotbase.serve.doors import jsonrpc
from pilotbase.serve.doors.mcp_upstream import most
from pilotbase.serve.doors.openai_refusals import faulty
from pilotbase.serve.ports import Pieces, Put, Reading

JSON = b"application/json"
HEADERS = jsonrpc.ACCEPTS + b"a2a-version: 1.0\r\n"
OPEN = (
    "TASK_STATE_SUBMITTED",
    "TASK_STATE_WORKING",
    "TASK_STATE_INPUT_REQUIRED",
    "TASK_STATE_AUTH_REQUIRED",
)
_object = msgspec.json.Decoder(dict[str, Any]).decode


class MessageDialect:
    """A message, towards an agent (`Dialect`). The body is ``{"content": text}``."""

    path = b""
    media = JSON
    idempotent = False

    def most(self, ask: Ask, route: Route) -> Usage:
        return most(ask, route)

    def question(self, call: Call, upstream: Upstream) -> bytes | Put:
        try:
            text = _object(call.ask.body)["content"]
        except (msgspec.DecodeError, KeyError, RecursionError):
            raise faulty("a message holds content", "消息须含 content") from None
        message = {
            "messageId": str(uuid.uuid5(uuid.NAMESPACE_OID, call.usage_id)),
            "role": "ROLE_USER",
            "parts": [{"text": text}],
        }
        body = jsonrpc.question("SendMessage", {"message": message})
        return Put(b"", JSON, body, HEADERS)

    def read(self, call: Call, answer: bytes, usage: Usage) -> bytes | None:
        result = jsonrpc.result_of(answer)
        if result is None:
            return None
        task = _object(result).get("task")
        if isinstance(task, dict) and (task.get("status") or {}).get("state") in OPEN:
            return None
        jsonrpc.settle(call, usage, result)
        return result

    def reading(self, call: Call, usage: Usage, pieces: Pieces | None) -> Reading:
        return jsonrpc.ResultReading(call, usage, pieces)
