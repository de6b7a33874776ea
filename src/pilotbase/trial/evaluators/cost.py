"""Cost: the mean price of an answer, each counted up to the cap."""

from __future__ import annotations

import numpy as np

from pilotbase.kernel.text import Text
from pilotbase.scenario.schema import Criterion
from pilotbase.trial.cases import Cases, Floats, Predictions
from pilotbase.trial.evaluators.metric import EVERY_TASK, Metric


def capped_cost(cases: Cases, predictions: Predictions, criterion: Criterion) -> Floats:
    """Cost over the cap, at most 1, both in minor units of money; NaN where it is not known."""
    known = np.where(np.isfinite(predictions.cost), predictions.cost, np.nan)
    return np.clip(known / (criterion.cap or 1.0), 0.0, 1.0)


METRIC = Metric(
    name="cost",
    title=Text("Mean cost of an answer (capped)", "单次回答平均成本 (截断)"),
    definition=Text(
        "Mean cost of an answer in minor units of money, each counted up to the cap.",
        "单次回答成本的平均 (以货币最小单位计), 每次最多按上限计。",
    ),
    dimension="efficiency",
    tasks=EVERY_TASK,
    better="lower",
    counted="all",
    value=capped_cost,
    capped=True,
    needs="cap",
    unmeasured="base",
)
