"""The meter killed (SIGKILL) at random moments under load, again and again over one home.

``PILOTBASE_TEST_KILLS`` says how many kills; a few by default. What was let in is on record exactly
once, and what the ledger holds against the accounts is, to the nano-unit, what the journals say.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

from pilotbase.kernel.verb import Context
from pilotbase.record.opened import Record, open_record
from pilotbase.serve.metering.ledger_file import open_store
from pilotbase.serve.metering.reconcile import reconcile, recover, unsettled
from pilotbase.serve.metering.usage import usage_of
from pilotbase.serve.metering.verifying import verify
from tests.serve.metering.kit import PAID, RESERVED, limit

KILLS = int(os.environ.get("PILOTBASE_TEST_KILLS", "5"))
LOAD = """
import asyncio, os, sys
from pathlib import Path
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import open_record
from tests.serve.metering.kit import USED, begun, call, metering

async def caller(opened, n):
    for m in range(10**6):
        one = call(name=f"{os.getpid()} {n} {m}" if n == 0 else "")
        refused = await begun(opened.meter, one)
        if refused is None:
            os.write(1, one.usage_id.encode() + b"\\n")
            await asyncio.sleep(0)
            opened.meter.settle(one, USED, "served")

async def main():
    with open_record(Context(Path(sys.argv[1]))) as record:
        async with metering(record, segment_bytes=20_000) as opened:
            await asyncio.gather(*(caller(opened, n) for n in range(16)))

asyncio.run(main())
"""


def killed(home: Path, chance: random.Random) -> list[str]:
    """The calls that a gateway had let in before it was killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", LOAD, str(home)],
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": ":".join([os.getcwd(), *filter(None, sys.path)]), "PATH": ""},
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    time.sleep(chance.uniform(0, 0.4))
    process.kill()
    rest, _ = process.communicate(timeout=60)
    lines = (first + rest).splitlines(keepends=True)
    return [line.strip() for line in lines if line.endswith("\n")]


def check(record: Record, said: list[str]) -> None:
    store = open_store(record.home)
    recover(record, store)
    with usage_of(record) as usage:
        words = "SELECT usage_id, gateway, sequence, outcome, nano FROM usage"
        found = usage.execute(words).fetchall()
    known = {row[0]: row for row in found}
    assert len(known) == len(found) == len({row[1:3] for row in found})
    assert [one for one in said if one not in known] == [], "let in, and nobody knows of it"
    assert {row[3:] for row in found} <= {("served", PAID), ("unsettled", RESERVED)}
    used = {window.unit: amount for window, amount in store.used().items()}
    assert used == {"requests": len(found), "money:CNY": sum(row[4] for row in found)}
    report = verify(record)
    assert report.ok, report.findings
    assert report.intents == len(found)
    store.close()


def test_nothing_let_in_is_missing_or_counted_twice(tmp_path: Path) -> None:
    home, chance, said = tmp_path / "home", random.Random(6), list[str]()
    with open_record(Context(home)) as record:
        limit(record, "key:a1", money="1000000.00 CNY", requests=10**9)
    for _ in range(KILLS):
        said += killed(home, chance)
        assert len(said) == len(set(said))
        with open_record(Context(home)) as record:
            check(record, said)
    with open_record(Context(home)) as record:
        left = unsettled(record)
        assert left, "a call was under way when it was killed"
        store = open_store(home)
        reconcile(record, store, dict.fromkeys(left, 0), "zhao", "the upstream had not answered")
        assert unsettled(record) == []
        used = {window.unit: amount for window, amount in store.used().items()}
        with usage_of(record) as usage:
            total = usage.execute("SELECT sum(nano) FROM usage").fetchone()[0]
        assert used["money:CNY"] == total
        store.close()
