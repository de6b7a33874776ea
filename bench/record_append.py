"""How fast the record appends: alone and in batches of 1,000, with and without bodies; and audits.

Run by hand: python bench/record_append.py [FOLDER]. The folder decides the disk that is measured.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pilotbase.kernel.actor import Actor
from pilotbase.kernel.event import Draft, event
from pilotbase.kernel.verb import Context
from pilotbase.record.audit import verify
from pilotbase.record.opened import Record, open_record

BY = Actor("bench", "evaluator")
ALONE, BATCHES, BATCH = 300, 10, 1_000


@event("bench.happened/1")
@dataclass(frozen=True)
class Happened:
    """Something of an ordinary size happened."""

    n: int
    text: str = "an event of ordinary size, about three hundred bytes with its envelope"


def draft(n: int, size: int = 0) -> Draft:
    bodies = {"evidence": n.to_bytes(8, "big") * (size // 8)} if size else {}
    return Draft(Happened(n), BY, "pilot:bench", bodies)


def rate(label: str, count: int, work: Callable[[], object]) -> None:
    began = time.perf_counter()
    work()
    print(f"{label:<44}{count / (time.perf_counter() - began):>12,.0f} /s")


def appended(record: Record, first: int, count: int, size: int = 0) -> None:
    for n in range(first, first + count):
        record.append(draft(n, size))


def batched(record: Record, first: int, size: int = 0) -> None:
    for start in range(first, first + BATCHES * BATCH, BATCH):
        record.append_many([draft(n, size) for n in range(start, start + BATCH)])


def main(folder: str | None) -> None:
    with (
        tempfile.TemporaryDirectory(dir=folder) as home,
        open_record(Context(Path(home))) as record,
    ):
        total = BATCHES * BATCH
        rate("append, one at a time", ALONE, lambda: appended(record, 0, ALONE))
        rate(
            "append, one at a time, 1 kB body", ALONE, lambda: appended(record, 10**6, ALONE, 1024)
        )
        rate(f"append_many, {BATCH:,} at a time", total, lambda: batched(record, 2 * 10**6))
        rate(
            f"append_many, {BATCH:,}, 1 kB bodies", total, lambda: batched(record, 3 * 10**6, 1024)
        )
        rate("entries read", record.size, lambda: sum(1 for _ in record.entries()))
        proofs = range(0, record.size, 20)
        rate("inclusion proofs", len(proofs), lambda: [record.inclusion(n) for n in proofs])
        rate("checkpoints of the same size", 20, lambda: [record.checkpoint() for _ in range(20)])
        rate("entries audited, bodies too", record.size, lambda: verify(record))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
