"""Latency: the share of answers that came within the limit."""

from __future__ import annotations

import numpy as np

from pilotbase.kernel.text import Text
from pilotbase.scenario.schema import Criterion
from pilotbase.trial.cases import Cases, Floats, Predictions
from pilotbase.trial.evaluators.metric import EVERY_TASK, Metric


def in_time(cases: Cases, predictions: Predictions, criterion: Criterion) -> Floats:
    """1 where the answer came within ``limit`` milliseconds; NaN where it was not timed."""
    taken = predictions.latency_ms
    within = taken <= (np.inf if criterion.limit is None else criterion.limit)
    return np.where(np.isnan(taken), np.nan, within.astype(np.float64))


METRIC = Metric(
    name="latency",
    title=Text("Answers in time", "时延达标率"),
    definition=Text(
        "Answers within the limit among all cases, timed by the base.",
        "在时限内作答的案例占全部案例的比例, 由基地计时。",
    ),
    dimension="efficiency",
    tasks=EVERY_TASK,
    better="higher",
    counted="all",
    value=in_time,
    pass_fail=True,
    needs="limit",
    unmeasured="base",
)
