"""Recall at k: how many of the passages that hold the answer are among the first k retrieved."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pilotbase.kernel.text import Text
from pilotbase.scenario.schema import Criterion
from pilotbase.trial.evaluators.metric import Metric
from pilotbase.trial.reply import Question, Reply


def recalled(question: Question, replies: Sequence[Reply], criterion: Criterion) -> float:
    """The share of the sources among the first ``k`` different passages, of ``k`` at most.

    Passages are those retrieved, or those cited where nothing is said of retrieval. With more
    sources than ``k`` the denominator is ``k`` (capped recall; Thakur et al., BEIR, 2021).
    """
    (reply,) = replies
    sources, k = set(question.sources), criterion.k or 1
    if not sources:
        return math.nan
    looked_at = reply.retrieved or tuple(citation.passage for citation in reply.citations)
    first = list(dict.fromkeys(looked_at))[:k]
    return len(sources.intersection(first)) / min(len(sources), k)


METRIC = Metric(
    name="recall_at_k",
    title=Text("Recall at k", "前 k 召回率"),
    definition=Text(
        "Share of the passages that hold the answer among the first k retrieved, averaged over "
        "the questions in scope.",
        "答案所在段落出现在检索结果前 k 段中的比例, 对范围内问题取平均。",
    ),
    dimension="quality",
    tasks=("answer",),
    better="higher",
    counted="on_scope",
    mark=recalled,
    needs="k",
)
