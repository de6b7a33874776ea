"""Within steps: the agent came to its end with few enough tool calls."""

from __future__ import annotations

from collections.abc import Sequence

from pilotbase.kernel.text import Text
from pilotbase.scenario.schema import Criterion
from pilotbase.trial.evaluators.metric import Metric
from pilotbase.trial.reply import Question, Reply


def short_enough(question: Question, replies: Sequence[Reply], criterion: Criterion) -> float:
    """1 where no more than ``limit`` tools were called, refused calls included."""
    (reply,) = replies
    calls = sum(bool(step.tool) for step in reply.steps)
    return float(criterion.limit is None or calls <= criterion.limit)


METRIC = Metric(
    name="within_steps",
    title=Text("Within the limit of steps", "步数达标率"),
    definition=Text(
        "Cases with no more tool calls than the limit among all, whether the goal was reached or "
        "not.",
        "工具调用次数不超过上限的案例占全部的比例, 不论目标是否达成。",
    ),
    dimension="efficiency",
    tasks=("act",),
    better="higher",
    counted="all",
    mark=short_enough,
    pass_fail=True,
    needs="limit",
)
