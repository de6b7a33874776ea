"""Answer included: an accepted answer stands in the reply, as in a quoted sentence."""

from __future__ import annotations

from collections.abc import Sequence

from pilotbase.kernel.text import Text
from pilotbase.scenario.schema import Criterion
from pilotbase.trial.evaluators.metric import Metric
from pilotbase.trial.evaluators.said import declined, wording
from pilotbase.trial.reply import Question, Reply
from pilotbase.trial.rules.wordforms import contains, tokens

WORDS_MAX = 100
"""Words of a reply (characters in Chinese); a longer one is a document to search, no answer."""


def included(question: Question, replies: Sequence[Reply], criterion: Criterion) -> float:
    """1 where the words of an accepted answer stand next to each other in a short reply."""
    (reply,) = replies
    said = tokens(wording(question, reply))
    if declined(question, reply) or len(said) > WORDS_MAX:
        return 0.0
    return float(any(contains(said, tokens(accepted)) for accepted in question.expected))


METRIC = Metric(
    name="answer_included",
    title=Text("Answer included", "回答含正确答案"),
    definition=Text(
        f"Questions in scope whose reply, of {WORDS_MAX} words at most, holds an accepted answer, "
        "among all in scope; what else it says is not judged.",
        f"范围内问题中, 回答(至多 {WORDS_MAX} 词, 中文按字)含有任一可接受答案的比例; "
        "不评判回答中的其他内容。",
    ),
    dimension="quality",
    tasks=("answer",),
    better="higher",
    counted="on_scope",
    mark=included,
    pass_fail=True,
)
