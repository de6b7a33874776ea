"""The checkpoints that witnesses have cosigned, as they lie in the home.

``cosignatures/<size>`` holds the checkpoint of so many entries with all signatures it has so far.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.home import storage_errors, write_whole
from pilotbase.record.rules import note
from pilotbase.record.rules.note import Note

FOLDER = "cosignatures"
SIZE_DIGITS_MAX = 19


def cosigned(home: Path, size: int) -> str | None:
    """The checkpoint of ``size`` entries with the cosignatures gathered, None without any."""
    path = home / FOLDER / str(size)
    with storage_errors(path):
        return path.read_text("utf-8", "replace") if path.exists() else None


def gathered(home: Path, signed: str, size: int) -> str:
    """A checkpoint of ``size`` entries with the cosignatures that were gathered for it, if any.

    Raises:
        RecordError: what was gathered is no signed note.
    """
    found = cosigned(home, size)
    same = found is not None and _read(home, size, found).text == note.parse(signed).text
    return found if found is not None and same else signed


def keep(home: Path, size: int, whole: Note) -> None:
    path = home / FOLDER / str(size)
    with storage_errors(path):
        write_whole(path, whole.encode().encode())


def sizes(home: Path) -> list[int]:
    """Of which checkpoints there are cosignatures, the smallest first."""
    folder = home / FOLDER
    with storage_errors(folder):
        names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    good = (name for name in names if name.isascii() and name.isdecimal())
    return sorted(int(name) for name in good if len(name) <= SIZE_DIGITS_MAX)


def all_cosigned(home: Path) -> Iterator[tuple[int, str]]:
    """Each size with its checkpoint, the smallest first."""
    for size in sizes(home):
        text = cosigned(home, size)
        if text is not None:
            yield size, text


def _read(home: Path, size: int, text: str) -> Note:
    try:
        return note.parse(text)
    except RecordError as error:
        where = str(home / FOLDER / str(size))
        raise RecordError(
            error.code, error.message, where=where, next_step=error.next_step
        ) from error
