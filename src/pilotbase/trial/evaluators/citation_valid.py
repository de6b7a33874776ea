"""Citation validity: what is cited exists, and what is quoted stands there."""

from __future__ import annotations

from collections.abc import Sequence

from pilotbase.kernel.text import Text
from pilotbase.scenario.schema import Criterion
from pilotbase.trial.evaluators.metric import Metric
from pilotbase.trial.evaluators.said import declined
from pilotbase.trial.reply import Question, Reply
from pilotbase.trial.rules.wordforms import contains, tokens

QUOTES_MAX = 200
"""Citations that are looked up for one answer; who gives more gives none."""


def valid(question: Question, replies: Sequence[Reply], criterion: Criterion) -> float:
    """The share of citations that hold; an answer without any has 0, a refusal without any 1."""
    (reply,) = replies
    cited = list(dict.fromkeys(reply.citations))
    if not cited:
        return float(declined(question, reply))
    if len(cited) > QUOTES_MAX:
        return 0.0
    words: dict[str, list[str]] = {}
    held = 0
    for citation in cited:
        text = question.passages.get(citation.passage)
        if text is None:
            continue
        if not citation.quote:
            held += 1
            continue
        if citation.passage not in words:
            words[citation.passage] = tokens(text)
        held += contains(words[citation.passage], tokens(citation.quote))
    return held / len(cited)


METRIC = Metric(
    name="citation_valid",
    title=Text("Valid citations", "引用有效率"),
    definition=Text(
        "Share of an answer's citations whose passage exists and holds the quote, averaged over "
        "all; an answer without citation has none.",
        "回答的引用中段落存在且引文确在其中的比例, 对全部案例取平均; 未拒答而没有引用的计为零。",
    ),
    dimension="quality",
    tasks=("answer",),
    better="higher",
    counted="all",
    mark=valid,
)
