"""What an audit by lot saved in human labels, also when nothing; see the page rules/audit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pilotbase.kernel.text import Text
from pilotbase.trial.cases import Floats
from pilotbase.trial.evidence import Part
from pilotbase.trial.rules.audit import Judged
from pilotbase.trial.rules.reading import claim
from pilotbase.trial.rules.reading.bounds import Levels
from pilotbase.trial.rules.reading.part import standing_of
from pilotbase.trial.rules.reading.readings import nine_digits
from pilotbase.trial.rules.sequential import log_bounded_evalue, units_to_decide_bounded

LIMIT = 20_000  # further labels looked at


@dataclass(frozen=True)
class LabelSaving:
    """Labels used, beside those that a test of labels alone would have used.

    Attributes:
        units: read until the decision, all while open.
        labels: of people, among those units.
        labels_alone: that the same process, fed with nothing but the labels, takes to the same
            decision; None while the part is open or where it would never come.
        projected: whether ``labels_alone`` lies beyond the labels there are and repeats them.
        labels_same_width: whose mean would vary as little as the audited mean does; None with
            fewer than two labels or none that differ.
        saved: labels_alone - labels, negative where the audit cost more.
        said: the same in a sentence of each language.
    """

    units: int
    labels: int
    labels_alone: int | None
    projected: bool
    labels_same_width: float | None
    saved: int | None
    said: Mapping[str, str]

    def as_dict(self) -> dict[str, Any]:
        """JSON data."""
        return asdict(self)


def label_saving(part: Part, judged: Judged, levels: Levels) -> LabelSaving:
    """The saving in labels of an audited part (`claims.judged.audited_part`), as it stands.

    Labels alone are what the audited units show: by the lot a random sample of all units, settled
    ones (which need no label) in their proportion.
    """
    standing = standing_of(part, levels, "sequential")
    units = standing.items
    labels = int(judged.asked[:units].sum())
    alone: int | None = None
    projected = False
    if standing.verdict != "undecided" and part.kind == "bounded":
        alone = labels  # everybody was audited: these are the labels alone
    elif standing.verdict != "undecided":
        level = levels.meets if standing.verdict == "meets" else levels.fails
        alone, projected = _alone(part, judged, level, meets=standing.verdict == "meets")
    saved = None if alone is None else alone - labels
    return LabelSaving(
        units=units,
        labels=labels,
        labels_alone=alone,
        projected=projected,
        labels_same_width=_same_width(part, judged, units),
        saved=saved,
        said=_said(labels, alone, saved).as_dict(),
    )


def _alone(part: Part, judged: Judged, level: float, *, meets: bool) -> tuple[int | None, bool]:
    """Labels until a test of labels alone decides alike, and whether that is a projection."""
    values, costs = _sample(judged, len(part.x))
    if not values.size:
        return None, False
    bound = claim.bound(part)
    alternative = claim.alternative(part, meets=meets)
    path = log_bounded_evalue(values, bound, alternative=alternative)
    there = np.flatnonzero(path >= -math.log(level))
    if there.size:
        return int(costs[: there[0] + 1].sum()), False
    if (float(values.mean()) > bound) != (alternative == "greater"):
        return None, False
    further = units_to_decide_bounded(values, bound, level, limit=LIMIT)
    if further is None:
        return None, False
    return math.ceil((values.size + further) * float(costs.mean())), True


def _sample(judged: Judged, units: int) -> tuple[Floats, Floats]:
    """Values of the audited units, and 1 for each that took a label."""
    asked = judged.asked[:units]
    values = np.where(asked, judged.human[:units], judged.settled[:units])
    known = judged.audited[:units] & ~np.isnan(values)
    return values[known], asked[known].astype(np.float64)


def _same_width(part: Part, judged: Judged, units: int) -> float | None:
    """units · Var(h) / (Var(h) + (n-1) mean (h - y)²), of which the settled ones cost nothing."""
    values, costs = _sample(judged, units)
    if values.size < 2 or not values.var():
        return None
    spread, missed = float(values.var(ddof=1)), 0.0
    if part.kind == "paired":
        labelled = judged.asked[:units] & ~np.isnan(judged.human[:units])
        _, y = claim.values(part, meets=True)
        squares = (judged.human[:units] - y[:units])[labelled] ** 2
        missed = float(squares.mean()) if squares.size else 0.0
    alike = units * spread / (spread + (part.weight - 1.0) * missed)
    return nine_digits(alike * float(costs.mean()))


def _said(labels: int, alone: int | None, saved: int | None) -> Text:
    if alone is None or saved is None:
        return Text(
            f"{labels} labels were used; nothing is decided yet that labels alone could be "
            "compared with.",
            f"已用 {labels} 个人工评分; 尚无结论, 暂不能与“只用人工评分”相比。",
        )
    if saved > 0:
        return Text(
            f"{labels} labels were used; labels alone would have needed about {alone}: the judge "
            f"saved {saved}.",
            f"用了 {labels} 个人工评分; 若只用人工评分约需 {alone} 个: 评审模型省下 {saved} 个。",
        )
    if saved == 0:
        return Text(
            f"{labels} labels were used, as many as labels alone would have needed: the judge "
            "saved nothing.",
            f"用了 {labels} 个人工评分, 与只用人工评分所需相同: 评审模型没有节省。",
        )
    return Text(
        f"{labels} labels were used; labels alone would have needed {alone}: the judge cost "
        f"{-saved} more.",
        f"用了 {labels} 个人工评分; 只用人工评分仅需 {alone} 个: 用评审模型反而多用 {-saved} 个。",
    )
