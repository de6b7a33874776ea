"""The files of views in a home: caught up, made again, and compared with the log.

A view is a cache. It can be thrown away and folded again from the log to the same bytes; `rebuild`
does so and says whether it was the same, and an audit compares without writing. Where it cannot be
kept, on a full disk or in a home that is only read, what was asked for is folded and answered all
the same.

A file ``views/<name>.json`` holds ``{"name", "size", "state", "version"}`` as canonical JSON: the
state after the first ``size`` entries, as the view's fold of that version gives it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pilotbase.kernel.canonical import decode
from pilotbase.kernel.errors import HomeError
from pilotbase.kernel.home import storage_errors, write_whole
from pilotbase.kernel.text import Text
from pilotbase.record.opened import Record
from pilotbase.record.rules.views import Folding, View

FOLDER = "views"
NOT_KEPT = Text(
    "Worked out anew for this answer, because it cannot be kept in the home: {reason}.",
    "本次结果为重新计算所得, 因无法保存到主目录: {reason}。",
)
FULL = Text("the disk is full", "磁盘已满")
NO_RIGHT = Text("it cannot be written to", "主目录不可写")


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What rebuilding a view found.

    `identical` compares the file that stood there with a fold from the first entry to that file's
    size, byte by byte; it is None when no file of the view's version stood there.
    """

    name: str
    size: int
    identical: bool | None


def catch_up(record: Record, views: Sequence[View]) -> dict[str, Any]:
    """Fold the entries that are new since last time into each view; the states by name.

    A file that cannot be read, is of another version than the view, or is ahead of the log, is
    folded again from the start. One that cannot be written is remarked on, and left as it is.

    Raises:
        TypeError: a state that JSON does not give back as it was. HomeError: not readable …
    """
    return {fold.view.name: fold.state for fold in caught_up(record, views)}


def caught_up(record: Record, views: Sequence[View]) -> list[Folding]:
    """As `catch_up`; the folds themselves, for a process that folds further as the log grows."""
    size = record.size
    folds = [Folding(view, *_standing(record.home, view, size)) for view in views]
    start = min((fold.size for fold in folds), default=size)
    for entry in record.entries(start, size):
        for fold in folds:
            if entry.index >= fold.size:
                fold.take(entry)
    for fold in folds:
        if fold.new:
            _keep(record, fold)
    return folds


def rebuild(record: Record, views: Sequence[View]) -> list[Rebuilt]:
    """Fold every view again from the first entry, compare with what stood there, and write it."""
    size = record.size
    stood = [_of_version(_bytes(_path(record.home, view.name)), view) for view in views]
    compared: list[bool | None] = [None if data is None else False for data in stood]
    folds = [Folding(view) for view in views]
    sizes = [_standing(record.home, view, size)[0] for view in views]

    def compare(at: int) -> None:
        for number, fold in enumerate(folds):
            if stood[number] is not None and sizes[number] == at:
                compared[number] = stood[number] == fold.bytes()

    compare(0)
    for entry in record.entries(0, size):
        for fold in folds:
            fold.take(entry)
        compare(entry.index + 1)
    for fold in folds:
        _write(record.home, fold)
    return [
        Rebuilt(fold.view.name, fold.size, same) for fold, same in zip(folds, compared, strict=True)
    ]


def standing(home: Path) -> dict[str, bytes]:
    """By name of the view: what its file holds; one that cannot be read holds nothing."""
    found = dict[str, bytes]()
    for path in sorted((home / FOLDER).glob("*.json")):
        try:
            found[path.stem] = path.read_bytes()
        except OSError:
            found[path.stem] = b""
    return found


def size_said(data: bytes, name: str) -> int | None:
    """Of how many entries a view's file says that it was folded; None when it is no such file."""
    try:
        said = decode(data)
        size = said["size"] if said["name"] == name else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return size if type(size) is int and size >= 0 else None


def other_version(data: bytes, view: View) -> int | None:
    """The version of a view's file where it is not the view's own; 0 for one that says none."""
    if size_said(data, view.name) is None:
        return None
    version = decode(data).get("version", 0)
    version = version if type(version) is int else 0
    return None if version == view.version else version


def _of_version(data: bytes | None, view: View) -> bytes | None:
    return data if data is None or other_version(data, view) is None else None


def _standing(home: Path, view: View, size: int) -> tuple[int, Any]:
    """Size and state of the file that stands there; (0, None) when it is of no use."""
    data = _of_version(_bytes(_path(home, view.name)), view) or b""
    said = size_said(data, view.name)
    if said is None or said > size:
        return 0, None
    return said, decode(data).get("state")


def _keep(record: Record, fold: Folding) -> None:
    try:
        _write(record.home, fold)
    except (HomeError, OSError) as error:
        record.context.remark(not_kept(error))


def not_kept(error: Exception) -> Text:
    """What to say where a cache could not be written: the same words for every cache of a home."""
    full = getattr(error, "code", "") == "home.disk_full"
    return NOT_KEPT.format(reason=FULL if full else NO_RIGHT)


def _write(home: Path, fold: Folding) -> None:
    path, data = _path(home, fold.view.name), fold.bytes()
    if _bytes(path) != data:
        with storage_errors(path):
            write_whole(path, data)


def _bytes(path: Path) -> bytes | None:
    with storage_errors(path):
        return path.read_bytes() if path.exists() else None


def _path(home: Path, name: str) -> Path:
    return home / FOLDER / f"{name}.json"
