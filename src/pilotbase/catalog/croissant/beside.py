"""The files that lie beside a description: are they what it says? Those that do not, stay out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pilotbase.catalog.adding import hash_file
from pilotbase.catalog.croissant.archives import archive_faults
from pilotbase.catalog.croissant.described import DataFile, Described
from pilotbase.kernel.errors import Fault
from pilotbase.kernel.text import Text


def beside_faults(said: Described, folder: Path) -> Iterator[Fault]:
    """Files of another hash than described, and archives that are hostile.

    A description may stand alone: what does not lie beside it stays with its owner.
    """
    for file in said.files:
        path = _local(file, folder)
        if path is None:
            continue
        if file.sha256 and hash_file(path) != f"sha256:{file.sha256}":
            other = Text("the file beside it has another hash", "旁边的文件哈希不同")
            yield Fault("croissant.digest", other, file.id, expected=Text(file.sha256, file.sha256))
        for code, message in archive_faults(path):
            yield Fault(f"croissant.archive_{code}", message, file.id)


def _local(file: DataFile, folder: Path) -> Path | None:
    if file.inside or "://" in file.url or not file.url:
        return None
    try:
        path = (folder / file.url).resolve()
        inside = path.is_relative_to(folder.resolve()) and path.is_file()
    except (OSError, ValueError):
        return None
    return path if inside else None
