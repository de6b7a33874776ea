"""Segments of a gateway's journal on disk: opening, writing at the end, reading back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from pilotbase.serve.rules.frames import (
    HEAD_SIZE,
    Broken,
    Frame,
    frames,
    header,
    header_of,
)

FOLDER = "usage"
AHEAD = 2**20
"""Zeros are written this far ahead: over blocks that are there already, a write and its fdatasync
take half as long, and a disk that fills up shows before a record needs the room."""
_END = bytes(4)


def journals(home: Path) -> list[Path]:
    """The folders of the home's journals, one for each time that a gateway process ran."""
    return sorted(path.parent for path in (home / FOLDER).glob("*/000001.seg"))


def segments(folder: Path) -> list[Path]:
    """The segments of a journal in their order."""
    return sorted(folder.glob("[0-9]*.seg"))


def name_of(number: int) -> str:
    return f"{number:06d}.seg"


class Segment:
    """The segment that is being written; used by one thread.

    `append` is all or nothing: after an error what was to be added is not there, and the same can
    be tried again.
    """

    def __init__(self, folder: Path, gateway: str, number: int, before: bytes) -> None:
        """Make the file with its first record; durable with the first `append`.

        Raises:
            OSError: no room, no right.
        """
        self.path, self.number = folder / name_of(number), number
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        self._file = os.open(self.path, flags, 0o600)
        self.size = self._zeros = 0
        self.link = before
        try:
            self.append([header(gateway, number, before)])
            _sync_folder(folder)
        except OSError:
            os.close(self._file)
            with suppress(OSError):
                self.path.unlink()
            raise

    def append(self, payloads: list[bytes]) -> None:
        """Add records, durably. Raises OSError; then nothing was added."""
        link, parts = self.link, list[bytes]()
        for payload in payloads:
            link = sha256(link + payload).digest()[:16]
            parts.append(len(payload).to_bytes(4, "little") + link)
            parts.append(payload)
        parts.append(_END)
        data = b"".join(parts)
        try:
            self._make_room(self.size + len(data))
            _write(self._file, data, self.size)
            os.fdatasync(self._file)
        except OSError:
            # It may be there in part or whole; a later crash must not bring it back.
            with suppress(OSError):
                os.pwrite(self._file, bytes(HEAD_SIZE), self.size)
                os.fdatasync(self._file)
            raise
        self.size += len(data) - len(_END)
        self.link = link

    def _make_room(self, needed: int) -> None:
        while self._zeros < needed:
            _write(self._file, bytes(AHEAD), self._zeros)
            self._zeros += AHEAD

    def close(self) -> None:
        """Cut off the zeros and close."""
        try:
            os.ftruncate(self._file, self.size)
            os.fsync(self._file)
        finally:
            os.close(self._file)


class Reading:
    """A segment read from its file: its records up to the end, or up to what does not follow.

    Attributes:
        size: where the last good record ends. link: its link. rest: how many bytes that are not
            zero stand behind, where the next record is broken; 0 where the segment ends well.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._data = path.read_bytes()
        self.gateway, self.number, self.before = header_of(self._data)
        self.size, self.rest = 0, 0
        self.link = self.before

    def frames(self) -> Iterator[Frame]:
        """All good records; `size`, `link` and `rest` hold after the last."""
        try:
            for frame in frames(self._data, self.before):
                self.size = frame.offset + HEAD_SIZE + len(frame.payload)
                self.link = frame.link
                yield frame
        except Broken as broken:
            self.rest = len(self._data[broken.offset :].rstrip(b"\0"))

    def finish(self) -> None:
        """Cut the file back to its good records; what is cut off is kept beside it.

        Raises:
            OSError: no room, no right.
        """
        if self.rest:
            aside = self.path.with_suffix(".cut")
            aside.write_bytes(self._data[self.size : self.size + self.rest])
        with self.path.open("r+b") as file:
            file.truncate(self.size)
            os.fsync(file.fileno())


def _write(file: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        done = os.pwrite(file, view, offset)
        view, offset = view[done:], offset + done


def _sync_folder(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
