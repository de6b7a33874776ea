"""Auditing a folder that the log was published to: its files have to be the log's, byte by byte."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pilotbase.kernel.errors import RecordError, RunError
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Progress
from pilotbase.record.findings import Findings
from pilotbase.record.ports import LogReader
from pilotbase.record.publish import content
from pilotbase.record.rules.audit import Finding
from pilotbase.record.rules.checkpoint import Checkpoint, verify_checkpoint
from pilotbase.record.rules.rotation import KeyChain
from pilotbase.record.rules.tiles import (
    BUNDLE_SIZE_MAX,
    CHECKPOINT,
    HEIGHT,
    Tile,
    flaw_of,
    missing,
    read_bundle,
    read_tile,
    tile_of,
    tiles,
)
from pilotbase.record.static import CHECKPOINT_SIZE_MAX, Folder
from pilotbase.record.tree import root_of


class TileAudit:
    """Compares the files with the log. ``good`` counts those that are as they have to be, and
    ``faults`` what is wrong with others: no fault of the log."""

    def __init__(self, folder: Path, found: Findings) -> None:
        """Reads the checkpoint at once: whatever it speaks of is then in a later snapshot."""
        self._folder = folder
        self._source = Folder(folder)
        self._found = found
        self._note = self._signed()
        self._of_checkpoint = Text(f"{folder / CHECKPOINT}", f"{folder / CHECKPOINT}")
        self.good = self.faults = 0

    def compare(
        self, log: LogReader, chain: KeyChain | None, since: int, progress: Progress
    ) -> None:
        """Compare what is there and name what is missing, from entry ``since`` on."""
        before = self._found.faults
        self._compare(log, chain, since, progress)
        self.faults = self._found.faults - before

    def _compare(
        self, log: LogReader, chain: KeyChain | None, since: int, progress: Progress
    ) -> None:
        checkpoint = self._checkpoint(log, chain)
        if checkpoint is None:
            return
        self.good += 1
        wanted = sorted(set(tiles(checkpoint.size, since)))
        with progress.task(_COMPARING, len(wanted)) as step:
            for tile in wanted:
                # A partial file gives way to the full one once the log has grown.
                either = dict.fromkeys((tile, tile.full))
                here = next((one for one in either if self._path(one).exists()), None)
                if here is None:
                    self._name(tile, tile.start, missing(tile).said)
                elif here == tile:
                    self._file(log, tile)
                step(1)
        self._behind(log, checkpoint)
        if not since:
            self._others(log, set(wanted))

    def _checkpoint(self, log: LogReader, chain: KeyChain | None) -> Checkpoint | None:
        note = self._note
        if isinstance(note, Text) or chain is None:
            why = note if isinstance(note, Text) else _NO_KEY
            self._found.add(Finding("fault", self._of_checkpoint, why))
            return None
        with self._found.damage(self._of_checkpoint):
            checkpoint = verify_checkpoint(note.decode("utf-8", "replace"), chain)
            size = checkpoint.size
            if size <= log.size() and root_of(log, size) == checkpoint.root:
                return checkpoint
            en = f"the log does not extend it; it was signed for {size} entries"
            self._found.fault(self._of_checkpoint, en, f"日志与之不衔接; 签署时有 {size} 条")
        return None

    def _behind(self, log: LogReader, checkpoint: Checkpoint) -> None:
        """Whether the files go on beyond what the checkpoint was signed for."""
        later = (size for size, _ in log.checkpoints() if size > checkpoint.size)
        ends = ((size, tiles(size, size - 1)) for size in later)
        there = [size for size, last in ends if any(self._path(one).exists() for one in last)]
        if there:
            en = f"signed for {checkpoint.size} entries, though files of {max(there)} are there: "
            en += "publishing was broken off, or it was put back"
            zh = f"签署时有 {checkpoint.size} 条, 而已有 {max(there)} 条的文件: 发布中断或被换回"
            self._found.note(self._of_checkpoint, en, zh)

    def _others(self, log: LogReader, wanted: set[Tile]) -> None:
        """Files of other sizes of the log, and those that are none of a log's."""
        for path in self._files():
            name = path.relative_to(self._folder).as_posix()
            tile = tile_of(name)
            if tile is None:
                en, zh = "this file is no part of a log", "该文件不是日志的一部分"
                self._found.note(Text(str(path), str(path)), en, zh)
            elif tile not in wanted:
                self._file(log, tile)

    def _files(self) -> Iterator[Path]:
        for path in sorted(self._folder.rglob("*")):
            if path.is_file() and path != self._folder / CHECKPOINT:
                yield path

    def _file(self, log: LogReader, tile: Tile) -> None:
        try:
            made = _made(log, tile)
        except RecordError as error:
            self._name(tile, tile.start, error.message)
            return
        try:
            said = self._source.read(tile.path, BUNDLE_SIZE_MAX)
        except RunError as error:
            self._name(tile, tile.start, _PLACED.format(path=tile.path, why=error.message))
            return
        if said is None:
            self._name(tile, tile.start, missing(tile).said)
        elif said == made:
            self.good += 1
        elif made is None:
            self._name(tile, tile.start, _MORE.format(path=tile.path))
        else:
            flaw = flaw_of(tile, said)
            why = flaw.said if flaw else _OTHER.format(path=tile.path)
            self._name(tile, _first_other(tile, said, made), why)

    def _name(self, tile: Tile, at: int | None, said: Text) -> None:
        """Name what is wrong with a file: at which position of its level, if at one, and what."""
        index = at << _height(tile) if at is not None else None
        place = _FILES if index is None else _ENTRY.format(index=index)
        self._found.add(Finding("fault", place, said, index))

    def _signed(self) -> bytes | Text:
        """The published checkpoint; or why there is none."""
        try:
            return self._source.read(CHECKPOINT, CHECKPOINT_SIZE_MAX) or _NO_NOTE
        except RunError as error:
            return error.message

    def _path(self, tile: Tile) -> Path:
        return self._folder / tile.path


def _made(log: LogReader, tile: Tile) -> bytes | None:
    """What the file has to hold; None for one that this log cannot have yet."""
    there = log.size() >> (HEIGHT * max(tile.level, 0))
    return content(log, tile) if tile.start + tile.width <= there else None


def _first_other(tile: Tile, said: bytes, made: bytes) -> int | None:
    """The first position in a level at which a file is not what was made; None where all are as
    they have to be, and there is more behind the last."""
    if said.startswith(made):
        return None
    if tile.level < 0:
        one, other = read_bundle(said)[0], read_bundle(made)[0]
    else:
        one, other = read_tile(said), read_tile(made)
    pairs = enumerate(zip(one, other, strict=False), tile.start)
    end = tile.start + min(len(one), len(other))
    return next((at for at, (a, b) in pairs if a != b), min(end, tile.last))


def _height(tile: Tile) -> int:
    return HEIGHT * max(tile.level, 0)


_FILES = Text("the published files", "已发布的文件")
_ENTRY = Text("the published files, entry {index}", "已发布的文件, 第 {index} 条记录")
_NO_NOTE = Text("it is missing, or empty", "缺失或为空")
_NO_KEY = Text("there is no key to check it with", "没有可用于核验的密钥")
_PLACED = Text("the file {path}: {why}", "文件 {path}: {why}")
_OTHER = Text("the file {path} is not what the log holds", "文件 {path} 与日志内容不符")
_MORE = Text("the file {path} holds more than the log has", "文件 {path} 超出日志现有内容")
_COMPARING = Text("comparing the published files", "比对已发布的文件")
