"""Balanced accuracy: recall of the positive and of the negative cases, averaged."""

from __future__ import annotations

from pilotbase.kernel.text import Text
from pilotbase.trial.cases import Floats
from pilotbase.trial.evaluators.called import called
from pilotbase.trial.evaluators.metric import Metric


def both_right(positives: Floats, negatives: Floats) -> Floats:
    """Half a point for a positive case that is called and half for a negative one that is not."""
    return 0.5 * (positives >= 1.0) + 0.5 * (negatives <= 0.0)


METRIC = Metric(
    name="balanced_accuracy",
    title=Text("Balanced accuracy", "平衡准确率"),
    definition=Text(
        "Mean of the shares of positive and of negative cases answered right, over pairs of the "
        "same fit.",
        "阳性与阴性案例各自答对比例的平均, 按同一次拟合的案例对计。",
    ),
    dimension="quality",
    tasks=("detection",),
    better="higher",
    counted="pairs",
    value=called,
    compare=both_right,
)
