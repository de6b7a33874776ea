"""Brier score: squared distance between the probabilities given and what happened."""

from __future__ import annotations

import numpy as np

from pilotbase.kernel.text import Text
from pilotbase.scenario.schema import Criterion
from pilotbase.trial.cases import Cases, Floats, Predictions
from pilotbase.trial.evaluators.metric import Metric

SUM_TOLERANCE = 1e-6  # how far class probabilities may be from summing to one


def squared_error(cases: Cases, predictions: Predictions, criterion: Criterion) -> Floats:
    """Detection: (p - y)^2. Classification: half the sum of squares over classes (Brier 1950).

    NaN where the numbers given are no probabilities.
    """
    if cases.classes:
        return _over_classes(cases, predictions)
    given = predictions.score
    probable = (given >= 0.0) & (given <= 1.0)
    truth = np.asarray(cases.target == 1, dtype=np.float64)
    return np.where(probable, (np.where(probable, given, 0.0) - truth) ** 2, np.nan)


def _over_classes(cases: Cases, predictions: Predictions) -> Floats:
    given = predictions.probability
    if given is None:
        return np.full(cases.rows, np.nan)
    one_hot = cases.target[:, None] == np.array(cases.classes, dtype=object)[None, :]
    sums = np.abs(given.sum(axis=1) - 1.0) <= SUM_TOLERANCE
    probable = sums & np.all((given >= 0.0) & (given <= 1.0), axis=1)
    square = ((np.where(probable[:, None], given, 0.0) - one_hot) ** 2).sum(axis=1) / 2.0
    return np.where(probable, np.minimum(square, 1.0), np.nan)


METRIC = Metric(
    name="brier",
    title=Text("Brier score", "布赖尔评分"),
    definition=Text(
        "Mean squared distance between the probability given and what happened: 0 best, 1 worst.",
        "所给概率与实际结果之差的平方的平均, 0 最好, 1 最差。",
    ),
    dimension="quality",
    tasks=("classification", "detection"),
    better="lower",
    counted="all",
    value=squared_error,
)
