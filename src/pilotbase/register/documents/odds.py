"""The plan's odds as the report shows them: a bar per true quality, or one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from pilotbase.register.documents.charts import Mark, shares_chart
from pilotbase.register.documents.figures import kind_of
from pilotbase.register.documents.papers import Papers

SHARES = ("meets", "undecided", "fails")


@dataclass(frozen=True)
class OddsRow:
    """One true quality: its path in the papers, how it reads, and its bar."""

    path: str
    id: str
    how: str
    chart: Markup


@dataclass(frozen=True)
class OddsView:
    """The odds of one criterion.

    Attributes:
        certain: nothing is left to chance, so that a table would only say yes and no.
        note: why there are no odds, in both languages, or None.
    """

    path: str
    name: Mapping[str, str]
    method: str
    certain: bool
    note: Mapping[str, str] | None
    rows: tuple[OddsRow, ...]


def odds_views(papers: Papers) -> list[OddsView]:
    """One view per criterion that the plan states odds for."""
    return [_odds(papers, n, odds) for n, odds in enumerate(papers.plan.get("odds") or ())]


def _odds(papers: Papers, n: int, odds: Mapping[str, Any]) -> OddsView:
    criterion = papers.plan["criteria"][odds["criterion"]]
    title = criterion.get("title") or {"en": criterion["metric"], "zh": criterion["metric"]}
    rows = odds["table"]
    return OddsView(
        f"plan/odds/{n}",
        odds.get("name") or title,
        str(odds["method"]),
        bool(rows) and all(float(row[share]) in (0.0, 1.0) for row in rows for share in SHARES),
        odds.get("note"),
        tuple(_row(n, r, row, kind_of(criterion)) for r, row in enumerate(rows)),
    )


def _row(n: int, r: int, row: Mapping[str, Any], how: str) -> OddsRow:
    shares = [(share, Mark(float(row[share]), "")) for share in SHARES]
    id_ = f"odds{n}r{r}"
    return OddsRow(f"plan/odds/{n}/table/{r}", id_, how, shares_chart(shares, label=id_))
