"""All candidates' answers: concurrent, in committed order where asked one by one, resumable."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import anyio
import numpy as np

from pilotbase.kernel.canonical import digest
from pilotbase.kernel.errors import PilotbaseError
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context
from pilotbase.scenario.offer import Candidate
from pilotbase.scenario.schema import Scenario, Under
from pilotbase.trial.asking import Answered, Asking, Decided, Task
from pilotbase.trial.budget import allowances_of, price_of, purse_of
from pilotbase.trial.candidates.answer import settle
from pilotbase.trial.cases import FAULT, OK, OUTAGE, PENDING, Cases, Ints, Predictions
from pilotbase.trial.executor import Executor, shared_executor
from pilotbase.trial.fits import prepared_fits
from pilotbase.trial.journal import Journal
from pilotbase.trial.judges import bench_of
from pilotbase.trial.marking import repeats_of, wanted_marks
from pilotbase.trial.people import People
from pilotbase.trial.respondent import Exchanges
from pilotbase.trial.rules.allowance import Allowance
from pilotbase.trial.units import prepared_units
from pilotbase.trial.versions import versions_of

__all__ = ["Answered", "answer_all", "asked_as"]


def answer_all(
    cases: Cases, scenario: Scenario, order: Sequence[int] | Ints, *,
    journal: Journal, context: Context, under: Sequence[Under] = (),
    decided: Decided | None = None, importance: bool = False, trust: bool = False,
    folder: Path | None = None, workers: Executor | None = None,
    clock: Callable[[], float] = time.monotonic, people: People | None = None,
) -> dict[str, Answered]:  # fmt: skip
    """Ask every candidate of the scenario, and keep each answer as soon as it is there.

    Args:
        cases: the question; a hold-out is a second call with its own cases.
        order: unit numbers in committed order; units without a scored row are passed over.
        journal: finished answers of this run, read first and added to.
        under: perturbations to be answered as well, by the same fits.
        decided: called with a candidate's id and its answers after each batch of a candidate that
            is asked case by case; True stops it, and its other units stay PENDING.
        importance: also measure permutation importance of estimators.
        trust: allow code that no installed package declares.
        folder: where commands run and callables are found: the scenario's folder.
        workers: where fits run; by default as `executor.shared_executor` says.
        clock: steady seconds, for the budget of time and for latencies of single answers.
        people: what people have said of answers, for criteria that ask them; what they are to rate
            is put into its queue.

    Returns:
        By candidate, in the file's order. A row is OK, FAULT (the candidate's), OUTAGE (ours, or
        cut by the budget) or PENDING (beyond the plan's cap, or not needed any more).

    Raises:
        CandidateError, PluginError: a candidate that cannot be started; nothing has been asked.
        BudgetError: amounts that cannot be read or compared.
        HomeError: the journal cannot be written; what is finished is kept.
    """
    planned = _planned(cases, scenario, order)
    rows = int((cases.scored & np.isin(cases.unit, planned)).sum())
    label = Text("asking the candidates", "候选方案作答")
    pool = workers or shared_executor()
    with context.progress.task(label, rows * len(scenario.candidates)) as advance:
        asking = Asking(
            cases=cases,
            scenario=scenario,
            planned=planned,
            versions=versions_of(cases, under, scenario.plan.seed),
            repeats=repeats_of(scenario, under),
            marks=wanted_marks(scenario, under),
            exchanges=Exchanges(journal, scenario.plan.budget.unit_seconds),
            bench=bench_of(scenario, folder=folder or Path.cwd(), trust=trust),
            people=people or People(),
            purse=purse_of(scenario, journal.spent),
            journal=journal,
            question=_question(cases, planned, under, importance),
            workers=pool,
            limiter=anyio.CapacityLimiter(pool.size),
            decided=decided or (lambda candidate, answered: False),
            clock=clock,
            folder=folder or Path.cwd(),
            trust=trust,
            importance=importance,
            advance=advance,
        )
        answered = {
            c.id: Answered.empty(cases, asking.versions.count, asking.marks)
            for c in scenario.candidates
        }
        # Filled in, not returned: asyncio writes out what a finished task has returned whenever it
        # changes signal handlers: up to a sixth of the base's own time in a trial.
        anyio.run(_answer_all, asking, answered)
        return answered


def asked_as(
    cases: Cases, scenario: Scenario, order: Sequence[int] | Ints, *,
    under: Sequence[Under] = (), importance: bool = False,
) -> str:  # fmt: skip
    """The name in the journal of what `answer_all` asks when it is called so."""
    return _question(cases, _planned(cases, scenario, order), under, importance)


def _planned(cases: Cases, scenario: Scenario, order: Sequence[int] | Ints) -> Ints:
    """Units with a scored row in committed order, up to the plan's cap."""
    scored = np.zeros(cases.units, np.bool_)
    scored[cases.unit[cases.scored]] = True
    wanted = np.asarray(order, np.int64)
    return wanted[scored[wanted]][: scenario.plan.cap]


def _question(cases: Cases, planned: Ints, under: Sequence[Under], importance: bool) -> str:
    """Names in the journal what was asked: one candidate may be asked several questions."""
    perturbations = [one.model_dump(mode="json") for one in under]
    units = sorted(planned.tolist())
    return digest(["pilotbase/question/1", cases.digest, units, perturbations, importance])


async def _answer_all(asking: Asking, answered: dict[str, Answered]) -> None:
    scenario = asking.scenario
    allowed = allowances_of(scenario, asking.cases, asking.planned, sum(asking.repeats))
    started = asking.clock()
    try:
        tasks = [
            await _prepared(asking, candidate, allowed[candidate.id], answered[candidate.id])
            for candidate in scenario.candidates
        ]
        with anyio.move_on_after(_seconds_left(asking)) as scope:
            async with anyio.create_task_group() as group:
                for task in tasks:
                    group.start_soon(task)
    except BaseExceptionGroup as errors:
        raise _first(errors) from errors
    finally:
        await asking.aclose()
        asking.journal.spend(max(0.0, asking.clock() - started))
    for candidate in scenario.candidates:
        one = answered[candidate.id]
        _mark_cut(asking, one, allowed[candidate.id], out_of_time=scope.cancelled_caught)
        price = price_of(candidate)
        for predictions in one.versions:
            if price is not None or candidate.chat is None or candidate.chat.price is None:
                _charge(predictions, price.minor if price else 0)
            settle(predictions)


async def _prepared(
    asking: Asking, candidate: Candidate, allowed: Allowance, answered: Answered
) -> Task:
    wanted = asking.planned[: allowed.units]
    prepared = prepared_units if candidate.estimator is None else prepared_fits
    return await prepared(asking, candidate, wanted, answered)


def _seconds_left(asking: Asking) -> float:
    minutes = asking.scenario.plan.budget.minutes
    return math.inf if minutes is None else max(0.0, minutes * 60 - asking.journal.seconds)


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error to tell: one of ours if there is any."""
    leaves: list[BaseException] = []
    for error in errors.exceptions:
        leaves.append(_first(error) if isinstance(error, BaseExceptionGroup) else error)
    return next((leaf for leaf in leaves if isinstance(leaf, PilotbaseError)), leaves[0])


def _mark_cut(
    asking: Asking, answered: Answered, allowance: Allowance, *, out_of_time: bool
) -> None:
    """What the budget cut counts as the base's outage: a bound in both tests, never a gap."""
    if answered.decided:
        return
    within = np.isin(asking.cases.unit, asking.planned[: allowance.units])
    planned = np.isin(asking.cases.unit, asking.planned) & asking.cases.scored
    for predictions in answered.versions:
        pending = planned & (predictions.status == PENDING)
        late, beyond = pending & within, pending & ~within
        in_time = "minutes" if out_of_time else answered.cut
        for rows, part in ((late, in_time), (beyond, allowance.cut)):
            if part and rows.any():
                predictions.status[rows] = OUTAGE
                predictions.problems.append((int(np.argmax(rows)), f"budget cut: {part}"))
                answered.cut = part


def _charge(predictions: Predictions, price: int) -> None:
    predictions.cost[np.isin(predictions.status, (OK, FAULT))] = price
