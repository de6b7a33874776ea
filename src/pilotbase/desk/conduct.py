"""The main job: one scenario file in, a signed verdict out, each step in the record.

A run that was interrupted goes on where it stopped: the record says how far the pilot came, the
journal which answers are there. A run that has its verdict is read back, never tried again.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pilotbase.assess.judge import judge
from pilotbase.catalog.sealed.keeping import expose, exposed_in, opener
from pilotbase.desk import events
from pilotbase.desk.answers import PlanResponse, RunResponse
from pilotbase.desk.arms import arms_body
from pilotbase.desk.audits import await_people
from pilotbase.desk.elsewhere import told_whose
from pilotbase.desk.journey import Journey
from pilotbase.desk.prepare import Prepared, prepare, unanswered
from pilotbase.desk.queue import queue_file
from pilotbase.desk.ratings import ratings_of
from pilotbase.desk.recorded import response_of
from pilotbase.desk.reporting import write_report_of
from pilotbase.desk.rules import outcome_of, reached
from pilotbase.desk.sealed import refuse_groups, returned
from pilotbase.desk.transcript import keep_answers
from pilotbase.desk.trying import Tried, draw, order_of, try_candidates
from pilotbase.desk.witness import attested, plan_text, receipt_for, to_be_attested
from pilotbase.kernel.canonical import decode, digest, encode
from pilotbase.kernel.home import only_one, storage_errors, write_whole
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import Record, open_record
from pilotbase.trial.plan import written
from pilotbase.trial.rules.order import order_seed

MATCHED = "named in the scenario file; the owner accepts it as a candidate"
SOFTWARE = ("pilotbase", "numpy", "scipy", "scikit-learn", "statsmodels", "pandas", "duckdb")


def freeze(context: Context, path: Path, *, out: Path | None, trust: bool) -> PlanResponse:
    """Freeze and sign the plan of a scenario; nothing is tried."""
    with told_whose(context, path, trust=trust):
        prepared = prepare(path, trust=trust, sealed=opener(context))
    with open_record(context) as record:
        journey = Journey(record, context, prepared.about)
        _plan(journey, prepared)
        planned = journey.entry("planned").body
        record.checkpoint()
    if out is not None:
        with storage_errors(out):
            write_whole(out, planned["note"].encode())
    return PlanResponse(
        run=prepared.run,
        hash=prepared.plan_hash,
        note=planned["note"],
        plan=prepared.plan,
        earlier_plans=planned["earlier_plans"],
        witness=to_be_attested(prepared.scenario.plan.witness),
    )


def conduct(context: Context, path: Path, *, receipt: Path | None, trust: bool) -> RunResponse:
    """Take a scenario from its file to the signed verdict, and write its report.

    Raises:
        InputError: a faulty file, data or receipt (exit code 2).
        RunError: the witness has not signed, or something could not be done (exit code 3).
    """
    with told_whose(context, path, trust=trust):
        prepared = prepare(path, trust=trust, sealed=opener(context))
    with open_record(context) as record:
        journey = Journey(record, context, prepared.about)
        if not reached(journey.state, "evidenced"):
            _plan(journey, prepared)
            signed = receipt_for(prepared.plan_hash, prepared.scenario.plan.witness, receipt)
            with only_one(context.home / "trials" / f"{prepared.run}.lock"):
                _try(journey, prepared, context, signed, trust=trust)
                if prepared.table.sealed is not None:
                    _forget(context.home / "trials" / f"{prepared.run}.db")
            _judge(journey, record)
        report = write_report_of(journey, context, None)
        response = response_of(journey)
    return replace(response, report=report.html)


def _plan(journey: Journey, prepared: Prepared) -> None:
    """Draft to planned: application, decision, match, and the frozen plan."""
    faults = unanswered(prepared)
    if faults is not None:
        raise faults
    scenario, plan = prepared.scenario, prepared.plan
    document = written(scenario)
    journey.step(
        "submitted",
        events.Submitted(
            scenario.id,
            scenario.item,
            scenario.owner.name,
            scenario.owner.principal,
            digest(document),
        ),
        {"scenario": encode(document)},
    )
    journey.step("eligible", events.Eligible(("the file and its data pass every check",)))
    ids = tuple(c.id for c in scenario.candidates)
    journey.step("matched", events.Matched(ids, {id_: MATCHED for id_ in ids}))
    data = plan["data"]["digest"]
    others = [about for about in journey.exposures(data)["plans"] if about != journey.about]
    note = journey.record.sign(plan_text(prepared.run, prepared.plan_hash))
    planned = events.Planned(prepared.plan_hash, data, note, len(others))
    journey.step("planned", planned, {"plan": encode(plan)})


def _try(
    journey: Journey, prepared: Prepared, context: Context, receipt: str | None, *, trust: bool
) -> None:
    """Planned to evaluated: data confirmed, order fixed, every candidate tried."""
    if journey.state == "evaluated" or journey.state == "judged":
        return
    plan = prepared.plan
    rows, units = plan["data"]["rows"], plan["data"]["units"]
    exposure = _exposed(journey, prepared, context)
    journey.step("ready", events.Ready(plan["data"]["digest"], rows, units))
    seed = order_seed(prepared.plan_hash, receipt)
    drawing = draw(prepared, seed)
    order = encode(order_of(drawing))
    journey.step("running", events.Started(seed.hex(), receipt or ""), {"order": order})
    said = ratings_of(journey.record, prepared.run)
    tried = try_candidates(
        prepared, drawing, context.home / "trials", context, trust=trust, ratings=said
    )
    await_people(context, prepared.run, tried.people, tried.waiting)
    journal = context.home / "trials" / f"{prepared.run}.db"
    transcripts = keep_answers(journey.record, context, prepared, drawing, journal)
    kept = prepared.table.sealed
    if kept is not None:
        back = {id_: returned(body, kept, exposure) for id_, body in tried.evidence.items()}
        tried = replace(tried, evidence=back)
    evaluated = _evaluated(journey, prepared, tried, exposure)
    beside = arms_body(prepared.file, seed=seed, trust=trust)
    bodies = _bodies(tried) | ({"arms": encode(beside)} if beside else {})
    journey.step("evaluated", replace(evaluated, transcripts=transcripts), bodies)
    queue_file(context.home, prepared.run).unlink(missing_ok=True)


def _forget(journal: Path) -> None:
    """What was said on sealed cases stays in the vault only, also after a crash in between."""
    with storage_errors(journal):
        for file in journal.parent.glob(f"{journal.name}*"):
            file.unlink(missing_ok=True)


def _exposed(journey: Journey, prepared: Prepared, context: Context) -> int:
    """Which exposure of its sealed test set this run is, from 1; 0 where its data are open."""
    kept = prepared.table.sealed
    if kept is None:
        return 0
    runs = exposed_in(journey.record, kept.name)
    number = runs.index(prepared.run) + 1 if prepared.run in runs else len(runs) + 1
    refuse_groups(prepared.scenario, kept, number, prepared.file.path)
    return expose(journey.record, context, kept.name, prepared.run)


def _bodies(tried: Tried) -> dict[str, bytes]:
    return {f"evidence:{id_}": encode(body) for id_, body in tried.evidence.items()}


def _evaluated(
    journey: Journey, prepared: Prepared, tried: Tried, exposure: int
) -> events.Evaluated:
    read = journey.exposures(prepared.plan["data"]["digest"])["read"]
    return events.Evaluated(
        evidence={id_: digest(body) for id_, body in tried.evidence.items()},
        faults=tried.faults,
        outages=tried.outages,
        exposures=exposure - 1 if exposure else len([a for a in read if a != journey.about]),
        software=_software(),
    )


def _judge(journey: Journey, record: Record) -> None:
    """Evaluated to evidenced, from what the record holds and nothing else."""
    plan, scenario = (
        decode(journey.body("planned", "plan")),
        decode(journey.body("submitted", "scenario")),
    )
    plan_hash = journey.entry("planned").body["plan"]
    verdict = judge(
        plan,
        scenario,
        recorded_evidence(journey, plan),
        plan_hash=plan_hash,
        witness=attested(plan["order"]["receipt"].get("key")),
    )
    verdicts = {c["id"]: c["verdict"] for c in verdict["candidates"]}
    judged = events.Judged(digest(verdict), verdicts, verdict["chosen"])
    journey.step("judged", judged, {"verdict": encode(verdict)})
    proof = f"pilotbase/verdict/1\n{plan_hash}\n{digest(verdict)}\n"
    outcome = outcome_of(verdicts, verdict["chosen"])
    journey.step("evidenced", events.Evidenced(record.sign(proof), outcome))


def recorded_evidence(journey: Journey, plan: Mapping[str, Any]) -> dict[str, Any]:
    """The evidence bodies of an evaluated pilot, in the plan's order."""
    ids = [c["id"] for c in plan["candidates"]]
    return {id_: decode(journey.body("evaluated", f"evidence:{id_}")) for id_ in ids}


def _software() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: version(name) for name in SOFTWARE}}
