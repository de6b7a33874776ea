"""Which products speak of what a need asks for: BM25 over words and Chinese character pairs. Pure.

A need may be written in one language and a product in two: each language of the asking text is a
query of its own against everything the other side says, and the better of the two counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pilotbase.catalog.rules.retrieval.bm25 import Index
from pilotbase.catalog.rules.retrieval.words import found, terms
from pilotbase.match.lists import Need, Product

COVERED_MIN = 0.1
"""A pair whose texts share less than this is no choice of either: two texts nearly always share a
word, and what is acceptable to nobody must not be matched because nothing else is left."""
_PLACES = 6  # decimals that are compared, so that the last bit of a logarithm breaks no tie


@dataclass(frozen=True, slots=True)
class Found:
    """How one text answers another.

    Attributes:
        score: BM25, k1 = 1.2 and b = 0.75.
        covered: in [0, 1], the share of the asking text's words, weighted by how rare they are,
            that the other text holds.
    """

    score: float
    covered: float


def relevance(
    asking: Sequence[Need | Product], answering: Sequence[Need | Product]
) -> list[dict[int, Found]]:
    """For each that asks, by number of those that answer: how well, where a word is shared.

    >>> from pilotbase.kernel.text import Text
    >>> def product(id, en, zh):
    ...     return Product(id, "b", Text(en, zh), Text("", ""))
    >>> products = [product("p1", "meter reading", "抄表"), product("p2", "triage", "随访分诊")]
    >>> need = Need("n1", Text("读表", "自动抄表"), Text("", ""))
    >>> [(number, found.covered) for number, found in relevance([need], products)[0].items()]
    [(0, 0.2387)]
    """
    documents = [terms(one.words()) for one in answering]
    ranking, counting = Index(documents), Index(documents, k1=0.0, b=0.0)
    return [_best(_queries(one), ranking, counting) for one in asking]


def shared(asking: Need | Product, answering: Need | Product, most: int = 8) -> tuple[str, ...]:
    """Words of the asking text that the other holds too, in their order."""
    return tuple(found(asking.words(), set(terms(answering.words()))))[:most]


def _queries(one: Need | Product) -> list[Mapping[str, float]]:
    texts = {f"{one.title.en}\n{one.text.en}", f"{one.title.zh}\n{one.text.zh}"}
    return [dict.fromkeys(terms(text), 1.0) for text in sorted(texts)]


def _best(
    queries: Sequence[Mapping[str, float]], ranking: Index, counting: Index
) -> dict[int, Found]:
    best: dict[int, Found] = {}
    for query in queries:
        whole = sum(counting.weight(term) for term in query)
        held = counting.scores(query)
        for place, score in ranking.scores(query).items():
            found = Found(round(score, _PLACES), round(held[place] / whole, 4))
            before = best.get(place)
            if before is None or (found.covered, found.score) > (before.covered, before.score):
                best[place] = found
    return best
