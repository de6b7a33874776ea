"""Who is preferred to whom, and by what: trial evidence, then texts, then the lottery. Pure.

Organisations and products are ranked, never private persons.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pilotbase.kernel.text import Text
from pilotbase.match.rules.lottery import ticket
from pilotbase.match.rules.retrieval import Found

CLASSES = {"go": 0, "conditional": 1}
"""Verdict → class of evidence. Untried and *insufficient* stand alike behind both: little evidence
is neither good nor bad. A *no-go* is no choice."""
UNTRIED = 2
NO_GO = "no-go"


@dataclass(frozen=True)
class Tried:
    """What a trial found of a product for a need, as the record has it.

    Attributes:
        verdict: go, conditional, no-go or insufficient. run: the trial.
        metric: the criterion whose bound ranks; lower: its one-sided lower bound, larger is better,
            None where the criterion has none.
    """

    verdict: str
    run: str
    metric: str = ""
    lower: float | None = None

    def as_dict(self) -> dict[str, Any]:
        return dict(vars(self))


Evidence = Mapping[tuple[str, str], Tried]
"""(scenario, candidate) → what the newest trial found. It is supplied, never computed here."""
Rank = tuple[int, float, float, str]


def need_rank(tried: Tried | None, found: Found, seed: str, product: str) -> Rank:
    """Where a need ranks a product; smaller is better.

    Class of evidence, then the lower bound of the metric (the plan is the same for all products
    tried for one need), then BM25, then the product's lottery ticket.
    """
    bound = tried.lower if tried is not None and tried.lower is not None else float("-inf")
    class_ = evidence_class(tried)
    return (class_, -bound if class_ < UNTRIED else 0.0, -found.score, ticket(seed, product))


def product_rank(tried: Tried | None, found: Found, seed: str, need: str) -> Rank:
    """Where a product ranks a need; smaller is better.

    As `need_rank` without the bound: bounds of different needs measure different things.
    """
    return (evidence_class(tried), 0.0, -found.score, ticket(seed, need))


def evidence_class(tried: Tried | None) -> int:
    return UNTRIED if tried is None else CLASSES.get(tried.verdict, UNTRIED)


STEPS = (
    Text("its trial evidence is of a better class", "其试验证据等级更高"),
    Text("its measured lower bound is higher", "其实测下限更高"),
    Text("the texts answer each other better", "两者文本更相符"),
    Text("the lottery drew it first", "抽签在先"),
)


def because(better: Rank, worse: Rank) -> Text:
    """The first thing in which two ranks differ, as a reason."""
    return next(
        (step for step, a, b in zip(STEPS, better, worse, strict=True) if a != b), STEPS[-1]
    )
