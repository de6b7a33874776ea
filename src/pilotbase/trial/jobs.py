"""From a candidate and the question to the jobs that answer it: one fit each.

A job is given its training rows and the features of the rows it answers, and nothing else: the
process that runs it never holds a target that it is asked for. (Importance is the exception, whose
targets are read after the last answer.)
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pilotbase.kernel.errors import CandidateError
from pilotbase.kernel.text import Text
from pilotbase.scenario.offer import Candidate
from pilotbase.scenario.schema import Scenario
from pilotbase.trial.candidates.estimator import FoldAnswers, FoldJob, answer_fold
from pilotbase.trial.candidates.forecast import SeriesRecipe, WindowJob, answer_window
from pilotbase.trial.candidates.importance import Importance
from pilotbase.trial.candidates.recipe import Recipe
from pilotbase.trial.cases import Cases, Ints
from pilotbase.trial.rules.encoding import source_of
from pilotbase.trial.versions import Versions

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Job:
    """A piece of work for a worker.

    Attributes:
        part: its name in the journal.
        rows: rows of the table that it answers.
        function: what the worker runs.
        argument: makes what the function is given; called late, because it copies data.
    """

    part: str
    rows: Ints
    function: Callable[[Any], FoldAnswers]
    argument: Callable[[], FoldJob | WindowJob]


def is_series_model(candidate: Candidate) -> bool:
    """Whether the candidate is a statsmodels class, which reads one series."""
    return candidate.estimator is not None and candidate.estimator.startswith("statsmodels.")


def recipe_of(candidate: Candidate, cases: Cases, *, seed: int, trust: bool) -> Recipe:
    """The recipe of a scikit-learn candidate."""
    cutoff = candidate.cutoff
    return Recipe(
        task=cases.task,
        classes=cases.classes,
        path=candidate.estimator or "",
        parameters=candidate.parameters,
        steps=tuple((step.estimator, step.parameters) for step in candidate.steps),
        called_share=cutoff.called_share if cutoff else None,
        call_score=cutoff.score if cutoff else None,
        seed=seed,
        trust=trust,
    )


def series_recipe_of(candidate: Candidate, *, seed: int, trust: bool) -> SeriesRecipe:
    """The recipe of a statsmodels candidate."""
    return SeriesRecipe(candidate.estimator or "", candidate.parameters, seed, trust)


def jobs_of(
    cases: Cases, scenario: Scenario, candidate: Candidate, versions: Versions, asked: Mask, *,
    trust: bool, importance: bool,
) -> list[Job]:  # fmt: skip
    """The jobs of an estimator that together answer the asked rows.

    Args:
        asked: (rows,) whether the row is wanted; rows that are not scored never are.
        importance: also measure permutation importance (not for series models, which see one
            column only).
    """
    seed = scenario.plan.seed
    if is_series_model(candidate):
        recipe = series_recipe_of(candidate, seed=seed, trust=trust)
        return _window_jobs(cases, candidate, versions, asked, recipe)
    kit = _Kit(cases, versions, recipe_of(candidate, cases, seed=seed, trust=trust), importance)
    if cases.split == "rolling":
        return [
            kit.job(f"window:{number}", _past(cases, origins[0]), _kept(origins, asked))
            for number, origins in _windows(cases, candidate.refit_every)
            if asked[origins].any()
        ]
    return [
        kit.job(f"fold:{fold}", cases.training_rows(fold), rows)
        for fold, rows in _rows_by_fold(cases, asked)
    ]


@dataclass(frozen=True)
class _Kit:
    """What all jobs of one scikit-learn candidate share."""

    cases: Cases
    versions: Versions
    recipe: Recipe
    importance: bool

    def job(self, part: str, training: Ints, rows: Ints) -> Job:
        argument = partial(self._argument, part, training, rows)
        return Job(_named(part, rows), rows, answer_fold, argument)

    def _argument(self, part: str, training: Ints, rows: Ints) -> FoldJob:
        cases, features = self.cases, self.versions.features
        training = training[known_rows(cases)[training]]
        wanted = None
        if self.importance:
            wanted = Importance(cases.target[rows], _positions(features[0]), part)
        return FoldJob(
            recipe=self.recipe,
            train=features[0].to_numpy()[training],
            target=cases.target[training],
            units=tuple(cases.unit_ids[unit] for unit in cases.unit[training]),
            asked=tuple(version.to_numpy()[rows] for version in features),
            importance=wanted,
        )


def known_rows(cases: Cases) -> Mask:
    """(rows,) whether the target is known, so that one may learn from the row."""
    if cases.target.dtype.kind != "f":
        return np.ones(cases.rows, np.bool_)
    return ~np.isnan(cases.target)


def _positions(features: pd.DataFrame) -> dict[str, tuple[int, ...]]:
    """Column positions by the table's column they come from."""
    positions: dict[str, tuple[int, ...]] = {}
    for place, name in enumerate(features.columns):
        source = source_of(name)
        positions[source] = (*positions.get(source, ()), place)
    return positions


def _rows_by_fold(cases: Cases, asked: Mask) -> list[tuple[int, Ints]]:
    wanted = cases.fold[asked]
    return [(int(fold), np.flatnonzero(asked & (cases.fold == fold))) for fold in np.unique(wanted)]


def _windows(cases: Cases, refit_every: int) -> list[tuple[int, Ints]]:
    """(number, rows of its origins in time): the origins that one fit serves."""
    scored = np.flatnonzero(cases.scored)
    origins = scored[np.argsort(cases.fold[scored], kind="stable")]
    starts = range(0, len(origins), refit_every)
    return [(n, origins[start : start + refit_every]) for n, start in enumerate(starts)]


def _kept(rows: Ints, asked: Mask) -> Ints:
    return rows[asked[rows]]


def _past(cases: Cases, row: int) -> Ints:
    """Rows at least ``horizon`` steps before the row: what is known when it is forecast."""
    assert cases.time is not None
    return np.flatnonzero(cases.time <= cases.time[row] - cases.horizon)


def _window_jobs(
    cases: Cases, candidate: Candidate, versions: Versions, asked: Mask, recipe: SeriesRecipe
) -> list[Job]:
    if cases.split != "rolling" or cases.time is None:
        raise CandidateError(
            "candidate.needs_series",
            Text(
                "a statsmodels class forecasts one series; the split must be rolling",
                "statsmodels 类用于单一序列的预测, 划分方式须为 rolling",
            ),
            where=candidate.id,
        )
    in_time = np.argsort(cases.time, kind="stable")
    series = [past[in_time] for past in versions.series]
    jobs = []
    for number, origins in _windows(cases, candidate.refit_every):
        rows = _kept(origins, asked)
        if not len(rows):
            continue
        known = cases.time[rows] - cases.horizon + 1
        argument = WindowJob(
            recipe=recipe,
            series=tuple(past[: known[-1]] for past in series),
            learnt=int(cases.time[origins[0]] - cases.horizon + 1),
            known=tuple(known.tolist()),
            horizon=cases.horizon,
        )
        part = _named(f"window:{number}", rows)
        jobs.append(Job(part, rows, answer_window, partial(_same, argument)))
    return jobs


def _named(part: str, rows: Ints) -> str:
    """A part's name in the journal says which rows it answers: a cap may leave some out."""
    return f"{part}@{hashlib.sha256(rows.astype('<i8').tobytes()).hexdigest()[:16]}"


def _same(argument: WindowJob) -> WindowJob:
    return argument
