"""Rated: what people say of every answer."""

from __future__ import annotations

from pilotbase.kernel.text import Text
from pilotbase.trial.evaluators.metric import Metric

METRIC = Metric(
    name="rated",
    title=Text("Rated by people", "人工评分"),
    definition=Text(
        "The mean mark from 0 to 1 that people gave by the rubric; every unit is rated.",
        "人工按评分标准给出的平均分 (0 至 1); 每个单元均由人评分。",
    ),
    dimension="quality",
    tasks=("answer",),
    better="higher",
    counted="all",
    needs="rubric",
    asks="people",
    unmeasured="base",
)
