"""What has to hold between the words of a scenario file, beyond the grammar of each.

Every rule is a pure function ``(Draft, Known) -> findings``; none stops at its first finding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pilotbase.scenario.draft import Draft, Known
from pilotbase.scenario.finding import Finding
from pilotbase.scenario.rules import (
    criteria,
    endpoints,
    language,
    need,
    offers,
    plan,
    split,
    words,
)

Rule = Callable[[Draft, Known], Iterator[Finding]]
RULES: tuple[Rule, ...] = (
    *need.RULES,
    *split.RULES,
    *language.RULES,
    *criteria.RULES,
    *words.RULES,
    *plan.RULES,
    *offers.RULES,
    *endpoints.RULES,
)


def broken_rules(draft: Draft, known: Known) -> list[Finding]:
    """All that does not hold, in the order of the rules."""
    return [finding for rule in RULES for finding in rule(draft, known)]
