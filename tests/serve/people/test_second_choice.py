"""A call that a person let pass goes to its second choice, whose answer a person has to see too."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from pilotbase.serve.people import answering, keeping
from tests.serve.gateway.rig import SAID, ask, chat, post, route, saying, upstream, whole
from tests.serve.people.kit import Desk, home, metered_desk

ALWAYS = {"always": True}


@pytest.mark.parametrize("resumed", [False, True])
def test_what_comes_of_the_second_is_kept_under_both_ids(tmp_path: Path, resumed: bool) -> None:
    context = home(tmp_path)

    async def first(on: Desk) -> str:
        usage = (await ask(on.rig, post(chat()))).headers["pilotbase-usage"]
        answering.answer(on.record, usage, "approve", "li", "", None)
        return usage

    async def then(on: Desk, usage: str) -> None:
        async with asyncio.timeout(5):
            while not (waits := answering.queue(on.record)):
                on.people.look()
                await on.poll(usage)
                await asyncio.sleep(0.01)
        (second,) = waits
        assert (second["filing"], second["stage"]) == ("g-1", "after")
        assert (await on.poll(usage)).status_code == 202 and second["usage"] != usage
        answering.answer(on.record, second["usage"], "approve", "li", "", None)
        assert (await on.until(usage, 200)).json() == SAID
        async with asyncio.timeout(5):
            while on.people.owns(usage) or on.people.owns(second["usage"]):
                await asyncio.sleep(0.01)
        kept = keeping.parking_of(on.record, second["usage"])
        assert kept is not None and kept.kept is not None and kept.kept["status"] == 200

    async def work() -> None:
        async with upstream(saying(whole(json.dumps(SAID).encode()))) as url:
            second = route(url, filing="g-1", handoff={"after": ALWAYS})
            down = replace(second.upstreams[0], url="http://127.0.0.1:1/v1")
            calls = {"f-1": {"before": ALWAYS}}
            more = {"fallback": (second,), "upstreams": (down,)}
            async with metered_desk(context, calls, **more) as on:
                if resumed:
                    on.people.look = lambda: None  # type: ignore[method-assign]
                usage = await first(on)
                if not resumed:
                    await then(on, usage)
            if resumed:
                async with metered_desk(context, calls, **more) as on:
                    await then(on, usage)

    asyncio.run(work())
