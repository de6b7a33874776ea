"""How much processor time metering takes, and what it writes.

Run by hand::

    python bench/metering.py [--calls 40000] [--rounds 5] [--folder FOLDER] [--together 32]

The folder decides the disk that is measured. ``begin+settle`` is the loop thread's processor time
for both together, measured over groups of calls; ``all`` is that of the whole process: the thread
that writes and syncs, sealing, and the small loop that drives it included. A run is void unless
every call is in the journal, served, once. Medians with the lowest and highest of the rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import Record, open_record
from pilotbase.serve.call import Ask, Call, Grant, Refused, Route, Tariff, Usage
from pilotbase.serve.metering.meter import JournalMeter
from pilotbase.serve.metering.opened import Metering
from pilotbase.serve.metering.usage import usage_of
from pilotbase.serve.metering.verifying import verify
from pilotbase.serve.rules.budget import Limit

TARIFF = Tariff("CNY", 20_000_000, 0, 500, 2_000)
MOST, USED = Usage(500, 4_096), Usage(120, 340, 0, 900, 2_400, 1, True)
LIMITS = (
    Limit("key:a1", "requests", "P1D", 10**12),
    Limit("key:a1", "tokens", "P1D", 10**15),
    Limit("party:bureau", "money:CNY", "P1M", 10**18),
)


def route() -> Route:
    return Route(
        "line-1", "line", frozenset(["chat"]), Text("line", "线"), "asset", "v1", "tried",
        "verdict", "go", "low", "bureau", "zhao", 4e9, "2096-10-02", TARIFF, (),
    )  # fmt: skip


class Driver:
    """Begins calls in groups, and settles each group once all its intents are on disk."""

    def __init__(self, meter: JournalMeter, together: int, calls: int) -> None:
        self.meter, self.together, self.left = meter, together, calls
        self.route = route()
        self.grant = Grant("a1", "agent", ("d1",), "bureau", "zhao", 4e9)
        self.cpu = 0.0
        self.waits = list[float]()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        while self.left > 0:
            self.left -= self.together
            done = loop.create_future()
            ready = list[Call]()
            now = time.time()
            calls = [
                Call(Ask("line", "chat", b"{}"), self.route, self.grant, now, MOST)
                for _ in range(self.together)
            ]

            def then(
                refused: Refused | None,
                calls: list[Call] = calls,
                ready: list[Call] = ready,
                done: asyncio.Future[None] = done,
            ) -> None:
                if refused is not None:
                    raise refused
                ready.append(calls[len(ready)])
                if len(ready) == len(calls):
                    done.set_result(None)

            at, began = time.thread_time(), time.perf_counter()
            for one in calls:
                self.meter.begin(one, then)
            self.cpu += time.thread_time() - at
            await done
            self.waits.append(time.perf_counter() - began)
            at = time.thread_time()
            for one in ready:
                self.meter.settle(one, USED, "served")
            self.cpu += time.thread_time() - at


async def one_round(record: Record, calls: int, together: int, limited: bool) -> dict[str, float]:
    opened = Metering(record, asyncio.get_running_loop())
    if limited:
        opened.meter.limit(LIMITS)
    driver = Driver(opened.meter, together, calls)
    cpu, began = time.process_time(), time.perf_counter()
    await driver.run()
    took, used = time.perf_counter() - began, time.process_time() - cpu
    opened.close()
    size = sum(path.stat().st_size for path in (record.home / "usage").glob("*/*.seg"))
    with usage_of(record) as usage:
        found = usage.execute("SELECT outcome, count(*) FROM usage GROUP BY 1").fetchall()
    assert found == [("served", calls)], f"void: {found}"
    assert verify(record).ok, "void: the journal does not hold"
    waits = sorted(driver.waits)
    return {
        "begin+settle us": driver.cpu / calls * 1e6,
        "all us": used / calls * 1e6,
        "calls/s": calls / took,
        "events/s": 2 * calls / took,
        "bytes/call": size / calls,
        "wait p50 ms": waits[len(waits) // 2] * 1e3,
        "wait p99 ms": waits[int(len(waits) * 0.99)] * 1e3,
    }


def measure(
    folder: Path | None, calls: int, together: int, limited: bool, rounds: int
) -> list[dict[str, float]]:
    import uvloop

    found = list[dict[str, float]]()
    for _ in range(rounds):
        with (
            tempfile.TemporaryDirectory(dir=folder) as home,
            open_record(Context(Path(home))) as record,
        ):
            found.append(uvloop.run(one_round(record, calls, together, limited)))
    return found


def show(name: str, found: Sequence[dict[str, float]]) -> None:
    print(name)
    for key in found[0]:
        values = sorted(one[key] for one in found)
        print(f"  {key:16} {statistics.median(values):10.1f}  ({values[0]:.1f} – {values[-1]:.1f})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--calls", type=int, default=40_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--together", type=int, default=32)
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    calls = asked.calls - asked.calls % asked.together
    for limited in (False, True):
        found = measure(asked.folder, calls, asked.together, limited, asked.rounds)
        show(f"{asked.together} calls together, {3 if limited else 0} limits", found)


if __name__ == "__main__":
    main()
