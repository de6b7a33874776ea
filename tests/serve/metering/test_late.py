"""Calls that outlive their process are settled once, in the record, and checked by the journal."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pilotbase.kernel.event import Draft
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import Record, open_record
from pilotbase.serve.call import Call, Usage
from pilotbase.serve.metering import late
from pilotbase.serve.metering.events import SettledLate
from pilotbase.serve.metering.ledger_file import open_store
from pilotbase.serve.metering.opened import Metering
from pilotbase.serve.metering.reconcile import reconcile, unsettled
from pilotbase.serve.metering.store import Claimed
from pilotbase.serve.metering.usage import usage_of
from pilotbase.serve.metering.verifying import verify
from tests.serve.metering.kit import BY, PAID, RESERVED, USED, begun, call, limit


def left_open(record: Record, *calls: Call) -> list[late.Begun]:
    """Calls that a process began and never ended; another has completed its journal."""

    async def work() -> str:
        loop = asyncio.get_running_loop()
        first = Metering(record, loop)
        for one in calls:
            assert await begun(first.meter, one) is None
        first.close()
        Metering(record, loop).close()
        return first.gateway

    gateway = asyncio.run(work())
    return [
        late.begun_of(
            one.usage_id, late.said_of(one, gateway), one.grant, one.route.service, "chat"
        )
        for one in calls
    ]


def used_of(record: Record) -> dict[str, int]:
    store = open_store(record.home)
    try:
        return {window.unit: amount for window, amount in store.used().items()}
    finally:
        store.close()


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Record]:
    with open_record(Context(tmp_path / "home")) as opened:
        limit(opened, "party:bureau", money="10.00 CNY", tokens=100_000, requests=10)
        yield opened


def rows(record: Record) -> dict[str, tuple[str, int, int]]:
    with usage_of(record) as db:
        found = db.execute("SELECT usage_id, outcome, nano, output_tokens FROM usage").fetchall()
    return {row[0]: row[1:] for row in found}


def test_settled_once_and_what_was_not_spent_comes_back(record: Record) -> None:
    one, named, left = left_open(record, call(), call(name="order 7"), call())
    assert {said.usage_id for said in unsettled(record)} == {one.usage, named.usage, left.usage}
    assert used_of(record) == {"money:CNY": 3 * RESERVED, "tokens": 4500, "requests": 3}
    charge = late.settle(record, one, replace(USED, cases=1), "served")
    assert charge.nano == PAID and late.settle(record, named, Usage(), "refused").nano == 0
    assert late.settle(record, one, Usage(), "refused").nano == PAID  # the first stands
    assert rows(record) == {
        one.usage: ("served", PAID, 200), named.usage: ("refused", 0, 0),
        left.usage: ("unsettled", RESERVED, 0),
    }  # fmt: skip
    assert used_of(record) == {"money:CNY": PAID + RESERVED, "tokens": 1800, "requests": 3}
    found = verify(record)
    assert found.ok and found.settled == 2 and found.sums == {"CNY": PAID}
    # the name that the caller gave may be used again: that call cost nothing
    store = open_store(record.home)
    with store._alone() as do:
        assert do("SELECT settled FROM gateway_claim").fetchall() == [(Claimed.FREE,)]
    store.close()


def test_what_was_reconciled_before_stands_and_nothing_comes_back_twice(record: Record) -> None:
    (one,) = left_open(record, call())
    store = open_store(record.home)
    reconcile(record, store, dict.fromkeys(unsettled(record), 0), "zhao", "nobody was served")
    store.close()
    assert late.settle(record, one, USED, "served").nano == 0
    assert rows(record)[one.usage][:2] == ("reconciled", 0)
    assert used_of(record) == {"money:CNY": 0, "tokens": 0, "requests": 1}
    assert verify(record).ok


def test_what_its_own_journal_has_settled_stands(record: Record) -> None:
    async def work() -> late.Begun:
        metering, one = Metering(record, asyncio.get_running_loop()), call()
        assert await begun(metering.meter, one) is None
        metering.meter.settle(one, USED, "served")
        metering.close()
        said = late.said_of(one, metering.gateway)
        return late.begun_of(one.usage_id, said, one.grant, one.route.service, "chat")

    assert late.settle(record, asyncio.run(work()), Usage(), "refused").nano == PAID
    assert used_of(record) == {"money:CNY": PAID, "tokens": 300, "requests": 1}
    found = verify(record)
    assert found.ok and found.settled == 1


def test_the_journal_has_the_last_word_on_what_may_be_settled(record: Record) -> None:
    (one,) = left_open(record, call())
    gateway = one.gateway
    for usage, nano in ((one.usage, "5"), (f"{gateway}-99", "0")):
        said = SettledLate(gateway, usage, "refused", "CNY", nano, 0, 0, 0, 0, 0, 0, False)
        record.append(Draft(said, BY, f"gateway:{gateway}"))
    found = [one.message.en for one in verify(record).findings]
    assert len(found) == 2
    assert "does not come to 5" in found[0] and "is not in this journal" in found[1]
