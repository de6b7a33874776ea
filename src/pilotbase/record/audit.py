"""Auditing a whole record: every entry, stored hash, checkpoint and body, in one streaming pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.text import Text
from pilotbase.record import keys
from pilotbase.record.encryption import KEY_MISSING
from pilotbase.record.opened import LATEST, LOG, VAULT, Record, root_of
from pilotbase.record.ports import FIRST, LogReader, Vault
from pilotbase.record.rules import merkle
from pilotbase.record.rules.audit import TREE, EntryAudit, Finding, TreeAudit, entry_place, of_entry
from pilotbase.record.rules.checkpoint import Checkpoint, verify_checkpoint
from pilotbase.record.rules.commitment import SALT_SIZE, commit
from pilotbase.record.rules.erasure import ERASED, erased_by
from pilotbase.record.rules.note import VerifierKey

FINDINGS_MAX = 100

_LOG, _VAULT = Text(LOG, LOG), Text(VAULT, VAULT)
_COPY = Text(f"the file {LATEST!r}", f"文件 {LATEST!r}")
_HELD = Text("the checkpoint held elsewhere", "另行保存的检查点")
_KEYS = Text("the base's key", "基地密钥")


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What an audit found.

    Attributes:
        ok: no fault; notes (a body that was erased, say) do not spoil the record.
        size: entries audited. root: hex of their Merkle root as the stored tree has it.
        checkpoints, bodies: how many were found good.
        findings: in the order found, at most `FINDINGS_MAX`; `more` counts those left out.
        vkey: the key the checkpoints were verified with, None when there is none.
    """

    ok: bool
    size: int
    root: str
    checkpoints: int
    bodies: int
    findings: tuple[Finding, ...]
    more: int
    vkey: str | None

    @property
    def first_bad_index(self) -> int | None:
        """The lowest entry at which a fault shows, None when no fault is at an entry."""
        at = [f.index for f in self.findings if f.severity == "fault" and f.index is not None]
        return min(at, default=None)


def verify(
    record: Record, key: VerifierKey | None = None, *, held: str | None = None
) -> VerifyReport:
    """Audit the record from its first entry. Damage is reported, never raised.

    Args:
        key: the base's public key as one got it elsewhere; without it the home's own is used.
        held: a checkpoint of this log that was kept elsewhere, which the log has to extend.

    Raises:
        HomeError: the disk fails, or another process keeps it busy.
    """
    found = Findings()
    key = key or _own_key(record, found)
    # Read before the snapshot is taken: whatever these two refer to is then in the snapshot.
    copy, kept = record.latest(), 0
    with found.damage(_VAULT):
        kept = record.vault.total()
        for words in record.vault.faults():
            found.fault(_VAULT, words, words)
    bodies = BodyAudit(record.vault, found)
    checkpoints = size = 0
    root = merkle.EMPTY_ROOT
    with found.damage(_LOG), record.log.snapshot() as log:
        with found.damage(_LOG):
            for words in log.faults():
                found.fault(_LOG, words, words)
            bodies.erased(log)
        tree, signed = TreeAudit(log.all_nodes()), CheckpointAudit(log, key, found)
        with record.context.progress.task(_AUDITING, log.size()) as progress:
            for said in _entries(log, tree, signed, found):
                bodies.entry(*said)
                progress(1)
        found.add(*tree.rest())
        signed.rest(tree.size)
        signed.copy(copy, tree.size)
        signed.held(held, tree.size)
        size, root, checkpoints = tree.size, tree.root(), signed.good
    bodies.orphans(kept)
    return VerifyReport(
        ok=not found.faults,
        size=size,
        root=root.hex(),
        checkpoints=checkpoints,
        bodies=bodies.good,
        findings=tuple(found.listed),
        more=found.more,
        vkey=key.encode() if key else None,
    )


def _entries(
    log: LogReader, tree: TreeAudit, signed: CheckpointAudit, found: Findings
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Audit each row, its leaf, the checkpoints due after it; index and envelope where readable."""
    audit = EntryAudit()
    signed.due(tree)
    for row in log.rows(FIRST, None):
        if row.index > tree.size:
            _skip(row.index, tree, signed, found)
        said, findings = audit.entry(row)
        found.add(*findings)
        if row.index == tree.size:
            found.add(*tree.leaf(row.data if isinstance(row.data, bytes) else None))
            signed.due(tree)
        else:
            en = f"its index does not follow; {tree.size} was to come"
            found.add(of_entry(row.index, en, f"序号不连续; 此处应为 {tree.size}"))
        if said is not None:
            yield row.index, said


def _skip(index: int, tree: TreeAudit, signed: CheckpointAudit, found: Findings) -> None:
    """Entries are missing: go on from their hashes, as far as the tree still has them."""
    first = tree.size
    en = f"missing, up to entry {index - 1}" if index - 1 > first else "missing"
    zh = f"缺失, 直至第 {index - 1} 条" if index - 1 > first else "缺失"
    found.add(of_entry(first, en, zh))
    while tree.size < index and not tree.exhausted:
        found.add(*tree.leaf(None))
        signed.due(tree)


def _own_key(record: Record, found: Findings) -> VerifierKey | None:
    """The home's public key; a fault when it is not that of its signing key."""
    with found.damage(_KEYS):
        public = keys.load_public(record.home)
        if public is None or not (record.home / keys.SECRET).exists():
            return public
        secret = keys.load(record.home)
        if secret is not None and secret.verifier != public:
            found.fault(
                _KEYS,
                f"{keys.PUBLIC} is not the public half of {keys.SECRET}",
                f"{keys.PUBLIC} 与 {keys.SECRET} 不是同一对密钥",
            )
        return public
    return None


class Findings:
    """What was found so far; a limit keeps a wreck from filling memory and screen."""

    def __init__(self) -> None:
        self.listed: list[Finding] = []
        self.more = 0
        self.faults = 0

    def add(self, *findings: Finding) -> None:
        room = FINDINGS_MAX - len(self.listed)
        self.listed += findings[:room]
        self.more += len(findings[room:])
        self.faults += sum(finding.severity == "fault" for finding in findings)

    def fault(self, where: Text, en: str, zh: str) -> None:
        self.add(Finding("fault", where, Text(en, zh)))

    def note(self, where: Text, en: str, zh: str) -> None:
        self.add(Finding("note", where, Text(en, zh)))

    @contextmanager
    def damage(self, where: Text) -> Iterator[None]:
        """Damage that keeps something from being read at all is a fault like any other."""
        try:
            yield
        except RecordError as error:
            self.add(Finding("fault", where, error.message))


class CheckpointAudit:
    """Audits stored checkpoints in order, each against the tree as it stood at its size."""

    def __init__(self, log: LogReader, key: VerifierKey | None, found: Findings) -> None:
        self._log = log
        self._key = key
        self._found = found
        self._stored = log.checkpoints()
        self._next = next(self._stored, None)
        self._last: Checkpoint | None = None
        self._sizes: set[int] = set()
        self.good = 0

    def due(self, tree: TreeAudit) -> None:
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

    def held(self, text: str | None, size: int) -> None:
        """A checkpoint from elsewhere: good, and extended by this log."""
        checkpoint = self._verified(_HELD, text) if text is not None else None
        if checkpoint is not None and self._within(_HELD, checkpoint, size):
            self.good += 1

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
            self.good += 1
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


class BodyAudit:
    """Audits the bodies in the vault against what the entries commit to."""

    def __init__(self, vault: Vault, found: Findings) -> None:
        self._vault = vault
        self._found = found
        self._erased: set[str] = set()
        self._present = 0
        self._locked = 0
        self.good = 0

    def erased(self, log: LogReader) -> None:
        """Take note of what the log says was erased, also of entries that stand before it."""
        for row in log.rows(FIRST, None, kind=ERASED):
            self._erased.update(erased_by(row.data))

    def entry(self, index: int, said: Mapping[str, Any]) -> None:
        for name, item in said["vault"].items():
            with self._found.damage(entry_place(index)):
                self._body(index, name, item["commitment"], item["size"])

    def _body(self, index: int, name: str, commitment: str, size: int) -> None:
        try:
            kept = self._vault.get(commitment)
        except RecordError as error:
            if error.code != KEY_MISSING:
                raise
            self._present, self._locked = self._present + 1, self._locked + 1
            return
        if kept is None:
            self._found.add(_absent(index, name, commitment in self._erased))
            return
        self._present += 1
        if commitment in self._erased:
            en = f"its body {name!r} was recorded as erased and is still there; erase it again"
            zh = f"其正文 {name!r} 已记录为删除但仍然存在; 请再次删除"
            self._found.add(of_entry(index, en, zh))
            return
        whole = len(kept.salt) == SALT_SIZE and len(kept.body) == size
        if whole and commit(kept.salt, kept.body) == commitment:
            self.good += 1
            return
        en = f"its body {name!r} in the vault is not what was committed to"
        self._found.add(of_entry(index, en, f"其正文 {name!r} 与承诺值不符"))

    def orphans(self, kept: int) -> None:
        """Bodies to which no entry refers: written before a crash kept the entry from following."""
        if self._locked:
            en = f"{self._locked} bodies were not checked: the vault is encrypted and no key given"
            zh = f"{self._locked} 份正文未核验: 保险库已加密而未给出密钥"
            self._found.note(_VAULT, en, zh)
        count = kept - self._present
        if count > 0:
            en = f"{count} bodies belong to no entry; harmless, left by an interrupted append"
            zh = f"{count} 份正文不属于任何记录; 系写入中断所留, 无害"
            self._found.note(_VAULT, en, zh)


def _absent(index: int, name: str, erased: bool) -> Finding:
    if erased:
        return of_entry(index, f"its body {name!r} was erased", f"其正文 {name!r} 已删除", "note")
    en = f"its body {name!r} is lost: it is not in the vault, and no erasure was recorded"
    return of_entry(index, en, f"其正文 {name!r} 已丢失: 不在保险库中, 也没有删除记录")


def _at(size: int) -> Text:
    return Text(f"the checkpoint of size {size}", f"大小为 {size} 的检查点")


_AUDITING = Text("auditing the record", "核验记录")
_REWRITTEN = "将由下一个检查点更新"
