"""JSON validity: the answer is JSON of the declared form."""

from __future__ import annotations

from collections.abc import Sequence

from pilotbase.kernel.text import Text
from pilotbase.scenario.schema import Criterion
from pilotbase.trial.evaluators.metric import Metric
from pilotbase.trial.reply import Question, Reply
from pilotbase.trial.rules.json_form import parsed, valid


def formed(question: Question, replies: Sequence[Reply], criterion: Criterion) -> float:
    """1 where the data of the reply, or else its whole text, is JSON that has the ``form``."""
    (reply,) = replies
    data = reply.data
    if data is None:
        try:
            data = parsed(reply.text)
        except ValueError:
            return 0.0
    return float(valid(data, criterion.form or {}))


METRIC = Metric(
    name="json_valid",
    title=Text("Valid JSON", "JSON 合规率"),
    definition=Text(
        "Answers that are JSON of the declared form (JSON Schema 2020-12) among all.",
        "符合所声明格式 (JSON Schema 2020-12) 的 JSON 回答占全部的比例。",
    ),
    dimension="quality",
    tasks=("answer",),
    better="higher",
    counted="all",
    mark=formed,
    pass_fail=True,
    needs="form",
)
