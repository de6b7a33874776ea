"""What was said, kept: each answer of a candidate that was asked case by case goes into the vault.

A body ``replies:<candidate>:<n>`` is gzip of JSON lines ``{unit, row, version, repeat, requests,
digest, fields, reason, taken_ms, cost}``, at most `CHUNK_BYTES` compressed. Bodies are written
while the journal is read, so that memory does not grow with the answers. The tree is over the
bodies' salted commitments: an erased body leaves the root, and every verdict, as they are.
"""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pilotbase.desk.events import AnswersKept
from pilotbase.desk.prepare import Prepared
from pilotbase.desk.trying import Drawing, Question, perturbations
from pilotbase.kernel.event import Draft, Entry
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import Record
from pilotbase.record.rules import merkle
from pilotbase.trial.journal import Journal, Kept, Place
from pilotbase.trial.run import asked_as

CHUNK_BYTES = 2**20
PLAIN_BYTES = 4 * 2**20
"""So much text at once: also what does not compress at all stays under the limit in `_pieces`."""


def keep_answers(
    record: Record, context: Context, prepared: Prepared, drawing: Drawing, path: Path
) -> dict[str, dict[str, Any]]:
    """Keep the answers that a run's journal holds, and judges' marks of them; by candidate or
    ``judge:<judge>:<candidate>:<mark>`` ``{root, answers, chunks}``.

    An interrupted call goes on: the same bodies of the same run are kept once.
    """
    found = {}
    journal = Journal(path, prepared.plan_hash)
    try:
        candidates = [c.id for c in drawing.scenario.candidates if c.estimator is None]
        for name in (*candidates, *journal.judges(candidates)):
            said = _lines(prepared, drawing, journal, name)
            entries = list(_kept(record, context, prepared.run, name, said))
            if entries:
                answers = sum(int(entry.body["answers"]) for entry in entries)
                found[name] = {
                    "root": root_of(entries).hex(), "answers": answers, "chunks": len(entries),
                }  # fmt: skip
    finally:
        journal.close()
    return found


def root_of(entries: Sequence[Entry]) -> bytes:
    """The Merkle root (RFC 9162, 2.1.1) over the commitments of the entries' bodies."""
    commitments = [
        item["commitment"] for entry in entries for item in entry.envelope["vault"].values()
    ]
    return merkle.root(merkle.leaf_hash(text.encode()) for text in commitments)


def answers_of(record: Record, run: str, candidate: str) -> Iterator[dict[str, Any]]:
    """The kept answers of a candidate in a run, in their order.

    Raises:
        RecordError: a body was erased or does not fit its commitment.
    """
    for entry in record.entries(kind="pilot.answers_kept/1", about=_about(run)):
        if entry.body["candidate"] == candidate:
            for name in entry.envelope["vault"]:
                for line in gzip.decompress(record.body(entry, name)).splitlines():
                    yield json.loads(line)


def _lines(
    prepared: Prepared, drawing: Drawing, journal: Journal, candidate: str
) -> Iterator[bytes]:
    deciding, beside = drawing.deciding, drawing.beside
    yield from _of_question(prepared, drawing, deciding, journal, candidate)
    if beside is not None:
        yield from _of_question(prepared, drawing, beside, journal, candidate)


def _of_question(
    prepared: Prepared, drawing: Drawing, question: Question, journal: Journal, candidate: str
) -> Iterator[bytes]:
    scenario, cases = drawing.scenario, question.cases
    name = asked_as(
        cases, scenario, question.order, under=perturbations(scenario),
        importance=question.estimand == scenario.estimand,
    )  # fmt: skip
    for place, digest, kept in journal.answers(name, candidate):
        unit = cases.unit_ids[int(cases.unit[place.row])]
        yield _line(unit, place, digest, kept)


def _line(unit: str, place: Place, digest: str | None, kept: Kept) -> bytes:
    said = {
        "unit": unit,
        "row": place.row,
        "version": place.version,
        "repeat": place.repeat,
        "requests": list(kept.requests),
        "digest": digest,
        "fields": None if kept.fields is None else dict(kept.fields),
        "reason": kept.reason,
        "taken_ms": None if math.isnan(kept.taken_ms) else kept.taken_ms,
        "cost": kept.cost,
    }
    return json.dumps(said, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def _kept(
    record: Record, context: Context, run: str, candidate: str, lines: Iterator[bytes]
) -> Iterator[Entry]:
    for number, (answers, body) in enumerate(_chunks(lines)):
        happened = AnswersKept(run, candidate, number, answers)
        bodies = {f"replies:{candidate}:{number}": body}
        yield record.append(Draft(happened, context.actor("evaluator"), _about(run), bodies))


def _chunks(lines: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    """How many lines and their compressed bytes, again and again."""
    some: list[bytes] = []
    size = 0
    for line in lines:
        if some and size + len(line) > PLAIN_BYTES:
            yield from _pieces(some)
            some, size = [], 0
        some.append(line)
        size += len(line)
    if some:
        yield from _pieces(some)


def _pieces(lines: list[bytes]) -> Iterator[tuple[int, bytes]]:
    """The lines compressed, in halves of halves until each fits; a single line may be longer."""
    body = gzip.compress(b"".join(lines), mtime=0)
    if len(body) <= CHUNK_BYTES or len(lines) == 1:
        yield len(lines), body
        return
    middle = len(lines) // 2
    yield from _pieces(lines[:middle])
    yield from _pieces(lines[middle:])


def _about(run: str) -> str:
    return f"transcript:{run}"
