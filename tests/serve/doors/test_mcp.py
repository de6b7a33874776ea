"""The Model Context Protocol, both ways, with its official SDK."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import mcp_types as types
import pytest
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.mcpserver import MCPServer
from starlette.responses import Response

from pilotbase.serve.doors.about import About
from pilotbase.serve.doors.mcp_server import META
from pilotbase.serve.ports import Decided
from tests.serve.doors.mounting import (
    Books,
    Queue,
    Said,
    answering,
    as_json,
    doors,
    served,
    serving_by,
)
from tests.serve.gateway.rig import (
    KEY,
    SAID,
    STREAM_HEAD,
    Rig,
    answer,
    chunked,
    request,
    until,
    upstream,
    whole,
)

COLUMNS = {
    "platform": "pilotbase",
    "inputs": [
        {"name": "input", "datatype": "FP64", "shape": [-1, 2]},
        {"name": "age", "datatype": "FP64", "shape": [-1]},
        {"name": "area", "datatype": "FP64", "shape": [-1]},
    ],
    "parameters": {"example": json.dumps({"age": 41.0, "area": "north"})},
}


ODD = ({"inputs": None}, {"inputs": [{"name": "x", "shape": 3}]}, [])


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_an_upstream_with_odd_metadata_does_not_hide_the_other_tools(odd: Any) -> None:
    async def work() -> None:
        good = {"inputs": [{"name": "x", "datatype": "FP64", "shape": None}], "parameters": None}
        async with (
            answering(lambda *_: as_json(odd)) as there,
            answering(lambda *_: as_json(good)) as other,
            doors(
                "mcp",
                serving_by("oip", there, "infer", filing="odd-1"),
                serving_by("oip", other, "infer", filing="good-1"),
            ) as rig,
            client(rig) as agent,
        ):
            found = {one.name: one for one in (await agent.list_tools()).tools}
            assert set(found) == {"good", "odd"}
            assert found["good"].input_schema["required"] == ["x"]
            assert (await agent.call_tool("odd", {"x": 1.0})).is_error

    asyncio.run(work())


TOOL = {"name": "m", "inputSchema": {"type": "object"}}


@pytest.mark.parametrize("tools", [[TOOL], None, [None], 3], ids=str)
def test_a_list_of_tools_that_is_none_says_nothing(tools: Any) -> None:
    def there(path: bytes, body: bytes, headers: dict[bytes, bytes]) -> Said:
        result = {"supportedVersions": ["2026-07-28"], "tools": tools}
        return as_json({"jsonrpc": "2.0", "id": json.loads(body)["id"], "result": result})

    async def work() -> None:
        async with (
            answering(there) as url,
            doors("mcp", serving_by("mcp", url, "tool")) as rig,
        ):
            about = await About(rig.serving).of(rig.gate.known["f-1"])
            assert about == (TOOL if tools == [TOOL] else {})

    asyncio.run(work())


def test_who_asks_at_the_same_time_asks_an_upstream_once() -> None:
    async def work() -> None:
        asked, go = list[bytes](), asyncio.Event()

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            asked.append(await reader.readuntil(b"\r\n\r\n"))
            await go.wait()
            writer.write(whole(json.dumps(COLUMNS).encode()))

        async with (
            upstream(script) as url,
            doors("mcp", serving_by("oip", url.removesuffix("/v1"), "infer")) as rig,
        ):
            about, known = About(rig.serving), rig.gate.known["f-1"]
            first, *others = [asyncio.ensure_future(about.of(known)) for _ in range(50)]
            await until(lambda: bool(asked))
            first.cancel()
            go.set()
            assert all(one["inputs"] for one in await asyncio.gather(*others))
            await about.of(known)
            assert len(asked) == 1

    asyncio.run(work())


def model(path: bytes, body: bytes, headers: dict[bytes, bytes]) -> Said:
    if path == b"/v2/models/m":
        return as_json(COLUMNS)
    columns = {one["name"]: one for one in json.loads(body)["inputs"]}
    assert columns["area"]["datatype"] == "BYTES" and columns["age"]["shape"] == [1]
    output = {"name": "label", "datatype": "BYTES", "shape": [1], "data": columns["area"]["data"]}
    return as_json({"model_name": "m", "outputs": [output]})


@asynccontextmanager
async def client(rig: Rig, key: str = KEY, **more: Any) -> AsyncIterator[Client]:
    async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}) as http:
        transport = streamable_http_client(f"{rig.url}/mcp", http_client=http)
        async with Client(transport, **more) as made:
            yield made


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_services_are_tools_with_receipts(mode: str) -> None:
    async def work() -> None:
        async with (
            answering(lambda *_: as_json(SAID)) as words,
            answering(model) as numbers,
            doors(
                "mcp",
                serving_by("chat", words, "chat"),
                serving_by("candidate", numbers, "infer", "chat", filing="g-2"),
                beside=Books(),
            ) as rig,
            client(rig, mode=mode) as agent,
        ):
            tools = {one.name: one for one in (await agent.list_tools()).tools}
            assert set(tools) == {
                "f", "g", "pilotbase_register_list", "pilotbase_register_show",
                "pilotbase_usage", "pilotbase_outcome", "pilotbase_withdraw",
            }  # fmt: skip
            assert tools["f"].input_schema["required"] == ["question"]
            assert "市监局" in (tools["f"].description or "")
            assert tools["g"].input_schema["properties"] == {
                "age": {"type": "number", "examples": [41.0]},
                "area": {"type": "string", "examples": ["north"]},
            }
            got = await agent.call_tool("f", {"question": "几点开门?"})
            assert not got.is_error and got.structured_content == {"text": "好的"}
            assert got.meta is not None and got.meta[META] == {
                "filing": "f-1", "version": "sha256:ab", "served": "declared",
                "principal": "%E5%B8%82%E7%9B%91%E5%B1%80", "for": "bureau",
                "verify": "/register/f-1", "usage": "gw-1",
            }  # fmt: skip
            got = await agent.call_tool("g", {"age": 3, "area": "south"})
            assert got.structured_content == {"label": "south"}
            assert got.meta is not None and got.meta[META]["filing"] == "g-2"
            assert rig.meter.outcomes == ["served", "served"]
            assert rig.meter.begun[0].ask.door == "mcp"

    asyncio.run(work())


def test_what_is_refused_says_why_and_costs_nothing() -> None:
    async def work() -> None:
        async with (
            answering(model) as url,
            doors("mcp", serving_by("oip", url, "infer"), beside=Books()) as rig,
            client(rig) as agent,
        ):
            for arguments in ({"age": "old", "area": "x"}, {"agee": 3}, {"age": True}):
                got = await agent.session.call_tool("f", arguments)
                assert got.is_error, arguments
            got = await agent.session.call_tool("h", {})
            assert got.is_error and got.structured_content["error"]["code"] == "serve.not_filed"
            rig.gate.stopped = True
            got = await agent.session.call_tool("f", {"age": 3, "area": "x"})
            assert got.is_error and not rig.meter.begun

    asyncio.run(work())


def test_without_a_key_nothing_is_said_and_with_a_wrong_one_nothing_offered() -> None:
    async def work() -> None:
        async with doors("mcp", serving_by("chat", "http://127.0.0.1:9", "chat")) as rig:
            reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
            writer.write(b"POST /mcp HTTP/1.1\r\nHost: gw\r\nContent-Length: 2\r\n\r\n{}")
            got = await answer(reader)
            assert got.status == 401 and got.headers["www-authenticate"] == "Bearer"
            writer.close()
            async with client(rig, "pbk_wrong") as agent:
                assert (await agent.list_tools()).tools == []
                said = await agent.session.call_tool("f", {"question": "?"})
                assert said.is_error and said.structured_content["error"]["code"] == "key.wrong"

    asyncio.run(work())


def test_the_register_and_ones_own_usage_can_be_read() -> None:
    async def work() -> None:
        async with (
            doors("mcp", serving_by("chat", "http://127.0.0.1:9", "chat"), beside=Books()) as rig,
            client(rig) as agent,
        ):
            got = await agent.call_tool("pilotbase_register_list", {})
            assert got.structured_content == {"filings": [{"filing": "f-1", "stands": "live"}]}
            got = await agent.call_tool("pilotbase_register_show", {"filing": "f-1"})
            assert got.structured_content["verdict"] == "go"
            got = await agent.call_tool("pilotbase_register_show", {"filing": "x"})
            assert got.is_error
            got = await agent.call_tool("pilotbase_usage", {})
            assert got.structured_content == {"usage": [{"service": "f", "calls": 1}]}

    asyncio.run(work())


def test_a_call_that_waits_for_a_person_is_an_elicitation() -> None:
    async def work() -> None:
        books, queue, asked = Books(), Queue(), list[str]()

        async def elicited(ctx: Any, params: Any) -> types.ElicitResult:
            asked.append(params.message)
            queue.decided[0](Decided(True, "approved", "officer"))
            while not queue.kept:
                await asyncio.sleep(0.01)
            books.answers["gw-1"] = Response(queue.kept["gw-1"])
            return types.ElicitResult(action="accept", content={"wait": True})

        async with (
            answering(lambda *_: as_json(SAID)) as url,
            doors(
                "mcp",
                serving_by("chat", url, "chat", handoff={"before": "always"}),
                beside=books,
                people=queue,
            ) as rig,
            client(rig, elicitation_callback=elicited) as agent,
        ):
            got = await agent.call_tool("f", {"question": "?"})
            assert len(asked) == 1 and "人员" in asked[0]
            assert got.structured_content == {"text": "好的"} and rig.meter.outcomes == ["served"]

    asyncio.run(work())


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_who_cannot_be_asked_gets_where_the_answer_will_be(mode: str) -> None:
    async def work() -> None:
        books, queue = Books(), Queue()
        route = serving_by("chat", "http://127.0.0.1:9", "chat", handoff={"before": "always"})
        async with (
            doors("mcp", route, beside=books, people=queue) as rig,
            client(rig, mode=mode) as agent,
        ):
            got = await agent.call_tool("f", {"question": "?"})
            assert got.structured_content["usage"] == "gw-1" and got.structured_content["parked"]
            got = await agent.call_tool("pilotbase_outcome", {"usage": "gw-1"})
            assert got.structured_content["parked"]
            books.answers["gw-1"] = Response(json.dumps(SAID).encode())
            got = await agent.call_tool("pilotbase_outcome", {"usage": "gw-1"})
            assert got.structured_content == {"text": "好的"}
            async with client(rig, "pbk_other", mode=mode) as other:
                assert (await other.call_tool("pilotbase_outcome", {"usage": "gw-1"})).is_error

    asyncio.run(work())


def test_a_tool_that_answers_by_a_stream_is_read_to_its_answer() -> None:
    async def work() -> None:
        progress = {"jsonrpc": "2.0", "method": "notifications/progress", "params": {}}
        result = {"content": [{"type": "text", "text": "done"}], "resultType": "complete"}
        said = [progress, {"jsonrpc": "2.0", "id": "gw-1", "result": result}]
        events = b"".join(b"data: %b\n\n" % json.dumps(one).encode() for one in said)

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while True:
                _, asked = await request(reader)
                if asked["method"] == "server/discover":
                    found = {"supportedVersions": ["2026-07-28"]}
                    known = {"jsonrpc": "2.0", "id": asked["id"], "result": found}
                    writer.write(whole(json.dumps(known).encode()))
                elif asked["method"] == "tools/list":
                    writer.write(whole(b"{}", "404 Not Found"))
                else:
                    writer.write(STREAM_HEAD + chunked(events[:40], events[40:]))
                await writer.drain()

        async with (
            upstream(script) as url,
            doors("mcp", serving_by("mcp", url, "tool")) as rig,
            client(rig) as agent,
        ):
            got = await agent.call_tool("f", {})
            assert got.content[0].text == "done" and rig.meter.outcomes == ["served"]

    asyncio.run(work())


def tool_server() -> Any:
    """A server of somebody else's, on the official SDK."""
    server = MCPServer("elsewhere")

    @server.tool()
    def total(amounts: list[float], note: str = "") -> dict[str, Any]:
        """Adds amounts up."""
        return {"total": sum(amounts), "note": note}

    @server.tool()
    async def slow(text: str) -> str:
        """Says it again, in a while."""
        await asyncio.sleep(0.2)
        return text

    return server.streamable_http_app()


@pytest.mark.parametrize("tool", ["total", "slow"])
def test_a_filed_tool_of_another_server_is_served(tool: str) -> None:
    async def work() -> None:
        async with served(tool_server()) as url:
            one = serving_by("mcp", f"{url}/mcp", "tool")
            up = one.upstreams[0]
            route = serving_by(
                "mcp", url, "tool", upstreams=(type(up)("u", "mcp", up.url, tool, private=True),)
            )
            async with doors("mcp", route) as rig, client(rig) as agent:
                [offered] = (await agent.list_tools()).tools
                if tool == "total":
                    assert offered.input_schema["properties"]["amounts"]["type"] == "array"
                    got = await agent.call_tool("f", {"amounts": [1, 2.5], "note": "元"})
                    assert got.structured_content["total"] == 3.5
                    bad = await agent.session.call_tool("f", {"amounts": "x"})
                    assert bad.is_error
                else:
                    got = await agent.call_tool("f", {"text": "再说一遍"})
                    assert got.content[0].text == "再说一遍"
                assert got.meta is not None and got.meta[META]["filing"] == "f-1"
                _, usage, outcome = rig.meter.settled[0]
                assert outcome == "served" and usage.cases == 1 and usage.output_tokens > 0

    asyncio.run(work())
