"""A filed tool of a Model Context Protocol server, as an upstream.

Requests are those of 2026-07-28, which stand alone; towards an older server `upstreams.mcp` puts
them into a session.
Source: modelcontextprotocol.io/specification/2026-07-28, "Transports", "Tools".
"""

from __future__ import annotations

import base64
import re
from typing import Any

import msgspec

from pilotbase.serve.call import Ask, Call, Refused, Route, Upstream, Usage
from pilotbase.serve.doors import jsonrpc
from pilotbase.serve.doors.openai_refusals import faulty
from pilotbase.serve.ports import Pieces, Put, Reading

VERSION = "2026-07-28"
JSON = b"application/json"
_PREFIX = "io.modelcontextprotocol"
_PLAIN = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_arguments = msgspec.json.Decoder(dict[str, Any]).decode
_result = msgspec.json.Decoder(dict[str, Any]).decode
ENVELOPE = {
    f"{_PREFIX}/protocolVersion": VERSION,
    f"{_PREFIX}/clientInfo": {"name": "pilotbase", "version": "1"},
    f"{_PREFIX}/clientCapabilities": {},
}


def put(method: str, params: dict[str, Any], name: str = "", id_: jsonrpc.Id = jsonrpc.ID) -> Put:
    """One request."""
    headers = f"mcp-protocol-version: {VERSION}\r\nmcp-method: {method}\r\n"
    if name:
        headers += f"mcp-name: {_header(name)}\r\n"
    body = jsonrpc.question(method, {**params, "_meta": ENVELOPE}, id_)
    return Put(b"", JSON, body, jsonrpc.ACCEPTS + headers.encode("ascii"))


def _header(value: str) -> str:
    """As the protocol writes what a header cannot hold."""
    if _PLAIN.fullmatch(value) and not value.startswith("=?base64?"):
        return value
    return f"=?base64?{base64.b64encode(value.encode()).decode()}?="


class ToolDialect:
    """A tool's call, towards its server (`Dialect`). The body is the arguments, a JSON object."""

    path = b""
    media = JSON
    idempotent = False

    def most(self, ask: Ask, route: Route) -> Usage:
        return most(ask, route)

    def question(self, call: Call, upstream: Upstream) -> bytes | Put:
        name = upstream.model or call.route.service
        try:
            arguments = _arguments(call.ask.body)
        except (msgspec.DecodeError, RecursionError):
            raise faulty("a tool takes a JSON object", "工具的参数须为 JSON 对象") from None
        return put("tools/call", {"name": name, "arguments": arguments}, name, call.usage_id)

    def read(self, call: Call, answer: bytes, usage: Usage) -> bytes | None:
        result = jsonrpc.result_of(answer, call.usage_id)
        if result is None or _result(result).get("resultType", "complete") != "complete":
            return None  # a tool that asks back has nobody here to ask
        jsonrpc.settle(call, usage, result)
        return result

    def reading(self, call: Call, usage: Usage, pieces: Pieces | None) -> Reading:
        return jsonrpc.ResultReading(call, usage, pieces, call.usage_id)


def most(ask: Ask, route: Route) -> Usage:
    """What one message may use: a token is at least one byte. Raises Refused."""
    caps, count = route.caps, len(ask.body)
    if count > caps.request_bytes_max:
        raise too_long(count, caps.request_bytes_max)
    return Usage(count, caps.output_tokens_max, ask.cases, count, caps.answer_bytes_max)


def too_long(count: int, limit: int) -> Refused:
    return faulty(
        f"the request has {count} bytes; this service takes {limit}",
        f"请求为 {count} 字节; 该服务至多接受 {limit} 字节",
        413,
        "serve.too_long",
    )
