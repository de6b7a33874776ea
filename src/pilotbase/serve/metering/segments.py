"""Segments of a gateway's journal on disk: opening, writing at the end, reading back."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from pilotbase.kernel.home import write_whole
from pilotbase.record.rules.merkle import CompactRange
from pilotbase.serve.rules.frames import (
    HEAD_SIZE,
    LINK_SIZE,
    Broken,
    Frame,
    decode,
    framed,
    frames,
    header,
    header_of,
)
from pilotbase.serve.rules.torn import AHEAD, END, Damage, damage, is_short, readable
from pilotbase.serve.rules.usage_id import of_sequence

FOLDER = "usage"
CUT = ".cut"
"""What is set aside of a segment has this ending."""
_SUBTREE = 256
_FIRST_MAX = 256
"""A segment's first frame is shorter."""


def journals(home: Path) -> list[Path]:
    """The folders of the home's journals, one for each time that a gateway process ran."""
    return sorted(path.parent for path in (home / FOLDER).glob("*/000001.seg"))


def segments(folder: Path) -> list[Path]:
    """The segments of a journal in their order."""
    return sorted(folder.glob("[0-9]*.seg"))


def name_of(number: int) -> str:
    return f"{number:06d}.seg"


@dataclass(slots=True)
class Summed:
    """What records say, all in all: their RFC 9162 tree, and what was settled by currency."""

    intents: int = 0
    settled: int = 0
    sums: dict[str, int] = field(default_factory=dict)
    _tree: CompactRange = field(default_factory=CompactRange)
    _leaves: list[bytes] = field(default_factory=list)

    @property
    def records(self) -> int:
        return self._tree.size + len(self._leaves)

    def root(self) -> bytes:
        """The RFC 9162 root over the records."""
        self._tree.extend(self._leaves)
        self._leaves = []
        return self._tree.root()

    def take(self, payloads: Sequence[bytes], leaves: Sequence[bytes]) -> None:
        """Add records with their leaf hashes. Raises ValueError for a settling that is none."""
        for payload in payloads:
            if payload.startswith(b'["settle"'):
                _, _, _, word, nano, _ = payload.split(b",", 5)
                currency = word[1:-1].decode()
                self.sums[currency] = self.sums.get(currency, 0) + int(nano)
                self.settled += 1
            elif payload.startswith(b'["intent"'):
                self.intents += 1
        self._leaves += leaves
        # Whole subtrees take half as long as a few leaves at a time.
        whole = len(self._leaves) // _SUBTREE * _SUBTREE
        if whole:
            self._tree.extend(self._leaves[:whole])
            del self._leaves[:whole]


class Complete(NamedTuple):
    """A segment to which nothing is added any more. ``cut``: bytes that were broken at its end;
    ``given_up``: at least so many records are among them that had been there whole."""

    gateway: str
    number: int
    summed: Summed
    link: bytes
    cut: int = 0
    given_up: int = 0


def link_before(path: Path) -> bytes:
    """On which link a segment says to follow; empty where it says nothing that can be read."""
    with path.open("rb") as file:
        head = file.read(_FIRST_MAX)
    try:
        return header_of(head).before
    except Broken:
        return b""


def is_blank(path: Path) -> bool:
    """Whether a process was killed while it made the segment: no call has ever been put down there.

    Its first record is durable, alone, before any other is written.
    """
    with path.open("rb") as file:
        head, rest = file.read(_FIRST_MAX), file.read(AHEAD)
    if rest.strip(b"\0"):
        return False
    try:
        header_of(head)
    except Broken:
        return True
    return False


def begun_to_make(paths: list[Path], *, known: bool) -> Path | None:
    """The last segment, where a process was killed while it made it. That is never the first of a
    journal that the record knows: its first record is durable before the record is told."""
    if not paths or (known and len(paths) == 1):
        return None
    return paths[-1] if is_blank(paths[-1]) else None


class Laid(NamedTuple):
    """Records that were written and are not yet durable; ``size`` is what they take, in bytes."""

    payloads: Sequence[bytes]
    leaves: Sequence[bytes]
    size: int


class Segment:
    """The segment that is being written; used by one thread at a time.

    `append` is all or nothing: after an error what was to be added is not there, and the same can
    be tried again.

    Attributes:
        file: its descriptor, for who makes durable what was laid.
    """

    def __init__(self, folder: Path, gateway: str, number: int, before: bytes) -> None:
        """Make the file with its first record; durable with the first `append`.

        Raises:
            OSError: no room, no right.
        """
        self.path, self.number, self.gateway = folder / name_of(number), number, gateway
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        self.file = os.open(self.path, flags, 0o600)
        self.size = self._zeros = 0
        self.link, self.summed = before, Summed()
        self._unsummed = list[Laid]()
        try:
            first = header(gateway, number, before)
            self.append([first])
            sync_folder(folder)
        except OSError:
            os.close(self.file)
            with suppress(OSError):
                self.path.unlink()
            raise

    @property
    def in_place(self) -> bool:
        """Whether the file is still where it was made: what is written is found again."""
        try:
            return os.path.samestat(self.path.stat(), os.fstat(self.file))
        except OSError:
            return False

    def append(self, payloads: Sequence[bytes]) -> None:
        """Add records, durably.

        Raises:
            OSError: no room, a failing disk; nothing was added.
        """
        parts, leaves = framed(payloads, self.link)
        data = b"".join((*parts, END))
        try:
            self._make_room(self.size + len(data))
            _write(self.file, data, self.size)
        except OSError:
            self.take_back()
            raise
        self.sync(Laid(payloads, leaves, len(data)))

    def lay(self, payloads: Sequence[bytes]) -> Laid | None:
        """Write records where there is room already, not yet durably; None where there is none.

        They are there once `sync` has made them durable, or whoever else did has said so to
        `synced`; nothing else may be added before.

        Raises:
            OSError: a failing disk; nothing was added.
        """
        parts, leaves = framed(payloads, self.link)
        parts.append(END)
        data = b"".join(parts)
        if self.size + len(data) > self._zeros:
            return None
        _write(self.file, data, self.size)
        return Laid(payloads, leaves, len(data))

    def sync(self, laid: Laid) -> None:
        """Make durable what was laid.

        Raises:
            OSError: a failing disk; nothing was added.
        """
        try:
            os.fdatasync(self.file)
        except OSError:
            self.take_back()
            raise
        self.synced(laid)

    def synced(self, laid: Laid) -> None:
        """What was laid is durable: it is there."""
        self.size += laid.size - len(END)
        self.link = laid.leaves[-1][:LINK_SIZE]
        self._unsummed.append(laid)

    def take_back(self) -> None:
        """What was laid may be there in part or whole; a later crash must not bring it back."""
        with suppress(OSError):
            os.pwrite(self.file, bytes(HEAD_SIZE), self.size)
            os.fdatasync(self.file)

    def sum_up(self) -> None:
        """Take what was added into `summed`; at leisure, it is wanted at the end only."""
        unsummed, self._unsummed = self._unsummed, []
        for laid in unsummed:
            self.summed.take(laid.payloads, laid.leaves)

    def _make_room(self, needed: int) -> None:
        while self._zeros < needed:
            _write(self.file, bytes(AHEAD), self._zeros)
            self._zeros += AHEAD

    def close(self) -> Complete:
        """Cut off the zeros and close. What it says does not depend on that going well."""
        self.sum_up()
        with suppress(OSError):
            os.ftruncate(self.file, self.size)
            os.fsync(self.file)
        with suppress(OSError):
            os.close(self.file)
        return Complete(self.gateway, self.number, self.summed, self.link)


class Reading:
    """A segment read from its file: its records up to the end, or up to what does not follow.

    Attributes:
        size: where the last good record ends. link: its link. rest: how many bytes that are not
            zero stand behind, where the next record is broken; 0 where the segment ends well.
        damage: where records were changed, and it is not that the last ones are not finished.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._data = path.read_bytes()
        self.gateway, self.number, self.before, self.format = header_of(self._data)
        self.size, self.rest = 0, 0
        self.damage: Damage | None = None
        self.link = self.before

    def frames(self) -> Iterator[Frame]:
        """All good records; `size`, `link`, `rest` and `damage` hold after the last."""
        try:
            for frame in frames(self._data, self.before):
                self.size = frame.offset + HEAD_SIZE + len(frame.payload)
                self.link = frame.link
                yield frame
        except Broken as broken:
            self.rest = len(self._data[broken.offset :].rstrip(b"\0"))
        self.damage = damage(self._data, self.size, self.link)
        if self.damage is None and self.format > 1 and is_short(len(self._data), self.size):
            self.damage = Damage(self.size, 0, short=True)
        if self.damage is not None and self.path.read_bytes() != self._data:
            self.damage = None  # it was read while it was written
        if self.damage is not None:
            self.rest = len(self._data[self.size :].rstrip(b"\0"))

    def finish(self) -> None:
        """Cut the file back to its good records; what is cut off is kept beside it.

        Raises:
            OSError: no room, no right.
        """
        if self.rest:
            # Durable before the segment is cut: who acts on the damage has nothing else of it.
            aside = _aside(self.path)
            write_whole(aside, self._data[self.size : self.size + self.rest])
            sync_folder(aside.parent)
        with self.path.open("r+b") as file:
            file.truncate(self.size)
            os.fsync(file.fileno())


def begun(reading: Reading) -> Iterator[str]:
    """The usage ids of the calls that a segment begins."""
    for frame in reading.frames():
        if frame.payload.startswith(b'["intent"'):
            _, number, _, _, _, _, *name = decode(frame.payload)
            yield name[0] if name else of_sequence(reading.gateway, number)


def begins(folder: Path, usage_id: str) -> bool:
    """Whether a journal has the intent of a call, as its files are now."""
    with suppress(Broken, OSError):
        return any(usage_id in begun(Reading(path)) for path in segments(folder))
    return False


def set_aside(path: Path) -> int:
    """Give a whole segment up, and keep it under another name; how many records it has at least."""
    count = readable(path.read_bytes())
    path.rename(_aside(path))
    sync_folder(path.parent)
    return count + 1


def _aside(path: Path) -> Path:
    """Where to keep what is set aside of a segment; what was before stays."""
    aside, nth = path.with_suffix(CUT), 1
    while aside.exists():
        nth += 1
        aside = path.with_name(f"{path.stem}-{nth}{CUT}")
    return aside


def _write(file: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        done = os.pwrite(file, view, offset)
        view, offset = view[done:], offset + done


def sync_folder(folder: Path) -> None:
    """Make durable what was made or renamed in a folder. Raises OSError."""
    opened = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
