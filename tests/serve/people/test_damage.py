"""A decision that cannot be read: its caller is told, it is settled, and the others go on."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pilotbase.serve.people import keeping
from tests.serve.gateway.rig import ask, chat, post
from tests.serve.people.kit import Desk, home, metered_desk
from tests.serve.people.test_charges import (
    ANSWERS,
    ENDINGS,
    HANDOFFS,
    TARIFF,
    Ending,
    check_charges,
    decide,
    limited,
)

APPROVED, EDITED, EDITED_AFTER = ENDINGS[0], ENDINGS[1], ENDINGS[9]
FREE = Ending("", "", 0, "refused", 0)
CALLS = {name: HANDOFFS[name] for name in ("before-1", "after-1")}


async def put(on: Desk, ending: Ending, folder: Path) -> str:
    """Ask and decide; an edit's body is another than was recorded."""
    usage = (await ask(on.rig, post(chat(ending.filing)))).headers["pilotbase-usage"]
    decide(on.record, usage, ending, folder)
    parking = keeping.parking_of(on.record, usage)
    assert parking is not None and parking.decided is not None
    said = on.record.entry(parking.decided["entry"]).envelope["vault"]
    if "edited" in said:
        with closing(sqlite3.connect(on.record.home / "vault.db")) as db, db:
            words = "UPDATE body SET data = x'7b7d' WHERE commitment = ?"
            assert db.execute(words, (said["edited"]["commitment"],)).rowcount == 1
    return usage


async def told(on: Desk, usage: str) -> None:
    assert (await on.until(usage, 502)).json()["error"] == "serve.call_damaged"


def test_one_that_cannot_be_read_does_not_stop_the_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "pilotbase.serve")
    context = limited(home(tmp_path))
    calls = dict[str, tuple[Ending, bool]]()

    async def first() -> list[str]:
        async with metered_desk(context, CALLS, *ANSWERS, tariff=TARIFF) as on:
            one = await put(on, EDITED, tmp_path)
            two = await put(on, APPROVED, tmp_path)
            await on.until(two, 200)
            await told(on, one)
            calls.update({one: (FREE, False), two: (APPROVED, False)})
            on.people.look = lambda: None  # type: ignore[method-assign]
            return [await put(on, ending, tmp_path) for ending in (EDITED_AFTER, EDITED)]

    async def second(left: list[str]) -> None:
        async with metered_desk(context, CALLS, *ANSWERS, tariff=TARIFF) as on:
            for usage in left:
                await told(on, usage)
            assert on.seen == []
            calls.update({usage: (FREE, False) for usage in left})

    asyncio.run(second(asyncio.run(first())))
    check_charges(context, calls)
