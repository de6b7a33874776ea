"""Looking into an archive without unpacking it: bombs, and names that lead out of a folder.

Nothing is ever unpacked here. A ZIP file is judged by its directory and a TAR file by its headers;
a compressed TAR file is hashed and not looked into.
"""

from __future__ import annotations

import stat
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from pilotbase.kernel.text import Text
from pilotbase.scenario.finding import shown

ENTRIES_MAX = 100_000
UNPACKED_BYTES_MAX = 64 * 2**30
RATIO_MAX = 200
"""How many bytes may come out of one byte; DEFLATE itself cannot give more than 1032."""
RATIO_FROM = 64 * 2**20
"""Below so many bytes unpacked, the ratio harms nobody."""

_DAMAGED = (zipfile.BadZipFile, tarfile.TarError, OSError, ValueError, NotImplementedError)


@dataclass(frozen=True)
class _Entry:
    name: str
    bytes: int
    is_link: bool = False
    is_locked: bool = False
    start: int = 0
    stop: int = 0


def archive_faults(path: Path) -> Iterator[tuple[str, Text]]:
    """What makes an archive hostile or of no use, as code and message; nothing for other files."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as opened:
                entries = [_of_zip(entry) for entry in opened.infolist()]
        elif tarfile.is_tarfile(path) and not _is_compressed(path):
            with tarfile.open(path, "r:") as opened_tar:
                entries = [_of_tar(entry) for entry in opened_tar]
        else:
            return
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        OSError,
        ValueError,
        NotImplementedError,
    ) as error:
        yield "broken", Text(f"the archive is damaged: {error}", f"压缩包已损坏: {error}")
        return
    yield from _sizes(entries, path.stat().st_size)
    yield from _names(entries)


def _of_zip(entry: zipfile.ZipInfo) -> _Entry:
    mode = entry.external_attr >> 16
    stop = entry.header_offset + entry.compress_size
    return _Entry(
        entry.filename, entry.file_size, stat.S_ISLNK(mode), bool(entry.flag_bits & 1),
        entry.header_offset, stop,
    )  # fmt: skip


def _of_tar(entry: tarfile.TarInfo) -> _Entry:
    odd = not (entry.isfile() or entry.isdir())
    return _Entry(entry.name, entry.size, odd)


def _is_compressed(path: Path) -> bool:
    with path.open("rb") as opened:
        return opened.read(3).startswith((b"\x1f\x8b", b"BZh", b"\xfd7z"))


def _sizes(entries: list[_Entry], packed: int) -> Iterator[tuple[str, Text]]:
    unpacked = sum(entry.bytes for entry in entries)
    if len(entries) > ENTRIES_MAX:
        yield (
            "bomb",
            Text(
                f"it holds {len(entries):,} entries; at most {ENTRIES_MAX:,}",
                f"含有 {len(entries):,} 个条目, 上限 {ENTRIES_MAX:,}",
            ),
        )
    swollen = unpacked > RATIO_FROM and unpacked > RATIO_MAX * packed
    spans = sorted((entry.start, entry.stop) for entry in entries if entry.stop > entry.start)
    shared = any(stop > start for (_, stop), (start, _) in pairwise(spans))
    if swollen or shared or unpacked > UNPACKED_BYTES_MAX:
        yield (
            "bomb",
            Text(
                f"{packed:,} bytes would unpack to {unpacked:,}: this is an archive bomb",
                f"{packed:,} 字节将解压为 {unpacked:,} 字节: 这是压缩炸弹",
            ),
        )


def _names(entries: list[_Entry]) -> Iterator[tuple[str, Text]]:
    seen: set[str] = set()
    for entry in entries[:ENTRIES_MAX]:
        name = shown(entry.name)
        if leads_out(entry.name):
            yield "outside", Text(f"{name} leads out of the folder", f"{name} 指向文件夹之外")
        if entry.is_link:
            yield "link", Text(f"{name} is a link or a device", f"{name} 是链接或设备")
        if entry.is_locked:
            yield "locked", Text(f"{name} is encrypted", f"{name} 已加密")
        if entry.name in seen:
            yield "twice", Text(f"{name} is in it twice", f"{name} 重复出现")
        seen.add(entry.name)


def leads_out(name: str) -> bool:
    """Whether a name of a file leads out of the folder it is meant for.

    >>> [leads_out(n) for n in ("a/b.csv", "../a", "/etc/passwd", "C:\\\\a", "a/../../b")]
    [False, True, True, True, True]
    """
    steps = name.replace("\\", "/").split("/")
    drive = len(name) > 1 and name[0].isalpha() and name[1] == ":"
    return name.startswith(("/", "\\", "~")) or drive or ".." in steps or "\0" in name
