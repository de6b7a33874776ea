"""Interval coverage: how often the candidate's own 95 % band holds the truth."""

from __future__ import annotations

import numpy as np

from pilotbase.kernel.text import Text
from pilotbase.scenario.schema import Criterion
from pilotbase.trial.cases import Cases, Floats, Predictions
from pilotbase.trial.evaluators.metric import NUMBERS, Metric


def covered(cases: Cases, predictions: Predictions, criterion: Criterion) -> Floats:
    """1 where the truth lies within the band; NaN where there is no band."""
    truth = np.asarray(cases.target, dtype=np.float64)
    inside = (predictions.lower <= truth) & (truth <= predictions.upper)
    missing = np.isnan(predictions.lower) | np.isnan(predictions.upper)
    return np.where(missing, np.nan, inside.astype(np.float64))


METRIC = Metric(
    name="interval_coverage",
    title=Text("Coverage of the 95 % band", "95% 区间覆盖率"),
    definition=Text(
        "Cases whose truth lies within the candidate's own 95 % band.",
        "真值落在候选方案自报 95% 区间内的案例比例。",
    ),
    dimension="calibration",
    tasks=NUMBERS,
    better="higher",
    counted="all",
    value=covered,
    pass_fail=True,
)
