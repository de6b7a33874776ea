"""The duties of a record that were not met in time, and proofs of that for others."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pilotbase.kernel.actor import Actor
from pilotbase.kernel.event import Draft, Entry, declared_duties
from pilotbase.kernel.time import parse
from pilotbase.record.events import Tallied
from pilotbase.record.opened import Record
from pilotbase.record.rules import duties
from pilotbase.record.rules.absence import FORMAT, TALLIED, shown_entry
from pilotbase.record.rules.checkpoint import Checkpoint
from pilotbase.record.rules.duties import Owed
from pilotbase.record.rules.note import parse as parse_note


def overdue(record: Record, at: datetime) -> list[Owed]:
    """The duties that at a moment were overdue or had been met late."""
    rules = duties.rules_of(declared_duties())
    kinds = {kind for rule in rules for kind in (rule.opened_by, *rule.closed_by)}
    streams = [((e.index, e.envelope) for e in record.entries(kind=kind)) for kind in sorted(kinds)]
    return duties.owed(rules, heapq.merge(*streams, key=lambda item: item[0]), at)


def prove_absence(
    record: Record, owed: Sequence[Owed], *, by: Actor
) -> list[tuple[Owed, dict[str, Any]]]:
    """The proof file of each duty that can be shown by now; see `rules.absence`.

    It appends a tally, or two where the log was quiet, and signs a checkpoint that has it. Duties
    whose deadline is still to come by the base's clock are left out; nothing is appended for them.
    """
    now = record.context.clock()
    owed = [one for one in owed if one.deadline <= now]
    if not owed:
        return []
    kinds = sorted({kind for one in owed for kind in one.rule.closed_by})
    if parse(record.entry(record.size - 1).envelope["at"]) < max(one.deadline for one in owed):
        # A quiet log: this entry is the one whose time is past the deadlines.
        _tally(record, kinds, by)
    tally = _tally(record, kinds, by)
    last = record.entry(tally.body["size"] - 1)
    note = record.checkpoint()
    size = Checkpoint.parse(parse_note(note).text).size
    shown = parse(last.envelope["at"])
    made = [one for one in owed if shown >= one.deadline]
    return [(one, _file(record, one, tally, last, note, size)) for one in made]


def _tally(record: Record, kinds: Sequence[str], by: Actor) -> Entry:
    """Record how many of each kind there are by now; a count of a prefix stays right for good."""
    size = record.size
    counts = {kind: sum(1 for _ in record.entries(0, size, kind=kind)) for kind in kinds}
    key = f"{TALLIED}:{size}:{','.join(kinds)}"
    return record.append(Draft(Tallied(size, counts), by, key=key))


def _file(
    record: Record, one: Owed, tally: Entry, last: Entry, note: str, size: int
) -> dict[str, Any]:
    def shown(entry: Entry) -> dict[str, Any]:
        return shown_entry(entry.index, entry.data, record.inclusion(entry.index, size))

    def closings(kind: str) -> list[dict[str, Any]]:
        found = list(record.entries(0, last.index + 1, kind=kind))
        return [shown(entry) for entry in _since(found, one.opened)]

    return {
        "format": FORMAT,
        "rule": one.rule.as_dict(),
        "opening": shown(record.entry(one.opened)),
        "tally": shown(tally),
        "last": shown(last),
        "closings": {kind: closings(kind) for kind in one.rule.closed_by},
        "checkpoint": note,
        "vkey": record.vkey,
    }


def _since(entries: Sequence[Entry], opened: int) -> Sequence[Entry]:
    """The entries from the last one before the opening on, which shows where the rest begin."""
    before = sum(entry.index < opened for entry in entries)
    return entries[max(before - 1, 0) :]
