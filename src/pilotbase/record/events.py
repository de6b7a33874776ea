"""What happens to the record itself and is recorded like anything else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pilotbase.kernel.event import event
from pilotbase.record.rules.absence import TALLIED
from pilotbase.record.rules.erasure import ERASED

SEALED = "record.sealed/1"
KEY_ROTATED = "record.key_rotated/1"


@event(KEY_ROTATED)
@dataclass(frozen=True)
class KeyRotated:
    """The base's key handed over to a new one. ``old`` and ``new`` are their vkeys, ``statement``
    is the note that both have signed, ``reason`` says why."""

    old: str
    new: str
    statement: str
    reason: str


@event(ERASED)
@dataclass(frozen=True)
class Erased:
    """Bodies were destroyed together with their salts. Their commitments stand in the log as before
    and can no longer be tested against anything.

    ``bodies`` names each as ``{"entry": index, "name", "commitment"}``; ``reason`` says why and
    ``ground`` on what legal ground. Neither may repeat what was erased.
    """

    bodies: tuple[Mapping[str, Any], ...]
    reason: str
    ground: str


@event("vault.encrypted/1")
@dataclass(frozen=True)
class Encrypted:
    """From here on the vault's bodies lie encrypted under the key with this id."""

    cipher: str
    key: str


@event(TALLIED)
@dataclass(frozen=True)
class Tallied:
    """How many entries of each of these kinds are among the first ``size`` of the log. An audit
    counts them again."""

    size: int
    counts: Mapping[str, int]


@event(SEALED)
@dataclass(frozen=True)
class SegmentsSealed:
    """Segments of the log were exported. ``segments`` names each as ``{"start", "stop", "root",
    "sha256"}``: the Merkle root over the entries ``start <= index < stop`` alone, and the hash of
    the file that was made of them."""

    segments: tuple[Mapping[str, Any], ...]
