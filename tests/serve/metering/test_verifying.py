"""A journal that is not what it was is found out, and the first bad record named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pilotbase.record.opened import Record
from pilotbase.serve.metering.segments import is_blank, journals, segments
from pilotbase.serve.metering.usage import FILE, usage_of
from pilotbase.serve.metering.verifying import Finding, verify
from pilotbase.serve.rules.frames import FIRST_LINK, HEAD_SIZE, framed, frames
from tests.serve.metering.kit import PAID, USED, begun, call, metering, run


async def filled(record: Record, calls: int = 9) -> list[Path]:
    """A journal of several segments, sealed."""
    async with metering(record, segment_bytes=700) as opened:
        for _ in range(calls):
            one = call()
            await begun(opened.meter, one)
            opened.meter.settle(one, USED, "served")
    (folder,) = journals(record.home)
    paths = segments(folder)
    assert len(paths) > 2 and verify(record).ok
    return paths


def found(record: Record) -> list[Finding]:
    return verify(record).findings


def test_a_changed_byte_is_named(tmp_path: Path) -> None:
    async def work(record: Record) -> None:
        paths = await filled(record)
        data = bytearray(paths[1].read_bytes())
        three = list(frames(bytes(data), frames_before(paths[1])))[2]
        data[three.offset + HEAD_SIZE + 12] ^= 1
        paths[1].write_bytes(data)
        first = found(record)[0]
        assert (first.number, first.at, first.offset) == (2, 2, three.offset)

    run(tmp_path, work)


def frames_before(path: Path) -> bytes:
    """The link before a segment, as its own first record says."""
    data = path.read_bytes()
    length = int.from_bytes(data[:4], "little")
    return bytes.fromhex(json.loads(data[HEAD_SIZE : HEAD_SIZE + length])[-1])


def test_a_charge_rewritten_with_all_its_links(tmp_path: Path) -> None:
    """Whoever makes the links anew is found by the tariff, the root and the sums."""

    async def work(record: Record) -> None:
        first = (await filled(record))[0]
        payloads = [one.payload for one in frames(first.read_bytes(), FIRST_LINK)]
        changed = [p.replace(b"%d" % PAID, b"%d" % (PAID + 7)) for p in payloads]
        assert changed != payloads
        first.write_bytes(b"".join(framed(changed, FIRST_LINK)[0]))
        said = found(record)[0]
        assert said.number == 1 and "does not come to" in said.message.en
        assert changed[said.at] != payloads[said.at]

    run(tmp_path, work)


def test_what_is_no_record_is_said_in_both_languages(tmp_path: Path) -> None:
    """Links made anew over a settlement of another form, and over a call under unknown terms."""

    async def work(record: Record) -> None:
        first = (await filled(record))[0]
        data = first.read_bytes()
        payloads = [one.payload for one in frames(data, FIRST_LINK)]
        for word, at, en, zh in (
            ("settle", 2, "it has not the form of a record", "该记录有误: 不符合记录的格式"),
            ("intent", 3, "names terms that do not stand before it", "所用的条款此前没有出现: 77"),
        ):
            changed = [json.loads(payload) for payload in payloads]
            one = next(one for one in changed if one[0] == word)
            one[at:] = [77, *one[at + 1 :]] if word == "intent" else []
            anew = [json.dumps(one, separators=(",", ":")).encode() for one in changed]
            first.write_bytes(b"".join(framed(anew, FIRST_LINK)[0]))
            said = found(record)[0]
            assert said.number == 1 and en in said.message.en and zh in said.message.zh
            first.write_bytes(data)

    run(tmp_path, work)


def test_damage_does_not_keep_a_gateway_from_starting(tmp_path: Path) -> None:
    """A journal that was never completed and whose first record is gone is left, and named."""

    async def work(record: Record) -> None:
        first = (await filled(record))[0]
        (first.parent / "ended").unlink()
        for path in segments(first.parent)[1:]:
            path.unlink()
        data = first.read_bytes()
        first.write_bytes(b"\xff" * 8 + data[8:])
        assert not is_blank(first)
        first.write_bytes(data[:5])
        assert is_blank(first)
        first.write_bytes(b"\xff" * 8 + data[8:])

    run(tmp_path, work)

    async def again(record: Record) -> None:
        for one in journals(record.home):
            (one / "ended").unlink(missing_ok=True)
        async with metering(record) as opened:
            assert await begun(opened.meter, call()) is None
        assert found(record)[0].offset == 0

    run(tmp_path, again)


@pytest.mark.parametrize("which", [0, 1, -1])
def test_a_segment_that_is_gone_or_cut(tmp_path: Path, which: int) -> None:
    async def work(record: Record) -> None:
        path = (await filled(record))[which]
        data = path.read_bytes()
        path.write_bytes(data[:-9])
        assert any("changed or cut" in one.message.en for one in found(record))
        path.unlink()
        assert found(record)
        path.write_bytes(data)
        assert not found(record)

    run(tmp_path, work)


def test_the_database_of_usage_can_be_thrown_away(tmp_path: Path) -> None:
    async def work(record: Record) -> None:
        await filled(record)

        def every() -> list[tuple[object, ...]]:
            with usage_of(record) as usage:
                rows: list[tuple[object, ...]] = usage.execute("SELECT * FROM usage").fetchall()
                return rows

        before = every()
        assert every() == before and len(before) == 9
        for file in (record.home / "usage").glob(FILE + "*"):
            file.unlink()
        assert every() == before

    run(tmp_path, work)
