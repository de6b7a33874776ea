"""One candidate's way from the question to its answers, by jobs (fits) or case by case."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import numpy as np

from pilotbase.kernel.errors import CandidateError
from pilotbase.kernel.text import Text
from pilotbase.scenario.schema import Candidate, Scenario
from pilotbase.trial.candidates.answer import all_faulty, all_out, place
from pilotbase.trial.candidates.callable import launch_of
from pilotbase.trial.candidates.command import GONE
from pilotbase.trial.candidates.forecast import check_forecaster
from pilotbase.trial.candidates.recipe import check_estimator
from pilotbase.trial.cases import Cases, Ints, Predictions
from pilotbase.trial.jobs import (
    Job,
    Views,
    is_series_model,
    jobs_of,
    recipe_of,
    series_recipe_of,
    views_of,
)
from pilotbase.trial.journal import Finished, Journal
from pilotbase.trial.stream import Stream
from pilotbase.trial.workers import Ended, Outage, Workers

BATCH_UNITS = 25


@dataclass
class Answered:
    """All that a candidate answered.

    Attributes:
        predictions: to the cases as they are.
        under: to the perturbed cases, one a perturbation, in the order they were asked for.
        drops: permutation importance: by column, the drop of the primary score in each fit.
        warnings: what libraries warned of, in short lines.
        decided: whether it was stopped because everything about it was decided.
        cut: what part of the budget ended it: "units", "money", "minutes", or "".
    """

    predictions: Predictions
    under: tuple[Predictions, ...] = ()
    drops: dict[str, list[float]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    decided: bool = False
    cut: str = ""

    @classmethod
    def empty(cls, cases: Cases, versions: int) -> Answered:
        first, *others = (Predictions.empty(cases) for _ in range(versions))
        return cls(first, tuple(others))

    @property
    def versions(self) -> tuple[Predictions, ...]:
        return (self.predictions, *self.under)

    def add(self, rows: Ints, finished: Finished) -> None:
        """Put a finished part in its place."""
        for predictions, block in zip(self.versions, finished.blocks, strict=True):
            place(predictions, rows, block)
        for column, drop in finished.drops.items():
            self.drops.setdefault(column, []).append(drop)
        for warning in finished.warnings:
            if warning not in self.warnings:
                self.warnings.append(warning)


Decided = Callable[[str, Answered], bool]
Task = Callable[[], Coroutine[Any, Any, None]]


@dataclass
class Asking:
    """What every step of one call of `run.answer_all` needs.

    Attributes:
        planned: units that are asked, in committed order.
        question: names in the journal what is asked.
        advance: told how many rows are done.
        streams: sessions that have been opened, for ending them.
    """

    cases: Cases
    scenario: Scenario
    planned: Ints
    versions: Views
    journal: Journal
    question: str
    workers: Workers
    limiter: anyio.CapacityLimiter
    decided: Decided
    clock: Callable[[], float]
    folder: Path
    trust: bool
    importance: bool
    advance: Callable[[int], None]
    streams: list[Stream] = field(default_factory=list)

    def stop(self) -> None:
        """End every session."""
        for stream in self.streams:
            stream.stop()


async def prepared(asking: Asking, candidate: Candidate, units: int, answered: Answered) -> Task:
    """Read what is finished, check that the rest can be started, and return it as a task.

    Args:
        units: how many units of the committed order the budget lets it be asked.

    Raises:
        CandidateError, PluginError: it cannot be started.
    """
    views = views_of(asking.cases, candidate, asking.versions)
    stored = asking.journal.all(asking.question, candidate.id)
    wanted = asking.planned[:units]
    if candidate.estimator is None:
        return await _prepared_stream(asking, candidate, views, wanted, stored, answered)
    asked = asking.cases.scored & np.isin(asking.cases.unit, wanted)
    jobs = jobs_of(
        asking.cases,
        asking.scenario,
        candidate,
        views,
        asked,
        trust=asking.trust,
        importance=asking.importance,
    )
    if any(job.part not in stored for job in jobs):
        await _check(asking, candidate)
    return partial(_do_jobs, asking, candidate.id, jobs, stored, answered)


async def _check(asking: Asking, candidate: Candidate) -> None:
    """Build the candidate once without data, so that a typing error costs no trial."""
    seed, trust = asking.scenario.plan.seed, asking.trust
    try:
        if is_series_model(candidate):
            recipe = series_recipe_of(candidate, seed=seed, trust=trust)
            await asking.workers.run(check_forecaster, recipe, seconds=0)
        else:
            made = recipe_of(candidate, asking.cases, seed=seed, trust=trust)
            await asking.workers.run(check_estimator, made, seconds=0)
    except CandidateError as error:
        error.where = f"{candidate.id}: {error.where}"
        raise
    except Ended as error:
        raise CandidateError(
            "candidate.cannot_start",
            Text(f"it ends its process at once: {error}", f"其进程立即结束: {error}"),
            where=candidate.id,
        ) from error
    except Outage:
        pass  # each of its jobs will tell, row by row


async def _do_jobs(
    asking: Asking, candidate: str, jobs: list[Job], stored: dict[str, Finished], answered: Answered
) -> None:
    """All jobs at once, as far as workers are free; ``stored`` grows by what is finished."""
    try:
        async with anyio.create_task_group() as group:
            for job in jobs:
                group.start_soon(_do_job, asking, candidate, job, stored)
    finally:  # also when time is up; in the order of the jobs, so the same lists in every run
        for job in jobs:
            if job.part in stored:
                answered.add(job.rows, stored[job.part])


async def _do_job(asking: Asking, candidate: str, job: Job, stored: dict[str, Finished]) -> None:
    if job.part not in stored:
        async with asking.limiter:
            stored[job.part] = await _finished(asking, candidate, job)
    asking.advance(len(job.rows))


async def _finished(asking: Asking, candidate: str, job: Job) -> Finished:
    """Run a job in a worker and keep it, unless an outage of ours is all there is to keep."""
    rows, classes = len(job.rows), asking.cases.classes
    versions = range(len(asking.versions.features))
    units = len(np.unique(asking.cases.unit[job.rows]))
    seconds = asking.scenario.plan.budget.unit_seconds * units
    try:
        got = await asking.workers.run(job.function, job.argument(), seconds=seconds)
        finished = Finished(got.blocks, got.drops, got.warnings)
    except Ended as error:
        finished = Finished([all_faulty(rows, classes, str(error)) for _ in versions])
    except (Outage, MemoryError) as error:
        return Finished([all_out(rows, classes, f"outage: {error}") for _ in versions])
    asking.journal.put(asking.question, candidate, job.part, finished)
    return finished


async def _prepared_stream(
    asking: Asking,
    candidate: Candidate,
    views: Views,
    units: Ints,
    stored: dict[str, Finished],
    answered: Answered,
) -> Task:
    if candidate.cutoff is not None and candidate.cutoff.called_share is not None:
        raise _no_share(candidate)
    seconds = asking.scenario.plan.budget.unit_seconds
    stream = Stream(
        cases=asking.cases,
        views=views,
        launch=launch_of(candidate, asking.folder, seconds, trust=asking.trust),
        candidate=candidate.id,
        cut=_cut(candidate),
        parameters=candidate.parameters,
        seed=asking.scenario.plan.seed,
        clock=asking.clock,
        endings=sum(_endings(finished) for finished in stored.values()),
    )
    asking.streams.append(stream)
    if any(_part(unit) not in stored for unit in units):
        await anyio.to_thread.run_sync(stream.open, abandon_on_cancel=True)
    return partial(_do_stream, asking, stream, units, stored, answered)


async def _do_stream(
    asking: Asking, stream: Stream, units: Ints, stored: dict[str, Finished], answered: Answered
) -> None:
    """Batches in committed order; a batch is settled before the next begins."""
    for batch in _batches(asking.cases, units):
        try:
            async with asking.limiter:
                work = partial(_answer_units, asking, stream, batch, stored)
                await anyio.to_thread.run_sync(work, abandon_on_cancel=True)
        finally:  # also when time is up in the middle of the batch
            for unit in batch:
                if _part(unit) in stored:
                    rows = _rows(asking.cases, unit)
                    answered.add(rows, stored[_part(unit)])
                    asking.advance(len(rows))
        if asking.decided(stream.candidate, answered):
            answered.decided = True
            break
    stream.stop()


def _answer_units(asking: Asking, stream: Stream, batch: Ints, stored: dict[str, Finished]) -> None:
    """Ask about the units that are not stored yet, and keep each as soon as it is answered."""
    for unit in batch:
        part = _part(unit)
        if part not in stored:
            done = Finished(stream.answer(_rows(asking.cases, unit)))
            asking.journal.put(asking.question, stream.candidate, part, done)
            stored[part] = done


def _batches(cases: Cases, units: Ints) -> Iterator[Ints]:
    """Batches of units. A rolling forecast is asked in time, whatever the committed order: asked
    otherwise, a program would have seen the future of some of its origins."""
    if cases.split == "rolling":
        rows = np.flatnonzero(cases.scored & np.isin(cases.unit, units))
        in_time = rows[np.argsort(cases.fold[rows], kind="stable")]
        yield np.array(list(dict.fromkeys(cases.unit[in_time].tolist())), np.int64)
        return
    for start in range(0, len(units), BATCH_UNITS):
        yield units[start : start + BATCH_UNITS]


def _rows(cases: Cases, unit: int) -> Ints:
    return np.flatnonzero(cases.scored & (cases.unit == unit))


def _part(unit: int) -> str:
    return f"unit:{unit}"


def _cut(candidate: Candidate) -> float:
    score = candidate.cutoff.score if candidate.cutoff else None
    return 0.5 if score is None else score


def _endings(finished: Finished) -> int:
    return sum(reason.startswith(GONE) for b in finished.blocks for _, reason in b.problems)


def _no_share(candidate: Candidate) -> CandidateError:
    return CandidateError(
        "candidate.called_share",
        Text(
            "a share to call is chosen by the base for estimators only",
            "called_share 仅适用于由基地拟合的估计器",
        ),
        where=f"{candidate.id}.cutoff",
        next_step=Text(
            "Let the program answer label, or give cutoff.score.",
            "请由程序给出 label, 或写明 cutoff.score。",
        ),
    )
