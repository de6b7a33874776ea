"""Reported: the score that another tool gave, taken over as it stands."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pilotbase.kernel.text import Text
from pilotbase.scenario.schema import Criterion
from pilotbase.trial.evaluators.metric import Metric
from pilotbase.trial.reply import Question, Reply


def taken_over(question: Question, replies: Sequence[Reply], criterion: Criterion) -> float:
    """The score that stands in the data of the reply under its name; NaN where none in [0, 1]."""
    (reply,) = replies
    value = reply.data.get("reported") if isinstance(reply.data, dict) else None
    if not isinstance(value, (bool, int, float)) or not 0 <= value <= 1:
        return math.nan
    return float(value)


METRIC = Metric(
    name="reported",
    title=Text("Score reported elsewhere", "外部工具报告的得分"),
    definition=Text(
        "Mean of the scores in 0 to 1 that another tool's log gives for each case; not measured "
        "by the base.",
        "其他工具日志对各案例给出的 0 至 1 得分的平均; 非本基地测得。",
    ),
    dimension="quality",
    tasks=(
        "answer",
        "act",
    ),
    better="higher",
    counted="all",
    mark=taken_over,
)
