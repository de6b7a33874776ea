"""Guards in a process of their own: real ones, and what happens when they hang."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest

from pilotbase.serve.call import Refused
from pilotbase.serve.guards.watch import CallWatch, Guarding
from tests.serve.guards.making import answer, ask, chunk, route

ASIDE = {"process": True, "timeout_s": 20}


async def before(watch: CallWatch, asked: Any) -> Refused | None:
    said: asyncio.Future[Refused | None] = asyncio.get_running_loop().create_future()
    watch.before(asked, said.set_result)
    return await asyncio.wait_for(said, 40)


async def after(watch: CallWatch, data: bytes) -> bytes | Refused:
    said: asyncio.Future[bytes | Refused] = asyncio.get_running_loop().create_future()
    watch.after(data, said.set_result)
    return await asyncio.wait_for(said, 40)


def guarding(guards: Mapping[str, Any]) -> Guarding:
    return Guarding(route(guards))


def test_a_guard_aside_says_what_it_would_say_here() -> None:
    async def work() -> None:
        made = guarding({"personal_data": ASIDE, "secrets": ASIDE})
        try:
            watch = made.watch()
            asked = ask("call 13800138000", "fine")
            assert await before(watch, asked) is None
            assert json.loads(asked.body)["messages"][0]["content"] == "call [mobile removed]"
            got = await after(watch, answer("so sk-" + "a1B2" * 8))
            assert isinstance(got, Refused) and got.code == "serve.guard.secrets"
            assert watch.flags == ("personal_data:mobile", "secrets:key")
            pieces = made.watch().pieces()
            assert pieces is not None and pieces.feed(chunk("call 138001")) == []
            assert pieces.feed(chunk("38000")) == []
            said: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            pieces.finish(said.set_result)
            rest = await asyncio.wait_for(said, 40)
            assert b"[mobile removed]" in rest[0]
        finally:
            made.close()
            await asyncio.sleep(0.1)

    asyncio.run(work())


@pytest.mark.parametrize("late", ["refuse", "pass"])
def test_no_answer_in_time(late: str) -> None:
    """The child is stopped as one that hangs would stand."""
    import os
    import signal

    async def work() -> None:
        made = guarding({"secrets": {**ASIDE, "timeout_s": 0.3, "on_timeout": late}})
        aside = made.steps[0].aside
        assert aside is not None
        try:
            aside.start()
            async with asyncio.timeout(30):
                while aside._child is None or not aside._child.ready:
                    await asyncio.sleep(0.02)
            os.kill(aside._child.process.pid, signal.SIGSTOP)
            watch = made.watch()
            refused = await before(watch, ask("sk-" + "a1B2" * 8))
            if late == "refuse":
                assert refused is not None and refused.code == "serve.guard_unavailable"
                assert refused.retry_after_s is not None
            else:
                assert refused is None
            assert watch.scanned == ("secrets: request not looked at (no answer in time)",)
        finally:
            made.close()
            await asyncio.sleep(0.1)

    asyncio.run(work())
