"""False-alarm ratio: the share of the calls that were wrong (1 - precision)."""

from __future__ import annotations

from pilotbase.kernel.text import Text
from pilotbase.trial.evaluators.called import negative
from pilotbase.trial.evaluators.metric import Metric

METRIC = Metric(
    name="false_alarm_ratio",
    title=Text("False-alarm ratio", "空报率"),
    definition=Text(
        "Negative cases among the called ones; a faulty answer counts as a false alarm.",
        "被判出的案例中实为阴性的比例; 出错的回答按误报计。",
    ),
    dimension="quality",
    tasks=("detection",),
    better="lower",
    counted="called",
    value=negative,
    pass_fail=True,
)
