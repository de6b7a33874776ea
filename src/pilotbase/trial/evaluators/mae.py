"""Mean absolute error, each unit's error capped; the capped mean is the claim."""

from __future__ import annotations

import numpy as np

from pilotbase.kernel.text import Text
from pilotbase.scenario.schema import Criterion
from pilotbase.trial.cases import Cases, Floats, Predictions
from pilotbase.trial.evaluators.metric import NUMBERS, Metric


def capped_error(cases: Cases, predictions: Predictions, criterion: Criterion) -> Floats:
    """Absolute error over the cap, at most 1; NaN where no finite number was answered."""
    answered = np.where(np.isfinite(predictions.value), predictions.value, np.nan)
    with np.errstate(over="ignore"):  # an absurd answer is as wrong as the cap allows
        error = np.abs(answered - np.asarray(cases.target, dtype=np.float64))
    return np.asarray(np.minimum(error / (criterion.cap or 1.0), 1.0), dtype=np.float64)


METRIC = Metric(
    name="mae",
    title=Text("Mean absolute error (capped)", "平均绝对误差 (截断)"),
    definition=Text(
        "Mean distance between answer and truth, each counted up to the cap.",
        "回答与真值之差的绝对值的平均, 每个单元最多按上限计。",
    ),
    dimension="quality",
    tasks=NUMBERS,
    better="lower",
    counted="all",
    value=capped_error,
    capped=True,
    needs="cap",
)
