"""Calls that the record names stand in their journal, whatever is cut from it while it is open."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.event import Draft
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import Record, open_record
from pilotbase.serve.metering.deciding import conduct
from pilotbase.serve.metering.segments import Reading, journals, segments
from pilotbase.serve.metering.usage import usage_of
from pilotbase.serve.metering.verifying import verify
from pilotbase.serve.people import answering, keeping
from pilotbase.serve.people.events import Parked
from tests.serve.metering.kit import BY, USED, begun, call, metering, run
from tests.serve.metering.test_damage import WHY, killed


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Left by a gateway that was killed while its last call waited for a person."""
    home = killed(tmp_path_factory.mktemp("named") / "home")
    with open_record(Context(home)) as record:
        (folder,) = journals(home)
        parked = Parked(
            f"{folder.name}-9", "line-1", "line", "chat", "application/json", "before", ("always",),
            "2096-01-01T00:00:00Z", "refuse", "a1", "agent", "bureau", "zhao", (), "", "waits",
            {}, {"gateway": folder.name},
        )  # fmt: skip
        record.append(Draft(parked, BY, f"call:{parked.usage}"))
        assert verify(record).ok
    return home


def cut(path: Path) -> None:
    """A whole beginning is left, as of a journal to which nothing was added any more."""
    data, last = path.read_bytes(), list(Reading(path).frames())[-1].offset
    path.write_bytes(data[:last] + bytes(len(data) - last))


def no_calls(path: Path) -> None:
    data, calls = path.read_bytes(), list(Reading(path).frames())[2].offset
    path.write_bytes(data[:calls] + bytes(len(data) - calls))


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def refused(work: Callable[[], object]) -> str:
    with pytest.raises(RecordError) as error:
        work()
    return error.value.code


def figures(record: Record) -> int:
    with usage_of(record) as usage:
        return int(usage.execute("SELECT count(*) FROM usage").fetchone()[0])


@pytest.mark.parametrize("change", [cut, no_calls, emptied])
def test_a_call_that_the_record_names_is_missed(
    home: Path, tmp_path: Path, change: Callable[[Path], None]
) -> None:
    copy = shutil.copytree(home, tmp_path / "home")
    with open_record(Context(copy)) as record:
        (folder,) = journals(copy)
        (path,) = segments(folder)
        assert figures(record) == 9
        change(path)
        waits = f"{folder.name}-9"
        assert not verify(record).ok
        for _ in range(2):
            assert refused(lambda: figures(record)) == "serve.journal_not_right"
        said = answering.answer
        code = refused(lambda: said(record, waits, "approve", "zhao", "", None))
        assert code == "gateway.not_begun" and waits in keeping.waiting(record)
        assert refused(lambda: conduct(record, "", "", "", "")) == "serve.journal_not_right"
        assert not list(record.entries(kind="serve.segment_sealed/1")), "no stump is sealed"
        *_, given_up = conduct(record, "", "", *WHY, accept_damage=True)
        assert given_up == {folder.name: 1} and verify(record).ok


def test_it_is_missed_in_what_is_sealed_as_in_what_runs(tmp_path: Path) -> None:
    async def work(record: Record) -> None:
        async with metering(record) as opened:
            one = call()
            assert await begun(opened.meter, one) is None
            parked = Parked(
                f"{opened.gateway}-2", "line-1", "line", "chat", "application/json", "before", (),
                "2096-01-01T00:00:00Z", "refuse", "a1", "agent", "bureau", "zhao", (), "",
                opened.gateway,
            )  # fmt: skip
            record.append(Draft(parked, BY, f"call:{parked.usage}"))
            opened.meter.settle(one, USED, "served")
            (said,) = (str(found.message) for found in verify(record).findings)
            assert parked.usage in said
        (said,) = (str(found.message) for found in verify(record).findings)
        assert parked.usage in said and refused(lambda: figures(record))

    run(tmp_path, work)
