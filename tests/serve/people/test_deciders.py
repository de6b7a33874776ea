"""Who may decide a call that waits."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pilotbase.catalog.parties.events import PartyAdded
from pilotbase.kernel.errors import InputError
from pilotbase.kernel.event import Draft
from pilotbase.serve.people import answering
from tests.serve.people.kit import BY, desk, home
from tests.serve.people.test_handoff import ALWAYS, parked


def test_who_answers_for_the_caller_does_not_decide(tmp_path: Path) -> None:
    context = home(tmp_path)

    async def work() -> None:
        async with desk(context, {"before": ALWAYS}) as on:
            said = {"en": "Bureau", "zh": "局"}
            body = PartyAdded("bureau", "body", 1, said, principal="zhao")
            on.record.append(Draft(body, BY, "party:bureau"))
            usage = await parked(on)
            with pytest.raises(InputError) as told:
                answering.answer(on.record, usage, "approve", "zhao", "", None)
            assert told.value.code == "gateway.not_you"
            assert told.value.next_step is not None
            assert told.value.next_step.en == "Who may: li, officer."
            answering.answer(on.record, usage, "approve", "li", "", None)
            await on.until(usage, 200)

    asyncio.run(work())
