"""A client that sends a request again under the same idempotency key, over HTTP."""

from __future__ import annotations

import asyncio
from pathlib import Path

from pilotbase.record.opened import Record
from tests.serve.gateway.rig import ask, chat, gateway, post, route, saying, upstream, whole
from tests.serve.gateway.test_upstreams import ANSWER
from tests.serve.metering.kit import metering, run

KEY = "Idempotency-Key: order 7\r\n"


def test_what_an_upstream_refused_may_be_mended_and_sent_again(tmp_path: Path) -> None:
    async def work(record: Record) -> None:
        unfit, busy = whole(b"{}", "422 Unprocessable"), whole(b"{}", "503 Busy")
        async with (
            upstream(saying(unfit, busy, ANSWER)) as first,
            upstream(saying(busy, ANSWER)) as second,
            metering(record) as opened,
        ):
            spare = route(second, filing="spare-2")
            routes = route(first, fallback=(spare,)), spare
            async with gateway(*routes, metered=opened.meter) as rig:
                statuses, usages = list[int](), set[str]()
                while not statuses or statuses[-1] != 200:
                    got = await ask(rig, post(chat(), extra=KEY))
                    statuses.append(got.status)
                    usages.add(got.headers.get("pilotbase-usage", ""))
                    await asyncio.sleep(0.05)
                assert statuses == [422, 502, 200], "both choices were busy, then the first was not"
                assert len(usages) == 3
                again = await ask(rig, post(chat(), extra=KEY))
                assert again.status == 409 and again.json["error"]["where"] in usages

    run(tmp_path, work)
