"""Permutation importance: how much the primary score drops when one column is shuffled.

Breiman (2001), "Random forests", section 10, on rows that the fit has not seen. Indicators of one
text column are shuffled together. Shuffles are read off a hash (`rules.draws`), so that the figure
is the same everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pilotbase.trial.candidates.recipe import Recipe, scores_of
from pilotbase.trial.cases import Floats, Labels
from pilotbase.trial.rules.draws import permutation
from pilotbase.trial.rules.scores import primary_score

REPEATS = 5
ROWS_MAX = 200  # of a fold; a drop is averaged over folds and repeats, more rows add little
PREDICTIONS_MAX = 15_000  # of a fold, over all columns and repeats


@dataclass(frozen=True)
class Importance:
    """What a fold's job needs to know for it.

    Attributes:
        truth: (m,) targets of the asked rows; never shown to the candidate.
        groups: column positions to shuffle together, by the table's column.
        key: names fold and candidate's place in the draws.
    """

    truth: Labels
    groups: Mapping[str, tuple[int, ...]]
    key: str


def permutation_drops(
    recipe: Recipe, model: Any, rows: Floats, wanted: Importance
) -> Mapping[str, float]:
    """Mean drop over `REPEATS` shuffles, per column of the table; none where predicting fails.

    With many columns fewer rows are taken (`PREDICTIONS_MAX`), always the fold's first ones.
    """
    shuffles = REPEATS * max(1, len(wanted.groups))
    taken = min(len(rows), ROWS_MAX, max(2, PREDICTIONS_MAX // shuffles))
    rows, truth = rows[:taken], wanted.truth[:taken]
    if taken < 2 or not wanted.groups:
        return {}
    try:
        base = primary_score(recipe.task, truth, _said(recipe, model, rows))
        said = _said(recipe, model, _shuffled(rows, wanted, recipe.seed))
    except (Exception, SystemExit):
        return {}  # its answers are faults already, and say why
    if not np.isfinite(base):
        return {}  # AUC of a fold with one class
    scores = [primary_score(recipe.task, truth, once) for once in said.reshape(shuffles, taken)]
    means = np.mean(np.reshape(scores, (-1, REPEATS)), axis=1)
    return {name: float(base - mean) for name, mean in zip(wanted.groups, means, strict=True)}


def _shuffled(rows: Floats, wanted: Importance, seed: int) -> Floats:
    """All shuffles of all columns, one under the other, so that they are predicted in one call."""
    blocks = []
    for name, columns in wanted.groups.items():
        for repeat in range(REPEATS):
            key = f"{wanted.key}\x00{name}\x00{repeat}"
            order = permutation(seed, "importance", key, len(rows))
            block = rows.copy()
            block[:, list(columns)] = rows[order][:, list(columns)]
            blocks.append(block)
    return np.concatenate(blocks)


def _said(recipe: Recipe, model: Any, rows: Floats) -> NDArray[Any]:
    if recipe.task == "classification":
        return np.asarray(model.predict(rows)).astype(str)
    if recipe.task == "detection":
        return scores_of(model, rows)
    return np.asarray(model.predict(rows), np.float64)
