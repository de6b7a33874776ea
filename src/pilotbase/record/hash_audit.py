"""The quick audit: every entry hashed again, and the checkpoints that were signed of the hashes."""

from __future__ import annotations

from dataclasses import dataclass

from pilotbase.record.checkpoints import CheckpointAudit
from pilotbase.record.findings import Findings
from pilotbase.record.opened import Record
from pilotbase.record.ports import LogReader
from pilotbase.record.rehash import rehash
from pilotbase.record.rules import merkle
from pilotbase.record.rules.audit import of_entry
from pilotbase.record.rules.note import VerifierKey
from pilotbase.record.tree import root_of
from pilotbase.record.verify_report import VerifyReport, chain_of, own_key, place_of


@dataclass(frozen=True)
class _Stored:
    """The tree as the log stores it."""

    log: LogReader
    size: int

    def root(self) -> bytes:
        return root_of(self.log, self.size)


def verify_hashes(
    record: Record, key: VerifierKey | None = None, *, held: str | None = None
) -> VerifyReport:
    """Whether the entries' bytes are those that were hashed and signed for; nothing about the rest.

    It stops at the first entry that does not fit. Counters, the copies beside entries, bodies and
    views are not looked at; see `audit.verify`, whose arguments and errors these are.
    """
    found, copy, chain = Findings(), record.latest(), None
    size, root, checkpoints, newest = 0, merkle.EMPTY_ROOT, 0, 0
    key = key or own_key(record, found)
    with found.damage(place_of(record)), record.log.snapshot() as log:
        chain = chain_of(log, key, found)
        again = rehash(log)
        size, root = again.size, again.root
        if again.first_bad is not None:
            en = "its bytes, or the hashes that it completes, are not those that are stored"
            found.add(of_entry(again.first_bad, en, "其内容或由其完成的哈希与所存的不符"))
        else:
            signed = CheckpointAudit(log, chain, found)
            for at in sorted({at for at, _ in log.checkpoints() if 0 <= at <= size}):
                signed.due(_Stored(log, at))
            signed.end(size, copy, held)
            checkpoints, newest = signed.good, signed.newest
    return VerifyReport.of(found, chain, size, root, checkpoints, newest)
