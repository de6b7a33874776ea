"""Copying a record from one store to another through the ports: every byte, every hash.

Rows, checkpoints and stored bodies go over as they are (encrypted ones stay so). The tree is hashed
anew from the rows and has to have the roots that the old one has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice

from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.text import Text
from pilotbase.record.bulk import in_parts
from pilotbase.record.ports import Log, LogReader, LogWriter, Row, Vault
from pilotbase.record.rules.checkpoint import Checkpoint
from pilotbase.record.rules.merkle import CompactRange
from pilotbase.record.rules.note import parse
from pilotbase.record.tree import root_of

BODIES = 64


def copy_log(source: LogReader, target: Log, progress: Callable[[int], None]) -> None:
    """Copy one state of a log into an empty one, and compare every signed root on arrival.

    Raises:
        RecordError: ``record.not_copied``: the target is not empty, or the source's tree is not
            that of its entries, which `record verify` looks into.
    """
    if target.size():
        raise not_copied("the target is not empty", "目标不为空")
    tree = CompactRange()

    def add(log: LogWriter, rows: Sequence[Row], leaves: Sequence[bytes]) -> None:
        log.extend(rows, tree.extend(leaves))

    for count in in_parts(target, source.rows(0, None), add):
        progress(count)
    with target.transaction() as log:
        for size, note in source.checkpoints():
            log.add_checkpoint(size, note)
    _compare(source, target)


def copy_vault(source: Vault, target: Vault) -> int:
    """Copy stored bodies as they are; how many. Those erased meanwhile are left out."""
    names, total = source.commitments(), 0
    while page := list(islice(names, BODIES)):
        found = {name: kept for name in page if (kept := source.get(name)) is not None}
        target.put(found)
        total += len(found)
    return total


def _compare(source: LogReader, target: LogReader) -> None:
    size = source.size()
    if target.size() != size or root_of(target, size) != root_of(source, size):
        raise not_copied("the copy has another root", "副本的根哈希不同")
    for signed, note in target.checkpoints():
        checkpoint = None
        # One that cannot be read is as unreadable as it was; the audit tells of it.
        with suppress(RecordError):
            checkpoint = Checkpoint.parse(parse(note).text)
        if checkpoint is not None and root_of(target, signed) != checkpoint.root:
            en = f"the copy does not have the root that was signed for {signed} entries"
            raise not_copied(en, f"副本与对 {signed} 条签署的根哈希不符")


def not_copied(en: str, zh: str) -> RecordError:
    """The error of a copy that must not be used."""
    return RecordError(
        "record.not_copied",
        Text(en, zh),
        next_step=Text(
            "Run `pilotbase record verify` on the old home, which is untouched; give an empty "
            "place for the new one.",
            "请对未改动的旧主目录运行 `pilotbase record verify`, 并为新主目录指定空位置。",
        ),
    )
