"""An agent that answers from documents: it retrieves, quotes the line that answers, and cites it.

It has no language model: it finds and quotes. It refuses when the passages say too little of what
the question is about.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pilotbase.catalog.rules.retrieval.bm25 import Index
from pilotbase.catalog.rules.retrieval.words import Group, subject, terms

_COUNTED = re.compile(
    r"\b(how (many|much|large|long|small|old)|when|wh(ich|at) year)\b|几|多少|哪一?年"
)
_NUMBER = re.compile(r"\d")
_LATER = 0.85  # what a line counts for in each passage further down
_UNCOUNTED = 0.6  # what a line without a number counts for where a number is asked
_TITLED = 0.2  # what a word of the question counts for that the passage's title says already
_HEADWORD = 1.3  # what a line counts for that begins with a word of the question, as in a glossary


class Retrieval:
    """BM25 over passages, then a choice among the lines of the best; see `answer`.

    Args:
        k: how many passages it reports and quotes from.
        k1, b: of BM25.
        lines: how many lines it quotes, at least 1.
        coverage: in [0, 1]; it refuses where no document of the best passages holds this share of
            what the question is about, by weight of its words (a word in no passage weighs most).
            Passages whose ids differ only in the number at their end are taken for one document.
    """

    def __init__(
        self,
        k: int = 3,
        k1: float = 1.2,
        b: float = 0.75,
        lines: int = 2,
        coverage: float = 0.6,
    ) -> None:
        self.k, self.k1, self.b = k, k1, b
        self.lines, self.coverage = lines, coverage
        self.read([])

    def read(self, passages: Sequence[Mapping[str, str]]) -> None:
        """Index the passages: dicts with ``passage``, its id, and ``text``, a title and lines."""
        self._passages = [(str(one["passage"]), str(one["text"])) for one in passages]
        held = [terms(text) for _, text in self._passages]
        names = [name.rstrip("0123456789") for name, _ in self._passages]
        documents: dict[str, set[str]] = {name: set() for name in names}
        for name, words in zip(names, held, strict=True):
            documents[name].update(words)
        self._documents = [documents[name] for name in names]
        self._index = Index(held, k1=self.k1, b=self.b)

    def answer(self, question: str, columns: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The line that answers, with its passage; ``columns`` are not looked at.

        Returns:
            text, refused, cites (passage and quote) and retrieved (ids of passages, best first).
        """
        groups = subject(question)
        best = self._ranked(groups)[: self.k]
        retrieved = [self._passages[place][0] for place in best]
        covered = max(
            (self._covered(groups, self._documents[place]) for place in best), default=0.0
        )
        if not best or covered < self.coverage:
            return {"text": "", "refused": True, "cites": [], "retrieved": retrieved}
        quoted = self._quoted(question, groups, best)
        return {
            "text": "\n".join(line for _, line in quoted),
            "refused": False,
            "cites": [
                {"passage": self._passages[place][0], "quote": line} for place, line in quoted
            ],
            "retrieved": retrieved,
        }

    def _ranked(self, groups: Sequence[Group]) -> list[int]:
        """Places of passages, best first; the words that stand for one word share its weight."""
        query: dict[str, float] = {}
        for group in groups:
            for term in group:
                query[term] = max(query.get(term, 0.0), 1 / len(group))
        scores = self._index.scores(query)
        return sorted(scores, key=lambda place: (-scores[place], place))

    def _covered(self, groups: Sequence[Group], held: Collection[str]) -> float:
        """Share of the question's weight that the terms hold, in [0, 1]."""
        weights = [self._weight(group, group) for group in groups]
        found = [self._weight(group, [term for term in group if term in held]) for group in groups]
        return sum(found) / sum(weights) if weights else 0.0

    def _weight(self, group: Group, held: Sequence[str]) -> float:
        """Weight of a group's rarest term among those held; of one in no document, if all are."""
        known = [term for term in group if self._index.holds(term)]
        return max(
            (self._index.weight(term) for term in held if term in known or not known), default=0.0
        )

    def _quoted(
        self, question: str, groups: Sequence[Group], best: Sequence[int]
    ) -> list[tuple[int, str]]:
        """The lines of the best passages that say most of the question, with their places.

        A word weighs by how few of the lines hold it, and little where the title says it already.
        A question for a number is answered by a line that has one, if there is a choice.
        """
        counted = bool(_COUNTED.search(question.casefold()))
        lines = [
            (rank, place, line, terms(line))
            for rank, place in enumerate(best)
            for line in _titled(self._passages[place][1])[1]
        ]
        index = Index([held for _, _, _, held in lines], k1=0.0, b=0.0)
        titles = [frozenset(terms(_titled(self._passages[place][1])[0])) for place in best]
        scored = []
        for rank, place, line, held in lines:
            said = [[term for term in group if term in held] for group in groups]
            score = sum(
                max(map(index.weight, found)) * (_TITLED if titles[rank] & set(found) else 1.0)
                for found in said
                if found
            )
            score *= _LATER**rank
            score *= _UNCOUNTED if counted and not _NUMBER.search(line) else 1.0
            score *= (
                _HEADWORD if any(held[:1] == [term] for found in said for term in found) else 1.0
            )
            scored.append((-score, rank, place, line))
        return [(place, line) for _, _, place, line in sorted(scored)[: self.lines]]


def _titled(text: str) -> tuple[str, list[str]]:
    """The first line is the title, unless it is all there is."""
    title, *lines = text.split("\n")
    return (title, lines) if lines else ("", [title])
