"""Fetching a published log and verifying it whole, without its home: entries, tiles, signature.

Entries stream by; of the tree only the hashes of one tile a level are held.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pilotbase.kernel.errors import InputError
from pilotbase.kernel.home import storage_errors, write_whole
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Progress
from pilotbase.record.cosigned import who_cosigned
from pilotbase.record.events import KEY_ROTATED
from pilotbase.record.findings import Findings
from pilotbase.record.rules import merkle, note, tiles
from pilotbase.record.rules.audit import EntryAudit, Finding, entry_place, of_entry
from pilotbase.record.rules.checkpoint import Checkpoint, verify_checkpoint
from pilotbase.record.rules.note import VerifierKey
from pilotbase.record.rules.policy import Policy
from pilotbase.record.rules.rotation import KeyChain
from pilotbase.record.rules.tiles import CHECKPOINT, HEIGHT, WIDTH, Flaw, Tile
from pilotbase.record.static import StaticLog

_SIGNED = Text("the checkpoint", "检查点")
_HELD = Text("the checkpoint held elsewhere", "另行保存的检查点")


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was found; `note` is the checkpoint's, `chain` the log's keys where they hold."""

    findings: Findings
    size: int
    root: bytes
    note: str
    chain: KeyChain | None

    @property
    def ok(self) -> bool:
        return not self.findings.faults


def fetch(
    log: StaticLog,
    key: VerifierKey,
    progress: Progress,
    *,
    held: Sequence[str] = (),
    policy: Policy | None = None,
    mirror: Path | None = None,
) -> Fetched:
    """Read a published log from its first entry and verify all of it.

    Args:
        key: the log's key as one got it from its base; any of them if it was rotated.
        held: checkpoints of this log that were kept, all of which it has to extend.
        policy: whose cosignatures the checkpoint has to bear.
        mirror: keep a copy of the files here; its checkpoint is written last and only if all holds.

    Raises:
        InputError: nothing is published there. RunError: it cannot be read. HomeError: disk full …
    """
    signed = log.checkpoint()
    if signed is None:
        raise _nothing_there()
    found = Findings()
    claimed = _claimed(signed, found)
    kept = {text: checkpoint for text in held if (checkpoint := _claimed(text, found))}
    if claimed is None:
        return Fetched(found, 0, merkle.EMPTY_ROOT, signed, None)
    reading = _Reading(log, found, {c.size for c in kept.values()}, mirror)
    with progress.task(_FETCHING, claimed.size) as step:
        for tile in _bundles(claimed.size):
            if not reading.bundle(tile):
                break
            step(tile.width)
    if reading.tree.size == claimed.size:
        reading.edges()
    reading.roots[reading.tree.size] = reading.tree.root()
    chain = _chain(key, reading.rotations, found)
    _signature(signed, claimed, chain, reading, found)
    for text, checkpoint in kept.items():
        _extends(text, checkpoint, chain, reading, found)
    if policy is not None and not policy.final(who_cosigned(signed, policy.witnesses.values())):
        found.fault(_SIGNED, "too few witnesses have cosigned it", "共同签名的见证人不足")
    if mirror is not None and not found.faults:
        with storage_errors(mirror):
            write_whole(mirror / CHECKPOINT, signed.encode())
    return Fetched(found, reading.tree.size, reading.tree.root(), signed, chain)


class _Reading:
    """What has streamed by: the tree, the level's hashes that wait for their tile, counters."""

    def __init__(
        self, log: StaticLog, found: Findings, sizes: set[int], mirror: Path | None
    ) -> None:
        self._log = log
        self._found = found
        self._mirror = mirror
        self._audit = EntryAudit()
        self._waiting: list[list[bytes]] = []
        self._wanted = sizes
        self.tree = merkle.CompactRange()
        self.roots: dict[int, bytes] = {0: merkle.EMPTY_ROOT}
        self.rotations: list[tuple[int, Mapping[str, Any]]] = []

    def bundle(self, tile: Tile) -> bool:
        """Take an entry bundle; False when it cannot be used, so that nothing can follow."""
        entries = self._log.entries(tile)
        if isinstance(entries, Flaw):
            first = self._first(tile, entries)
            where = Text(tile.path, tile.path) if first is None else entry_place(first)
            self._found.add(Finding("fault", where, entries.said, first))
            return False
        self._keep(tile, tiles.encode_bundle(entries))
        leaves = [merkle.leaf_hash(entry) for entry in entries]
        for index, (entry, leaf) in enumerate(zip(entries, leaves, strict=True), tile.start):
            said, findings = self._audit.alone(index, entry)
            self._found.add(*findings)
            if said is not None and said["kind"] == KEY_ROTATED:
                self.rotations.append((index, said["body"]))
            self.tree.append(leaf)
            if self.tree.size in self._wanted:
                self.roots[self.tree.size] = self.tree.root()
        self._level(0, Tile(0, tile.number, tile.width), leaves)
        return True

    def _first(self, tile: Tile, flaw: Flaw) -> int | None:
        """The first entry of a bundle that is not as it was: behind a changed length all is
        shifted, though it may still read as entries for a while; their hashes tell. None where
        all are as they were, and something is behind them."""
        stored = self._log.hashes(Tile(0, tile.number, tile.width)) if flaw.entries else []
        known = [] if isinstance(stored, Flaw) else stored
        pairs = enumerate(zip(flaw.entries, known, strict=False), tile.start)
        other = next((at for at, (one, leaf) in pairs if merkle.leaf_hash(one) != leaf), None)
        return flaw.index if other is None and not (flaw.behind and known) else other

    def edges(self) -> None:
        """After the last bundle: the partial tiles above the first level."""
        for level, hashes in enumerate(self._waiting, 1):
            if hashes:
                number = (self.tree.size >> (HEIGHT * level)) // WIDTH
                self._compare(Tile(level, number, len(hashes)), hashes)

    def _level(self, level: int, tile: Tile, hashes: list[bytes]) -> None:
        # Going on from what is stored, one changed byte is named once, where it is; the root that
        # was signed is compared with the entries themselves.
        hashes = self._compare(tile, hashes)
        if tile.width < WIDTH:
            return
        if len(self._waiting) <= level:
            self._waiting.append([])
        above = self._waiting[level]
        above.append(merkle.root(hashes))
        if len(above) == WIDTH:
            whole, self._waiting[level] = above, []
            self._level(level + 1, Tile(level + 1, tile.number // WIDTH), whole)

    def _compare(self, tile: Tile, made: list[bytes]) -> list[bytes]:
        """Compare a tile with the hashes made from below it; the stored ones where there are."""
        stored = self._log.hashes(tile)
        if isinstance(stored, Flaw):
            first = stored.index << (HEIGHT * tile.level)
            self._found.add(of_entry(first, stored.said.en, stored.said.zh))
            return made
        self._keep(tile, b"".join(stored))
        for at, (one, other) in enumerate(zip(stored, made, strict=True), tile.start):
            if one != other:
                en = f"its hash in the file {tile.path} is not that of the entries below it"
                zh = f"文件 {tile.path} 中的哈希与其下的条目不符"
                self._found.add(of_entry(at << (HEIGHT * tile.level), en, zh))
                break
        return stored

    def _keep(self, tile: Tile, data: bytes) -> None:
        if self._mirror is not None:
            path = self._mirror / tile.path
            with storage_errors(path):
                if not path.exists():
                    write_whole(path, data)
                elif path.read_bytes() != data:
                    # What was verified once is never replaced: it is the evidence of a fork.
                    en = f"the file {tile.path} is not what was fetched before"
                    zh = f"文件 {tile.path} 与此前读取的不同"
                    self._found.fault(_HELD, en, zh)


def _bundles(size: int) -> Sequence[Tile]:
    full = [Tile(-1, number) for number in range(size // WIDTH)]
    return full + ([Tile(-1, size // WIDTH, size % WIDTH)] if size % WIDTH else [])


def _claimed(signed: str, found: Findings) -> Checkpoint | None:
    """What a note says before its signature can be verified: the log itself tells later keys."""
    with found.damage(_SIGNED):
        return Checkpoint.parse(note.parse(signed).text)
    return None


def _chain(
    key: VerifierKey, rotations: list[tuple[int, Mapping[str, Any]]], found: Findings
) -> KeyChain:
    with found.damage(Text("the log's keys", "日志的密钥")):
        return KeyChain.of(key, rotations)
    return KeyChain(((0, key),))


def _signature(
    signed: str, claimed: Checkpoint, chain: KeyChain, reading: _Reading, found: Findings
) -> None:
    with found.damage(_SIGNED):
        verify_checkpoint(signed, chain)
    tree = reading.tree
    if tree.size == claimed.size and tree.root() != claimed.root:
        en, zh = "the entries do not have the root that was signed", "记录的根与签署的不符"
        found.add(Finding("fault", _SIGNED, Text(en, zh), tree.size - 1 if tree.size else None))


def _extends(
    text: str, held: Checkpoint, chain: KeyChain, reading: _Reading, found: Findings
) -> None:
    with found.damage(_HELD):
        verify_checkpoint(text, chain)
    root = reading.roots.get(held.size)
    if root is None:
        size = reading.tree.size
        en = f"it was signed for {held.size} entries; the log has {size}"
        zh = f"签署时有 {held.size} 条, 现有 {size} 条"
        found.add(Finding("fault", _HELD, Text(en, zh), size))
    elif root != held.root:
        en, zh = "the log does not extend it: it has forked", "日志与之不衔接: 已分叉"
        found.fault(_HELD, en, zh)


def _nothing_there() -> InputError:
    return InputError(
        "fetch.nothing_there",
        Text("there is no published log there", "该处没有已发布的日志"),
        where=CHECKPOINT,
        next_step=Text(
            "Give the folder or URL under which the file `checkpoint` is.",
            "请给出文件 `checkpoint` 所在的文件夹或网址。",
        ),
    )


_FETCHING = Text("fetching the log", "读取日志")
