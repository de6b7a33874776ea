"""Tiers: the highest rule counts, more facts never lower it, the page says what the code does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotbase.kernel.text import Language
from pilotbase.register.rules.tiers import FACTS, RULES, TIERS, Tier, matching, tier_of
from pilotbase.scenario.schema import Item, Task

DOCS = Path(__file__).parents[3] / "docs"
YES_NO = ("affects_people", "personal_data", "sensitive_data", "talks_to_people", "decides_alone")
NOTHING: dict[str, Any] = {
    "owner_tier": "minimal",
    "item": "A2.2",
    "task": "detection",
    **dict.fromkeys(YES_NO, False),
}
SITUATIONS = st.fixed_dictionaries(
    {
        "owner_tier": st.sampled_from(TIERS),
        "item": st.sampled_from(get_args(Item)),
        "task": st.sampled_from(get_args(Task)),
        **{name: st.booleans() for name in YES_NO},
    }
)


@pytest.mark.parametrize(
    ("facts", "tier"),
    [
        ({}, "minimal"),
        ({"owner_tier": "high"}, "high"),
        ({"affects_people": True}, "limited"),
        ({"item": "A4.3"}, "minimal"),
        ({"item": "A4.3", "affects_people": True}, "high"),
        ({"item": "A5.2"}, "high"),
        ({"task": "act"}, "limited"),
        ({"task": "act", "decides_alone": True}, "high"),
        ({"task": "answer"}, "limited"),
        ({"personal_data": True}, "limited"),
        ({"personal_data": True, "sensitive_data": True}, "high"),
    ],
)
def test_the_tier_of(facts: dict[str, Any], tier: Tier) -> None:
    assert tier_of({**NOTHING, **facts}) == tier


@given(SITUATIONS, st.sampled_from(YES_NO))
def test_a_further_yes_never_lowers_it(facts: dict[str, Any], name: str) -> None:
    more = {**facts, name: True}
    assert TIERS.index(tier_of(more)) >= TIERS.index(tier_of({**facts, name: False}))


@given(SITUATIONS)
def test_it_is_the_highest_of_its_reasons(facts: dict[str, Any]) -> None:
    found = matching(facts)
    assert [TIERS.index(r.tier) for r in found] == sorted(
        (TIERS.index(r.tier) for r in found), reverse=True
    )
    assert tier_of(facts) == (found[0].tier if found else "minimal")
    assert TIERS.index(tier_of(facts)) >= TIERS.index(facts["owner_tier"])


def test_an_unknown_fact_does_not_pass_for_no() -> None:
    with pytest.raises(KeyError):
        tier_of({name: value for name, value in NOTHING.items() if name != "decides_alone"})


def test_rules_look_at_declared_facts_only() -> None:
    assert set(NOTHING) == set(FACTS)
    assert all(set(rule.when) <= set(FACTS) for rule in RULES)
    assert len({rule.id for rule in RULES}) == len(RULES)


def table(language: Language) -> list[str]:
    """The rows of the page's table as they have to be."""
    rows = []
    for rule in RULES:
        when = ", ".join(
            f"`{name}: {'true' if values[0] is True else values[0]}`"
            for name, values in rule.when.items()
        )
        rows.append(f"| `{rule.id}` | {when} | {rule.tier} | {rule.reason.in_language(language)} |")
    return rows


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_has_every_rule(language: Language) -> None:
    text = (DOCS / language / "rules" / "tier.md").read_text("utf-8")
    assert re.findall(r"^\| `.*$", text, re.MULTILINE) == table(language)


if __name__ == "__main__":
    for one in ("en", "zh"):
        print("\n".join(table(one)))
