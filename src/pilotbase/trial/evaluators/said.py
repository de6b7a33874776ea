"""What metrics of language look at: whether a reply answers, and its words without citations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from pilotbase.trial.reply import Question, Reply
from pilotbase.trial.rules.sentences import without_markers
from pilotbase.trial.rules.wordforms import compared

REFUSAL_MAX = 2_000  # characters; a longer text is no declared sentence


def declined(question: Question, reply: Reply) -> bool:
    """Whether the reply says that it does not answer: by the flag or a declared sentence."""
    if reply.refused:
        return True
    if not question.refusals or not reply.text or len(reply.text) > REFUSAL_MAX:
        return False
    return compared(wording(question, reply)) in _sentences(question.refusals)


@lru_cache(maxsize=16)
def _sentences(refusals: tuple[str, ...]) -> frozenset[tuple[str, ...]]:
    return frozenset(compared(said) for said in refusals)


def answered(question: Question, reply: Reply) -> bool:
    """Whether the reply says something and does not decline."""
    return bool(reply.text.strip() or reply.data is not None) and not declined(question, reply)


def wording(question: Question, reply: Reply) -> str:
    """The text of the reply without the citations in it."""
    if "[" not in reply.text:
        return reply.text
    cited = {citation.passage for citation in reply.citations}
    return without_markers(reply.text, cited | question.passages.keys())


def everything(reply: Reply) -> str:
    """All words of a reply: its text, its quotes, and the texts inside its data."""
    quotes = (citation.quote for citation in reply.citations)
    return "\n".join([reply.text, *quotes, *_texts(reply.data)])


def given(question: Question) -> Iterator[str]:
    """All words that the candidate was given: the question, its columns, the passages."""
    yield question.text
    yield from (str(value) for value in question.columns.values())
    yield from question.passages.values()


def brings_in(question: Question, reply: Reply, find: Callable[[str], frozenset[str]]) -> bool:
    """Whether ``find`` finds in the reply what it finds in nothing that the candidate was given."""
    found = find(everything(reply))
    for text in given(question) if found else ():
        found -= find(text)
        if not found:
            return False
    return bool(found)


def _texts(data: Any) -> Iterator[str]:
    """Names, texts and numbers inside JSON data, however deep."""
    waiting = [data]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            waiting += [*node.values(), *node]
        elif isinstance(node, (list, tuple)):
            waiting += node
        elif node is not None:
            yield str(node)
