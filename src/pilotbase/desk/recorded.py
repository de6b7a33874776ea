"""What the record holds of a run: its verdict, and the views made again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from pilotbase.desk.answers import RunResponse
from pilotbase.desk.journey import Journey
from pilotbase.desk.rules import reached
from pilotbase.desk.views import ALL, VIEWS, pilot_of
from pilotbase.kernel.canonical import decode
from pilotbase.kernel.errors import InputError
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import Record, open_record
from pilotbase.record.views import catch_up, rebuild


@contextmanager
def judged_pilot(context: Context, run: str) -> Iterator[Journey]:
    """The pilot of a run that has a verdict.

    Raises:
        InputError: no run fits, or it has no verdict yet. RecordError: there is no record.
    """
    with open_record(context, create=False) as record:
        pilots = catch_up(record, VIEWS)["pilots"]
        about = pilot_of(pilots, run)
        if about is None or not reached(pilots[about]["state"], "judged"):
            raise _unknown(run, pilots)
        yield Journey(record, context, about)


def recorded_verdict(context: Context, run: str) -> RunResponse:
    """The recorded verdict of a run."""
    with judged_pilot(context, run) as journey:
        return response_of(journey)


def response_of(journey: Journey) -> RunResponse:
    """A judged pilot as the published shape of a run."""
    scenario = decode(journey.body("submitted", "scenario"))
    verdict = decode(journey.body("judged", "verdict"))
    found = verdict_response(
        scenario, verdict, run=journey.about.removeprefix("pilot:"), record=extent(journey.record)
    )
    if "arms" not in journey.entry("evaluated").envelope["vault"]:
        return found
    return replace(found, arms=decode(journey.body("evaluated", "arms")))


def verdict_response(
    scenario: dict[str, Any], verdict: dict[str, Any], *, run: str, record: dict[str, Any]
) -> RunResponse:
    """Scenario and verdict documents as a response."""
    return RunResponse(
        run=run,
        scenario=verdict["scenario"],
        estimand=verdict["estimand"],
        plan=verdict["plan"],
        candidates=tuple(verdict["candidates"]),
        chosen=verdict["chosen"],
        record=record,
        title=Text(**scenario["title"]),
        item=scenario["item"],
    )


def extent(record: Record) -> dict[str, Any]:
    """How far the record reaches: its size and root."""
    size = record.size
    return {"size": size, "root": record.root(size).hex()}


def rebuild_views(context: Context) -> dict[str, bool | None]:
    """Make all views again from the log; per view, whether the bytes that stood there were the
    same (None: none stood there)."""
    with open_record(context, create=False) as record:
        return {made.name: made.identical for made in rebuild(record, ALL)}


def _unknown(run: str, pilots: dict[str, Any]) -> InputError:
    judged = [
        f"{about.removeprefix('pilot:')} ({pilot['scenario']})"
        for about, pilot in pilots.items()
        if reached(pilot["state"], "judged")
    ]
    known = ", ".join(judged) or "-"
    return InputError(
        "run.unknown",
        Text(f"no run with a verdict fits {run!r}", f"没有已出结论的试验与 {run!r} 相符"),
        next_step=Text(f"Runs with a verdict: {known}.", f"已有结论的试验: {known}。"),
    )
