"""The evidence of a run in formats of other tools."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pilotbase.desk.answers import ExportResponse
from pilotbase.desk.journey import Journey
from pilotbase.desk.recorded import judged_pilot
from pilotbase.desk.reporting import dossier
from pilotbase.desk.transcript import answers_of
from pilotbase.kernel.canonical import encode
from pilotbase.kernel.errors import InputError
from pilotbase.kernel.home import storage_errors, write_whole
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context
from pilotbase.register.documents.attestation import PAYLOAD, statement
from pilotbase.register.documents.inspect_log import inspect_log

FORMATS = ("in-toto", "inspect")
ENDINGS = {"in-toto": ".intoto.json", "inspect": ".inspect.json"}


def export(
    context: Context, run: str, *, as_: str, candidate: str, out: Path | None
) -> ExportResponse:
    """Write the evidence on one candidate of a run as a file.

    Args:
        candidate: its id; may be empty where the run has one, or has chosen one.

    Raises:
        InputError: no such run, format or candidate.
    """
    if as_ not in FORMATS:
        raise _unusable(
            Text(f"there is no format {as_!r}", f"没有格式 {as_!r}"), ", ".join(FORMATS)
        )
    with judged_pilot(context, run) as journey:
        found = dossier(journey)
        id_ = _candidate(found, candidate)
        made = _made(journey, found, id_, as_)
    name = f"{found['scenario']['id']}-{found['run']}-{id_}{ENDINGS[as_]}"
    file = out or Path(name)
    with storage_errors(file):
        write_whole(file, json.dumps(made, ensure_ascii=False).encode())
    return ExportResponse(found["run"], id_, as_, file)


def _made(journey: Journey, found: Mapping[str, Any], id_: str, as_: str) -> dict[str, Any]:
    if as_ == "in-toto":
        return journey.record.seal(PAYLOAD, statement(found, id_))
    made = inspect_log(found, id_, _replies(journey, found, id_))
    return dict(json.loads(encode(made)))


def _replies(journey: Journey, found: Mapping[str, Any], id_: str) -> dict[str, str]:
    """By unit, the first answer in words; none on a sealed test set: they stay in the vault."""
    if found["plan"]["data"].get("sealed"):
        return {}
    said: dict[str, str] = {}
    for answer in answers_of(journey.record, found["run"], id_):
        fields = answer["fields"] or {}
        if answer["version"] == 0 and isinstance(fields.get("text"), str):
            said.setdefault(answer["unit"], fields["text"])
    return said


def _candidate(found: Mapping[str, Any], wanted: str) -> str:
    ids = [str(c["id"]) for c in found["verdict"]["candidates"]]
    usual = found["verdict"]["chosen"] or (ids[0] if len(ids) == 1 else "")
    if (wanted or usual) not in ids:
        raise _unusable(
            Text(
                f"no candidate is called {wanted!r}" if wanted else "the run has chosen none",
                f"没有名为 {wanted!r} 的候选方案" if wanted else "该试验未选定候选方案",
            ),
            ", ".join(ids),
        )
    return wanted or str(usual)


def _unusable(message: Text, known: str) -> InputError:
    return InputError(
        "evidence.unusable",
        message,
        where="evidence export",
        next_step=Text(f"Name one of: {known}.", f"请指明其一: {known}。"),
    )
