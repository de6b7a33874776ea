"""From two lists to two stable matchings, with everything a receipt needs to explain them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

from pilotbase.match.lists import Need, Product
from pilotbase.match.rules.filters import bounds_of
from pilotbase.match.rules.ranking import (
    NO_GO,
    Evidence,
    Rank,
    Tried,
    need_rank,
    product_rank,
)
from pilotbase.match.rules.retrieval import COVERED_MIN, Found, relevance
from pilotbase.match.rules.stable import blocking_pairs, deferred_acceptance, receiver_optimal

CHOICES_MAX = 20
"""A need goes down this many products at most."""
Matching = dict[str, list[str]]


@dataclass(frozen=True)
class Pairing:
    """Two lists, their ranks, and the matchings that follow.

    Attributes:
        needs, products: those that take part, by id; refused: rows whose owner or provider is a
            private person, as ``need:ID`` or ``product:ID``.
        places: by product, how many needs it takes.
        asked: need → product → how the product answers the need; offered: the other way round.
        ranks: (need, product) → the need's rank of the product and the product's of the need, for
            the pairs that pass.
        choices: need → products, best first; wanted: product → needs, best first.
        matching: product → needs, best for every need; other: best for every product.
        blocking: blocking pairs of either; empty, or something is wrong.
    """

    needs: Mapping[str, Need]
    products: Mapping[str, Product]
    refused: Set[str]
    evidence: Evidence
    seed: str
    places: Mapping[str, int]
    asked: Mapping[str, Mapping[str, Found]]
    offered: Mapping[str, Mapping[str, Found]]
    ranks: Mapping[tuple[str, str], tuple[Rank, Rank]]
    choices: Mapping[str, Sequence[str]]
    wanted: Mapping[str, Sequence[str]]
    matching: Matching
    other: Matching
    blocking: Sequence[tuple[str, str]]
    partner: Mapping[str, str] = field(default_factory=dict)

    def tried(self, need: str, product: str) -> Tried | None:
        return tried_of(self.evidence, self.needs[need], self.products[product])


def pair(
    needs: Sequence[Need],
    products: Sequence[Product],
    *,
    evidence: Evidence,
    seed: str,
    capacity: int = 1,
    capacities: Mapping[str, int] | None = None,
) -> Pairing:
    """Filter, find, rank and match.

    Args:
        evidence: what trials found; a no-go keeps a pair apart.
        seed: of the published lottery.
        capacity: places of a product that states none; capacities: places that overrule the list.
    """
    people = {f"need:{n.id}" for n in needs if n.owner_kind == "person"}
    people |= {f"product:{p.id}" for p in products if p.provider_kind == "person"}
    wanting = [n for n in needs if n.owner_kind != "person"]
    offering = [p for p in products if p.provider_kind != "person"]
    named = capacities or {}
    places = {
        p.id: named.get(p.id, capacity if p.capacity is None else p.capacity) for p in offering
    }
    asked = _by_id(wanting, offering)
    offered = _by_id(offering, wanting)
    ranks = _ranks(wanting, offering, asked, offered, evidence, seed)
    choices, wanted = _lists(wanting, offering, ranks)
    matching = deferred_acceptance(choices, wanted, places)
    other = receiver_optimal(choices, wanted, places)
    blocking = [
        *blocking_pairs(matching, choices, wanted, places),
        *blocking_pairs(other, choices, wanted, places),
    ]
    return Pairing(
        {n.id: n for n in wanting}, {p.id: p for p in offering}, frozenset(people), evidence,
        seed, places, asked, offered, ranks, choices, wanted, matching, other, blocking,
        {need: product for product, held in matching.items() for need in held},
    )  # fmt: skip


def tried_of(evidence: Evidence, need: Need, product: Product) -> Tried | None:
    """What trials found of the product for the need, if there was one."""
    return evidence.get((need.scenario or need.id, product.candidate or product.id))


def _by_id(
    asking: Sequence[Need | Product], answering: Sequence[Need | Product]
) -> dict[str, dict[str, Found]]:
    names = [one.id for one in answering]
    return {
        one.id: {names[number]: how for number, how in found.items()}
        for one, found in zip(asking, relevance(asking, answering), strict=True)
    }


def _ranks(
    needs: Sequence[Need],
    products: Sequence[Product],
    asked: Mapping[str, Mapping[str, Found]],
    offered: Mapping[str, Mapping[str, Found]],
    evidence: Evidence,
    seed: str,
) -> dict[tuple[str, str], tuple[Rank, Rank]]:
    by_id = {product.id: product for product in products}
    ranks = {}
    for need in needs:
        for name, found in asked[need.id].items():
            product = by_id[name]
            if found.covered < COVERED_MIN or bounds_of(need, product):
                continue
            tried = tried_of(evidence, need, product)
            if tried is not None and tried.verdict == NO_GO:
                continue
            back = offered[name].get(need.id, Found(0.0, 0.0))
            ranks[need.id, name] = (
                need_rank(tried, found, seed, name),
                product_rank(tried, back, seed, need.id),
            )
    return ranks


def _lists(
    needs: Sequence[Need],
    products: Sequence[Product],
    ranks: Mapping[tuple[str, str], tuple[Rank, Rank]],
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """The preference lists of both sides; a need's has `CHOICES_MAX` products at most."""
    choices: dict[str, list[str]] = {need.id: [] for need in needs}
    wanted: dict[str, list[str]] = {product.id: [] for product in products}
    for need, product in ranks:
        choices[need].append(product)
    for name, found in choices.items():
        found.sort(key=lambda product, name=name: ranks[name, product][0])  # type: ignore[misc]
        del found[CHOICES_MAX:]
        for product in found:
            wanted[product].append(name)
    for name, wishing in wanted.items():
        wishing.sort(key=lambda need, name=name: ranks[need, name][1])  # type: ignore[misc]
    return choices, wanted
