"""AUC: how often a positive case is scored above a negative one by the same fit."""

from __future__ import annotations

import numpy as np

from pilotbase.kernel.text import Text
from pilotbase.scenario.schema import Criterion
from pilotbase.trial.cases import Cases, Floats, Predictions
from pilotbase.trial.evaluators.metric import Metric


def score(cases: Cases, predictions: Predictions, criterion: Criterion) -> Floats:
    """The candidate's score; NaN where it is no finite number."""
    return np.where(np.isfinite(predictions.score), predictions.score, np.nan)


def ranked(positives: Floats, negatives: Floats) -> Floats:
    """1 where the positive case stands above the negative one, one half for a tie."""
    return np.asarray((positives > negatives) + 0.5 * (positives == negatives), np.float64)


METRIC = Metric(
    name="auc",
    title=Text("AUC", "AUC (ROC 曲线下面积)"),
    definition=Text(
        "Pairs of a positive and a negative case, scored by the same fit, in which the positive "
        "one has the higher score; ties count one half.",
        "由同一次拟合评分的一阳一阴案例对中, 阳性得分更高者所占比例; 同分计一半。",
    ),
    dimension="quality",
    tasks=("detection",),
    better="higher",
    counted="pairs",
    value=score,
    compare=ranked,
)
