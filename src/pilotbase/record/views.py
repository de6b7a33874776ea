"""Views: what the log says, folded into a state that is quick to read.

A view is a cache. It can be thrown away and folded again from the log to the same bytes; `rebuild`
does so and says whether it was the same. The desk hands in the views of all rooms.

A file ``views/<name>.json`` holds ``{"name", "size", "state"}`` as canonical JSON: the state after
the first ``size`` entries.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pilotbase.kernel.canonical import decode, encode
from pilotbase.kernel.event import Entry
from pilotbase.kernel.home import storage_errors, write_whole
from pilotbase.record.opened import Record

FOLDER = "views"


@dataclass(frozen=True)
class View:
    """A fold over the log.

    Attributes:
        name: lower-case with dashes; names the file.
        initial: the state before the first entry.
        fold: from a state and the next entry to the next state. It may change the state it is given
            and return it, and must depend on nothing else: no clock, no file, no order of keys.

    States are JSON: dicts with string keys, lists, strings, numbers, booleans, None.
    """

    name: str
    initial: Any
    fold: Callable[[Any, Entry], Any]


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What rebuilding a view found.

    `identical` compares the file that stood there with a fold from the first entry to that file's
    size, byte by byte; it is None when no file stood there.
    """

    name: str
    size: int
    identical: bool | None


def catch_up(record: Record, views: Sequence[View]) -> dict[str, Any]:
    """Fold the entries that are new since last time into each view; the states by name.

    A file that cannot be read, or is ahead of the log, is folded again from the start.

    Raises:
        TypeError: a state that JSON does not give back as it was. HomeError: disk full …
    """
    size = record.size
    folds = [_Fold(view, *_standing(record.home, view, size)) for view in views]
    start = min((fold.size for fold in folds), default=size)
    for entry in record.entries(start, size):
        for fold in folds:
            if entry.index >= fold.size:
                fold.take(entry)
    for fold in folds:
        if fold.new:
            _write(record.home, fold)
    return {fold.view.name: fold.state for fold in folds}


def rebuild(record: Record, views: Sequence[View]) -> list[Rebuilt]:
    """Fold every view again from the first entry, compare with what stood there, and write it."""
    size = record.size
    stood = [_bytes(_path(record.home, view)) for view in views]
    compared: list[bool | None] = [None if data is None else False for data in stood]
    folds = [_Fold(view) for view in views]
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


def sizes(home: Path) -> dict[str, int]:
    """By name of the view: of how many entries its file says that it was folded."""
    said = dict[str, int]()
    for path in sorted((home / FOLDER).glob("*.json")):
        try:
            said[path.stem] = int(decode(path.read_bytes())["size"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            # A view that cannot be read is folded again; it says nothing about the log.
            continue
    return said


class _Fold:
    def __init__(self, view: View, size: int = 0, state: Any = None) -> None:
        self.view = view
        self.size = size
        self.new = not size
        # A copy: a fold may change the state it is given.
        self.state = state if size else decode(encode(view.initial))

    def take(self, entry: Entry) -> None:
        self.state = self.view.fold(self.state, entry)
        self.size, self.new = entry.index + 1, True

    def bytes(self) -> bytes:
        data = encode({"name": self.view.name, "size": self.size, "state": self.state})
        if decode(data)["state"] != self.state:
            raise TypeError(f"the state of the view {self.view.name!r} is not plain JSON")
        return data


def _standing(home: Path, view: View, size: int) -> tuple[int, Any]:
    """Size and state of the file that stands there; (0, None) when it is of no use."""
    data = _bytes(_path(home, view))
    try:
        said = decode(data or b"")
        usable = said["name"] == view.name and type(said["size"]) is int
        if usable and 0 <= said["size"] <= size:
            return said["size"], said["state"]
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    return 0, None


def _write(home: Path, fold: _Fold) -> None:
    path, data = _path(home, fold.view), fold.bytes()
    if _bytes(path) != data:
        with storage_errors(path):
            write_whole(path, data)


def _bytes(path: Path) -> bytes | None:
    with storage_errors(path):
        return path.read_bytes() if path.exists() else None


def _path(home: Path, view: View) -> Path:
    return home / FOLDER / f"{view.name}.json"
