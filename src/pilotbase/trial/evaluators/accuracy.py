"""Accuracy: the share of units answered right."""

from __future__ import annotations

import numpy as np

from pilotbase.kernel.text import Text
from pilotbase.scenario.schema import Criterion
from pilotbase.trial.cases import Cases, Floats, Predictions
from pilotbase.trial.evaluators.metric import Metric


def correct(cases: Cases, predictions: Predictions, criterion: Criterion) -> Floats:
    """1 where the answer is the target."""
    return np.asarray(predictions.label == cases.target, dtype=np.float64)


METRIC = Metric(
    name="accuracy",
    title=Text("Accuracy", "准确率"),
    definition=Text("Right answers among all cases.", "答对的案例占全部案例的比例。"),
    dimension="quality",
    tasks=("classification", "detection"),
    better="higher",
    counted="all",
    value=correct,
    pass_fail=True,
)
