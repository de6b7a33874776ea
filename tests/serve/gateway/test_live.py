"""What is charged hangs on whether anything was sent on."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from pilotbase.serve.call import Ask, Caps, Operation, Usage
from pilotbase.serve.doors import oip
from pilotbase.serve.gateway.awaited import Awaited
from pilotbase.serve.running.doors import upstream_dialects
from tests.serve.doors.mounting import serving_by
from tests.serve.gateway.rig import (
    KEY,
    SAID,
    chat,
    gateway,
    request,
    route,
    saying,
    until,
    upstream,
    whole,
)


@pytest.mark.parametrize("turns", [0, 1], ids=["while the disk works", "before it is connected"])
def test_who_leaves_before_anything_was_sent_on_pays_nothing(turns: int) -> None:
    async def work() -> None:
        seen = list[dict[str, Any]]()
        async with (
            upstream(saying(whole(json.dumps(SAID).encode()), seen=seen)) as url,
            gateway(route(url)) as rig,
        ):
            async with Awaited(rig.serving, Ask("f-1", "chat", chat()), KEY):
                for _ in range(turns):
                    await asyncio.sleep(0)
                assert len(rig.meter.begun) == 1 and rig.meter.settled == []
            await until(lambda: rig.meter.outcomes == ["refused"])
            async with Awaited(rig.serving, Ask("f-1", "chat", chat()), KEY) as call:
                assert (await call.answered()).status == 200
            assert rig.meter.outcomes == ["refused", "served"] and len(seen) == 1
            assert not rig.serving.live

    asyncio.run(work())


FOUND = {"supportedVersions": ["2026-07-28"]}
TENSOR = b'{"inputs":[{"name":"x","shape":[3,1],"datatype":"INT64","data":[1,2,3]}]}'
SENT: list[tuple[str, Operation, bytes, bool]] = [
    ("chat", "chat", chat(), False),
    ("chat", "chat", chat(stream=True), True),
    ("chat", "responses", b'{"model":"f-1","input":"?"}', False),
    ("chat", "embeddings", b'{"model":"f-1","input":"?"}', False),
    ("oip", "infer", TENSOR, False),
    ("mcp", "tool", b'{"a":1}', False),
    ("a2a", "message", b'{"content":"?"}', False),
]


@pytest.mark.parametrize(("kind", "operation", "body", "stream"), SENT)
def test_who_leaves_before_the_first_byte_pays_what_went_in(
    kind: str, operation: Operation, body: bytes, stream: bool
) -> None:
    """At every door: nobody knows what the upstream made of it, so what was sent on is bounded."""

    async def work() -> None:
        asked = asyncio.Event()

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while True:  # an MCP server is first asked who it is
                _, said = await request(reader)
                if said.get("method") == "server/discover":
                    found = {"jsonrpc": "2.0", "id": said["id"], "result": FOUND}
                    writer.write(whole(json.dumps(found).encode()))
                    continue
                asked.set()

        async with upstream(script) as url:
            to = serving_by(kind, url, operation, caps=Caps(output_tokens_max=50))
            async with gateway(to) as rig:
                rig.serving.dialects.update({**oip.DIALECTS, **upstream_dialects()})
                async with Awaited(rig.serving, Ask("f-1", operation, body, stream, cases=3), KEY):
                    await asyncio.wait_for(asked.wait(), 2)
                ((call, usage, outcome),) = rig.meter.settled
                went_in = 0 if operation == "infer" else len(body)
                paid = Usage(went_in, 0, call.most.cases, len(body), counted=False)
                assert (outcome, usage) == ("aborted", paid) and went_in <= call.most.input_tokens

    asyncio.run(work())
