"""What keeps a published file from being used: which one, why, and from which entry on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pilotbase.kernel.errors import RunError
from pilotbase.kernel.event import Draft
from pilotbase.kernel.verb import Silent
from pilotbase.record.audit import verify
from pilotbase.record.fetch import Fetched, fetch
from pilotbase.record.opened import Record
from pilotbase.record.publish import publish
from pilotbase.record.rules import tiles
from pilotbase.record.static import StaticLog, source_of
from tests.record.hands import change_entry

Make = Callable[..., Draft]


def read(log: Path | str, record: Record) -> Fetched:
    return fetch(StaticLog(source_of(str(log))), record.verifier, Silent())


@pytest.fixture
def log(record: Record, make: Make, tmp_path: Path) -> Path:
    record.append_many([make(n) for n in range(300)])
    publish(record, tmp_path / "log")
    return tmp_path / "log"


def fault(log: Path | str, record: Record, index: int) -> tuple[str, str]:
    found = read(log, record)
    assert not found.ok and found.findings.first_bad_index == index
    said = found.findings.listed[0].message
    return said.en, said.zh


def test_missing(record: Record, log: Path) -> None:
    for name, index in (("tile/entries/000", 0), ("tile/entries/001.p/44", 256)):
        good = (log / name).read_bytes()
        (log / name).unlink()
        en, zh = fault(log, record, index)
        assert en.startswith(f"the file {name} is missing")
        assert zh.startswith(f"缺少文件 {name}")
        assert ("so is the full one" in en) is (index == 256)
        assert en in str(verify(record, published=log).findings)
        (log / name).write_bytes(good)


def test_an_entry_bundle_that_is_cut(record: Record, log: Path) -> None:
    file = log / "tile/entries/001.p/44"
    entries, _ = tiles.read_bundle(data := file.read_bytes())
    at = len(tiles.encode_bundle(entries[:9]))
    file.write_bytes(data[: at + 20])
    en, zh = fault(log, record, 265)
    assert f"entry 265, from byte {at} on" in en and f"ends at byte {at + 20}" in en
    assert f"第 265 条记录始于第 {at} 字节" in zh and f"止于第 {at + 20} 字节" in zh
    (found,) = verify(record, published=log).findings
    assert found.index == 265 and found.message.en == en


def test_a_changed_length_is_named_where_it_is(record: Record, log: Path) -> None:
    # What follows reads shifted, as another entry of some length, so the break comes later.
    file = log / "tile/entries/000"
    entries, _ = tiles.read_bundle(data := file.read_bytes())
    at = len(tiles.encode_bundle(entries[:7]))
    shorter = len(entries[7]) - 3
    file.write_bytes(data[:at] + shorter.to_bytes(2, "big") + data[at + 2 :])
    fault(log, record, 7)
    assert verify(record, published=log).first_bad_index == 7


@pytest.mark.parametrize("more", [b"x", bytes(8) + b"x", bytes(8)])
def test_bytes_behind_the_last_entry_make_no_entry_bad(
    record: Record, log: Path, more: bytes
) -> None:
    file = log / "tile/entries/001.p/44"
    file.write_bytes(file.read_bytes() + more)
    report = verify(record, published=log)
    (found,) = report.findings
    assert report.first_bad_index is None and report.record_ok and not report.ok
    assert "published files" in found.where.en and file.name in found.message.en
    fetched = read(log, record).findings
    assert fetched.faults and fetched.listed[0].index is None
    assert ("behind its last entry, 299" in found.message.en) is (more != bytes(8))


def test_a_bad_published_file_is_no_fault_of_the_record(record: Record, log: Path) -> None:
    (log / "tile/0/000").write_bytes(bytes(8192))
    report = verify(record, published=log)
    assert not report.ok and report.record_ok
    assert report.findings[0].where.en == "the published files, entry 0"
    change_entry(record.home, 7)
    assert not verify(record, published=log).record_ok


def test_a_tile_of_another_length(record: Record, log: Path) -> None:
    for name, size, index in (("tile/0/000", 1000, 31), ("tile/1/000.p/1", 33, 0)):
        good = (log / name).read_bytes()
        (log / name).write_bytes((good + bytes(size))[:size])
        en, zh = fault(log, record, index)
        assert f"{name} is malformed: it is {size} bytes long, not {len(good)}" in en
        assert f"{name} 格式有误: 长 {size} 字节, 应为 {len(good)} 字节" in zh
        (log / name).write_bytes(good)
    (log / "tile/0/000").write_bytes(bytes(2**16))
    assert "longer than 8192 bytes" in fault(log, record, 255)[0]


def refused(log: Path, record: Record) -> None:
    with pytest.raises(RunError) as caught:
        read(log, record)
    assert caught.value.code == "fetch.unreadable"


def test_a_checkpoint(record: Record, log: Path) -> None:
    (log / "checkpoint").write_bytes(bytes(2**20 + 1))
    refused(log, record)
    (log / "checkpoint").unlink()
    assert "it is missing" in str(verify(record, published=log).findings)
    (log / "checkpoint").mkdir()
    refused(log, record)
    assert "cannot be read" in str(verify(record, published=log).findings)
