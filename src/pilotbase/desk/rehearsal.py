"""A provider's private dry run: the same trial and the same rules, and nothing enters a record.

It is marked unofficial wherever it is shown, because a provider may rehearse as often as it likes.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from pilotbase.assess.judge import judge
from pilotbase.desk.answers import RunResponse
from pilotbase.desk.prepare import Prepared, check, ready
from pilotbase.desk.recorded import verdict_response
from pilotbase.desk.trying import draw, try_candidates
from pilotbase.kernel.canonical import decode, encode
from pilotbase.kernel.errors import InputError
from pilotbase.kernel.scratch import scratch
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context
from pilotbase.scenario.schema import Scenario
from pilotbase.trial.plan import written
from pilotbase.trial.rules.order import order_seed

UNOFFICIAL = "unofficial rehearsal: not in any record"


def rehearse(context: Context, path: Path, *, candidate: str | None, trust: bool) -> RunResponse:
    """Try and judge without a record; the home is not touched.

    Raises:
        InputError: a faulty file, or no such candidate.
    """
    checked = check(path, trust=trust)
    prepared = ready(checked)
    if candidate is not None:
        file = dataclasses.replace(checked.file, scenario=_only(prepared, candidate))
        prepared = ready(dataclasses.replace(checked, file=file))
    drawing = draw(prepared, order_seed(prepared.plan_hash, None))
    with scratch() as folder:
        tried = try_candidates(prepared, drawing, folder, context, trust=trust)
    scenario = decode(encode(written(prepared.scenario)))
    verdict = judge(
        prepared.plan,
        scenario,
        decode(encode(tried.evidence)),
        plan_hash=prepared.plan_hash,
        witness=UNOFFICIAL,
    )
    nothing = {"size": 0, "root": ""}
    response = verdict_response(scenario, verdict, run=prepared.run, record=nothing)
    return dataclasses.replace(response, unofficial=True)


def _only(prepared: Prepared, candidate: str) -> Scenario:
    scenario = prepared.scenario
    chosen = tuple(c for c in scenario.candidates if c.id == candidate)
    if not chosen:
        ids = ", ".join(c.id for c in scenario.candidates)
        raise InputError(
            "rehearse.unknown_candidate",
            Text(f"no candidate is called {candidate!r}", f"没有名为 {candidate!r} 的候选方案"),
            where=str(prepared.file.path),
            next_step=Text(f"The file has: {ids}.", f"文件中有: {ids}。"),
        )
    return scenario.model_copy(update={"candidates": chosen})
