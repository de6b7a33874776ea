"""The cache of usage is held against the journals: an edited one is found, a late one is not."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pilotbase.record.opened import Record
from pilotbase.serve.metering.findings import CACHE
from pilotbase.serve.metering.segments import FOLDER
from pilotbase.serve.metering.usage import FILE, usage_of
from pilotbase.serve.metering.verifying import verify
from tests.serve.metering.kit import USED, begun, call, metering, run
from tests.serve.metering.test_verifying import filled

NAMED = CACHE.format(file=FILE)


def differing(record: Record) -> list[int | None]:
    """The segments of which the cache is said to differ (keys and filings this record has none)."""
    found = verify(record, claims=True).findings
    return [one.number for one in found if one.message == NAMED]


def edit(record: Record, words: str) -> None:
    with closing(sqlite3.connect(record.home / FOLDER / FILE)) as connection:
        assert connection.execute(words).rowcount > 0
        connection.commit()


@pytest.mark.parametrize(
    "words",
    [
        "UPDATE usage SET input_tokens = input_tokens + 1 WHERE sequence = 4",
        "UPDATE usage SET outcome = 'aborted' WHERE sequence = 1",
        "UPDATE usage SET usage_id = 'of-another' WHERE sequence = 2",
        "UPDATE terms SET holder = 'somebody else'",
        "DELETE FROM usage WHERE sequence = 9",
    ],
)
def test_an_edited_row_is_found_and_mends_with_the_file(tmp_path: Path, words: str) -> None:
    async def work(record: Record) -> None:
        await filled(record)
        with usage_of(record) as usage:
            assert usage.execute("SELECT count(*) FROM usage").fetchone() == (9,)
        assert not differing(record)
        edit(record, words)
        assert differing(record)
        for file in (record.home / FOLDER).glob(FILE + "*"):
            file.unlink()
        assert not differing(record)

    run(tmp_path, work)


def test_a_cache_that_is_behind_or_none_is_no_fault(tmp_path: Path) -> None:
    async def work(record: Record) -> None:
        async with metering(record) as opened:
            for n in range(6):
                one = call()
                await begun(opened.meter, one)
                if n % 2:
                    opened.meter.settle(one, USED, "served")
                if n == 3:
                    with usage_of(record) as usage:
                        assert usage.execute("SELECT count(*) FROM usage").fetchone()[0] >= 3
            assert not differing(record)
        assert not differing(record)
        (record.home / FOLDER / FILE).write_bytes(b"no database at all" * 100)
        assert not differing(record)

    run(tmp_path, work)
