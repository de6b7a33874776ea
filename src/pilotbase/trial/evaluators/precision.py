"""Precision: the share of the calls that were right."""

from __future__ import annotations

from pilotbase.kernel.text import Text
from pilotbase.trial.evaluators.called import positive
from pilotbase.trial.evaluators.metric import Metric

METRIC = Metric(
    name="precision",
    title=Text("Precision", "精确率"),
    definition=Text(
        "Positive cases among the called ones; a faulty answer counts as a false alarm.",
        "被判出的案例中确为阳性的比例; 出错的回答按误报计。",
    ),
    dimension="quality",
    tasks=("detection",),
    better="higher",
    counted="called",
    value=positive,
    pass_fail=True,
)
