"""Checkpoint: sign the state of the record."""

from __future__ import annotations

from dataclasses import dataclass

from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context, verb


@dataclass(frozen=True)
class CheckpointRequest:
    pass


@dataclass(frozen=True)
class CheckpointResponse:
    """A signed note of size and root: who keeps one elsewhere will notice if the log goes back."""

    checkpoint: str
    size: int
    root: str
    vkey: str


@verb(
    "record.checkpoint",
    summary=Text(
        "Sign the size and root of the record, for others to keep.",
        "签署记录的大小与根哈希, 供他人留存。",
    ),
    changes=True,
    roles=("case officer", "signatory"),
)
def checkpoint(context: Context, request: CheckpointRequest) -> CheckpointResponse:
    from pilotbase.record.opened import open_record
    from pilotbase.record.rules.checkpoint import verify_checkpoint

    with open_record(context, create=False) as record:
        note, key = record.checkpoint(), record.verifier
    signed = verify_checkpoint(note, key)
    return CheckpointResponse(note, signed.size, signed.root.hex(), key.encode())
