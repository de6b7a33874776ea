"""What is said of a call that another process goes on with."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pilotbase.serve.call import Refused
from pilotbase.serve.people import answering, keeping
from pilotbase.serve.people.door import LOST_S, CallDoor
from tests.serve.gateway.rig import KEY, ask, chat, post
from tests.serve.people.kit import Desk, desk, home


def door(on: Desk, later: float) -> CallDoor:
    """As it will be so many seconds later."""
    return CallDoor(on.people, on.rig.gate, on.rig.serving.resume, lambda: time.time() + later)


def test_a_call_is_lost_only_long_after_it_was_taken_up(tmp_path: Path) -> None:
    context = home(tmp_path)
    before = replace(context, clock=lambda: datetime.now(UTC) - timedelta(hours=1))
    always = {"before": {"always": True}, "wait": "PT48H"}

    async def decided() -> str:
        async with desk(before, always, "gone") as on:
            usage = (await ask(on.rig, post(chat()))).headers["pilotbase-usage"]
            answering.answer(on.record, usage, "approve", "li", "", None)
            return usage

    async def polled(usage: str) -> None:
        async with desk(context, always, "other") as on:
            parking = keeping.parking_of(on.record, usage)
            assert parking is not None and not parking.resumed
            assert keeping.resume(on.record, usage, parking.parked["entry"], "a sibling")
            assert (await on.poll(usage)).status_code == 202
            # the service itself may take some time too
            may = on.rig.gate.route("f-1", 0.0).caps.whole_s_max
            assert (await door(on, may).outcome(usage, KEY)).status_code == 202
            with pytest.raises(Refused) as lost:
                await door(on, may + LOST_S + 1).outcome(usage, KEY)
            assert lost.value.code == "serve.call_lost"

    asyncio.run(polled(asyncio.run(decided())))
