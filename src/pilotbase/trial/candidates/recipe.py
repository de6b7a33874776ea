"""How a scikit-learn candidate is made: its recipe, and the model fitted by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pilotbase.kernel.errors import CandidateError
from pilotbase.kernel.text import Text
from pilotbase.trial.candidates.naming import built
from pilotbase.trial.cases import Floats, Labels


@dataclass(frozen=True)
class Recipe:
    """How a candidate is made; plain data.

    Attributes:
        path, parameters: the class and what its constructor is given.
        steps: (path, parameters) of the transformers before it.
        called_share, call_score: the cut-off of a detection; both None: a probability of one half.
    """

    task: str
    classes: tuple[str, ...]
    path: str
    parameters: Mapping[str, Any]
    steps: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    called_share: float | None = None
    call_score: float | None = None
    seed: int = 1
    trust: bool = False


def check_estimator(recipe: Recipe) -> None:
    """Build the candidate without data.

    Raises:
        CandidateError: an unknown name or parameter, or the wrong kind of estimator for the task.
    """
    from sklearn.base import is_classifier, is_regressor

    model = model_of(recipe)
    wanted, fits = (
        ("classifier", is_classifier)
        if recipe.task in ("classification", "detection")
        else ("regressor", is_regressor)
    )
    if not fits(model):
        raise CandidateError(
            "candidate.wrong_kind",
            Text(
                f"the task ({recipe.task}) needs a {wanted}",
                f"该任务需要{'分类器' if wanted == 'classifier' else '回归器'}",
            ),
            where=recipe.path,
        )


def model_of(recipe: Recipe) -> Any:
    from sklearn.pipeline import make_pipeline

    parts = [*recipe.steps, (recipe.path, recipe.parameters)]
    made = [built(path, given, seed=recipe.seed, trust=recipe.trust) for path, given in parts]
    return make_pipeline(*made) if recipe.steps else made[0]


def fitted(recipe: Recipe, train: Floats, target: Labels) -> Any:
    """The model, fitted. NumPy's global generator is set first: some estimators inside others draw
    from it, and what the worker did before must not matter."""
    np.random.seed(recipe.seed)
    learnt = target.astype(str) if recipe.classes else target
    return model_of(recipe).fit(train, learnt)


def scores_of(model: Any, rows: Floats) -> Floats:
    """(m,) probability of the positive class, or the decision function where there is none."""
    if hasattr(model, "predict_proba"):
        return np.asarray(model.predict_proba(rows), np.float64)[:, list(model.classes_).index(1)]
    return np.asarray(model.decision_function(rows), np.float64)
