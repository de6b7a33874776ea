"""What the audits of a record report, and the keys that they verify with."""

from __future__ import annotations

import os
from dataclasses import dataclass

from pilotbase.kernel.text import Text
from pilotbase.record import keys, rotation
from pilotbase.record.findings import Findings
from pilotbase.record.opened import LOG, Record
from pilotbase.record.ports import LogReader
from pilotbase.record.rules.audit import Finding
from pilotbase.record.rules.note import VerifierKey
from pilotbase.record.rules.rotation import KeyChain

_KEYS = Text("the base's key", "基地密钥")


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What an audit found.

    Attributes:
        ok: no fault; notes (a body that was erased, say) do not spoil the record.
        record_ok: no fault but of the published files.
        size: entries audited. root: hex of their Merkle root as the stored tree has it.
        checkpoints, bodies, views, tiles: how many were found good.
        unsigned: how many entries come after the newest good checkpoint. No fault: they are under
            the next one that is signed.
        findings: in the order found, at most `FINDINGS_MAX`; `more` counts those left out.
        vkey: the key the checkpoints were verified with, None when there is none.
    """

    ok: bool
    record_ok: bool
    size: int
    root: str
    checkpoints: int
    unsigned: int
    bodies: int
    views: int
    tiles: int
    findings: tuple[Finding, ...]
    more: int
    vkey: str | None

    @classmethod
    def of(
        cls,
        found: Findings,
        chain: KeyChain | None,
        size: int,
        root: bytes,
        checkpoints: int,
        newest: int,
        bodies: int = 0,
        views: int = 0,
        tiles: int = 0,
        tile_faults: int = 0,
    ) -> VerifyReport:
        vkey = chain.newest.encode() if chain else None
        counted = (size, root.hex(), checkpoints, size - newest, bodies, views, tiles)
        ok, record_ok = not found.faults, found.faults == tile_faults
        return cls(ok, record_ok, *counted, tuple(found.listed), found.more, vkey)

    @property
    def first_bad_index(self) -> int | None:
        """The lowest entry at which a fault shows, None when no fault is at an entry."""
        at = [f.index for f in self.findings if f.severity == "fault" and f.index is not None]
        return min(at, default=None)


def chain_of(log: LogReader, key: VerifierKey | None, found: Findings) -> KeyChain | None:
    """The log's keys; where its rotations do not hold, the one key that was given."""
    if key is None:
        return None
    with found.damage(_KEYS):
        return rotation.chain(log, key)
    return KeyChain(((0, key),))


def place_of(record: Record, name: str = LOG) -> Text:
    """Where the log is, or the vault: the name of its file in the home, or the database."""
    where = record.log.where
    place = name if where == str(record.home / LOG) else where
    return Text(place, place)


def own_key(record: Record, found: Findings) -> VerifierKey | None:
    """The home's public key; a fault when it is not that of its signing key."""
    with found.damage(_KEYS):
        public = keys.load_public(record.home)
        # An auditor may well be somebody who must not read the secret.
        if public is None or not os.access(record.home / keys.SECRET, os.R_OK):
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
