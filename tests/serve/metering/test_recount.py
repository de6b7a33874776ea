"""The ledger is lost, or somebody edits it: what the journals say of it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from pilotbase.kernel.errors import RecordError
from pilotbase.record.opened import Record
from pilotbase.serve.metering.ledger_file import FILE, open_store
from pilotbase.serve.metering.limits import in_force
from pilotbase.serve.metering.opened import Metering
from pilotbase.serve.metering.reconcile import reconcile, unsettled
from pilotbase.serve.metering.recount import EARLIER, GONE, differences, ledger_faults
from pilotbase.serve.metering.verifying import verify
from tests.serve.metering.kit import FEN, MOST, PAID, USED, begun, call, limit, metering, run


def differing(record: Record) -> list[tuple[str, int, int, int]]:
    store = open_store(record.home)
    try:
        found = differences(record, store)
    finally:
        store.close()
    return [(one.window.unit, one.counted, one.least, one.most) for one in found]


def lose(home: Path) -> None:
    for file in (home / "usage").glob(f"{FILE}*"):
        file.unlink()


def edit(home: Path, words: str) -> None:
    with sqlite3.connect(home / "usage" / FILE) as ledger:
        ledger.execute(words)
    ledger.close()


def test_a_ledger_that_is_lost_is_counted_again(tmp_path: Path) -> None:
    """A used-up total still refuses, a key that was used is not used again; nothing counts twice,
    and nothing that came before its limit."""

    async def work(record: Record) -> None:
        async with metering(record) as opened:
            assert await begun(opened.meter, call()) is None
            await begun(opened.meter, call(key="b2"))
        limit(record, "key:a1", money="0.04 CNY")
        limit(record, "key:b2", "P1D", tokens=2_000)
        async with metering(record) as opened:
            one = call(name="order 7")
            assert await begun(opened.meter, one) is None
            opened.meter.settle(one, USED, "served")
            assert await begun(opened.meter, call(key="b2")) is None, "stays open: 1500 tokens"
        before = in_force(record)
        assert differing(record) == []
        lose(record.home)
        assert GONE in [one.message for one in verify(record, claims=True).findings]
        for _ in range(2):
            async with metering(record) as opened:
                refused = await begun(opened.meter, call(name="order 7", at=one.at))
                assert refused is not None and refused.where == one.usage_id
                refused = await begun(opened.meter, call(name="order 8"))
                assert refused is not None and refused.code == "serve.budget_spent"
                refused = await begun(opened.meter, call(name="order 7", key="b2"))
                assert refused is not None and refused.code == "serve.limit_reached"
        assert in_force(record) == before and differing(record) == []
        await undo(record)

    async def undo(record: Record) -> None:
        """What is reconciled is given back only where it was counted."""
        left, store = unsettled(record), open_store(record.home)
        assert len(left) == 3
        reconcile(record, store, dict.fromkeys(left, 0), "zhao", "no answer")
        used = {window.unit: n for window, n in store.used().items()}
        store.close()
        assert used == {"money:CNY": PAID, "tokens": 0} and differing(record) == []

    run(tmp_path, work)


def test_a_ledger_that_is_damaged_says_what_to_do(tmp_path: Path) -> None:
    async def work(record: Record) -> None:
        limit(record, "key:a1", money="0.03 CNY")
        async with metering(record) as opened:
            one = call()
            assert await begun(opened.meter, one) is None
            opened.meter.settle(one, USED, "served")
        lose(record.home)
        (record.home / "usage" / FILE).write_bytes(b"no database" * 400)
        (said,) = ledger_faults(record)
        assert said.en == "the ledger is damaged: file is not a database"
        with pytest.raises(RecordError) as refused:
            Metering(record, asyncio.get_running_loop())
        assert refused.value.code == "serve.ledger_damaged"
        assert "move ledger.db away" in refused.value.next_step.en
        lose(record.home)
        async with metering(record) as opened:
            spent = await begun(opened.meter, call())
            assert spent is not None and spent.code == "serve.budget_spent"

    run(tmp_path, work)


def test_a_counter_that_somebody_edited_is_named(tmp_path: Path) -> None:
    async def spend(record: Record, *, wait: Callable[[], None] = lambda: None) -> None:
        async with metering(record) as opened:
            one = call()
            assert await begun(opened.meter, one) is None
            opened.meter.settle(one, USED, "served")
            wait()

    async def work(record: Record) -> None:
        limit(record, "key:a1", money="1.00 CNY")
        await spend(record)
        assert ledger_faults(record) == []
        edit(record.home, "UPDATE gateway_counter SET used = 0")
        assert ["0.02045 CNY" in one.en for one in ledger_faults(record)] == [True]
        found_all = verify(record, claims=True)
        assert not found_all.ok and not found_all.partial, "nothing is missing from the numbers"
        assert differing(record) == [("money:CNY", 0, PAID, PAID)]
        found = in_force(record)[0]["journals_say"]
        assert found is not None and "0.02045 CNY" in found["en"]
        # Also while a gateway runs and holds a lease.
        await spend(record, wait=lambda: _assert_low(record))
        edit(record.home, f"UPDATE gateway_counter SET used = {2 * PAID + FEN}")
        assert differing(record) == [("money:CNY", 2 * PAID + FEN, 2 * PAID, 2 * PAID)]
        edit(record.home, f"UPDATE gateway_counter SET used = {2 * PAID}")
        assert differing(record) == [] and in_force(record)[0]["journals_say"] is None

    def _assert_low(record: Record) -> None:
        assert differing(record) == [("money:CNY", 0, PAID, PAID)]

    run(tmp_path, work)


def test_an_older_copy_of_the_ledger_counts_what_came_after(tmp_path: Path) -> None:
    async def work(record: Record) -> None:
        limit(record, "key:a1", "P1D", requests=2)
        async with metering(record) as opened:
            await begun(opened.meter, call(most=MOST))
        file = record.home / "usage" / FILE
        older = file.read_bytes()
        async with metering(record) as opened:
            await begun(opened.meter, call())
        lose(record.home)
        file.write_bytes(older)
        assert differing(record) == [("requests", 1, 2, 2)]
        async with metering(record) as opened:
            refused = await begun(opened.meter, call())
            assert refused is not None and refused.code == "serve.limit_reached"
        assert differing(record) == []

    run(tmp_path, work)


def test_a_ledger_of_an_earlier_program_is_counted_again(tmp_path: Path) -> None:
    async def work(record: Record) -> None:
        limit(record, "key:a1", "P1D", requests=2)
        async with metering(record) as opened:
            await begun(opened.meter, call(most=MOST))
            await begun(opened.meter, call(most=MOST))
        edit(record.home, "DELETE FROM gateway_scheme")
        edit(record.home, "UPDATE gateway_counter SET start = start - 3600")
        assert ledger_faults(record) == [EARLIER] and differing(record) == []
        async with metering(record) as opened:
            refused = await begun(opened.meter, call())
            assert refused is not None and refused.code == "serve.limit_reached"
        assert ledger_faults(record) == [] == differing(record)

    run(tmp_path, work)


async def spend(record: Record, calls: int = 1) -> None:
    """A gateway that runs for some calls."""
    async with metering(record) as opened:
        for _ in range(calls):
            one = call()
            assert await begun(opened.meter, one) is None
            opened.meter.settle(one, USED, "served")


def test_a_limit_that_is_lifted_leaves_no_fault(tmp_path: Path) -> None:
    async def work(record: Record) -> None:
        limit(record, "key:a1", "PT1H", requests=9)
        limit(record, "key:a1", money="1.00 CNY")
        await spend(record, 3)
        limit(record, "key:a1", "PT1H")
        limit(record, "key:a1", tokens=9_000)
        await spend(record)
        assert ledger_faults(record) == [] and differing(record) == []

    run(tmp_path, work)


def used_of(record: Record) -> list[tuple[str, str]]:
    return [(one["per"], one["used_or_held"]["en"]) for one in in_force(record)]


def test_a_limit_that_is_set_anew_counts_from_then(tmp_path: Path) -> None:
    """Changed, it goes on counting; lifted and set anew, it begins at nothing: in the ledger, over
    restarts, in what is counted again, and for calls that were begun under the one before."""
    most = {"money": "0.04 CNY"}

    async def work(record: Record) -> None:
        await spend(record)
        limit(record, "key:a1", **most)
        assert used_of(record) == [("total", "0.00 CNY")], "what was charged before is not in it"
        await spend(record)
        limit(record, "key:a1", money="0.03 CNY", requests=9)
        assert used_of(record) == [("total", "0 calls"), ("total", "0.02045 CNY")]
        async with metering(record) as opened:
            refused = await begun(opened.meter, call())
            assert refused is not None and refused.code == "serve.budget_spent"
        limit(record, "key:a1", requests=9)
        await asyncio.sleep(1)  # a limit's beginning is told in seconds
        limit(record, "key:a1", requests=9, **most)
        assert used_of(record) == [("total", "0 calls"), ("total", "0.00 CNY")]
        await spend(record)
        stands = [("total", "1 calls"), ("total", "0.02045 CNY")]
        assert used_of(record) == stands and differing(record) == []
        since = [one["since"] for one in in_force(record)]
        assert since[0] < since[1], "calls have counted on, money begins again"
        lose(record.home)
        async with metering(record) as opened:
            refused = await begun(opened.meter, call())
            assert refused is not None and refused.code == "serve.budget_spent"
        assert used_of(record) == stands and differing(record) == []

    run(tmp_path, work)


def test_a_call_weighs_on_the_limit_that_it_was_begun_under(tmp_path: Path) -> None:
    """A gateway runs while a used-up limit is lifted and set anew; two calls span its changes."""

    async def work(record: Record) -> None:
        limit(record, "key:a1", "P1D", tokens=1_500)
        async with metering(record) as opened:
            early = call()
            assert await begun(opened.meter, early) is None
            assert await begun(opened.meter, call()) is not None
            limit(record, "key:a1", "P1D")
            await asyncio.sleep(1)
            limit(record, "key:a1", "P1D", tokens=1_600)
            opened.reload()
            assert await begun(opened.meter, call()) is None, "open: 1500 of the new one"
            opened.meter.settle(early, USED, "served")
            refused = await begun(opened.meter, call())
            assert refused is not None and refused.code == "serve.limit_reached"
        assert used_of(record) == [("P1D", "1500 tokens")] and differing(record) == []
        async with metering(record):
            pass  # completes what the one before has left
        (left,), store = unsettled(record), open_store(record.home)
        reconcile(record, store, {left: 0}, "zhao", "no answer")
        assert sorted(store.used().values()) == [0, 300]
        store.close()
        assert used_of(record) == [("P1D", "0 tokens")] and differing(record) == []

    run(tmp_path, work)
