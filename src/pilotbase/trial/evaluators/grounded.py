"""Groundedness: each sentence of the answer stands in the passages that it cites."""

from __future__ import annotations

from collections.abc import Sequence

from pilotbase.kernel.text import Text
from pilotbase.scenario.schema import Criterion
from pilotbase.trial.evaluators.metric import Metric
from pilotbase.trial.evaluators.said import answered
from pilotbase.trial.reply import Question, Reply
from pilotbase.trial.rules.sentences import sentences
from pilotbase.trial.rules.support import Evidence, informative, supported

CITED_MAX = 50
"""Passages that are read for one answer; who cites more is not read on."""

SENTENCES_MAX = 500
"""Sentences that are read; those beyond count as not supported."""


def grounded(question: Question, replies: Sequence[Reply], criterion: Criterion) -> float:
    """The share of sentences that are supported; 0 for a refusal and without citations.

    A sentence rests on the passages that it cites by ``[id]``, or, where it cites none itself, on
    all that the reply cites.
    """
    (reply,) = replies
    if not answered(question, reply):
        return 0.0
    cited = dict.fromkeys(citation.passage for citation in reply.citations)
    known = [name for name in cited if name in question.passages][:CITED_MAX]
    read = {name: Evidence.of(question.passages[name]) for name in known}
    said = sentences(reply.text, read)
    asked = informative(question.text)
    held = sum(
        supported(sentence.text, [read[name] for name in sentence.cites or known], asked)
        for sentence in said[:SENTENCES_MAX]
    )
    return held / len(said) if said else 0.0


METRIC = Metric(
    name="grounded",
    title=Text("Grounded sentences", "有据率"),
    definition=Text(
        "Share of an answer's sentences that the passages it cites support, by words and numbers,"
        " averaged over the questions in scope; a refusal has none.",
        "回答中各句得到所引段落支持 (按词语与数字判断) 的比例, 对范围内问题取平均; 拒答计为零。",
    ),
    dimension="quality",
    tasks=("answer",),
    better="higher",
    counted="on_scope",
    mark=grounded,
)
