"""The meter over a real home: what is let in, what it comes to, and what is refused why."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
import time
from pathlib import Path

import pytest

from pilotbase.record.opened import Record
from pilotbase.serve.call import Call, Outcome, Refused, Tariff, Usage
from pilotbase.serve.metering.ledger_file import open_store
from pilotbase.serve.metering.meter import JournalMeter
from pilotbase.serve.metering.reconcile import unsettled
from pilotbase.serve.metering.refusals import beyond
from pilotbase.serve.metering.segments import Reading, journals, segments
from pilotbase.serve.metering.usage import usage_of
from pilotbase.serve.rules.budget import Limit
from pilotbase.serve.rules.frames import Numbers, decode
from tests.serve.metering.kit import (
    FEN,
    MOST,
    PAID,
    RESERVED,
    USED,
    begun,
    call,
    limit,
    metering,
    route,
    run,
)


def rows(record: Record) -> list[tuple[str, str, int]]:
    with usage_of(record) as usage:
        words = "SELECT usage_id, outcome, nano FROM usage ORDER BY sequence"
        return [(one[0], one[1], one[2]) for one in usage.execute(words)]


def begin(meter: JournalMeter, one: Call) -> asyncio.Future[Refused | None]:
    """Begin a call at once; what the meter says of it later."""
    said: asyncio.Future[Refused | None] = asyncio.get_running_loop().create_future()
    meter.begin(one, said.set_result)
    return said


def test_a_call_is_reserved_put_down_and_settled(tmp_path: Path) -> None:
    async def work(record: Record) -> None:
        async with metering(record) as opened:
            one, other = call(), call()
            assert await begun(opened.meter, one) is None
            assert await begun(opened.meter, other) is None
            assert one.usage_id == f"{opened.gateway}-1" and one.sequence == 1
            assert rows(record) == [
                (one.usage_id, "unsettled", RESERVED), (other.usage_id, "unsettled", RESERVED),
            ]  # fmt: skip
            assert opened.meter.settle(one, USED, "served").nano == PAID
            with pytest.raises(ValueError, match="settled already"):
                opened.meter.settle(one, USED, "served")
            opened.meter.settle(other, Usage(), "failed")
        expected = [(one.usage_id, "served", PAID), (other.usage_id, "failed", 0)]
        assert rows(record) == expected and unsettled(record) == []
        sealed = [e.body for e in record.entries(kind="serve.segment_sealed/1")]
        assert [(s["intents"], s["settled"], s["sums"]) for s in sealed] == [
            (2, 2, {"CNY": str(PAID)})
        ]
        assert len(list(record.entries(kind="serve.journal_ended/1"))) == 1

    run(tmp_path, work)


@pytest.mark.parametrize(
    ("outcome", "nano"),
    [("served", PAID), ("aborted", PAID), ("cut", PAID - 2 * FEN), ("failed", 0), ("refused", 0)],
)
def test_how_it_ends_says_what_is_due(tmp_path: Path, outcome: Outcome, nano: int) -> None:
    async def work(record: Record) -> None:
        async with metering(record) as opened:
            one = call()
            await begun(opened.meter, one)
            assert opened.meter.settle(one, USED, outcome).nano == nano

    run(tmp_path, work)


def test_what_was_not_reserved_is_not_charged(tmp_path: Path) -> None:
    """An upstream that claims more tokens than were allowed costs the caller no more."""

    async def work(record: Record) -> None:
        async with metering(record) as opened:
            one = call()
            await begun(opened.meter, one)
            lies = Usage(input_tokens=10**9, output_tokens=10**9, counted=True)
            assert opened.meter.settle(one, lies, "served").nano == RESERVED
        with usage_of(record) as usage:
            words = "SELECT input_tokens, output_tokens, counted FROM usage"
            assert usage.execute(words).fetchall() == [(500, 1_000, 0)]

    run(tmp_path, work)


def test_a_caller_who_leaves_before_the_intent_is_down(tmp_path: Path) -> None:
    async def work(record: Record) -> None:
        async with metering(record) as opened:
            one = call()
            said: asyncio.Future[Refused | None] = asyncio.get_running_loop().create_future()
            opened.meter.begin(one, said.set_result)
            opened.meter.settle(one, Usage(), "aborted")
            assert await said is None and opened.meter.unsettled == 0
        assert [row[1] for row in rows(record)] == ["aborted"]

    run(tmp_path, work)


def test_an_idempotency_key_is_used_once(tmp_path: Path) -> None:
    """Also by another process, and after this one is gone."""

    async def work(record: Record) -> None:
        async with metering(record) as opened, metering(record) as other:
            first = call(name="order 7")
            assert await begun(opened.meter, first) is None
            again = call(name="order 7", at=first.at + 60)
            refused = await begun(other.meter, again)
            assert refused is not None and (refused.status, refused.code) == (
                409,
                "serve.same_call",
            )
            assert refused.where == first.usage_id and "not settled" in refused.message.en
            assert await begun(other.meter, call(name="order 7", key="b2")) is None
            opened.meter.settle(first, USED, "served")
        async with metering(record) as later:
            refused = await begun(later.meter, call(name="order 7", at=first.at + 86_400))
            assert refused is not None and "is settled" in refused.message.en
            assert refused.where == first.usage_id
            assert await begun(later.meter, call(name="order 7", at=first.at + 2 * 86_400)) is None

    run(tmp_path, work)


def test_64_racing_calls_on_a_budget_for_one(tmp_path: Path) -> None:
    async def work(record: Record) -> None:
        limit(record, "key:a1", money="0.03 CNY")
        async with metering(record) as opened:
            calls = [call() for _ in range(64)]
            said = await asyncio.gather(*(begun(opened.meter, one) for one in calls))
            passed = [one for one, refused in zip(calls, said, strict=True) if refused is None]
            assert len(passed) == 1
            refusals = [one for one in said if one is not None]
            assert {(one.status, one.code) for one in refusals} == {(429, "serve.limit_reached")}
            assert {one.retry_after_s for one in refusals} == {1.0}, "the one still runs"
            opened.meter.settle(passed[0], USED, "served")
            await asyncio.sleep(0.25)
            refused = await begun(opened.meter, call())
            assert refused is not None and (refused.status, refused.code) == (
                402, "serve.budget_spent",
            )  # fmt: skip
            assert refused.retry_after_s is None and "0.03 CNY" in refused.message.zh

    run(tmp_path, work)


def test_a_call_that_comes_while_a_lease_is_on_its_way(tmp_path: Path) -> None:
    """The store has leased all that there is, and this process does not know yet: it is held."""

    async def work(record: Record) -> None:
        limit(record, "key:a1", money="0.03 CNY")
        async with metering(record) as opened:
            said = []
            for _ in range(3):
                said.append(begin(opened.meter, call()))
                time.sleep(0.05)  # the loop stands still, the store is asked
            first, *others = await asyncio.gather(*said)
            assert first is None
            assert [one and one.code for one in others] == ["serve.limit_reached"] * 2

    run(tmp_path, work)


def test_a_window_turns_and_says_when(tmp_path: Path) -> None:
    async def work(record: Record) -> None:
        limit(record, "party:bureau", "PT1M", requests=2)
        async with metering(record) as opened:
            at = 1_800_000_000.0 - 1_800_000_000 % 60
            for _ in range(2):
                one = call(at=at + 20.5)
                assert await begun(opened.meter, one) is None
                opened.meter.settle(one, USED, "served")
            refused = await begun(opened.meter, call(at=at + 20.5))
            assert refused is not None and refused.retry_after_s == 40
            assert "turns at 2027-01-15T08:01:00Z" in refused.next_step.en
            assert await begun(opened.meter, call(at=at + 60)) is None
            # Back before the turn: the window that is over does not come back.
            assert await begun(opened.meter, call(at=at + 1)) is None
            assert await begun(opened.meter, call(at=at + 2)) is not None

    run(tmp_path, work)


def test_what_is_reserved_and_not_used_comes_back(tmp_path: Path) -> None:
    async def work(record: Record) -> None:
        limit(record, "mandate:d1", "P1D", tokens=3_000)
        async with metering(record) as opened:
            calls = [call(), call()]
            assert [await begun(opened.meter, one) for one in calls] == [None, None]
            refused = await begun(opened.meter, call())
            assert refused is not None and refused.retry_after_s == 1.0
            for one in calls:
                opened.meter.settle(one, USED, "served")
            await asyncio.sleep(0.25)
            assert await begun(opened.meter, call()) is None, "300 of 3000 are used"

    run(tmp_path, work)


def test_a_call_that_no_window_could_hold(tmp_path: Path) -> None:
    async def work(record: Record) -> None:
        limit(record, "service:line", "PT1H", tokens=1_499)
        limit(record, "key:b2", "P1D", money="1.00 EUR")
        async with metering(record) as opened:
            refused = await begun(opened.meter, call())
            assert refused is not None and (refused.status, refused.code) == (
                402, "serve.call_over_limit",
            )  # fmt: skip
            assert "1500 tokens" in refused.message.en and "1499 词元" in refused.message.zh
            assert "(tokens in: 500, tokens out: 1000)" in refused.message.en
            assert "fewer output tokens" in refused.next_step.en
            small = Usage(input_tokens=10, output_tokens=10)
            refused = await begun(opened.meter, call(key="b2", most=small))
            assert refused is not None and refused.code == "serve.other_currency"
            assert await begun(opened.meter, call(most=small)) is None

    run(tmp_path, work)


def test_a_call_that_is_too_dear_says_what_its_price_rests_on() -> None:
    most, by_case = Limit("key:a1", "money:CNY", "P1D", 5 * FEN), Tariff("CNY", case=FEN)
    refused = beyond(most, 6 * FEN, by_case, Usage(cases=6))
    assert "0.06 CNY (cases: 6 × 0.01 CNY); key:a1 is limited to 0.05 CNY" in refused.message.en
    assert refused.next_step.en.startswith("Ask for fewer cases at once. Whoever")
    assert "减少单次调用的案例数" in refused.next_step.zh
    none = Limit("key:a1", "requests", "P1D", 0)
    assert beyond(none, 1, by_case, Usage(cases=6)).next_step.en.startswith("Whoever answers")


def test_limits_change_while_serving(tmp_path: Path) -> None:
    async def work(record: Record) -> None:
        async with metering(record) as opened:
            assert await begun(opened.meter, call()) is None
            limit(record, "key:a1", "P1D", requests=1)
            opened.reload()
            assert await begun(opened.meter, call()) is None, "it counts from when it was set"
            assert await begun(opened.meter, call()) is not None
            limit(record, "key:a1", "P1D", requests=3)
            opened.reload()
            said = [await begun(opened.meter, call()) for _ in range(3)]
            assert [one is None for one in said] == [True, True, False]
            limit(record, "key:a1", "P1D")
            opened.reload()
            assert await begun(opened.meter, call()) is None, "lifted"

    run(tmp_path, work)


def test_what_is_leased_and_idle_comes_back_to_others(tmp_path: Path) -> None:
    async def work(record: Record) -> None:
        limit(record, "key:a1", "P1D", requests=80)
        async with metering(record) as opened, metering(record) as other:
            assert await begun(opened.meter, call()) is None
            window = next(iter(open_store(record.home).used()))
            store = open_store(record.home)
            assert store.used()[window] == 10, "an eighth is leased"
            served = 0
            while await begun(other.meter, call()) is None:
                served += 1
            assert served == 70
            until = time.monotonic() + 5
            while await begun(other.meter, call()) is not None and time.monotonic() < until:
                await asyncio.sleep(0.2)
            assert store.used()[window] <= 80
            store.close()

    run(tmp_path, work)


def test_a_full_disk_refuses_to_serve(tmp_path: Path) -> None:
    """Unmetered is unserved; what was begun is settled once there is room."""

    async def work(record: Record) -> None:
        async with metering(record) as opened:
            first = call()
            assert await begun(opened.meter, first) is None
            soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, hard))
            try:
                while (refused := await begun(opened.meter, call())) is None:
                    pass
                assert refused.code == "serve.unmetered"
                for _ in range(3):
                    refused = await begun(opened.meter, call(name="n"))
                    assert refused is not None and refused.status == 503
                opened.meter.settle(first, USED, "served")
                await asyncio.sleep(0.1)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            last = call(name="n")
            assert await begun(opened.meter, last) is None
            opened.meter.settle(last, USED, "served")
            await asyncio.sleep(0.7)
        found = {usage_id: outcome for usage_id, outcome, _ in rows(record)}
        assert found[first.usage_id] == found[last.usage_id] == "served"
        assert list(found.values()).count("served") == 2
        numbers, words, (folder,) = Numbers(), set[str](), journals(record.home)
        for path in segments(folder):
            for frame in Reading(path).frames():
                said = decode(frame.payload)
                words.add(said[0])
                numbers.take(said)
        assert "void" in words and numbers.last == last.sequence
        entries = [e.body for e in record.entries(kind="serve.segment_sealed/1")]
        assert [one["number"] for one in entries] == list(range(1, len(entries) + 1))

    run(tmp_path, work)


def test_an_old_segment_is_sealed_though_nobody_calls(tmp_path: Path) -> None:
    async def work(record: Record) -> None:
        async with metering(record, segment_s=0.5) as opened:
            one = call()
            assert await begun(opened.meter, one) is None
            opened.meter.settle(one, USED, "served")
            until = time.monotonic() + 10
            while time.monotonic() < until:
                await asyncio.sleep(0.1)
                if list(record.entries(kind="serve.segment_sealed/1")):
                    break
            (sealed,) = record.entries(kind="serve.segment_sealed/1")
            assert sealed.body["settled"] == 1
        refused = await begun(opened.meter, call())
        assert refused is not None and refused.code == "serve.unmetered", "it is closed"

    run(tmp_path, work)


def test_a_ledger_that_cannot_be_asked(tmp_path: Path) -> None:
    """Held by somebody else for long: refused, and served again once it is free."""

    async def work(record: Record) -> None:
        limit(record, "key:a1", "P1D", requests=1000)
        async with metering(record) as opened:
            holder = sqlite3.connect(record.home / "usage" / "ledger.db", isolation_level=None)
            holder.execute("BEGIN EXCLUSIVE")
            refused = await begun(opened.meter, call())
            assert refused is not None and (refused.status, refused.code) == (
                503, "serve.unmetered",
            )  # fmt: skip
            holder.close()
            assert await begun(opened.meter, call()) is None

    run(tmp_path, work)


def test_segments_follow_on_each_other(tmp_path: Path) -> None:
    async def work(record: Record) -> None:
        async with metering(record, segment_bytes=2_000) as opened:
            for _ in range(40):
                one = call()
                await begun(opened.meter, one)
                opened.meter.settle(one, USED, "served")
        (folder,) = journals(record.home)
        paths = segments(folder)
        assert len(paths) > 2
        before = bytes(16)
        for path in paths:
            reading = Reading(path)
            assert reading.before == before and len(list(reading.frames())) > 2
            assert reading.rest == 0 and reading.size == path.stat().st_size
            before = reading.link
        sealed = [e.body for e in record.entries(kind="serve.segment_sealed/1")]
        assert [s["previous"] for s in sealed] == ["", *(s["root"] for s in sealed[:-1])]
        assert sum(int(s["sums"].get("CNY", "0")) for s in sealed) == 40 * PAID
        assert len(rows(record)) == 40

    run(tmp_path, work)


def test_many_at_once_share_the_disk(tmp_path: Path) -> None:
    async def work(record: Record) -> list[Call]:
        limit(record, "key:a1", "P1D", requests=10**6)
        async with metering(record) as opened:
            calls = [call(most=MOST, of=route()) for _ in range(300)]
            assert set(await asyncio.gather(*(begun(opened.meter, c) for c in calls))) == {None}
            assert opened.journal.groups <= 10
            for one in calls:
                opened.meter.settle(one, USED, "served")
        assert len({row[0] for row in rows(record)}) == 300
        assert {row[1:] for row in rows(record)} == {("served", PAID)}
        return calls

    assert len(run(tmp_path, work)) == 300
