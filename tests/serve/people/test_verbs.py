"""The queue, decisions and shares as people ask for them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pilotbase.catalog.parties.mandates import Wanted, create_key, revoke_key
from pilotbase.kernel.errors import InputError
from pilotbase.kernel.time import fixed_clock
from pilotbase.record.opened import open_record
from pilotbase.serve.metering.verbs import ReconcileRequest, reconcile
from pilotbase.serve.people import keeping, verbs
from pilotbase.serve.rules.audit_draw import commitment
from tests.serve.gateway.rig import KEY, ask, chat, post
from tests.serve.people.kit import desk, home


def usage_of(call: dict[str, Any]) -> str:
    return str(call["usage"])


def test_from_the_queue_to_the_share(tmp_path: Path) -> None:
    context = home(tmp_path)

    async def work() -> None:
        async with desk(context, {"before": {"always": True}}) as on:
            for _ in range(2):
                await ask(on.rig, post(chat()))
            one, two = verbs.queue(context, verbs.QueueRequest()).calls
            shown = verbs.queue(context, verbs.QueueRequest(show=one["usage"])).contents
            assert shown is not None and shown["request"] and shown["answer"] is None
            assert verbs.queue(context, verbs.QueueRequest(filing="other")).calls == ()
            going = reconcile(context, ReconcileRequest()).going
            assert going == tuple(
                {"usage_id": call["usage"], "said": None}
                for call in sorted((one, two), key=usage_of)
            )
            with pytest.raises(InputError, match=r"serve\.call_goes_on"):
                reconcile(context, ReconcileRequest(call=one["usage"]))
            with pytest.raises(InputError) as told:
                verbs.answer(context, verbs.AnswerRequest(one["usage"], "li"))
            assert told.value.code == "gateway.one_way"
            given = verbs.AnswerRequest(one["usage"], "li", refuse=True, reason="no")
            said = verbs.answer(context, given)
            assert (said.said, said.go, said.person) == ("refused", False, "li")
            with pytest.raises(InputError, match="decided before: refused") as late:
                verbs.answer(context, given)
            assert "拒绝" in late.value.render("zh") and two["usage"] not in str(late.value)
            await on.until(one["usage"], 403)
            (found,) = verbs.share(context, verbs.ShareRequest()).filings
            assert (found["filing"], found["calls"], found["waiting"]) == ("f-1", 1, 1)
            assert found["manned"]["count"] == 1 and found["unmanned"]["count"] == 0
            verbs.answer(context, verbs.AnswerRequest(two["usage"], "zhao", approve=True))
            await on.until(two["usage"], 200)

    asyncio.run(work())


def test_that_a_call_cannot_go_on_is_remarked_on(tmp_path: Path) -> None:
    context = home(tmp_path)

    async def work() -> None:
        async with desk(context, {"before": {"always": True}}) as on:
            entry, _ = create_key(on.record, context, "zhao", Wanted(("serve.*",)))
            key = entry.body["key"]
            on.rig.gate.grants[KEY] = replace(on.rig.gate.grant, key=key)
            for _ in range(2):
                await ask(on.rig, post(chat()))
            one, two = verbs.queue(context, verbs.QueueRequest()).calls
            assert one["remark"] is None
            revoke_key(on.record, context, key, "lost")
            for call in verbs.queue(context, verbs.QueueRequest()).calls:
                assert f"the key {key} was revoked" in call["remark"]["en"]
            request = verbs.AnswerRequest(one["usage"], "li", approve=True)
            remark = verbs.answer(context, request).remark
            assert remark is not None and "撤销" in remark["zh"]
            request = verbs.AnswerRequest(two["usage"], "li", refuse=True, reason="no")
            assert verbs.answer(context, request).remark is None

    asyncio.run(work())


def test_a_month_that_is_over_is_revealed(tmp_path: Path) -> None:
    then = replace(home(tmp_path), clock=fixed_clock("2026-10-05T00:00:00Z"))
    with open_record(then) as record:
        seed = keeping.seed_of(record, "2026-10")
        for ahead in ("2026-11", "2026-12"):
            keeping.seed_of(record, ahead)
    now = replace(then, clock=fixed_clock("2026-11-01T00:00:00Z"))
    found = verbs.reveal(now, verbs.RevealRequest("2026-10"))
    assert found.seed == seed.hex() and found.commitment == commitment(seed, "2026-10")
    for month, at in (("2026-10", then), ("2026-09", now)):
        with pytest.raises(InputError) as told:
            verbs.reveal(at, verbs.RevealRequest(month))
    assert "There are, and are over: 2026-10." in told.value.render("en")
