"""Judged: what people would say of an answer, from a judge that people check by lot."""

from __future__ import annotations

from pilotbase.kernel.text import Text
from pilotbase.trial.evaluators.metric import Metric

METRIC = Metric(
    name="judged",
    title=Text("Judged by rubric", "按评分标准评判"),
    definition=Text(
        "The mean mark from 0 to 1 that people would give by the rubric, from a judge's marks "
        "corrected by people's on a part drawn by lot.",
        "按评分标准, 人工会给出的平均分 (0 至 1): 由评判者打分, 并以随机抽检的人工评分校正。",
    ),
    dimension="quality",
    tasks=("answer",),
    better="higher",
    counted="all",
    needs="rubric",
    asks="judge",
    unmeasured="base",
)
