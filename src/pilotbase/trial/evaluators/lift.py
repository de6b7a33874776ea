"""Lift: how much denser positives are among the calls than among all cases."""

from __future__ import annotations

from pilotbase.kernel.text import Text
from pilotbase.trial.evaluators.called import positive
from pilotbase.trial.evaluators.metric import Metric

METRIC = Metric(
    name="lift",
    title=Text("Lift", "提升度"),
    definition=Text(
        "Precision over the share of positive cases; a faulty answer counts as a false alarm.",
        "精确率与阳性案例占比之比; 出错的回答按误报计。",
    ),
    dimension="quality",
    tasks=("detection",),
    better="higher",
    counted="called",
    value=positive,
    pass_fail=True,
    over_prevalence=True,
)
