"""A simple baseline: the passage that shares most words with the question, and its first line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_WORD = re.compile(r"[^\W_一-鿿]+|[一-鿿]")


class Lookup:
    """Counts shared words; knows no weights, no stems and no second language.

    It refuses only where no passage shares a word with the question.
    """

    def __init__(self, k: int = 3) -> None:
        self.k = k
        self.read([])

    def read(self, passages: Sequence[Mapping[str, str]]) -> None:
        """Keep the documents: dicts with ``passage``, its id, and ``text``, lines of it."""
        self._passages = [
            (str(one["passage"]), str(one["text"]), _words(str(one["text"]))) for one in passages
        ]

    def answer(self, question: str, columns: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The first line below the title of the passage that shares most words."""
        asked = _words(question)
        shared = [len(asked & words) for _, _, words in self._passages]
        best = sorted(range(len(shared)), key=lambda place: (-shared[place], place))[: self.k]
        best = [place for place in best if shared[place]]
        if not best:
            return {"text": "", "refused": True, "cites": [], "retrieved": []}
        name, text, _ = self._passages[best[0]]
        line = next(iter(text.split("\n")[1:]), text)
        return {
            "text": line,
            "refused": False,
            "cites": [{"passage": name, "quote": line}],
            "retrieved": [self._passages[place][0] for place in best],
        }


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.casefold()))
