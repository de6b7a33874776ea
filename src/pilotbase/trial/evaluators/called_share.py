"""Called share: how many of all cases the candidate calls, i.e. the load it puts on people."""

from __future__ import annotations

from pilotbase.kernel.text import Text
from pilotbase.trial.evaluators.called import called
from pilotbase.trial.evaluators.metric import Metric

METRIC = Metric(
    name="called_share",
    title=Text("Share called", "判出比例"),
    definition=Text("Called cases among all cases.", "被判出的案例占全部案例的比例。"),
    dimension="quality",
    tasks=("detection",),
    better="lower",
    counted="all",
    value=called,
    pass_fail=True,
)
