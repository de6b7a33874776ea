"""The verifier on the page "The usage journal, byte by byte", run as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pilotbase.record.opened import Record
from pilotbase.serve.metering.segments import journals, segments
from pilotbase.serve.metering.told import SEALED
from pilotbase.serve.metering.usage import usage_of
from tests.serve.metering.kit import USED, begun, call, metering, run

ROOT = Path(__file__).parents[3]
OUTCOMES = ("served", "aborted", "cut", "failed", "refused", "")


def blocks(language: str) -> list[str]:
    page = (ROOT / "docs" / language / "usage-journal.md").read_text("utf-8")
    return re.findall(r"```python\n(.*?)```", page, re.DOTALL)


@pytest.fixture(scope="module")
def verifier() -> dict[str, Any]:
    scope: dict[str, Any] = {}
    exec("\n".join(blocks("en")), scope)
    return scope


def test_both_pages_have_the_same_program_and_nothing_of_ours() -> None:
    assert blocks("en") == blocks("zh") and len(blocks("en")) == 1
    assert "pilotbase" not in blocks("en")[0]


def test_it_reads_what_a_gateway_wrote(tmp_path: Path, verifier: dict[str, Any]) -> None:
    async def work(record: Record) -> None:
        async with metering(record, segment_bytes=900) as opened:
            for number, outcome in enumerate(OUTCOMES * 2):
                one = call(name="order 7" if number == 3 else "")
                assert await begun(opened.meter, one) is None
                if outcome:
                    opened.meter.settle(one, USED, outcome)  # type: ignore[arg-type]
        (folder,) = journals(record.home)
        files = [path.read_bytes() for path in segments(folder)]
        seals = [entry.body for entry in record.entries(kind=SEALED)]
        assert len(files) == len(seals) > 2
        calls = verifier["journal"](folder.name, files, seals)
        with usage_of(record) as usage:
            rows = usage.execute("SELECT usage_id, outcome, nano FROM usage").fetchall()
        assert {name: said[1:] for name, said in calls.items()} == {row[0]: row[1:] for row in rows}
        for at in (10, 30, len(files[1]) - 1):
            changed = bytearray(files[1])
            changed[at] ^= 1
            with pytest.raises(ValueError, match="the record at byte"):
                verifier["journal"](folder.name, [files[0], bytes(changed), *files[2:]], seals)
        for name in ("records", "root", "previous", "link", "intents", "settled", "sums"):
            other = [seals[0], {**seals[1], name: "other"}, *seals[2:]]
            with pytest.raises(ValueError, match=f"the {name} of segment 2"):
                verifier["journal"](folder.name, files, other)
        with pytest.raises(ValueError, match="segments"):
            verifier["journal"](folder.name, files[:-1], seals)

    run(tmp_path, work)
