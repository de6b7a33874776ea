"""The files that a description names; none of them is opened here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pilotbase.catalog.croissant.archives import leads_out
from pilotbase.catalog.croissant.described import DataFile
from pilotbase.catalog.croissant.json_ld import references, texts
from pilotbase.catalog.croissant.reading import Reading, Said
from pilotbase.kernel.text import Text
from pilotbase.scenario.finding import Path, shown

_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_SIZE = re.compile(r"([0-9]{1,18})\s*(?:B|bytes)?")
SHA256 = Text("64 hexadecimal digits", "64 位十六进制数字")
RELATIVE = Text(
    "a web address, or a name below the description's own folder",
    "网址, 或描述文件所在文件夹内的名称",
)


def files_of(reading: Reading, said: Said) -> list[DataFile]:
    nodes = reading.listed(said, "distribution")
    files = [_file(reading, node, path) for path, node in nodes]
    known = {file.id for file in files}
    for (path, _), file in zip(nodes, files, strict=True):
        if file.inside and file.inside not in known:
            reading.unknown("file", file.inside, (*path, "containedIn"))
    return files


def _file(reading: Reading, node: Mapping[str, Any], path: Path) -> DataFile:
    said = reading.names.keys(node)
    kinds = reading.types(node)
    if not {"FileObject", "FileSet"} & set(kinds):
        told = Text(f"{shown(', '.join(kinds))} is no file", f"{shown(', '.join(kinds))} 不是文件")
        reading.fault("type", path, told, Text("cr:FileObject or cr:FileSet",
                                             "cr:FileObject 或 cr:FileSet"))  # fmt: skip
    inside = _contained(reading, said)
    url = reading.word(said, "contentUrl")
    if "FileObject" in kinds and not url and not inside:
        reading.missing("contentUrl", path)
    if not reading.word(said, "encodingFormat"):
        reading.missing("encodingFormat", path)
    _check_place(reading, url, (*path, "contentUrl"))
    for pattern in texts(said.get("includes", ("", ""))[1]).values():
        _check_place(reading, pattern, (*path, "includes"))
    return DataFile(
        id=reading.id(node, path),
        format=reading.word(said, "encodingFormat"),
        url=url,
        sha256=_sha256(reading, said, path),
        size=_size(reading, said),
        inside=inside,
    )


def _contained(reading: Reading, said: Said) -> str:
    value = said.get("containedIn", ("", None))[1]
    if isinstance(value, Mapping) and "@id" not in value:
        own = reading.names.keys(value)
        value = own.get("fileObject", own.get("fileSet", ("", None)))[1]
    return next(iter(references(value)), "")


def _sha256(reading: Reading, said: Said, path: Path) -> str:
    if "sha256" not in said:
        return ""
    value = reading.word(said, "sha256")
    if not _SHA256.fullmatch(value):
        told = Text(f"{shown(value)} is no SHA-256", f"{shown(value)} 不是 SHA-256")
        reading.fault("sha256", (*path, "sha256"), told, SHA256)
    return value.lower()


def _size(reading: Reading, said: Said) -> int | None:
    found = _SIZE.fullmatch(reading.word(said, "contentSize").strip())
    return int(found[1]) if found else None


def _check_place(reading: Reading, name: str, path: Path) -> None:
    """A name that leads out of the description's own folder is a trick."""
    elsewhere = "://" in name or name.startswith(("ni:", "urn:", "doi:", "data:"))
    if name.lower().startswith("file:") or (not elsewhere and leads_out(name)):
        told = Text(f"{shown(name)} leads out of the folder", f"{shown(name)} 指向文件夹之外")
        reading.fault("outside", path, told, RELATIVE)
