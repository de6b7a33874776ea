"""Auditing a whole record: every entry, stored hash, checkpoint and body, in one streaming pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pilotbase.kernel.errors import InputError
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Progress
from pilotbase.record.bodies import BodyAudit
from pilotbase.record.checkpoints import CheckpointAudit
from pilotbase.record.cosignatures import all_cosigned
from pilotbase.record.cosigned import POLICY, read_policy
from pilotbase.record.findings import FINDINGS_MAX, Findings
from pilotbase.record.opened import VAULT, Record
from pilotbase.record.ports import FIRST, LogReader
from pilotbase.record.rules import merkle
from pilotbase.record.rules.absence import TALLIED
from pilotbase.record.rules.audit import (
    EntryAudit,
    Finding,
    TreeAudit,
    miscounted,
    of_entry,
    tally_of,
)
from pilotbase.record.rules.checkpoint import Checkpoint, verify_checkpoint
from pilotbase.record.rules.note import VerifierKey
from pilotbase.record.rules.policy import Policy
from pilotbase.record.rules.rotation import KeyChain
from pilotbase.record.rules.views import View, declared_views
from pilotbase.record.tile_audit import TileAudit
from pilotbase.record.verify_report import VerifyReport, chain_of, own_key, place_of
from pilotbase.record.view_audit import ViewAudit
from pilotbase.record.views import standing

__all__ = ["FINDINGS_MAX", "VerifyReport", "verify"]

_POLICY = Text(f"the file {POLICY!r}", f"文件 {POLICY!r}")
_TRUSTED = Text("the checkpoint to start from", "起始检查点")


def verify(
    record: Record,
    key: VerifierKey | None = None,
    *,
    held: str | None = None,
    since: str | None = None,
    views: Sequence[View] | None = None,
    published: Path | None = None,
) -> VerifyReport:
    """Audit the record from its first entry. Damage is reported, never raised.

    Args:
        key: the base's public key as one got it elsewhere, any of them if it was rotated; without
            it the home's own is used.
        held: a checkpoint of this log that was kept elsewhere, which the log has to extend.
        since: a checkpoint that one trusts, because it was audited before: if the log's hashes
            still extend it, only what came after is audited. The first counter of each kind after
            it is then taken as it stands, and views, which begin at the first entry, are not
            folded again.
        views: those to fold again and to compare with what stands in the home; all that are
            declared, if left out.
        published: a folder that the log was published to: its files have to be the log's.

    Raises:
        HomeError: the disk fails, or another process keeps it busy.
    """
    found = Findings()
    key = key or own_key(record, found)
    place = place_of(record)
    known = declared_views() if views is None else views
    beside = _beside(record, held, known if since is None else (), published, found)
    chain, size, root, checkpoints, newest = None, 0, merkle.EMPTY_ROOT, 0, 0
    with found.damage(place), record.log.snapshot() as log:
        _structure(log, place, beside.bodies, found)
        chain = chain_of(log, key, found)
        trusted = _trusted(log, since, chain, found)
        progress = record.context.progress
        size, root, checkpoints, newest = _through(log, chain, trusted, beside, progress, found)
    if since is None:
        beside.bodies.orphans(beside.kept)
    return VerifyReport.of(
        found,
        chain,
        size,
        root,
        checkpoints,
        newest,
        bodies=beside.bodies.good,
        views=beside.views.good,
        tiles=beside.tiles.good if beside.tiles else 0,
        tile_faults=beside.tiles.faults if beside.tiles else 0,
    )


@dataclass(frozen=True)
class _Beside:
    """What there is beside the log, here and elsewhere, and the audits that compare it."""

    copy: str | None
    held: str | None
    cosigned: Sequence[tuple[int, str]]
    policy: Policy | None
    kept: int
    bodies: BodyAudit
    views: ViewAudit
    tiles: TileAudit | None


def _beside(
    record: Record,
    held: str | None,
    views: Sequence[View],
    published: Path | None,
    found: Findings,
) -> _Beside:
    """Read before the log's snapshot is taken: whatever it refers to is then in the snapshot."""
    copy, files, kept = record.latest(), standing(record.home), _kept(record, found)
    cosigned, policy = list(all_cosigned(record.home)), _policy(record.home, found)
    bodies, folded = BodyAudit(record.vault, found), ViewAudit(files, views, found)
    tiles = TileAudit(published, found) if published is not None else None
    return _Beside(copy, held, cosigned, policy, kept, bodies, folded, tiles)


def _through(
    log: LogReader,
    chain: KeyChain | None,
    trusted: Checkpoint | None,
    beside: _Beside,
    progress: Progress,
    found: Findings,
) -> tuple[int, bytes, int, int]:
    """Audit all that comes after the trusted checkpoint: the size and root it came to, how many
    checkpoints are good, and the size of the newest."""
    tree, signed = _tree(log, trusted), CheckpointAudit(log, chain, found, trusted)
    with progress.task(_AUDITING, log.size() - tree.size) as step:
        for index, data, said in _entries(log, tree, signed, found):
            beside.bodies.entry(index, said)
            beside.views.entry(index, data, said)
            step(1)
    found.add(*tree.rest())
    signed.end(tree.size, beside.copy, beside.held, beside.cosigned, beside.policy)
    beside.views.ahead(tree.size)
    if beside.tiles is not None:
        beside.tiles.compare(log, chain, trusted.size if trusted else 0, progress)
    return tree.size, tree.root(), signed.good, signed.newest


def _policy(home: Path, found: Findings) -> Policy | None:
    try:
        return read_policy(home)
    except InputError as error:
        found.add(Finding("fault", _POLICY, error.message))
        return None


def _structure(log: LogReader, place: Text, bodies: BodyAudit, found: Findings) -> None:
    """What the store itself finds wrong; and which bodies were erased, to be known beforehand."""
    with found.damage(place):
        for words in log.faults():
            found.fault(place, words, words)
        bodies.erased(log)


def _kept(record: Record, found: Findings) -> int:
    """How many bodies there are; what the vault itself finds wrong is a fault."""
    kept, place = 0, place_of(record, VAULT)
    with found.damage(place):
        kept = record.vault.total()
        for words in record.vault.faults():
            found.fault(place, words, words)
    return kept


def _trusted(
    log: LogReader, since: str | None, chain: KeyChain | None, found: Findings
) -> Checkpoint | None:
    """The checkpoint to start from, None when all is to be audited or it does not hold."""
    if since is None:
        return None
    if chain is None:
        found.fault(_TRUSTED, "there is no key to verify it with", "没有可用于验证的密钥")
        return None
    with found.damage(_TRUSTED):
        checkpoint = verify_checkpoint(since, chain)
        nodes = merkle.cover(0, checkpoint.size)
        has = checkpoint.size <= log.size()
        if has and merkle.fold(log.nodes(list(map(merkle.node_number, nodes)))) == checkpoint.root:
            return checkpoint
        en, zh = "the log does not extend it; all is audited", "日志与之不衔接; 已改为全面核验"
        found.fault(_TRUSTED, en, zh)
    return None


def _tree(log: LogReader, trusted: Checkpoint | None) -> TreeAudit:
    if trusted is None:
        return TreeAudit(log.all_nodes())
    first = merkle.node_count(trusted.size)
    edge = [merkle.node_number(node) for node in merkle.cover(0, trusted.size)]
    after = (node for node in log.all_nodes() if node[0] >= first)
    return TreeAudit(after, trusted.size, log.nodes(edge))


def _entries(
    log: LogReader, tree: TreeAudit, signed: CheckpointAudit, found: Findings
) -> Iterator[tuple[int, bytes, Mapping[str, Any]]]:
    """Audit each row, its leaf, the checkpoints due after it; what it says, where readable."""
    start = tree.size
    tallies = [(row.index, row.data) for row in log.rows(start or FIRST, None, kind=TALLIED)]
    counts = _earlier(log, start, tallies, found) if start else None
    audit = EntryAudit(tallies, counts=counts)
    signed.due(tree)
    for row in log.rows(start or FIRST, None):
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
            yield row.index, row.data, said


def _earlier(
    log: LogReader, start: int, tallies: Sequence[tuple[int, bytes]], found: Findings
) -> dict[str, int]:
    """Before an audit that begins midway: how many entries there are of the kinds in tallies."""
    said = [(index, *tally_of(data)) for index, data in tallies]
    for index, size, counts in said:
        if 0 <= size < start:
            counted = {kind: _count(log, kind, size) for kind in counts}
            found.add(*miscounted(index, size, counts, counted))
    return {kind: _count(log, kind, start) for _, _, counts in said for kind in counts}


def _count(log: LogReader, kind: str, size: int) -> int:
    return sum(1 for _ in log.rows(0, size, kind=kind))


def _skip(index: int, tree: TreeAudit, signed: CheckpointAudit, found: Findings) -> None:
    """Entries are missing: go on from their hashes, as far as the tree still has them."""
    first = tree.size
    en = f"missing, up to entry {index - 1}" if index - 1 > first else "missing"
    zh = f"缺失, 直至第 {index - 1} 条" if index - 1 > first else "缺失"
    found.add(of_entry(first, en, zh))
    while tree.size < index and not tree.exhausted:
        found.add(*tree.leaf(None))
        signed.due(tree)


_AUDITING = Text("auditing the record", "核验记录")
