"""Publishing the log as static files (c2sp.org/tlog-tiles), so that any file server is a replica.

Files are only added; the checkpoint is replaced last, once everything that it speaks of is on disk.
A kill at any moment leaves the older checkpoint, and every file that it needs. Partial tiles are
removed when the full one is there and a newer checkpoint speaks of it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pilotbase.kernel.errors import InputError, RecordError
from pilotbase.kernel.home import storage_errors, write_whole
from pilotbase.kernel.text import Text
from pilotbase.record.cosigned import Standing, newest_final, read_policy
from pilotbase.record.opened import Record
from pilotbase.record.ports import LogReader
from pilotbase.record.rules import tiles
from pilotbase.record.rules.checkpoint import Checkpoint, verify_checkpoint
from pilotbase.record.rules.merkle import node_number
from pilotbase.record.rules.rotation import KeyChain
from pilotbase.record.rules.tiles import CHECKPOINT, HEIGHT, WIDTH, Tile

CHECKPOINT_SIZE_MAX = 2**20


@dataclass(frozen=True, slots=True)
class Published:
    """What a folder holds now: the checkpoint's note and size, and how many files are new."""

    checkpoint: str
    size: int
    files: int


def publish(record: Record, folder: Path) -> Published:
    """Bring a folder up to the newest checkpoint, with a policy to the newest final one.

    Raises:
        RecordError: no checkpoint is final yet; the folder holds another log, or a checkpoint that
            this log does not extend; an entry is too long for a bundle. HomeError: disk full …
    """
    known = read_policy(record.home)
    if known is None:
        record.checkpoint()
    found = newest_final(record, known)
    if found is None:
        raise _none_final()
    chain = record.chain()
    there = _there(record, folder, chain)
    since = there.size if there else 0
    if since > found.checkpoint.size:
        raise _other_log(folder)
    return _publish(record, folder, found, since)


def _publish(record: Record, folder: Path, found: Standing, since: int) -> Published:
    size, folders = found.checkpoint.size, set[Path]()
    with storage_errors(folder), record.log.snapshot() as log:
        wanted = sorted(_wanted(log, size, since))
        with record.context.progress.task(_PUBLISHING, len(wanted)) as progress:
            for tile in wanted:
                path = folder / tile.path
                write_whole(path, content(log, tile))
                folders.update(_above(path, folder))
                progress(1)
        for one in sorted(folders):
            _sync(one)
        write_whole(folder / CHECKPOINT, found.note.encode())
        _sync(folder)
        _remove_outdated(folder, size, since)
    return Published(found.note, size, len(wanted))


def content(log: LogReader, tile: Tile) -> bytes:
    """The bytes of a tile or an entry bundle.

    Raises:
        RecordError: an entry is too long, or a stored hash is missing.
    """
    if tile.level < 0:
        rows = list(log.rows(tile.start, tile.start + tile.width))
        for row in rows:
            if len(row.data) > tiles.ENTRY_SIZE_MAX:
                raise _too_long(row.index, len(row.data))
        return tiles.encode_bundle([row.data for row in rows])
    positions = range(tile.start, tile.start + tile.width)
    return b"".join(log.nodes([node_number((HEIGHT * tile.level, at)) for at in positions]))


def _wanted(log: LogReader, size: int, since: int) -> set[Tile]:
    """The new files; partial ones also for checkpoints in between, unless the full one is there."""
    wanted = set(tiles.tiles(size, since))
    sizes = [at for at, _ in log.checkpoints() if since < at < size]
    # Only the last bundle's width of earlier sizes can still lack a full tile at any level.
    for at in sizes:
        for tile in tiles.right_edge(at):
            if (tile.number + 1) * WIDTH > size >> (HEIGHT * max(tile.level, 0)):
                wanted.add(tile)
    return wanted


def _there(record: Record, folder: Path, chain: KeyChain) -> Checkpoint | None:
    """The checkpoint that was published last; it must be one that this log extends."""
    path = folder / CHECKPOINT
    with storage_errors(path):
        if not path.exists():
            if folder.exists() and any(folder.iterdir()) and not (folder / "tile").is_dir():
                raise _not_empty(folder)
            return None
        with path.open("rb") as file:
            note = file.read(CHECKPOINT_SIZE_MAX)
    try:
        checkpoint = verify_checkpoint(note, chain)
    except RecordError as error:
        raise _other_log(folder) from error
    if checkpoint.size > record.size or record.root(checkpoint.size) != checkpoint.root:
        raise _other_log(folder)
    return checkpoint


def _remove_outdated(folder: Path, size: int, since: int) -> None:
    for tile in tiles.right_edge(since):
        if (tile.number + 1) * WIDTH <= size >> (HEIGHT * max(tile.level, 0)):
            shutil.rmtree(folder / f"{tile.full.path}.p", ignore_errors=True)


def _above(path: Path, top: Path) -> Iterator[Path]:
    while path != top:
        path = path.parent
        yield path


def _sync(folder: Path) -> None:
    """Make the names in a folder durable, where the system lets a folder be opened."""
    if hasattr(os, "O_DIRECTORY"):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _none_final() -> RecordError:
    return RecordError(
        "record.none_final",
        Text(
            "no checkpoint has the cosignatures that the policy asks for; nothing was published",
            "尚无检查点获得策略所要求的见证签名; 未发布任何内容",
        ),
        next_step=Text(
            "`pilotbase record request` asks a witness, `pilotbase record accept` takes its word.",
            "用 `pilotbase record request` 请求见证, 用 `pilotbase record accept` 接收答复。",
        ),
    )


def _other_log(folder: Path) -> RecordError:
    return RecordError(
        "publish.other_log",
        Text(
            "what was published here is of another log, or this log does not extend it",
            "此处已发布的内容属于另一日志, 或与本日志不衔接",
        ),
        where=str(folder),
        next_step=Text(
            "Publish to another folder. If it is of this log, run `pilotbase record verify`: the "
            "home may have been put back to an older state.",
            "请发布到另一文件夹。如确属本日志, 请运行 `pilotbase record verify`: "
            "主目录可能被换回旧版本。",
        ),
    )


def _not_empty(folder: Path) -> InputError:
    return InputError(
        "publish.not_empty",
        Text("this folder holds other files", "该文件夹中有其他文件"),
        where=str(folder),
        next_step=Text("Name an empty or a new folder.", "请指定空文件夹或新文件夹。"),
    )


def _too_long(index: int, size: int) -> RecordError:
    limit = tiles.ENTRY_SIZE_MAX
    return RecordError(
        "publish.entry_too_long",
        Text(
            f"entry {index} has {size} bytes; an entry bundle holds entries up to {limit}",
            f"第 {index} 条有 {size} 字节; 条目包最多容纳 {limit} 字节的条目",
        ),
        where=f"entry {index}",
        next_step=Text(
            "The log was begun before this limit; its proofs hold, but it cannot be published.",
            "该日志始于此限制之前; 其证明仍然有效, 但无法发布。",
        ),
    )


_PUBLISHING = Text("publishing the record", "发布记录")
