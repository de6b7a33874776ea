"""Tools of servers that speak earlier versions of the Model Context Protocol."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from mcp.server.mcpserver import MCPServer

from pilotbase.serve.call import Ask, Caps, Route
from pilotbase.serve.doors.about import About
from pilotbase.serve.gateway.awaited import Awaited
from tests.serve.doors.mounting import doors, served, serving_by
from tests.serve.gateway.rig import (
    KEY,
    STREAM_HEAD,
    Answer,
    Rig,
    ask,
    chunked,
    post,
    request,
    upstream,
    whole,
)

Json = dict[str, Any]
NEW = b"2026-07-28"
OLD: list[tuple[str, Json]] = [
    ("2025-03-26", {}),
    ("2025-03-26", {"stateless_http": True}),
    ("2025-06-18", {}),
    ("2025-06-18", {"json_response": True}),
    ("2025-11-25", {}),
]


class Older:
    """The official SDK's server as if it had not been told of versions after one. For tests.

    The SDK knows them all and cannot be pinned; what it is asked is therefore changed on the way: a
    version that did not exist then is refused, and a session is agreed on in the pinned one.
    """

    def __init__(self, app: Any, version: str) -> None:
        self._app, self._version = app, version
        self.heard: list[tuple[str, dict[bytes, bytes]]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        body, headers = b"", dict(scope["headers"])
        while (event := await receive())["type"] == "http.request":
            body += event["body"]
            if not event.get("more_body"):
                break
        said = json.loads(body) if body else {}
        self.heard.append((str(said.get("method", scope["method"])), headers))
        if headers.get(b"mcp-protocol-version") == NEW:
            start = {"type": "http.response.start", "status": 400, "headers": []}
            await send(start)
            return await send({"type": "http.response.body", "body": b"Unsupported version"})
        if said.get("method") == "initialize":
            said["params"]["protocolVersion"] = self._version
            body = json.dumps(said).encode()
            length = [(b"content-length", str(len(body)).encode())]
            kept = [one for one in scope["headers"] if one[0] != b"content-length"]
            scope = {**scope, "headers": kept + length}
        given = [{"type": "http.request", "body": body, "more_body": False}]
        return await self._app(scope, lambda: _next(given, receive), send)


async def _next(given: list[Json], receive: Any) -> Any:
    return given.pop() if given else await receive()


def total_server(version: str, **how: Any) -> Older:
    server = MCPServer("elsewhere")

    @server.tool()
    def total(amounts: list[float]) -> dict[str, Any]:
        """Adds amounts up."""
        return {"total": sum(amounts)}

    return Older(server.streamable_http_app(**how), version)


def tool_at(url: str, **changed: Any) -> Route:
    route = serving_by("mcp", url, "tool", **changed)
    return replace(route, upstreams=tuple(replace(one, model="total") for one in route.upstreams))


async def call(rig: Rig, *amounts: float) -> Json:
    """One call through the gateway's own MCP door; its result."""
    said = {"name": "f", "arguments": {"amounts": amounts}, "_meta": {}}
    version = NEW.decode()
    said["_meta"] = {
        "io.modelcontextprotocol/protocolVersion": version,
        "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": said}
    extra = (
        f"mcp-protocol-version: {version}\r\nmcp-method: tools/call\r\nmcp-name: f\r\n"
        "accept: application/json, text/event-stream\r\n"
    )
    got: Answer = await ask(rig, post(json.dumps(body).encode(), "/mcp", KEY, extra))
    result: Json = got.json["result"]
    return result


@pytest.mark.parametrize("version, how", OLD)
def test_a_tool_of_an_older_server_is_served(version: str, how: Json) -> None:
    async def work() -> None:
        there = total_server(version, **how)
        async with served(there) as url, doors("mcp", tool_at(f"{url}/mcp")) as rig:
            first = await asyncio.gather(*(call(rig, 1, n) for n in range(4)))
            assert [one["structuredContent"]["total"] for one in first] == [1, 2, 3, 4]
            about = await About(rig.serving).of(rig.gate.known["f"])
            assert about["inputSchema"]["required"] == ["amounts"]
            assert rig.meter.outcomes == ["served"] * 4
        stateful = "stateless_http" not in how
        methods = [method for method, _ in there.heard]
        if stateful:
            assert methods.pop() == "DELETE"
        begin = ["server/discover", "initialize", "notifications/initialized"]
        assert methods[:3] == begin and methods.count("initialize") == 1
        assert methods.count("tools/call") == 4 and set(methods[3:]) == {"tools/call", "tools/list"}
        for _, headers in there.heard[3:]:
            assert (b"mcp-session-id" in headers) == stateful
            named = headers.get(b"mcp-protocol-version", b"").decode()
            assert named == (version if version != "2025-03-26" else "")

    asyncio.run(work())


class Raw:
    """A server that does what a test wants of one. For tests."""

    def __init__(self, version: str = "2025-06-18") -> None:
        self.version, self.sessions, self.heard = version, 0, list[str]()
        self.live = set[bytes]()
        self.asks_back = False

    async def script(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            lines = dict(one.lower().split(b": ", 1) for one in head[:-4].split(b"\r\n")[1:])
            said = json.loads(await reader.readexactly(int(lines[b"content-length"])))
            self.heard.append(said["method"])
            writer.write(self.answer(said, lines))
            await writer.drain()

    def answer(self, said: Json, lines: dict[bytes, bytes]) -> bytes:
        if said["method"] == "initialize":
            self.sessions += 1
            name = b"s%d" % self.sessions
            self.live.add(name)
            result: Json = {"protocolVersion": self.version, "capabilities": {}}
            return self.json(said["id"], result, b"mcp-session-id: %b\r\n" % name)
        if lines.get(b"mcp-session-id") not in self.live:
            status = b"400 Bad" if b"mcp-session-id" not in lines else b"404 Not Found"
            return b"HTTP/1.1 %b\r\ncontent-length: 0\r\n\r\n" % status
        if said["method"] == "notifications/initialized":
            return b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n"
        if self.asks_back:
            asked = {"jsonrpc": "2.0", "id": 9, "method": "elicitation/create", "params": {}}
            event = b"data: %b\n\n" % json.dumps(asked).encode()
            return STREAM_HEAD + chunked(event, end=False)
        return self.json(said["id"], {"content": [], "structuredContent": {"total": 7}})

    def json(self, id_: str, result: Json, more: bytes = b"") -> bytes:
        body = json.dumps({"jsonrpc": "2.0", "id": id_, "result": result}).encode()
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
        return head + more + b"content-length: %d\r\n\r\n" % len(body) + body


def test_a_session_that_is_over_is_begun_again_and_the_call_made_once() -> None:
    async def work() -> None:
        there = Raw()
        async with upstream(there.script) as url, doors("mcp", tool_at(url)) as rig:
            await call(rig, 1)
            there.live.clear()
            assert (await call(rig, 1))["structuredContent"] == {"total": 7}
            assert there.sessions == 2 and rig.meter.outcomes == ["served", "served"]
            there.live.clear()
            both = await asyncio.gather(call(rig, 1), call(rig, 1))
            assert all(one["structuredContent"] == {"total": 7} for one in both)
            assert there.sessions == 3 and rig.meter.outcomes == ["served"] * 4
            [pool] = [one.pool for one in rig.serving.replicas._all.values()]
            await asyncio.sleep(0.05)
            assert 1 <= pool.links <= 2  # what was closed on the way is gone

    asyncio.run(work())


def test_a_server_of_a_version_that_is_not_known_is_told_of_and_never_asked() -> None:
    async def work() -> None:
        there = Raw("2024-11-05")
        async with upstream(there.script) as url, doors("mcp", tool_at(url)) as rig:
            error = (await call(rig, 1))["structuredContent"]["error"]
            assert error["code"] == "serve.upstream_down"
            assert "no version of MCP that is known here" in error["message"]
            assert "其 MCP 协议版本不受支持" in error["message_zh"]
            assert "tools/call" not in there.heard and rig.meter.outcomes == ["failed"]

    asyncio.run(work())


def test_a_server_that_says_null_for_its_versions_is_told_of_at_once() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            _, said = await request(reader)
            result = {"supportedVersions": None}
            answer = {"jsonrpc": "2.0", "id": said.get("id"), "result": result}
            writer.write(whole(json.dumps(answer).encode()))
            await writer.drain()

    async def work() -> None:
        caps = Caps(first_byte_s_max=60.0, whole_s_max=60.0)
        async with upstream(script) as url, doors("mcp", tool_at(url, caps=caps)) as rig:
            found = await asyncio.wait_for(asyncio.gather(call(rig, 1), call(rig, 1)), 10)
            codes = [one["structuredContent"]["error"]["code"] for one in found]
            assert codes == ["serve.upstream_down"] * 2

    asyncio.run(work())


def test_a_server_that_is_not_there_is_told_of_to_all_who_wait() -> None:
    async def work() -> None:
        async with doors("mcp", tool_at("http://127.0.0.1:9")) as rig:
            found = await asyncio.gather(*(call(rig, 1) for _ in range(3)))
            codes = [one["structuredContent"]["error"]["code"] for one in found]
            assert codes == ["serve.upstream_down"] * 3 and not rig.serving.live

    asyncio.run(work())


def test_a_tool_that_asks_back_fails_at_once() -> None:
    async def work() -> None:
        there = Raw()
        there.asks_back = True
        caps = Caps(between_bytes_s_max=20.0, whole_s_max=20.0)
        async with upstream(there.script) as url, doors("mcp", tool_at(url, caps=caps)) as rig:
            error = (await asyncio.wait_for(call(rig, 1), 5))["structuredContent"]["error"]
            assert error["code"] == "serve.upstream_garbage"
            assert rig.meter.outcomes == ["failed"]

    asyncio.run(work())


def test_who_leaves_while_the_version_is_found_out_has_asked_nothing() -> None:
    async def work() -> None:
        heard, go = list[bytes](), asyncio.Event()

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heard.append(await reader.readuntil(b"}}}"))
            await go.wait()

        async with upstream(script) as url, doors("mcp", tool_at(url)) as rig:
            async with Awaited(rig.serving, Ask("f", "tool", b"{}", True), KEY):
                while not heard:
                    await asyncio.sleep(0.01)
            go.set()
            assert not rig.serving.live and [call for call, _, _ in rig.meter.settled]
            assert b"server/discover" in heard[0] and len(heard) == 1

    asyncio.run(work())
