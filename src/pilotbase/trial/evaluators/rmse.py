"""Root mean squared error, each unit's error capped; the capped mean square is the claim."""

from __future__ import annotations

from pilotbase.kernel.text import Text
from pilotbase.scenario.schema import Criterion
from pilotbase.trial.cases import Cases, Floats, Predictions
from pilotbase.trial.evaluators.mae import capped_error
from pilotbase.trial.evaluators.metric import NUMBERS, Metric


def capped_square(cases: Cases, predictions: Predictions, criterion: Criterion) -> Floats:
    """Square of the capped error over the cap."""
    return capped_error(cases, predictions, criterion) ** 2


METRIC = Metric(
    name="rmse",
    title=Text("Root mean squared error (capped)", "均方根误差 (截断)"),
    definition=Text(
        "Root of the mean squared distance between answer and truth, each counted up to the cap.",
        "回答与真值之差的平方平均后开方, 每个单元的误差最多按上限计。",
    ),
    dimension="quality",
    tasks=NUMBERS,
    better="lower",
    counted="all",
    value=capped_square,
    capped=True,
    root=True,
    needs="cap",
)
