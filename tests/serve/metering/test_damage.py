"""A journal whose process was killed: damage is named and kept; a torn end is completed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotbase.catalog.parties.events import PartyAdded
from pilotbase.kernel.errors import InputError, RecordError
from pilotbase.kernel.event import Draft
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import Record, open_record
from pilotbase.serve.metering.deciding import conduct
from pilotbase.serve.metering.findings import CUT_SHORT
from pilotbase.serve.metering.sealing import read_back
from pilotbase.serve.metering.segments import CUT, Reading, journals, segments
from pilotbase.serve.metering.usage import usage_of
from pilotbase.serve.metering.verifying import verify
from pilotbase.serve.rules.frames import FIRST_LINK, Broken
from tests.serve.metering.kit import BY, PAID, RESERVED, USED, begun, call, metering, run

CALLS = 8
WHY = "zhao", "there is no backup"
TOTAL = CALLS + 1, CALLS * PAID + RESERVED


def killed(home: Path, segment_bytes: int = 2**20) -> Path:
    """A home as a gateway leaves it that is killed after calls were settled, one still open."""

    async def work(record: Record) -> None:
        record.append(Draft(PartyAdded("zhao", "person", 1), BY, "party:zhao"))
        async with metering(record, segment_bytes=segment_bytes) as opened:
            for _ in range(CALLS):
                one = call()
                assert await begun(opened.meter, one) is None
                opened.meter.settle(one, USED, "served")
            assert await begun(opened.meter, call()) is None  # all before it is down
            shutil.copytree(record.home, home)

    run(home.with_name("before"), work)
    return home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return killed(tmp_path_factory.mktemp("killed") / "home")


@pytest.fixture
def copy(home: Path, tmp_path: Path) -> Path:
    return shutil.copytree(home, tmp_path / "home")


@contextmanager
def opened(home: Path) -> Iterator[Record]:
    with open_record(Context(home)) as record:
        yield record


def segment_of(home: Path) -> Path:
    (folder,) = journals(home)
    (path,) = segments(folder)
    return path


def flip(path: Path, bit: int) -> bytes:
    """Flip a bit; what the file was."""
    before = path.read_bytes()
    data = bytearray(before)
    data[bit // 8] ^= 1 << bit % 8
    path.write_bytes(data)
    return before


def total(record: Record) -> tuple[int, int]:
    with usage_of(record) as usage:
        count, nano = usage.execute("SELECT count(*), sum(nano) FROM usage").fetchone()
    return count, nano


@settings(max_examples=25, deadline=None)
@given(share=st.floats(0, 1, exclude_max=True), behind=st.booleans())
def test_a_flipped_bit_is_named_or_the_sums_are_the_same(
    home: Path, share: float, behind: bool
) -> None:
    path = segment_of(home)
    reading = Reading(path)
    assert len(list(reading.frames())) == 2 * CALLS + 3
    whole = path.stat().st_size
    low, high = (8 * reading.size, 8 * whole) if behind else (0, 8 * reading.size)
    bit = int(low + share * (high - low))
    with opened(home) as record:
        before = flip(path, bit)
        try:
            found = verify(record)
            if behind:
                assert found.ok and found.settled == CALLS and total(record) == TOTAL
                return
            first = found.findings[0]
            assert first.number == 1 and (first.offset or 0) <= bit // 8
            with pytest.raises(RecordError) as error:
                total(record)
            assert str(path) in str(error.value.where)
            assert "--accept-damage" in error.value.next_step.en
        finally:
            path.write_bytes(before)


def test_an_undamaged_one_is_completed_without_a_word(copy: Path) -> None:
    with opened(copy) as record:
        assert verify(record).ok and total(record) == TOTAL
        (name,), calls, going, given_up = conduct(record, "", "", "", "")
        assert (len(calls), going, given_up) == (1, (), {})
        assert total(record) == TOTAL and verify(record).ok
        (ended,) = record.entries(kind="serve.journal_ended/1")
        assert (ended.body["gateway"], ended.body["given_up"], ended.body["by"]) == (name, 0, "")
        assert not list(copy.glob(f"usage/*/*{CUT}"))


def test_a_journal_that_ended_in_order_is_not_completed(tmp_path: Path) -> None:
    """Calls that it leaves open are listed, and its leases end."""

    async def work(record: Record) -> None:
        async with metering(record) as one:
            assert await begun(one.meter, call()) is None
        completed, calls, *_ = conduct(record, "", "", "", "")
        assert completed == () and [said["usage_id"] for said in calls] == [f"{one.gateway}-1"]
        (ended,) = record.entries(kind="serve.journal_ended/1")
        assert ended.body["in_order"] and (record.home / "usage" / one.gateway / "ended").exists()

    run(tmp_path, work)


def test_a_torn_end_is_completed_too(copy: Path) -> None:
    path = segment_of(copy)
    reading = Reading(path)
    last = list(reading.frames())[-1]
    data = path.read_bytes()
    path.write_bytes(data[: last.offset + 30].ljust(len(data), b"\0"))
    with opened(copy) as record:
        assert verify(record).ok and total(record) == (CALLS, CALLS * PAID)
        _, calls, _, given_up = conduct(record, "", "", "", "")
        assert calls == () and given_up == {} and verify(record).ok
        (sealed,) = record.entries(kind="serve.segment_sealed/1")
        assert sealed.body["cut"] == 30
        assert path.with_suffix(CUT).stat().st_size == 30


@pytest.mark.parametrize("length", [-30, 30, 4_000, 2**20 - 1])
def test_an_open_segment_that_was_cut_is_damage(copy: Path, length: int) -> None:
    """No crash makes a file shorter: zeros were written ahead of its records, and durable."""
    path = segment_of(copy)
    end = path.read_bytes().rstrip(b"\0").__len__()
    path.write_bytes(path.read_bytes()[: end + length if length < 2**20 - 1 else length])
    with opened(copy) as record:
        assert [one.message for one in verify(record).findings] == [CUT_SHORT]
        with pytest.raises(RecordError) as caught:
            total(record)
        assert caught.value.code == "serve.journal_not_right"
        with pytest.raises(RecordError):
            conduct(record, "", "", "", "")
        assert path.stat().st_size != end


@pytest.mark.parametrize("behind", [30, 600, 5_000, 300_000])
def test_what_stands_behind_the_end_is_kept_and_said(copy: Path, behind: int) -> None:
    path = segment_of(copy)
    reading = Reading(path)
    list(reading.frames())
    data = bytearray(path.read_bytes())
    assert reading.rest == 0
    data[reading.size + behind] = 7
    path.write_bytes(data)
    said = list[Text]()
    with open_record(Context(copy, remark=said.append)) as record:
        assert total(record) == TOTAL and verify(record).ok, "as a crash may have left it"
        assert any(f"{path}: what stands behind byte {reading.size}" in one.en for one in said)
        conduct(record, "", "", "", "")
        (sealed,) = record.entries(kind="serve.segment_sealed/1")
        assert sealed.body["cut"] == behind + 1 and verify(record).ok
        assert path.with_suffix(CUT).read_bytes() == bytes(behind) + b"\7"
        with path.open("ab") as file:
            file.write(bytes(behind) + b"\7")
        assert not verify(record).ok, "nothing stands behind what is sealed"


def test_damage_is_not_cut_unless_somebody_accepts_it(copy: Path) -> None:
    path = segment_of(copy)
    frames = list(Reading(path).frames())
    flip(path, 8 * (frames[CALLS].offset + 40))
    damaged = path.read_bytes()
    with opened(copy) as record:
        with pytest.raises(RecordError, match="and not left so by a crash; 10 that can be read"):
            conduct(record, "", "", "", "")
        assert path.read_bytes() == damaged and not list(copy.glob(f"usage/*/*{CUT}"))
        assert list(record.entries(kind="serve.journal_ended/1")) == []
        for by, why in (("chen", "there is no backup"), ("zhao", " ")):
            with pytest.raises(InputError):
                conduct(record, "", "", by, why, accept_damage=True)
        assert path.read_bytes() == damaged
        (name,), calls, _, given_up = conduct(record, "", "", *WHY, accept_damage=True)
        assert given_up == {name: 11}
        (ended,) = record.entries(kind="serve.journal_ended/1")
        assert [ended.body[word] for word in ("given_up", "by", "reason")] == [11, *WHY]
        begins = [one.payload for one in frames[:CALLS] if b'"intent"' in one.payload]
        ends = [one.payload for one in frames[:CALLS] if b'"settle"' in one.payload]
        count, nano = total(record)
        assert count == len(begins) and len(calls) == len(begins) - len(ends)
        assert nano == len(ends) * PAID + len(calls) * RESERVED, "without an end: as reserved"
        assert path.with_suffix(CUT).read_bytes() == damaged[path.stat().st_size :].rstrip(b"\0")
        assert verify(record, claims=False).ok


def test_a_header_that_is_damaged_gives_the_whole_journal_up(copy: Path) -> None:
    path = segment_of(copy)
    flip(path, 8 * 30)
    damaged = path.read_bytes()
    with opened(copy) as record:
        assert verify(record).findings
        with pytest.raises(RecordError, match="first record"):
            conduct(record, "", "", "", "")
        (name,), _, _, given_up = conduct(record, "", "", *WHY, accept_damage=True)
        assert given_up == {name: 2 * CALLS + 3}
        assert path.with_suffix(CUT).read_bytes() == damaged and not path.exists()
        assert total(record)[0] == 0 and verify(record).ok


def test_a_segment_that_another_follows_on_has_no_torn_end(tmp_path: Path) -> None:
    home = killed(tmp_path / "home", 900)
    (folder,) = journals(home)
    first, second, *_ = segments(folder)
    last = list(Reading(first).frames())[-1].offset
    for bit in (8 * last + 3, 8 * last + 10, 8 * (last + 50)):
        before = flip(first, bit)
        with pytest.raises(Broken):
            read_back(first, FIRST_LINK, second)
        first.write_bytes(before)
    assert read_back(first, FIRST_LINK, second).cut == 0
    with pytest.raises(Broken):
        read_back(second, FIRST_LINK, None)
