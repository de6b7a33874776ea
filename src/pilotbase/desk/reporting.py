"""The dossier of a run, gathered from the record alone, and the report that shows it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pilotbase.desk.answers import ReportResponse
from pilotbase.desk.journey import Journey
from pilotbase.desk.recorded import judged_pilot
from pilotbase.desk.rules import reached
from pilotbase.desk.witness import attested
from pilotbase.kernel.canonical import decode
from pilotbase.kernel.event import Entry
from pilotbase.kernel.home import storage_errors, write_whole
from pilotbase.kernel.verb import Context
from pilotbase.record.events import KEY_ROTATED
from pilotbase.record.rules.checkpoint import verify_checkpoint
from pilotbase.register.documents.report import render_report

FORMAT = "pilotbase/report/1"
REPORTS = "reports"
EVIDENCE = "evidence:"


def write_report(context: Context, run: str, out: Path | None) -> ReportResponse:
    """Write HTML and JSON of a run's report; without ``out`` into the home's reports folder."""
    with judged_pilot(context, run) as journey:
        return write_report_of(journey, context, out)


def write_report_of(journey: Journey, context: Context, out: Path | None) -> ReportResponse:
    """The report of a judged pilot, as two files with the same content."""
    found = dossier(journey)
    name = f"{found['scenario']['id']}-{found['run']}"
    html = out or context.home / REPORTS / f"{name}.html"
    twin = html.with_suffix(".json")
    with storage_errors(html):
        write_whole(html, render_report(found).encode())
        write_whole(twin, json.dumps(found, ensure_ascii=False, indent=1).encode())
    return ReportResponse(found["run"], html, twin)


def dossier(journey: Journey) -> dict[str, Any]:
    """Everything a stranger needs to read and to verify a run, and nothing else.

    Bodies come with their salts, entries with proofs of inclusion in one signed checkpoint.
    """
    record = journey.record
    note = record.checkpoint()
    size = verify_checkpoint(note, record.verifier).size
    # What came after the proof (an exit report, an erasure) is no part of the trial.
    last = journey.entry("evidenced" if reached(journey.state, "evidenced") else "judged").index
    entries = list(record.entries(0, min(size, last + 1), about=journey.about))
    plan = decode(journey.body("planned", "plan"))
    planned, evaluated = journey.entry("planned"), journey.entry("evaluated")
    started = journey.entry("running")
    order = decode(journey.body("running", "order"))
    evidence = {
        name.removeprefix(EVIDENCE): decode(record.body(evaluated, name))
        for name in evaluated.envelope["vault"]
        if name.startswith(EVIDENCE)
    }
    return {
        "format": FORMAT,
        "run": journey.about.removeprefix("pilot:"),
        "at": journey.entry("judged").envelope["at"],
        "scenario": decode(journey.body("submitted", "scenario")),
        "plan": plan,
        "plan_hash": planned.body["plan"],
        "witness": attested(plan["order"]["receipt"].get("key")),
        "receipt": started.body["receipt"] or None,
        "earlier": {
            "plans_on_same_data": planned.body["earlier_plans"],
            "exposures": evaluated.body["exposures"],
        },
        "verdict": decode(journey.body("judged", "verdict")),
        "order": {"seed": started.body["order"], **order},
        "evidence": evidence,
        "bodies": [body for entry in entries for body in _bodies(journey, entry)],
        "record": {
            "entries": [_proven(journey, entry, size) for entry in entries],
            "size": size,
            "root": record.root(size).hex(),
            "checkpoint": note,
            "vkey": record.vkey,
            # Notes of the run may bear a key that was in force before.
            "rotations": [
                _proven(journey, entry, size) for entry in record.entries(0, size, kind=KEY_ROTATED)
            ],
        },
    }


def _bodies(journey: Journey, entry: Entry) -> Iterator[dict[str, Any]]:
    for name in entry.envelope["vault"]:
        sealed = journey.record.opening(entry, name)
        salt, body = sealed.salt.hex(), sealed.body.decode()
        yield {"entry": entry.index, "name": name, "salt": salt, "body": body}


def _proven(journey: Journey, entry: Entry, size: int) -> dict[str, Any]:
    proof = [node.hex() for node in journey.record.inclusion(entry.index, size)]
    return {"index": entry.index, "text": entry.data.decode(), "proof": proof}
