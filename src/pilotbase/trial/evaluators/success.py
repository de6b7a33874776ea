"""Success: what the environment's checkers say of the state in which the agent left it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pilotbase.kernel.text import Text
from pilotbase.scenario.schema import Criterion
from pilotbase.trial.evaluators.metric import Metric
from pilotbase.trial.reply import Question, Reply


def reached(question: Question, replies: Sequence[Reply], criterion: Criterion) -> float:
    """1 where every check holds at the end; NaN where it did not come to an end."""
    (reply,) = replies
    if reply.outcome is None or not 0.0 <= reply.outcome <= 1.0:
        return math.nan
    return float(reply.outcome == 1.0)


METRIC = Metric(
    name="success",
    title=Text("Goal reached", "目标达成率"),
    definition=Text(
        "Cases in which every check of the environment holds at the end, among all.",
        "结束时环境各项核验全部通过的案例占全部的比例。",
    ),
    dimension="quality",
    tasks=("act",),
    better="higher",
    counted="all",
    mark=reached,
    pass_fail=True,
)
