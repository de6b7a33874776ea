"""The open-needs list: what goes back to research, with the reasons. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pilotbase.kernel.text import Text
from pilotbase.match.rules.pairing import Pairing
from pilotbase.match.rules.ranking import CLASSES, NO_GO
from pilotbase.match.rules.receipt import Receipt, receipt

SEARCHED_MAX = 10
"""Products for which it is looked up, by matching again, what would admit an open need."""
PAIRS_SEARCHED_MAX = 20_000

UNMATCHED = Text(
    "No product for this need: of {count}, {reasons}.",
    "此需求尚无产品: 共 {count} 个产品, {reasons}。",
)
ONLY_NO_GO = Text(
    "Matched with {product}, which is untried; whatever was tried did not pass: {tried}.",
    "已匹配未经试验的 {product}; 试验过的均未通过: {tried}。",
)
PERSON = Text(
    "The need is a private person's: people are not ranked.", "需求方为自然人: 不对人排序。"
)
OUTCOMES: dict[str, Text] = {
    "person": Text("{n} refused (private person)", "{n} 个不参与 (自然人)"),
    "filtered": Text("{n} kept out by a filter", "{n} 个未过硬性条件"),
    "apart": Text("{n} about something else", "{n} 个内容不相符"),
    "no-go": Text("{n} tried and not passed", "{n} 个试验不通过"),
    "beyond": Text("{n} beyond its choices", "{n} 个超出选择数"),
    "full": Text("{n} without a place left", "{n} 个名额已满"),
}


@dataclass(frozen=True)
class OpenNeed:
    """A need without a product that passed, or with none at all.

    Attributes:
        kind: ``unmatched``; ``no-go`` where all that was tried did not pass; ``person``.
        reason: in a sentence. outcomes: how many products stand where (see `Receipt.outcome`).
        no_go: the products that were tried and did not pass, with the runs.
        change: the cheapest relaxation that is known, with its product and its cost.
    """

    need: str
    title: Text
    kind: str
    reason: Text
    outcomes: Mapping[str, int]
    no_go: tuple[dict[str, str], ...] = ()
    change: Text | None = None
    product: str | None = None
    cost: int | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            **vars(self),
            "title": self.title.as_dict(),
            "reason": self.reason.as_dict(),
            "change": self.change.as_dict() if self.change else None,
            "no_go": list(self.no_go),
        }


def open_needs(pairing: Pairing) -> list[OpenNeed]:
    """Needs that no product serves, and those whose trials all ended in a no-go, in list order."""
    search = len(pairing.ranks) <= PAIRS_SEARCHED_MAX
    found = [
        # The title stays out: it may say who the person is.
        OpenNeed(key.removeprefix("need:"), Text("–", "–"), "person", PERSON, {})
        for key in sorted(pairing.refused)
        if key.startswith("need:")
    ]
    for need in pairing.needs:
        one = (
            _tried_in_vain(pairing, need)
            if need in pairing.partner
            else (_unmatched(pairing, need, search))
        )
        if one is not None:
            found.append(one)
    return found


def _no_go(pairing: Pairing, need: str) -> tuple[dict[str, str], ...]:
    tried = ((product, pairing.tried(need, product)) for product in pairing.products)
    return tuple(
        {"product": product, "run": one.run}
        for product, one in tried
        if one is not None and one.verdict == NO_GO
    )


def _tried_in_vain(pairing: Pairing, need: str) -> OpenNeed | None:
    product = pairing.partner[need]
    failed, own = _no_go(pairing, need), pairing.tried(need, product)
    if not failed or (own is not None and own.verdict in CLASSES):
        return None
    names = ", ".join(one["product"] for one in failed)
    reason = ONLY_NO_GO.format(product=product, tried=names)
    outcomes = {"no-go": len(failed)}
    return OpenNeed(need, pairing.needs[need].title, "no-go", reason, outcomes, failed)


def _unmatched(pairing: Pairing, need: str, search: bool) -> OpenNeed:
    people = [key for key in pairing.refused if key.startswith("product:")]
    receipts = [receipt(pairing, need, product, search=False) for product in pairing.products]
    outcomes = Counter(one.outcome for one in receipts) + Counter(person=len(people))
    parts = [text.format(n=outcomes[key]) for key, text in OUTCOMES.items() if outcomes[key]]
    reason = UNMATCHED.format(
        count=len(receipts) + len(people),
        reasons=Text(", ".join(p.en for p in parts) or "-", "、".join(p.zh for p in parts) or "-"),
    )
    best = _cheapest(pairing, need, receipts) if search else None
    title = pairing.needs[need].title
    listed = OpenNeed(need, title, "unmatched", reason, dict(outcomes), _no_go(pairing, need))
    if best is None:
        return listed
    return OpenNeed(
        **{**vars(listed), "change": best.change, "product": best.product, "cost": best.cost}
    )


def _cheapest(pairing: Pairing, need: str, receipts: list[Receipt]) -> Receipt | None:
    """The receipt with the smallest known cost among the most promising products."""
    able = [one for one in receipts if one.outcome in ("filtered", "full")]
    able.sort(key=lambda one: sum(len(bound.missing) for bound in one.bounds))
    searched = [receipt(pairing, need, one.product) for one in able[:SEARCHED_MAX]]
    known = [one for one in searched if one.cost is not None]
    return min(known, key=lambda one: one.cost or 0, default=None)
