"""Recall: the share of the positive cases that were called (hit rate, sensitivity)."""

from __future__ import annotations

from pilotbase.kernel.text import Text
from pilotbase.trial.evaluators.called import called
from pilotbase.trial.evaluators.metric import Metric

METRIC = Metric(
    name="recall",
    title=Text("Recall", "召回率"),
    definition=Text(
        "Called cases among the positive ones (hit rate).",
        "被判出的阳性案例占全部阳性案例的比例 (命中率)。",
    ),
    dimension="quality",
    tasks=("detection",),
    better="higher",
    counted="positives",
    value=called,
    pass_fail=True,
)
