"""Several gateway processes over one ledger: what they let in together is never too much."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from pilotbase.kernel.verb import Context
from pilotbase.record.opened import Record, open_record
from pilotbase.serve.metering.ledger_file import open_store
from pilotbase.serve.metering.verifying import verify
from tests.serve.metering.kit import USED, begun, call, limit, metering, run

RACE = """
import asyncio, sys
from pathlib import Path
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import open_record
from tests.serve.metering.kit import USED, begun, call, metering

async def main():
    with open_record(Context(Path(sys.argv[1]))) as record:
        async with metering(record) as opened:
            print("ready", flush=True)
            sys.stdin.readline()
            calls = [call() for _ in range(16)]
            said = await asyncio.gather(*(begun(opened.meter, one) for one in calls))
            for one, refused in zip(calls, said):
                print(refused.code if refused else "let in", flush=True)
            sys.stdin.readline()
            for one, refused in zip(calls, said):
                if refused is None:
                    opened.meter.settle(one, USED, "served")

asyncio.run(main())
"""


def test_64_calls_race_in_four_processes_for_a_budget_of_one(
    tmp_path: Path, new_home: Callable[[Path], Path]
) -> None:
    home = new_home(tmp_path / "home")
    with open_record(Context(home)) as record:
        limit(record, "party:bureau", requests=1)
    words = [sys.executable, "-c", RACE, str(home)]
    path = ":".join([os.getcwd(), *filter(None, sys.path)])
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    env = {"PYTHONPATH": path, "PATH": os.environ["PATH"]}
    every = [subprocess.Popen(words, env=env, **pipes) for _ in range(4)]  # type: ignore[call-overload]
    try:
        assert [one.stdout.readline() for one in every] == ["ready\n"] * 4
        for one in every:
            one.stdin.write("go\n")
            one.stdin.flush()
        said = Counter(one.stdout.readline().strip() for one in every for _ in range(16))
    finally:
        for one in every:
            one.communicate("end\n", timeout=60)
    assert said["let in"] == 1 and said.total() == 64
    assert set(said) <= {"let in", "serve.limit_reached", "serve.budget_spent"}
    with open_record(Context(home)) as record:
        report = verify(record)
        assert report.ok and (report.journals, report.intents, report.settled) == (4, 1, 1)


def test_gateways_of_two_homes_share_a_database(tmp_path: Path, dsn: str) -> None:
    """Two machines with one PostgreSQL: one budget, journals on each."""
    from pilotbase.record import stores

    homes = [tmp_path / "one", tmp_path / "two"]
    for home in homes:
        home.mkdir()
        stores.choose(home, stores.Postgres(dsn, "two_homes"))

    async def work(record: Record) -> None:
        limit(record, "key:a1", "P1D", requests=30)
        with open_record(Context(homes[1])) as other:
            async with metering(record) as here, metering(other) as there:
                served = 0
                for n in range(60):
                    one, opened = call(), (here, there)[n % 2]
                    if await begun(opened.meter, one) is None:
                        opened.meter.settle(one, USED, "served")
                        served += 1
                    if n == 40:
                        await asyncio.sleep(1.2)
                assert served == 30
            store = open_store(homes[1])
            assert list(store.used().values()) == [30]
            store.close()
            for one_record in (record, other):
                report = verify(one_record)
                assert report.ok and report.journals == len(report.elsewhere) == 1

    run(homes[0], work)


def test_a_database_that_was_restarted(tmp_path: Path, dsn: str) -> None:
    import psycopg

    from pilotbase.record import stores

    home = tmp_path / "home"
    home.mkdir()
    stores.choose(home, stores.Postgres(dsn, "restarted"))

    async def work(record: Record) -> None:
        limit(record, "key:a1", "P1D", requests=7)
        async with metering(record) as opened:
            assert await begun(opened.meter, call()) is None
            with psycopg.connect(dsn, autocommit=True) as other:
                words = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE"
                other.execute(words + " query = 'COMMIT' AND pid <> pg_backend_pid()")
            said = [await begun(opened.meter, call()) for _ in range(3)]
            assert [one.code for one in said if one] in (["serve.unmetered"], [])
            assert said[1] is said[2] is None

    run(home, work)


@pytest.mark.parametrize("end", ["closed", "killed"])
def test_what_a_process_had_leased_is_there_again(tmp_path: Path, end: str) -> None:
    home = tmp_path / "home"
    lease = """
import asyncio, os, signal, sys
from pathlib import Path
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import open_record
from tests.serve.metering.kit import USED, begun, call, metering

async def main():
    with open_record(Context(Path(sys.argv[1]))) as record:
        async with metering(record) as opened:
            calls = [call() for _ in range(3)]
            for one in calls:
                assert await begun(opened.meter, one) is None
            opened.meter.settle(calls[0], USED, "served")
            if sys.argv[2] == "killed":
                os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""
    with open_record(Context(home)) as record:
        limit(record, "key:a1", "total", requests=80, tokens=80_000)
    path = ":".join([os.getcwd(), *filter(None, sys.path)])
    subprocess.run(
        [sys.executable, "-c", lease, str(home), end],
        env={"PYTHONPATH": path},
        check=end == "closed",
    )

    async def work(record: Record) -> None:
        async with metering(record):
            store = open_store(home)
            used = {window.unit: amount for window, amount in store.used().items()}
            store.close()
        # The settling may have been lost with the process; then the call stays at its reservation.
        tokens = {"closed": (3_300,), "killed": (3_300, 4_500)}[end]
        assert used["requests"] == 3 and used["tokens"] in tokens

    run(home, work)
