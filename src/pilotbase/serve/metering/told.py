"""What the log itself says of the usage journals, and whether it is proven to have said so.

Views are caches in the home: who can change a journal can change those too. Figures and checks go
by the entries.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from heapq import merge
from typing import Any

from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.event import Entry
from pilotbase.record import keys
from pilotbase.record.opened import Record
from pilotbase.record.rules import merkle
from pilotbase.record.rules.checkpoint import Checkpoint, verify_checkpoint
from pilotbase.serve.metering.views import KINDS, fold_journals

SEALED = "serve.segment_sealed/1"


def entries(record: Record) -> Iterator[Entry]:
    """All that the log says of journals, in its order."""
    every = [record.entries(kind=kind) for kind in KINDS]
    return merge(*every, key=lambda entry: entry.index)


def told(record: Record) -> dict[str, Any]:
    """By gateway, as the view `views.JOURNALS` has it; folded from the log at each call."""
    state = dict[str, Any]()
    for entry in entries(record):
        fold_journals(state, entry)
    return state


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the log is proven.

    Attributes:
        size, root: of the tree as it is stored. signed: the newest good checkpoint; None where
            there is none. why: what is wrong with one that is not good, in the log's own words.
    """

    size: int
    root: bytes
    signed: Checkpoint | None
    why: RecordError | None = None


def standing(record: Record) -> Standing:
    """The stored tree and the newest checkpoint: in the log, or in the copy beside it."""
    size = record.size
    root, why, best = record.root(size), None, None
    if keys.load_public(record.home) is None:
        # Another machine's home, whose key signs; there is nothing to check it with here.
        return Standing(size, root, None)
    last = record.log.last_checkpoint()
    for text in (last[1] if last else None, record.latest()):
        if text is None:
            continue
        try:
            found = verify_checkpoint(text, record.chain())
        except RecordError as error:
            why = why or error
            continue
        if best is None or found.size > best.size:
            best = found
    return Standing(size, root, best, why)


def is_in(record: Record, entry: Entry, size: int, root: bytes) -> bool:
    """Whether the entry, as its bytes are now, is in the tree of ``size`` leaves with the root."""
    with suppress(RecordError, IndexError):
        path = record.inclusion(entry.index, size)
        return merkle.verify_inclusion(merkle.leaf_hash(entry.data), entry.index, size, path, root)
    return False
