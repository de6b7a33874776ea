"""What every ending of a parked call comes to, by a real journal and record, over real sockets."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pilotbase.kernel.event import Draft
from pilotbase.record.opened import Record, open_record
from pilotbase.record.verbs.vault import EraseRequest, erase
from pilotbase.serve.call import Caps, Tariff
from pilotbase.serve.metering.events import Limited
from pilotbase.serve.metering.ledger_file import open_store
from pilotbase.serve.metering.reconcile import unsettled
from pilotbase.serve.metering.usage import usage_of
from pilotbase.serve.metering.verifying import verify
from pilotbase.serve.people import answering, keeping
from tests.serve.gateway.rig import KEY, SAID, ask, chat, post, stream_of, whole
from tests.serve.people.kit import BY, Desk, home, metered_desk

TARIFF = Tariff("CNY", call=1_000_000, case=10_000, input_token=5, output_token=3)
WHOLE = 1_000_000 + 10_000 + 5 * 7 + 3 * 3
BY_HAND = 1_000_000 + 10_000
ANSWERS = (
    whole(json.dumps(SAID).encode()),
    whole(stream_of("好", "的"), media="text/event-stream"),
)
EDITED = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "不"}}]}
HANDOFFS = {
    f"{stage}-{late}-1": {stage: {"always": True}, "wait": wait, "late": late}
    for stage in ("before", "after")
    for late, wait in (("refuse", "PT1S"), ("unreviewed", "PT1S"), ("manual", "PT1S"))
} | {f"{stage}-1": {stage: {"always": True}} for stage in ("before", "after")}


@dataclass(frozen=True)
class Ending:
    """How a call is asked and ends: what its caller gets, how it is metered, what it costs."""

    filing: str
    said: str
    status: int
    outcome: str
    nano: int
    words: str = ""


ENDINGS = (
    Ending("before-1", "approve", 200, "served", WHOLE, "好的"),
    Ending("before-1", "edit", 200, "served", WHOLE, "好的"),
    Ending("before-1", "refuse", 403, "refused", 0),
    Ending("before-1", "withdraw", 410, "refused", 0),
    Ending("before-refuse-1", "", 504, "refused", 0),
    Ending("before-unreviewed-1", "", 200, "served", WHOLE, "好的"),
    Ending("before-manual-1", "edit", 200, "served", BY_HAND, "不"),
    Ending("before-manual-1", "refuse", 403, "refused", 0),
    Ending("after-1", "approve", 200, "served", WHOLE, "好的"),
    Ending("after-1", "edit", 200, "served", WHOLE, "不"),
    Ending("after-1", "refuse", 403, "refused", 0),
    Ending("after-1", "withdraw", 410, "refused", 0),
    Ending("after-refuse-1", "", 504, "refused", 0),
    Ending("after-unreviewed-1", "", 200, "served", WHOLE, "好的"),
    Ending("after-manual-1", "edit", 200, "served", WHOLE, "不"),
)
Parked = dict[str, tuple[Ending, bool]]


async def parked(on: Desk) -> Parked:
    """Every ending's call, whole and as a stream; by usage id."""
    found: Parked = {}
    for ending in ENDINGS:
        for stream in (False, True):
            more = {"stream": True} if stream else {}
            answer = await ask(on.rig, post(chat(ending.filing, **more)))
            assert answer.status == 202, answer.body
            found[str(answer.headers["location"]).removeprefix("/calls/")] = ending, stream
    assert len(found) == 2 * len(ENDINGS)
    return found


def decide(record: Record, usage: str, ending: Ending, folder: Path) -> None:
    """A person's part, by the verb's own function."""
    edit = folder / f"{ending.filing.partition('-')[0]}.json"
    said: Any = EDITED
    if ending.filing == "before-1":  # the request; how it is answered is not theirs to say
        said = {"model": "f", "messages": [{"role": "user", "content": "milder"}]}
    if ending.said == "edit":
        edit.write_text(json.dumps(said), "utf-8")
    if ending.said in ("approve", "edit", "refuse"):
        way: Any = ending.said
        answering.answer(record, usage, way, "li", "no", edit if ending.said == "edit" else None)


async def decided(on: Desk, calls: Parked, folder: Path) -> None:
    """All that is decided by somebody; those that fall to a person by hand once they have."""
    async with asyncio.timeout(20):
        for usage, (ending, _) in calls.items():
            if ending.said == "withdraw":
                headers = {"authorization": f"Bearer {KEY}"}
                gone = await on.client.delete(f"http://gw/calls/{usage}", headers=headers)
                assert gone.status_code == 200
            while "manual" in ending.filing and not _waits(on)[usage]["manual"]:
                on.people.look()
                await asyncio.sleep(0.02)
            decide(on.record, usage, ending, folder)


def _waits(on: Desk) -> dict[str, Any]:
    return {said["usage"]: said for said in answering.queue(on.record)}


async def answered(on: Desk, calls: Parked) -> None:
    for usage, (ending, stream) in calls.items():
        got = await on.until(usage, ending.status)
        if ending.status != 200:
            assert got.headers["content-type"] == "application/json"
            continue
        said = got.content
        if stream:
            assert got.headers["content-type"].startswith("text/event-stream")
            lines = [one.removeprefix(b"data: ") for one in said.split(b"\n\n") if one]
            assert lines.pop() == b"[DONE]"
            parts = [one for line in lines for one in json.loads(line)["choices"]]
            words = "".join(one["delta"].get("content") or "" for one in parts)
            assert parts[-1]["finish_reason"] == "stop"
        else:
            assert got.headers["content-type"] == "application/json"
            words = json.loads(said)["choices"][0]["message"]["content"]
        assert words == ending.words, (ending, words)


def check_charges(context: Any, calls: Parked) -> None:
    """By usage id, as `gateway usage` has it; and what is left of a limit."""
    with open_record(context) as record:
        with usage_of(record) as db:
            rows = list(db.execute("SELECT usage_id, outcome, nano FROM usage"))
        assert {row[0]: row[1:] for row in rows} == {
            usage: (ending.outcome, ending.nano) for usage, (ending, _) in calls.items()
        }
        assert verify(record).ok and unsettled(record) == []
        total = sum(ending.nano for ending, _ in calls.values())
        assert verify(record).sums["CNY"] == total
        store = open_store(record.home)
        used = {window.unit: amount for window, amount in store.used().items()}
        store.close()
        assert used["money:CNY"] == total


def limited(context: Any) -> Any:
    with open_record(context) as record:
        said = Limited("key:0123", "total", None, None, "100.00 CNY", "zhao", "test")
        record.append(Draft(said, BY, "account:key:0123"))
    return context


def test_every_ending_is_charged_as_the_page_says(tmp_path: Path) -> None:
    context = limited(home(tmp_path))

    async def work() -> Parked:
        async with metered_desk(context, HANDOFFS, *ANSWERS, tariff=TARIFF) as on:
            calls = await parked(on)
            await decided(on, calls, tmp_path)
            await answered(on, calls)
            edited = [one for one in on.seen if one["messages"]]
            assert [one.get("stream", False) for one in edited] == [False, True]
            return calls

    check_charges(context, asyncio.run(work()))


def test_what_outlives_its_gateway_is_charged_the_same_once_under_its_first_usage_id(
    tmp_path: Path,
) -> None:
    context = limited(home(tmp_path))

    async def first() -> Parked:
        async with metered_desk(context, HANDOFFS, *ANSWERS, tariff=TARIFF) as on:
            calls = await parked(on)
            on.people.look = lambda: None  # type: ignore[method-assign]
            for usage, (ending, _) in tuple(calls.items())[::2]:  # decided, and never heard of
                if "manual" not in ending.filing and ending.said != "withdraw":
                    decide(on.record, usage, ending, tmp_path)
            return calls

    async def second(calls: Parked) -> None:
        async with metered_desk(context, HANDOFFS, *ANSWERS, tariff=TARIFF) as on:
            rest = {usage: one for usage, one in calls.items() if usage in _waits(on)}
            assert 0 < len(rest) < len(calls)
            assert unsettled(on.record) == []  # nobody is asked what goes on by itself
            await decided(on, rest, tmp_path)
            await answered(on, calls)
            before = [one for one, _ in calls.values() if one.filing[:6] == "before"]
            assert len(on.seen) == sum(one.words == "好的" for one in before)

    calls = asyncio.run(first())
    asyncio.run(second(calls))
    check_charges(context, calls)


def test_what_can_no_longer_go_on_is_refused_and_what_nobody_comes_back_for(tmp_path: Path) -> None:
    context = limited(home(tmp_path))
    handoffs = {"before-1": HANDOFFS["before-1"]}

    async def first() -> list[str]:
        async with metered_desk(context, handoffs, *ANSWERS, tariff=TARIFF) as on:
            on.people.look = lambda: None  # type: ignore[method-assign]
            found = list[str]()
            for _ in range(2):
                answer = await ask(on.rig, post(chat("before-1")))
                found.append(answer.headers["pilotbase-usage"])
                answering.answer(on.record, found[-1], "approve", "li", "", None)
            return found

    async def smaller(usage: str) -> None:
        """The service takes less than it did."""
        caps = Caps(request_bytes_max=5)
        async with metered_desk(context, handoffs, *ANSWERS, tariff=TARIFF, caps=caps) as on:
            got = await on.until(usage, 413)
            assert got.json()["error"] == "serve.too_long" and on.seen == []

    async def two_days_later(usage: str) -> None:
        def clock() -> datetime:
            return datetime.now(UTC) + timedelta(days=2)

        later = replace(context, clock=clock)
        async with metered_desk(later, handoffs, *ANSWERS, tariff=TARIFF) as on:
            on.people.look()
            got = await on.until(usage, 410)
            assert got.json()["error"] == "serve.not_fetched" and on.seen == []

    one, two = asyncio.run(first())
    asyncio.run(smaller(one))
    asyncio.run(two_days_later(two))
    free = Ending("before-1", "approve", 0, "refused", 0)
    check_charges(context, {one: (free, False), two: (free, False)})


def test_where_an_edit_was_erased_what_it_replaced_is_not_let_through(tmp_path: Path) -> None:
    context = limited(home(tmp_path))
    handoffs = {name: HANDOFFS[name] for name in ("before-1", "after-1")}

    async def first() -> list[str]:
        async with metered_desk(context, handoffs, *ANSWERS, tariff=TARIFF) as on:
            on.people.look = lambda: None  # type: ignore[method-assign]
            found = list[str]()
            for ending in (ENDINGS[1], ENDINGS[9]):
                answer = await ask(on.rig, post(chat(ending.filing)))
                found.append(answer.headers["pilotbase-usage"])
                decide(on.record, found[-1], ending, tmp_path)
                parking = keeping.parking_of(on.record, found[-1])
                assert parking is not None and parking.decided is not None
                entry = parking.decided["entry"]
                erase(context, EraseRequest("asked for", "data subject", entry=entry))
            return found

    async def second(calls: list[str]) -> None:
        async with metered_desk(context, handoffs, *ANSWERS, tariff=TARIFF) as on:
            for usage in calls:
                got = await on.until(usage, 410)
                assert got.json()["error"] == "serve.call_erased"
            assert on.seen == []

    calls = asyncio.run(first())
    asyncio.run(second(calls))
    free = Ending("", "", 0, "refused", 0)
    check_charges(context, {usage: (free, False) for usage in calls})
