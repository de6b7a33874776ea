"""Usage is held against what the record sealed: files, caches and entries that somebody edits."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pilotbase.kernel.errors import RecordError
from pilotbase.record.opened import Record
from pilotbase.serve.call import Tariff
from pilotbase.serve.metering.findings import CACHE
from pilotbase.serve.metering.segments import journals, segments
from pilotbase.serve.metering.told import SEALED
from pilotbase.serve.metering.usage import FILE, usage_of
from pilotbase.serve.metering.verifying import verify
from pilotbase.serve.rules.frames import framed, frames, header_of
from tests.record.hands import change_entry
from tests.serve.metering.kit import (
    PAID,
    TARIFF,
    USED,
    begun,
    call,
    grant,
    known,
    limit,
    metering,
    route,
    run,
)

CALLS = 9


async def served(record: Record) -> list[Path]:
    """A journal of several sealed segments, of calls that stand behind the record."""
    known(record)
    async with metering(record, segment_bytes=900) as opened:
        for _ in range(CALLS):
            one = call()
            assert await begun(opened.meter, one) is None
            opened.meter.settle(one, USED, "served")
    (folder,) = journals(record.home)
    return segments(folder)


def figures(record: Record) -> tuple[int, int]:
    with usage_of(record) as usage:
        count, nano = usage.execute("SELECT count(*), sum(nano) FROM usage").fetchone()
    return count, nano


def rewritten(path: Path) -> None:
    """Another charge, with all links made anew."""
    data = path.read_bytes()
    before = header_of(data).before
    payloads = [one.payload for one in frames(data, before)]
    changed = [one.replace(b"%d" % PAID, b"%d" % (PAID - 1)) for one in payloads]
    assert changed != payloads
    path.write_bytes(b"".join(framed(changed, before)[0]))


def shortened(path: Path) -> None:
    data = path.read_bytes()
    last = list(frames(data, header_of(data).before))[-1]
    path.write_bytes(data[: last.offset])


def gone(path: Path) -> None:
    path.unlink()


def all_gone(path: Path) -> None:
    shutil.rmtree(path.parent)


@pytest.mark.parametrize("cached", [True, False])
@pytest.mark.parametrize("change", [rewritten, shortened, gone, all_gone])
def test_no_figures_are_given_from_what_is_not_as_it_was_sealed(
    tmp_path: Path, change: Callable[[Path], None], cached: bool
) -> None:
    async def work(record: Record) -> None:
        paths = await served(record)
        if cached:
            assert figures(record) == (CALLS, CALLS * PAID)
        change(paths[-1])
        for _ in range(2):
            with pytest.raises(RecordError) as refused:
                figures(record)
            where = str(refused.value.where)
            assert refused.value.code == "serve.journal_not_right"
            assert str(paths[0].parent) in where and "gateway verify" in refused.value.next_step.en
        assert verify(record).findings

    run(tmp_path, work)


@pytest.mark.parametrize(
    "words",
    [
        "UPDATE usage SET nano = nano - 1 WHERE sequence = 3",
        "DELETE FROM usage WHERE sequence > 4",
        "UPDATE segment SET link = ''",
        "UPDATE usage SET gateway = 'ffffffffffff'",
        "INSERT INTO usage SELECT usage_id || 'x', gateway, 99, begun, settled, at, terms,"
        " reserved, reserved_tokens, outcome, nano, 0, 0, 0, 0, 0, 0, 1, '' FROM usage LIMIT 1",
    ],
)
def test_a_cache_that_does_not_come_to_what_was_sealed_is_made_anew(
    tmp_path: Path, words: str
) -> None:
    async def work(record: Record) -> None:
        await served(record)
        before = figures(record)
        kept = sqlite3.connect(record.home / "usage" / FILE)
        with kept:
            kept.execute(words)
        kept.close()
        assert figures(record) == before == (CALLS, CALLS * PAID)

    run(tmp_path, work)


def test_what_was_sealed_is_read_from_the_log_and_proven(tmp_path: Path) -> None:
    async def work(record: Record) -> None:
        path = (await served(record))[0]
        found = verify(record, claims=True)
        assert found.ok and found.unsigned == [] and found.signed == record.size
        assert found.proven == found.sealed + 2
        for view in (record.home / "views").glob("usage-*"):
            view.write_text("{}")
        assert verify(record).ok, "views are caches"
        rewritten(path)
        (said, *_) = verify(record).findings
        assert "does not come to" in said.message.en

    async def edited(record: Record) -> None:
        """Whoever edits the seal too is found by the tree, and by what was signed."""
        sealed = next(iter(record.entries(kind=SEALED)))
        root = sealed.body["root"].encode()
        change_entry(record.home, sealed.index, lambda data: data.replace(root, b"00" * 32))
        said = [one.message.en for one in verify(record).findings]
        assert f"the record's entry {sealed.index} about it is not in the tree" in " ".join(said)

    run(tmp_path, work)
    run(tmp_path, edited)


def test_terms_that_the_record_does_not_have_are_named(tmp_path: Path) -> None:
    dear = replace(route(), tariff=Tariff("CNY", call=TARIFF.call + 1))
    cases = {
        "never arranged for line-1": call(of=dear),
        "no filing line-9": call(of=route(filing="line-9")),
        "no key b2": call(key="b2"),
    }

    async def work(record: Record) -> None:
        known(record)
        async with metering(record) as opened:
            for one in (call(), *cases.values()):
                assert await begun(opened.meter, one) is None
            stranger = call()
            stranger.grant = replace(grant(), principal="robot")
            assert await begun(opened.meter, stranger) is None
        said = [one.message.en for one in verify(record, claims=True).findings]
        for words in (*cases, "does not have robot as the principal of a1"):
            assert any(words in one for one in said), words
        assert verify(record).ok, "in itself it is right"

    run(tmp_path, work)


@pytest.mark.parametrize("lowered", [True, False])
def test_verify_holds_the_ledger_against_the_journals_and_no_cache(
    tmp_path: Path, lowered: bool
) -> None:
    """Whoever moves calls out of a window in the cache is found, and hides no counter."""

    async def work(record: Record) -> None:
        limit(record, "key:a1", "P1D", money="9.00 CNY")
        await served(record)
        assert figures(record) == (CALLS, CALLS * PAID)
        edits = [("usage.db", "UPDATE usage SET at = at - 86400000")]
        if lowered:
            edits.append(("ledger.db", "UPDATE gateway_counter SET used = 0"))
        for name, words in edits:
            kept = sqlite3.connect(record.home / "usage" / name)
            with kept:
                assert kept.execute(words).rowcount
            kept.close()
        found = verify(record, claims=True).findings
        of_cache = [one.number for one in found if one.message == CACHE.format(file="usage.db")]
        assert of_cache == [*range(1, len(of_cache) + 1)] != []
        said = [one.message.en for one in found if one.number is None]
        assert len(said) == lowered and all("counts 0.00 CNY" in one for one in said)

    run(tmp_path, work)


@pytest.mark.parametrize(
    "words",
    [
        "UPDATE usage SET reserved = reserved + 5, nano = nano + 5 WHERE settled = 0",
        "UPDATE usage SET input_tokens = 0, cases = 7, upstream = 'other' WHERE settled > 0",
        "UPDATE usage SET at = at - 86400000",
        "UPDATE usage SET usage_id = usage_id || 'x'",
        "UPDATE terms SET holder = 'somebody'",
    ],
)
def test_of_what_is_not_sealed_every_row_is_as_in_its_file(tmp_path: Path, words: str) -> None:
    columns = "usage_id, at, reserved, nano, input_tokens, cases, upstream, outcome, holder"

    def rows(record: Record) -> list[tuple[object, ...]]:
        with usage_of(record) as usage:
            return usage.execute(
                f"SELECT {columns} FROM usage JOIN terms ON number = usage.terms"
                " ORDER BY sequence"
            ).fetchall()  # fmt: skip

    async def work(record: Record) -> None:
        async with metering(record) as opened:
            for number in range(4):
                one = call()
                assert await begun(opened.meter, one) is None
                if number:
                    opened.meter.settle(one, USED, "served")
            assert await begun(opened.meter, call()) is None
            before = rows(record)
            assert len(before) == 5
            kept = sqlite3.connect(record.home / "usage" / FILE)
            with kept:
                assert kept.execute(words).rowcount
            kept.close()
            assert rows(record) == before

    run(tmp_path, work)
