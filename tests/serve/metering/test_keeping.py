"""What waits for the ledger or the journal when either does not answer: nothing of it is lost."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from pilotbase.record.opened import Record
from pilotbase.serve.call import Refused
from pilotbase.serve.metering import journal, keeper, ledger_file, meter, store
from pilotbase.serve.metering.meter import JournalMeter
from pilotbase.serve.metering.opened import Metering
from pilotbase.serve.metering.reconcile import is_over
from pilotbase.serve.metering.segments import Reading, Segment, set_aside
from pilotbase.serve.metering.usage import usage_of
from pilotbase.serve.metering.verifying import verify
from pilotbase.serve.rules.budget import Window
from pilotbase.serve.rules.frames import FIRST_LINK
from pilotbase.serve.rules.window import bounds
from tests.serve.metering.kit import PAID, USED, begun, call, limit, metering, run

DAYS_100 = 100 * 86_400


@contextmanager
def held(home: Path) -> Iterator[None]:
    """Somebody else writes to the ledger."""
    with closing(sqlite3.connect(home / "usage" / "ledger.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


def used(home: Path) -> list[int]:
    with closing(ledger_file.open_store(home)) as ledger:
        return list(ledger.used().values())


def failing(error: type[Exception]) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        raise error("for the test")

    return fail


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_file, "BUSY_S", 0.05)


@pytest.mark.parametrize("on_its_way", [False, True])
def test_a_ledger_that_is_busy_at_a_stop(tmp_path: Path, on_its_way: bool) -> None:
    """What was leased comes back by the journal, also what the stop overtook on its way."""

    async def work(record: Record) -> None:
        limit(record, "key:a1", requests=1000)
        opened = Metering(record, asyncio.get_running_loop())
        first = call(name="order 7")
        if on_its_way:
            opened.meter.begin(first, lambda _: None)
            opened.close()
        else:
            assert await begun(opened.meter, first) is None
            with held(record.home):
                opened.meter.settle(first, USED, "served")
                opened.close()
        assert used(record.home) == [125] and not is_over(record.home, opened.gateway)
        async with metering(record) as later:
            assert used(record.home) == [0 if on_its_way else 1]
            again = await begun(later.meter, call(name="order 7", at=first.at))
            assert again is None if on_its_way else again and "is settled" in again.message.en

    run(tmp_path, work)


def test_a_name_is_not_used_up_by_a_call_that_was_not_let_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger takes the claim, and is busy when the lease is asked for."""

    async def work(record: Record) -> None:
        limit(record, "key:a1", requests=1000)
        async with metering(record) as opened:
            with monkeypatch.context() as patched:
                patched.setattr(store.LedgerStore, "lease", failing(sqlite3.OperationalError))
                refused = await begun(opened.meter, call(name="order 7"))
                assert refused is not None and refused.code == "serve.unmetered"
            assert await begun(opened.meter, call(name="order 7")) is None

    run(tmp_path, work)


def test_figures_are_of_one_moment(tmp_path: Path) -> None:
    """A bill that is made meanwhile leaves the cache alone; what others throw away stays asked."""

    async def work(record: Record) -> None:
        async with metering(record) as opened:
            one = call()
            assert await begun(opened.meter, one) is None
            opened.meter.settle(one, USED, "served")
        words = "SELECT count(*), sum(nano) FROM usage"
        cache = record.home / "usage" / "usage.db"
        with usage_of(record) as usage:
            with closing(sqlite3.connect(cache)) as other, other:
                other.execute("DELETE FROM usage")
            assert usage.execute(words).fetchone() == (1, PAID)
            with usage_of(record, anew=True) as anew:
                assert anew.execute(words).fetchone() == (1, PAID)
            with closing(sqlite3.connect(cache)) as other:
                assert other.execute(words).fetchone() == (0, None)
        with usage_of(record) as usage:
            assert usage.execute(words).fetchone() == (1, PAID)

    run(tmp_path, work)


def test_a_clock_that_is_far_ahead_for_a_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No claim is forgotten for it."""
    monkeypatch.setattr(keeper, "FORGET_S", 0.0)

    async def work(record: Record) -> None:
        async with metering(record) as opened:
            one = call(name="order 7")
            assert await begun(opened.meter, one) is None
            for ahead, lost in ((DAYS_100, False), (0, False), (DAYS_100, False), (DAYS_100, True)):
                monkeypatch.setattr(keeper, "time", lambda ahead=ahead: time.time() + ahead)
                again = await begun(opened.meter, call(name="order 7", at=one.at))
                assert (again is None) is lost, "what it says twice is believed"

    run(tmp_path, work)


def test_windows_are_not_forgotten_by_the_clock_alone(tmp_path: Path) -> None:
    now = 1_800_000_000
    month = Window("key:a", "requests", "P1M", bounds("P1M", now)[0])
    minutes = [Window("key:a", "requests", "PT1M", now + 60 * n) for n in range(20)]
    with closing(ledger_file.open_store(tmp_path)) as ledger:
        ledger.lease("gateway", [store.Asked(one, 100, 1, 0) for one in (month, *minutes)])
        ledger.forget(now)
        assert len(ledger.used()) == 21
        ledger.forget(now + DAYS_100)
        assert set(ledger.used()) == {month, *minutes[-store.WINDOWS_KEPT :]}
        assert set(ledger.leases("gateway")) == set(ledger.used())


@pytest.mark.parametrize(
    ("of", "name"),
    [
        (Segment, "sync"),
        (Segment, "synced"),
        (store.LedgerStore, "lease"),
        (JournalMeter, "_intend"),
    ],
)
def test_what_nobody_expects_is_told_to_who_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, of: type, name: str
) -> None:
    """And only to them; it is logged, and serving goes on."""
    if name == "sync":  # where the kernel cannot be asked
        monkeypatch.setattr(journal, "best_syncs", lambda loop: None)

    async def work(record: Record) -> None:
        limit(record, "key:a1", requests=1000)
        async with metering(record) as opened:
            with monkeypatch.context() as patched:
                patched.setattr(of, name, failing(KeyError))
                several = [begun(opened.meter, call(name=f"order {n}")) for n in range(3)]
                for refused in await asyncio.gather(*several):
                    assert refused is not None and refused.code == "serve.unmetered"
            assert await begun(opened.meter, call(name="order 1")) is None
            assert opened.meter.unsettled == 1
        async with metering(record):
            assert used(record.home) == [1] and verify(record).ok

    run(tmp_path, work)


def test_a_limit_that_is_lifted_while_a_call_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others took what was leased each time; the last time there is no limit any more."""

    async def work(record: Record) -> None:
        limit(record, "key:a1", requests=1000)
        async with metering(record) as opened:
            asked, said = list[keeper.Request](), list[Refused | None]()
            monkeypatch.setattr(opened._keeper, "ask", asked.append)
            opened.meter.begin(call(), said.append)
            for _ in range(2):
                asked[-1].done(asked[-1])
            opened.meter.limit([])
            assert await begun(opened.meter, call()) is None
            asked[-1].done(asked[-1])
            assert len(asked) == 3 and said[0] is not None
            assert said[0].code == "serve.limit_reached"

    run(tmp_path, work)


def test_what_is_cut_off_is_durable_before_it_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what was set aside before is kept."""
    segment = Segment(tmp_path, "gateway", 1, FIRST_LINK)
    segment.close()
    size, synced, fsync = segment.path.stat().st_size, list[tuple[str, int]](), os.fsync

    def note(file: int) -> None:
        fsync(file)
        name = os.readlink(f"/proc/self/fd/{file}")
        synced.append((Path(name).name.split(".")[-1], segment.path.stat().st_size - size))

    monkeypatch.setattr(os, "fsync", note)
    for rest in (b"\5\0\0\0first", b"\5\0\0\0second"):
        with segment.path.open("ab") as file:
            file.write(rest)
        reading = Reading(segment.path)
        assert list(reading.frames())
        reading.finish()
        assert synced == [("part", len(rest)), (tmp_path.name, len(rest)), ("seg", 0)]
        synced.clear()
    monkeypatch.undo()
    set_aside(segment.path)
    kept = {path.name: path.read_bytes()[4:] for path in tmp_path.glob("*.cut")}
    assert kept.keys() == {"000001.cut", "000001-2.cut", "000001-3.cut"}
    assert (kept["000001.cut"], kept["000001-2.cut"]) == (b"first", b"second")


def test_the_folder_of_a_journal_is_durable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced, fsync = set[str](), os.fsync

    def note(file: int) -> None:
        fsync(file)
        synced.add(os.readlink(f"/proc/self/fd/{file}"))

    monkeypatch.setattr(os, "fsync", note)

    async def work(record: Record) -> None:
        async with metering(record) as opened:
            usage = record.home / "usage"
            assert {str(record.home), str(usage), str(usage / opened.gateway)} <= synced

    run(tmp_path, work)


class Hanging:
    """A disk that takes what it is asked and does not answer until it is let."""

    way, answers = "io_uring", True

    def __init__(self) -> None:
        self.asked = list[Callable[[bool], None]]()

    def ask(self, file: int, done: Callable[[bool], None]) -> bool:
        self.asked.append(done)
        return True

    def answer(self, done: bool) -> None:
        while self.asked:
            self.asked.pop()(done)

    def finish(self) -> None:
        self.answer(True)

    def close(self) -> None: ...


@pytest.mark.parametrize("takes", [True, False])
def test_who_waits_for_a_disk_that_does_not_answer_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, takes: bool
) -> None:
    """Also who comes meanwhile. Once it answers nothing of it is charged, and serving goes on."""
    monkeypatch.setattr(journal, "STUCK_S", 0.05)
    monkeypatch.setattr(meter, "TICK_S", 0.02)
    disk = Hanging()
    monkeypatch.setattr(journal, "best_syncs", lambda loop: disk)

    async def work(record: Record) -> None:
        limit(record, "key:a1", requests=1000)
        async with metering(record) as opened:
            first, named = call(), call(name="order 7")
            waiting = [asyncio.create_task(begun(opened.meter, one)) for one in (first, named)]
            for refused in [*await asyncio.gather(*waiting), await begun(opened.meter, call())]:
                assert refused is not None and refused.code == "serve.unmetered"
            assert opened.meter.unsettled == 2 and disk.asked
            monkeypatch.setattr(journal, "STUCK_S", 5.0)
            for _ in range(50):
                disk.answer(takes)
                await asyncio.sleep(0.01)
            assert opened.meter.unsettled == 0
            again = asyncio.create_task(begun(opened.meter, call(name="order 7", at=named.at)))
            while not again.done():
                disk.answer(True)
                await asyncio.sleep(0.01)
            assert again.result() is None
        with usage_of(record) as usage:
            words = "SELECT outcome, count(*), sum(nano) FROM usage GROUP BY outcome ORDER BY 1"
            found = dict((one[0], (one[1], one[2])) for one in usage.execute(words))
        assert found.pop("refused", (0, 0)) == (2 * takes, 0)
        assert list(found) == ["unsettled"], "the last, which the test leaves open"
        assert verify(record).ok

    run(tmp_path, work)
