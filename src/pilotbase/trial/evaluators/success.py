"""Success: what the environment's checkers say of the state in which the agent left it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pilotbase.kernel.text import Text
from pilotbase.scenario.schema import Criterion
from pilotbase.trial.evaluators.metric import Metric
from pilotbase.trial.reply import Question, Reply


def reached(question: Question, replies: Sequence[Reply], criterion: Criterion) -> float:
    """The outcome of the run; NaN where it did not come to one."""
    (reply,) = replies
    if reply.outcome is None or not 0.0 <= reply.outcome <= 1.0:
        return math.nan
    return float(reply.outcome)


METRIC = Metric(
    name="success",
    title=Text("Goal reached", "目标达成率"),
    definition=Text(
        "Mean over all cases of the share of the environment's checks that hold at the end.",
        "结束时环境各项核验通过的比例在全部案例上的平均。",
    ),
    dimension="quality",
    tasks=("act",),
    better="higher",
    counted="all",
    mark=reached,
)
