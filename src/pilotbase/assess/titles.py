"""How a criterion is called and which way it points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pilotbase.kernel.plugins import load
from pilotbase.kernel.text import Text
from pilotbase.trial.evaluators.metric import Metric
from pilotbase.trial.integrity import METRIC as BARRED
from pilotbase.trial.integrity import TITLE as BARRED_TITLE

MODIFIERS = {
    "gap_by": Text("{metric}: largest gap by {by}", "{metric}: 按{by}的最大差距"),
    "ratio_by": Text("{metric}: smallest ratio by {by}", "{metric}: 按{by}的最小比值"),
    "worst_of": Text("{metric}: worst group by {by}", "{metric}: 按{by}最差的一组"),
    "against": Text("{metric} against {by}", "{metric} 相对基线 {by}"),
}
UNDER = Text("{metric} under perturbation", "{metric} (扰动下)")


def criterion_title(criterion: Mapping[str, Any] | None, metric: str) -> Text:
    """The title the owner gave it, or one made of its metric and what it is compared by."""
    if criterion is None:
        return BARRED_TITLE if metric == BARRED else Text(metric, metric)
    if criterion["title"]:
        return Text(**criterion["title"])
    found: Metric = load("pilotbase.evaluators", metric)
    for name, said in MODIFIERS.items():
        if criterion[name]:
            return said.format(metric=found.title, by=criterion[name])
    return UNDER.format(metric=found.title) if criterion["under"] else found.title


def direction(criterion: Mapping[str, Any] | None) -> str:
    """at_least, at_most or between, as the criterion was written."""
    if criterion is None:
        return "at_most"
    return next(d for d in ("at_least", "at_most", "between") if criterion[d] is not None)


def prefers_high(metric: str) -> bool:
    """Whether a good candidate has a high value of the metric."""
    found: Metric = load("pilotbase.evaluators", metric)
    return found.better == "higher"
