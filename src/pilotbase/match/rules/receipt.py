"""A receipt for a pair: why, or why not, and what would change it. Pure."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass
from typing import Any

from pilotbase.kernel.text import Text
from pilotbase.match.rules.filters import Bound, bounds_of, said
from pilotbase.match.rules.pairing import CHOICES_MAX, Pairing
from pilotbase.match.rules.ranking import NO_GO, Rank, because, need_rank, product_rank
from pilotbase.match.rules.retrieval import COVERED_MIN, Found, shared
from pilotbase.match.rules.stable import deferred_acceptance

PLACES_MAX = 64
"""Extra places that are tried when looking for what would admit a need."""

MATCHED = Text("Matched: {why}.", "已匹配: {why}。")
REFUSED = Text(
    "Private persons are never ranked: {who} is a private person's.",
    "自然人不参与排序: {who} 属于自然人。",
)
FILTERED = Text("Not a choice: {why}.", "不可选: {why}。")
APART = Text(
    "The two texts share too little ({covered:.0%} of the need's words, at least {least:.0%}).",
    "两者文本相符太少 (覆盖需求用词的 {covered:.0%}, 至少须 {least:.0%})。",
)
TRIED_NO_GO = Text("Tried and not passed (run {run}).", "经试验不通过 (试验 {run})。")
BEYOND = Text("Beyond the need's first {most} choices.", "不在该需求的前 {most} 个选择之内。")
BETTER = Text(
    "The need has {product}, which it prefers: {why}.", "该需求已得到更优先的 {product}: {why}。"
)
FULL = Text(
    "Its {places} place(s) went to {needs}: {why}.", "其 {places} 个名额已给 {needs}: {why}。"
)
NO_PLACES = Text("It has no place.", "没有名额。")
NOTHING = Text("Nothing has to change.", "无需改变。")
NEVER = Text("Nothing would: people are not ranked.", "不会改变: 不对人排序。")
RETRIAL = Text("A new version, tried on fresh units.", "提交新版本, 并用新的单元重新试验。")
WORDING = Text(
    "If they are meant for each other, the texts have to say so.",
    "若两者确实相关, 须在文本中说明。",
)
GONE = Text("It would take {product} not being there.", "除非没有 {product}。")
MORE_CHOICES = Text(
    "A closer text or a trial that ranks it higher.", "文本更相符, 或以试验提升排序。"
)
MORE_PLACES = Text("{places} more place(s).", "增加 {places} 个名额。")
NOT_FOUND = Text(
    "More places alone would not do ({most} were tried).", "仅增加名额不够 (已试至 {most} 个)。"
)
THEN_BEHIND = Text(
    "If {relax}, it would still stand behind {product}.", "若{relax}, 仍排在 {product} 之后。"
)
THEN = Text("If {relax}.", "若{relax}。")
THEN_PLACES = Text(
    "If {relax}, and with {places} more place(s).", "若{relax}, 且增加 {places} 个名额。"
)


@dataclass(frozen=True)
class Receipt:
    """Why a need and a product are together or not.

    Attributes:
        outcome: ``matched``, ``person``, ``filtered``, ``apart``, ``no-go``, ``beyond``,
            ``better`` (the need has one it prefers) or ``full``.
        why: the reason. bounds: the filters that bound. preferred: who was preferred, by id.
        change: what would change it; ``cost`` counts the single changes in it, None where none is
            known; ``places`` more places and what ``bounds`` miss are those changes.
    """

    need: str
    product: str
    outcome: str
    why: Text
    change: Text
    bounds: tuple[Bound, ...] = ()
    preferred: tuple[str, ...] = ()
    places: int | None = None
    cost: int | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            **vars(self),
            "why": self.why.as_dict(),
            "change": self.change.as_dict(),
            "bounds": [bound.as_dict() for bound in self.bounds],
            "preferred": list(self.preferred),
        }


def receipt(pairing: Pairing, need: str, product: str, *, search: bool = True) -> Receipt:
    """The receipt for any pair of ids on the lists.

    Args:
        search: whether to look, by matching again, for what would admit an open need.

    Raises:
        KeyError: an id that is on no list.
    """
    for side, id_ in (("need", need), ("product", product)):
        if f"{side}:{id_}" in pairing.refused:
            return Receipt(need, product, "person", REFUSED.format(who=id_), NEVER)
    if pairing.partner.get(need) == product:
        return _matched(pairing, need, product)
    bounds = tuple(bounds_of(pairing.needs[need], pairing.products[product]))
    found = pairing.asked[need].get(product, Found(0.0, 0.0))
    tried = pairing.tried(need, product)
    if tried is not None and tried.verdict == NO_GO:
        why = TRIED_NO_GO.format(run=tried.run)
        return Receipt(need, product, "no-go", why, RETRIAL, bounds)
    if found.covered < COVERED_MIN:
        why = APART.format(covered=found.covered, least=COVERED_MIN)
        return Receipt(need, product, "apart", why, WORDING, bounds)
    if bounds:
        return _filtered(pairing, need, product, bounds, search)
    if product not in pairing.choices[need]:
        why = BEYOND.format(most=CHOICES_MAX)
        return Receipt(need, product, "beyond", why, MORE_CHOICES)
    return _outranked(pairing, need, product, search)


def _matched(pairing: Pairing, need: str, product: str) -> Receipt:
    rest = pairing.choices[need]
    behind = rest[rest.index(product) + 1 :]
    words = ", ".join(shared(pairing.needs[need], pairing.products[product])) or "-"
    why = Text(f"shared words {words}", f"共有用词 {words}")
    tried = pairing.tried(need, product)
    if tried is not None:
        why = Text(f"tried: {tried.verdict}; {why.en}", f"试验结论: {tried.verdict}; {why.zh}")
    if behind:
        step = because(pairing.ranks[need, product][0], pairing.ranks[need, behind[0]][0])
        why = Text(
            f"{why.en}; before {behind[0]} because {step.en}",
            f"{why.zh}; 先于 {behind[0]}, 因为{step.zh}",
        )
    return Receipt(need, product, "matched", MATCHED.format(why=why), NOTHING, cost=0)


def _filtered(
    pairing: Pairing, need: str, product: str, bounds: tuple[Bound, ...], search: bool
) -> Receipt:
    why = FILTERED.format(why=_joined([said(bound) for bound in bounds]))
    relax = _joined([said(bound, relax=True) for bound in bounds])
    count = sum(len(bound.missing) for bound in bounds)
    mine = pairing.partner.get(need)
    if mine is not None and _would_rank(pairing, need, product)[0] > pairing.ranks[need, mine][0]:
        change = THEN_BEHIND.format(relax=relax, product=mine)
        return Receipt(need, product, "filtered", why, change, bounds, preferred=(mine,))
    places = _admitting(pairing, need, product) if search else None
    if places is None:
        return Receipt(need, product, "filtered", why, THEN.format(relax=relax), bounds)
    then = THEN_PLACES if places else THEN
    change = then.format(relax=relax, places=places)
    return Receipt(
        need, product, "filtered", why, change, bounds, places=places, cost=count + places
    )


def _outranked(pairing: Pairing, need: str, product: str, search: bool) -> Receipt:
    """Both could have each other: either the need has better, or the product's places are gone."""
    mine = pairing.partner.get(need)
    order = pairing.choices[need]
    if mine is not None and order.index(mine) < order.index(product):
        step = because(pairing.ranks[need, mine][0], pairing.ranks[need, product][0])
        why = BETTER.format(product=mine, why=step)
        change = GONE.format(product=mine)
        return Receipt(need, product, "better", why, change, preferred=(mine,))
    held = tuple(pairing.matching[product])
    why = NO_PLACES
    if held:
        step = because(pairing.ranks[held[-1], product][1], pairing.ranks[need, product][1])
        why = FULL.format(places=pairing.places[product], needs=", ".join(held), why=step)
    places = _admitting(pairing, need, product) if search else None
    change = (
        NOT_FOUND.format(most=PLACES_MAX) if places is None else (MORE_PLACES.format(places=places))
    )
    return Receipt(need, product, "full", why, change, preferred=held, places=places, cost=places)


def _admitting(pairing: Pairing, need: str, product: str) -> int | None:
    """How many more places of the product give the need this product, or one it prefers; None where
    `PLACES_MAX` do not.

    More places never hurt a need (Roth and Sotomayor 1990, theorem 5.35 turned to places), so the
    smallest number is found by halving; each guess is matched again.
    """
    choices, wanted = _lists_with(pairing, need, product)
    good = set(choices[need][: choices[need].index(product) + 1])

    def admits(places: int) -> bool:
        more = {**pairing.places, product: pairing.places[product] + places}
        made = deferred_acceptance(choices, wanted, more)
        return any(need in made[one] for one in good)

    if not admits(PLACES_MAX):
        return None
    low, high = -1, PLACES_MAX
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if admits(middle) else (middle, high)
    return high


def _lists_with(
    pairing: Pairing, need: str, product: str
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """The preference lists of both sides as if the pair had passed every filter."""
    choices = {name: list(listed) for name, listed in pairing.choices.items()}
    wanted = {name: list(listed) for name, listed in pairing.wanted.items()}
    if product in choices[need]:
        return choices, wanted
    ranks = {**pairing.ranks, (need, product): _would_rank(pairing, need, product)}
    insort(choices[need], product, key=lambda one: ranks[need, one][0])
    insort(wanted[product], need, key=lambda one: ranks[one, product][1])
    return choices, wanted


def _would_rank(pairing: Pairing, need: str, product: str) -> tuple[Rank, Rank]:
    """The ranks of a pair that no filter kept apart."""
    tried, seed = pairing.tried(need, product), pairing.seed
    back = pairing.offered[product].get(need, Found(0.0, 0.0))
    own = need_rank(tried, pairing.asked[need][product], seed, product)
    return own, product_rank(tried, back, seed, need)


def _joined(texts: list[Text]) -> Text:
    return Text("; ".join(text.en for text in texts), "; ".join(text.zh for text in texts))
