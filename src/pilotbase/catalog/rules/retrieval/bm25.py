"""The ranking function BM25 over an inverted index. Pure.

Source: S. Robertson and H. Zaragoza (2009), The Probabilistic Relevance Framework: BM25 and Beyond,
Foundations and Trends in Information Retrieval 3 (4), equation 3.15; the weight of a term is that
of section 3.1 with 1 added under the logarithm, so that it never turns negative.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence


class Index:
    """Documents, given as lists of terms, that can be ranked for a query.

    score(d, q) = Σ_t w(t) · tf·(k1 + 1) / (tf + k1·(1 - b + b·|d|/avg)),
    w(t) = ln(1 + (N - n(t) + ½) / (n(t) + ½)), where n(t) of N documents hold the term t.

    Args:
        documents: the terms of each document.
        k1: ≥ 0, how slowly a repeated term stops counting; 0 counts it once.
        b: in [0, 1], how much a long document has to bear for its length.

    Raises:
        ValueError: k1 or b out of range.

    >>> index = Index([["rain", "wind"], ["rain", "rain", "sun"], ["sun"]], k1=1.2, b=0.75)
    >>> {place: round(score, 4) for place, score in index.scores({"rain": 1.0}).items()}
    {0: 0.47, 1: 0.5666}
    """

    def __init__(
        self, documents: Sequence[Sequence[str]], *, k1: float = 1.2, b: float = 0.75
    ) -> None:
        if not k1 >= 0 or not 0 <= b <= 1:  # so that NaN is refused too
            raise ValueError(f"k1 must be at least 0 and b in [0, 1]: k1={k1}, b={b}")
        self.size = len(documents)
        self._k1 = k1
        lengths = [len(document) for document in documents]
        average = sum(lengths) / self.size if self.size else 1.0
        self._norms = [k1 * (1 - b + b * length / (average or 1.0)) for length in lengths]
        self._places: dict[str, list[tuple[int, int]]] = {}
        for place, document in enumerate(documents):
            for term, count in Counter(document).items():
                self._places.setdefault(term, []).append((place, count))

    def holds(self, term: str) -> bool:
        return term in self._places

    def weight(self, term: str) -> float:
        """w(t); the largest possible one for a term that no document holds."""
        held = len(self._places.get(term, ()))
        return math.log(1 + (self.size - held + 0.5) / (held + 0.5))

    def scores(self, query: Mapping[str, float]) -> dict[int, float]:
        """Scores by place of the documents that hold any term; the query's terms carry factors."""
        found: dict[int, float] = {}
        for term, factor in query.items():
            weight = factor * self.weight(term) * (self._k1 + 1)
            for place, count in self._places.get(term, ()):
                gain = weight * count / (count + self._norms[place])
                found[place] = found.get(place, 0.0) + gain
        return found
