"""A stop, and the calls that have no connection at all, are half begun, or were taken up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pilotbase.serve.call import Ask, Call, Charge, Outcome, Refused, Route, Usage
from pilotbase.serve.gateway.awaited import Awaited
from pilotbase.serve.people import answering
from pilotbase.serve.ports import Then
from tests.serve.gateway.rig import (
    KEY,
    SAID,
    TestMeter,
    ask,
    chat,
    gateway,
    post,
    refused,
    request,
    route,
    saying,
    until,
    upstream,
    whole,
)
from tests.serve.people.kit import desk, home

ANSWER = whole(json.dumps(SAID).encode())


def asked() -> Ask:
    return Ask("f-1", "chat", chat())


def test_a_call_without_a_connection_is_answered_before_a_stop_ends() -> None:
    async def work() -> None:
        sent, go = asyncio.Event(), asyncio.Event()

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await request(reader)
            sent.set()
            await go.wait()
            writer.write(ANSWER)

        async with upstream(script) as url, gateway(route(url)) as rig:
            async with Awaited(rig.serving, asked(), KEY) as call:
                await sent.wait()
                stop = asyncio.create_task(rig.server.stop(10))
                await asyncio.sleep(0.05)
                assert not stop.done() and rig.meter.outcomes == []
                go.set()
                assert (await call.answered()).status == 200
                await stop
            assert rig.meter.outcomes == ["served"]

    asyncio.run(work())


class SlowMeter(TestMeter):
    """Its disk takes its time. For tests."""

    __test__ = False

    def __init__(self) -> None:
        super().__init__()
        self.told = list[Callable[[], None]]()

    def begin(self, call: Call, then: Then) -> None:
        call.usage_id = "gw-1"
        self.begun.append(call)
        self.told.append(lambda: then(self.refuses))


def test_a_stop_settles_what_was_given_to_a_slow_disk() -> None:
    async def work(disk: Refused | None) -> None:
        meter = SlowMeter()
        meter.refuses = disk
        async with upstream(saying(ANSWER)) as url, gateway(route(url), metered=meter) as rig:
            job = asyncio.create_task(ask(rig, post(chat())))
            await until(lambda: bool(meter.told))
            stop = asyncio.create_task(rig.server.stop(0.0))
            got = await job
            assert got.json["error"]["code"] == "serve.stopping"
            done, _ = await asyncio.wait({stop}, timeout=0.2)
            assert not done and meter.outcomes == []
            meter.told.pop()()
            await stop
            assert meter.outcomes == ([] if disk else ["refused"]) and not rig.serving.live

    for disk in (None, refused(503, "serve.unmetered")):
        asyncio.run(work(disk))


def test_what_a_person_lets_pass_once_calls_are_cut_is_not_sent_on(tmp_path: Path) -> None:
    context = home(tmp_path)

    async def work() -> None:
        async with desk(context, {"before": {"always": True}}) as on:
            got = await ask(on.rig, post(chat()))
            usage = got.headers["pilotbase-usage"]
            on.rig.serving.cut_all()
            answering.answer(on.record, usage, "approve", "li", "", None)
            said = await on.until(usage, 503)
            assert said.json()["error"] == "serve.stopping"
            assert on.rig.meter.outcomes == ["refused"] and on.seen == []

    asyncio.run(work())


class Looking:
    """A guard that is at work. For tests."""

    flags = scanned = ()

    def before(self, ask: Ask, then: Any) -> None: ...


class Told:
    """What a call that another process began came to, and its reply. For tests."""

    usage, flags, gone = "gone-1", (), False

    def __init__(self) -> None:
        self.said = list[str]()

    def settle(self, call: Call, usage: Usage, outcome: Outcome) -> Charge:
        raise AssertionError("nothing was sent on")

    def let_go(self) -> None:
        self.said.append("let go")

    def refuse(self, refused: Refused, block: bytes = b"") -> None:
        self.said.append(refused.code)


def test_a_stop_lets_go_of_a_call_that_was_taken_up_and_is_still_looked_at() -> None:
    async def work() -> None:
        def watching(route: Route) -> Any:
            return Looking()

        here = route("http://127.0.0.1:1/v1", guards=({"any": 1},))
        async with gateway(here, watching=watching) as rig:
            taken: Any = Told()
            rig.serving.resume(asked(), KEY, taken, taken)
            await rig.server.stop(0.0)
            assert taken.said == ["let go", "serve.stopping"] and not rig.serving.live

    asyncio.run(work())
