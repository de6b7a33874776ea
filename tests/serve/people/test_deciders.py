"""Who may decide a call that waits."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pilotbase.catalog.parties.events import PartyAdded
from pilotbase.catalog.parties.mandates import Wanted, create_key
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


def test_whoever_shows_a_key_decides_as_themself(tmp_path: Path) -> None:
    context = home(tmp_path)

    async def work() -> None:
        async with desk(context, {"before": ALWAYS}) as on:
            files = dict[str, Path]()
            for name, scope in (
                ("li", "serve.answer.*"),
                ("zhao", "serve.*"),
                ("li-2", "serve.call.*"),
            ):
                wanted = Wanted((scope,))
                text = create_key(on.record, on.record.context, name.partition("-")[0], wanted)[1]
                files[name] = tmp_path / name
                files[name].write_text(f"{text}\n")
            files["none"] = tmp_path / "none"
            files["none"].write_text("pbk_1")
            one, two = await parked(on), await parked(on)
            for name, code in (
                ("zhao", "gateway.not_their_key"), ("li-2", "catalog.key.scope"),
                ("none", "catalog.key.wrong"), ("missing", "gateway.bad_key_file"),
            ):  # fmt: skip
                with pytest.raises(InputError) as told:
                    file = files.get(name, tmp_path / "missing")
                    answering.answer(on.record, one, "approve", "li", "", None, file)
                assert told.value.code == code
            said = answering.answer(on.record, one, "approve", "li", "", None, files["li"])
            by = on.record.entry(said["entry"]).envelope["by"]
            assert (by["name"], by["single_operator"]) == ("li", False)
            said = answering.answer(on.record, two, "approve", "li", "", None)
            by = on.record.entry(said["entry"]).envelope["by"]
            assert (by["name"], by["single_operator"]) == (context.operator, True)
            assert said["person"] == "li"
            await on.until(two, 200)

    asyncio.run(work())
