"""What is charged hangs on whether anything was sent on."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from pilotbase.serve.call import Ask
from pilotbase.serve.gateway.awaited import Awaited
from tests.serve.gateway.rig import KEY, SAID, chat, gateway, route, saying, until, upstream, whole


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
