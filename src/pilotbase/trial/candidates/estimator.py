"""A scikit-learn classifier or regressor on one fold: fit, choose the cut-off, answer.

Runs in a worker. Whatever goes wrong in fit or predict is the candidate's fault; nothing that the
candidate does raises out of `answer_fold`.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pilotbase.trial.candidates.answer import (
    all_faulty,
    blank,
    check_numbers,
    fault,
    place,
    reason_of,
    short,
)
from pilotbase.trial.candidates.importance import Importance, permutation_drops
from pilotbase.trial.candidates.recipe import Recipe, fitted, scores_of
from pilotbase.trial.cases import OK, Floats, Labels, Predictions
from pilotbase.trial.rules.folds import unit_folds

WARNINGS_MAX = 10
INNER_FOLDS = 3


@dataclass(frozen=True)
class FoldJob:
    """One fit and the rows it answers.

    Attributes:
        train, target, units: (n, p) features, (n,) targets and (n,) unit ids to learn from.
        asked: one (m, p) array of features a version: the rows as they are, then perturbed.
        importance: (m,) true targets and the columns to permute together, or None.
    """

    recipe: Recipe
    train: Floats
    target: Labels
    units: tuple[str, ...]
    asked: tuple[Floats, ...]
    importance: Importance | None = None


@dataclass
class FoldAnswers:
    """What a fold's job brings back: one block a version, and what else was asked for."""

    blocks: list[Predictions]
    drops: Mapping[str, float] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def answer_fold(job: FoldJob) -> FoldAnswers:
    """Fit once, answer every version of the asked rows."""
    recipe = job.recipe
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            model = fitted(recipe, job.train, job.target)
            cut = cutoff_of(job, model)
        except (Exception, SystemExit) as error:
            reason = f"fit failed: {reason_of(error)}"
            blocks = [all_faulty(len(rows), recipe.classes, reason) for rows in job.asked]
            return FoldAnswers(blocks, warnings=texts(caught))
        blocks = [answers(recipe, model, rows, cut) for rows in job.asked]
        drops: Mapping[str, float] = {}
        if job.importance is not None:
            drops = permutation_drops(recipe, model, job.asked[0], job.importance)
    return FoldAnswers(blocks, drops, texts(caught))


def answers(recipe: Recipe, model: Any, rows: Floats, cut: float) -> Predictions:
    """A block of answers; the time of the batch is shared out evenly."""
    if not len(rows):
        return blank(0, recipe.classes)
    try:
        return _predicted(recipe, model, rows, cut)
    except (Exception, SystemExit) as error:
        return _answers_without_gaps(recipe, model, rows, cut, reason_of(error))


def _answers_without_gaps(
    recipe: Recipe, model: Any, rows: Floats, cut: float, reason: str
) -> Predictions:
    """A batch failed: only the rows with missing values are at fault if the others go through."""
    block = all_faulty(len(rows), recipe.classes, f"predict failed: {reason}")
    whole = np.flatnonzero(~np.isnan(rows).any(axis=1))
    if 0 < len(whole) < len(rows):
        try:
            part = _predicted(recipe, model, rows[whole], cut)
        except (Exception, SystemExit):
            return block
        block.problems = [(int(np.argmax(np.isnan(rows).any(axis=1))), block.problems[0][1])]
        place(block, whole, part)
    return block


def cutoff_of(job: FoldJob, model: Any) -> float:
    """The score from which a case is called, chosen inside the training rows only."""
    recipe = job.recipe
    if recipe.call_score is not None:
        return recipe.call_score
    if recipe.task == "detection" and recipe.called_share is not None:
        return called_cut(inner_scores(job), recipe.called_share)
    return 0.5 if hasattr(model, "predict_proba") else 0.0


def inner_scores(job: FoldJob) -> Floats:
    """(n,) scores of the training rows, each by a fit that has not seen the row's unit."""
    recipe = job.recipe
    ids, first, unit = np.unique(job.units, return_index=True, return_inverse=True)
    strata = [str(target) for target in job.target[first]]
    fold = unit_folds(ids.tolist(), recipe.seed, INNER_FOLDS, strata)[unit]
    scores = np.empty(len(job.target))
    for number in range(INNER_FOLDS):
        held = fold == number
        inner = fitted(recipe, job.train[~held], job.target[~held])
        scores[held] = scores_of(inner, job.train[held])
    return scores


def called_cut(scores: Floats, share: float) -> float:
    """The lowest cut-off at which at most ``share`` of the scores are called (score >= cut-off).

    >>> called_cut(np.array([0.1, 0.2, 0.3, 0.4]), 0.5)
    0.3
    """
    allowed = int(np.floor(share * len(scores) + 1e-9))
    values, counts = np.unique(scores, return_counts=True)
    called = np.cumsum(counts[::-1])[::-1]
    within = np.flatnonzero(called <= allowed)
    return float(values[within[0]]) if len(within) else float("inf")


def _predicted(recipe: Recipe, model: Any, rows: Floats, cut: float) -> Predictions:
    block = blank(len(rows), recipe.classes)
    started = time.perf_counter()
    if recipe.task == "classification":
        _fill_classes(recipe, model, rows, block)
    elif recipe.task == "detection":
        block.score[:] = _shaped(scores_of(model, rows), len(rows))
        block.label[:] = block.score >= cut
        check_numbers(block, "score")
    else:
        block.value[:] = _shaped(model.predict(rows), len(rows))
        check_numbers(block, "value")
    block.latency_ms[:] = (time.perf_counter() - started) * 1000 / len(rows)
    return block


def _fill_classes(recipe: Recipe, model: Any, rows: Floats, block: Predictions) -> None:
    labels = np.asarray(model.predict(rows)).astype(str)
    if labels.shape != (len(rows),):
        raise ValueError(f"wrong shape {labels.shape} for {len(rows)} cases")
    block.label[:] = labels
    block.status[:] = OK
    if block.probability is not None and hasattr(model, "predict_proba"):
        # A class that the training rows do not have gets no probability.
        columns = [recipe.classes.index(str(name)) for name in model.classes_]
        block.probability[:] = 0.0
        block.probability[:, columns] = model.predict_proba(rows)
    for row in np.flatnonzero(~np.isin(labels, recipe.classes)):
        fault(block, int(row), f"unknown class {str(labels[row])!r}"[:80])


def _shaped(values: Any, rows: int) -> Floats:
    numbers = np.asarray(values, np.float64)
    if numbers.shape != (rows,):
        raise ValueError(f"wrong shape {numbers.shape} for {rows} cases")
    return numbers


def texts(caught: Sequence[warnings.WarningMessage]) -> list[str]:
    """Distinct warnings, as short lines."""
    lines = (short(f"{entry.category.__name__}: {entry.message}") for entry in caught)
    return list(dict.fromkeys(lines))[:WARNINGS_MAX]
