"""Auditing checkpoints: the stored ones, those beside the log, and one held elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from pilotbase.kernel.text import Text
from pilotbase.record.cosigned import who_cosigned
from pilotbase.record.findings import Findings
from pilotbase.record.opened import LATEST
from pilotbase.record.ports import LogReader
from pilotbase.record.rules import merkle
from pilotbase.record.rules.audit import TREE, Finding
from pilotbase.record.rules.checkpoint import Checkpoint, verify_checkpoint
from pilotbase.record.rules.policy import Policy
from pilotbase.record.rules.rotation import KeyChain
from pilotbase.record.tree import root_of

_COPY = Text(f"the file {LATEST!r}", f"文件 {LATEST!r}")
_HELD = Text("the checkpoint held elsewhere", "另行保存的检查点")
_REWRITTEN = "将由下一个检查点更新"


class Tree(Protocol):
    """The tree of the first ``size`` entries."""

    @property
    def size(self) -> int: ...

    def root(self) -> bytes: ...


class CheckpointAudit:
    """Audits stored checkpoints in order, each against the tree as it stood at its size."""

    def __init__(
        self,
        log: LogReader,
        key: KeyChain | None,
        found: Findings,
        trusted: Checkpoint | None = None,
    ) -> None:
        """With a ``trusted`` checkpoint only later ones are audited, and they have to extend it."""
        self._log = log
        self._key = key
        self._found = found
        self._last = trusted
        self._stored = log.checkpoints()
        self._sizes: set[int] = set()
        self._next = next(self._stored, None)
        while trusted is not None and self._next is not None and self._next[0] < trusted.size:
            self._sizes.add(self._next[0])
            self._next = next(self._stored, None)
        self.good = 0
        self.newest = trusted.size if trusted else 0
        """The size of the newest good checkpoint; what comes after it is under no signature."""

    def due(self, tree: Tree) -> None:
        """Audit the checkpoints made of the tree as it is now."""
        size = tree.size
        while self._next is not None and self._next[0] <= size:
            (said, text), self._next = self._next, next(self._stored, None)
            self._sizes.add(said)
            where = _at(said)
            checkpoint = self._verified(where, text)
            if checkpoint is None:
                continue
            if checkpoint.size != said or checkpoint.size != size:
                en = f"it is stored under size {said} and signed for {checkpoint.size}"
                self._found.fault(where, en, f"存于大小 {said}, 签署的大小为 {checkpoint.size}")
            elif checkpoint.root != tree.root():
                en, zh = "the entries do not have the root that was signed", "记录的根与签署的不符"
                self._found.add(Finding("fault", where, Text(en, zh), size - 1 if size else None))
            else:
                self._extends(where, checkpoint)

    def end(
        self,
        size: int,
        copy: str | None,
        held: str | None,
        cosigned: Iterable[tuple[int, str]] = (),
        policy: Policy | None = None,
    ) -> None:
        """After the last entry: what is left, the copies beside the log, and one held elsewhere."""
        self.rest(size)
        self.copy(copy, size)
        for said, text in cosigned:
            self.cosigned(said, text, policy, size)
        self.held(held, size)

    def rest(self, size: int) -> None:
        """After the last entry: checkpoints of entries that are no longer there."""
        while self._next is not None:
            (said, text), self._next = self._next, next(self._stored, None)
            self._sizes.add(said)
            self._verified(_at(said), text)
            en = f"it was signed for {said} entries; the log has {size}"
            self._found.add(
                Finding("fault", _at(said), Text(en, f"签署时有 {said} 条, 现有 {size} 条"), size)
            )

    def copy(self, text: str | None, size: int) -> None:
        """The copy beside the log: good, and of a checkpoint that is still stored."""
        if text is None:
            if self._sizes:
                self._found.note(_COPY, "it is missing; the next checkpoint writes it", _REWRITTEN)
            return
        checkpoint = self._verified(_COPY, text)
        if checkpoint is None or not self._within(_COPY, checkpoint, size):
            return
        if checkpoint.size not in self._sizes:
            en = f"its checkpoint of size {checkpoint.size} is missing from the log"
            self._found.fault(_COPY, en, f"日志中缺少其大小为 {checkpoint.size} 的检查点")
        elif checkpoint.size != max(self._sizes):
            self._found.note(_COPY, "it is not the newest; the next one replaces it", _REWRITTEN)

    def cosigned(self, said: int, text: str, policy: Policy | None, size: int) -> None:
        """What witnesses have cosigned: good, of the size it lies under, and extended."""
        where = Text(f"the file 'cosignatures/{said}'", f"文件 'cosignatures/{said}'")
        checkpoint = self._verified(where, text)
        if checkpoint is None or not self._within(where, checkpoint, size):
            return
        if checkpoint.size != said:
            en = f"its checkpoint was signed for {checkpoint.size} entries"
            self._found.fault(where, en, f"其检查点签署时有 {checkpoint.size} 条")
        with self._found.damage(where):  # a cosignature that does not hold
            who_cosigned(text, policy.witnesses.values() if policy else ())

    def held(self, text: str | None, size: int) -> None:
        """A checkpoint from elsewhere: good, and extended by this log. It is none of the log's own,
        and is not counted."""
        checkpoint = self._verified(_HELD, text) if text is not None else None
        if checkpoint is not None:
            self._within(_HELD, checkpoint, size)

    def _within(self, where: Text, checkpoint: Checkpoint, size: int) -> bool:
        """Whether the log has the checkpoint's entries, by the stored nodes."""
        if checkpoint.size > size:
            en = f"it was signed for {checkpoint.size} entries; the log has {size}"
            zh = f"签署时有 {checkpoint.size} 条, 现有 {size} 条"
            self._found.add(Finding("fault", where, Text(en, zh), size))
            return False
        same = False
        with self._found.damage(TREE):
            same = root_of(self._log, checkpoint.size) == checkpoint.root
        if not same:
            en, zh = "the entries do not have the root that was signed", "记录的根与签署的不符"
            self._found.fault(where, en, zh)
        return same

    def _extends(self, where: Text, checkpoint: Checkpoint) -> None:
        last, self._last, good = self._last, checkpoint, True
        if last is not None:
            ranges = merkle.consistency_ranges(last.size, checkpoint.size)
            proof: list[bytes] = []
            with self._found.damage(where):
                proof = merkle.hash_ranges(ranges, self._log.nodes)
            good = merkle.verify_consistency(
                last.size, checkpoint.size, proof, last.root, checkpoint.root
            )
        if good:
            self.good, self.newest = self.good + 1, checkpoint.size
        else:
            en, zh = "it does not extend the checkpoint before it", "它与前一检查点不衔接"
            self._found.fault(where, en, zh)

    def _verified(self, where: Text, text: str) -> Checkpoint | None:
        if self._key is None:
            self._found.fault(where, "there is no key to verify it with", "没有可用于验证的密钥")
            return None
        with self._found.damage(where):
            return verify_checkpoint(text, self._key)
        return None


def _at(size: int) -> Text:
    return Text(f"the checkpoint of size {size}", f"大小为 {size} 的检查点")
