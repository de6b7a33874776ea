"""An estimator's way from the question to its answers: one job a fit, in worker processes."""

from __future__ import annotations

from functools import partial

import anyio
import numpy as np

from pilotbase.kernel.errors import CandidateError
from pilotbase.kernel.text import Text
from pilotbase.scenario.offer import Candidate
from pilotbase.trial.asking import Answered, Asking, Task
from pilotbase.trial.candidates.answer import all_faulty, all_out
from pilotbase.trial.candidates.forecast import check_forecaster
from pilotbase.trial.candidates.recipe import check_estimator
from pilotbase.trial.cases import Ints
from pilotbase.trial.jobs import Job, is_series_model, jobs_of, recipe_of, series_recipe_of
from pilotbase.trial.journal import Finished
from pilotbase.trial.versions import shown_to
from pilotbase.trial.workers import Ended, Outage


async def prepared_fits(
    asking: Asking, candidate: Candidate, wanted: Ints, answered: Answered
) -> Task:
    """Read what is finished, check that the rest can be started, and return it as a task.

    Args:
        wanted: units in committed order, as many as the budget lets it be asked.

    Raises:
        CandidateError, PluginError: it cannot be started.
    """
    versions = shown_to(candidate, asking.versions)
    stored = asking.journal.all(asking.question, candidate.id)
    asked = asking.cases.scored & np.isin(asking.cases.unit, wanted)
    jobs = jobs_of(
        asking.cases,
        asking.scenario,
        candidate,
        versions,
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
    versions = range(asking.versions.count)
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
