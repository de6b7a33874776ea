"""Tasks of an event loop that append at the same time."""

from __future__ import annotations

from collections.abc import Callable

import anyio
import pytest

from pilotbase.kernel.event import Draft, Fact
from pilotbase.record.audit import verify
from pilotbase.record.opened import Record
from pilotbase.record.tasks import TaskAppends

Make = Callable[..., Draft]


def test_each_task_gets_its_own_entry(record: Record, make: Make) -> None:
    told = dict[int, int]()

    async def work(appends: TaskAppends, base: int) -> None:
        for n in range(base, base + 12):
            entry = await appends.append(make(n, e=b"x"))
            assert entry.body["n"] == n
            told[n] = entry.index
        told[-1] = (await appends.append(make(-1))).index

    async def main() -> None:
        appends = TaskAppends(record)
        async with anyio.create_task_group() as group:
            for task in range(40):
                group.start_soon(work, appends, 100 * task)

    anyio.run(main)
    assert sorted(told.values()) == list(range(481)) and verify(record).findings == ()
    for base in range(0, 4000, 100):
        own = [told[n] for n in range(base, base + 12)]
        assert own == sorted(own)


def test_an_error_reaches_only_its_own_task(
    record: Record, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Fact.envelope

    def broken(self: Fact, *words: object) -> bytes:
        if self.draft.body()["n"] % 4 == 0:
            raise ValueError("this one cannot be encoded")
        return whole(self, *words)  # type: ignore[arg-type]

    monkeypatch.setattr(Fact, "envelope", broken)
    failed = list[int]()

    async def work(appends: TaskAppends, n: int) -> None:
        try:
            await appends.append(make(n))
        except ValueError:
            failed.append(n)

    async def main() -> None:
        appends = TaskAppends(record)
        async with anyio.create_task_group() as group:
            for n in range(24):
                group.start_soon(work, appends, n)

    anyio.run(main)
    assert sorted(failed) == list(range(0, 24, 4)) and record.size == 18


def test_cancelled_tasks_hold_nobody_up(record: Record, make: Make) -> None:
    async def main() -> int:
        appends, done = TaskAppends(record), list[int]()

        async def work(n: int, patience: float) -> None:
            with anyio.move_on_after(patience):
                await appends.append(make(n))
                done.append(n)

        async with anyio.create_task_group() as group:
            for n in range(60):
                group.start_soon(work, n, 0.0005 * (n % 6) if n % 2 else 60)
        await appends.append(make(1000))
        assert set(range(0, 60, 2)) <= set(done)
        return len(done)

    done = anyio.run(main)
    # What was cancelled while its commit was on its way may be there without having been told.
    assert done < record.size <= 61 and verify(record).ok
