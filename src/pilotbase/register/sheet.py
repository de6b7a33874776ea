"""The filing sheet: what whoever files a service states, beside what the record knows already."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from pilotbase.catalog.listing import Part
from pilotbase.scenario.section import Bilingual, Name, Section, Slug


class Facts(Section):
    """What the tier hangs on and the scenario does not say."""

    personal_data: bool = Field(description="Personal data are used.")
    sensitive_data: bool = Field(description="Sensitive personal data are used.")
    talks_to_people: bool = Field(description="People talk with it directly.")
    decides_alone: bool = Field(description="It decides without a person in between.")


class Override(Section):
    """Another tier than by the rules."""

    tier: Literal["minimal", "limited", "high"] = Field(description="The tier that is to hold.")
    by: Slug = Field(description="The person who sets it; not the one who answers for the service.")
    reason: Bilingual = Field(description="Why.")


class Met(Section):
    """A condition of the verdict, and how it was met."""

    what: Bilingual = Field(description="The condition as the panel wrote it.")
    by: Slug = Field(description="The person who found it met; not who answers for the service.")
    evidence: Bilingual = Field(description="On what ground.")


class Rights(Section):
    """Whose the work is."""

    background: Bilingual = Field(description="What came in, and whose it is and stays.")
    foreground: Bilingual = Field(description="What was made in the pilot, and whose it is.")
    public_funding: bool = Field(description="Whether public money paid for any of it.")
    funding: Bilingual | None = Field(
        None, description="public_funding: whose money, for what, and what stays open to all."
    )


class FilingSheet(Section):
    """A filing sheet."""

    filing: Literal[1] = Field(description="Format version of this sheet.")
    candidate: Slug | None = Field(None, description="Which candidate; the chosen one if left out.")
    asset: Slug | None = Field(
        None, description="The catalog's asset that is served; made of the candidate if left out."
    )
    principal: Slug = Field(description="The person or body that answers for the service.")
    accepted_by: Slug = Field(description="The person who accepts the service for its owner.")
    expires: Name = Field(description="Until when: a moment, or a term like P1Y.")
    price: Name = Field(description='What one use costs, e.g. "0.02 CNY".')
    per: Literal["call", "case", "hour", "month", "year"] = Field(description="… for one of these.")
    facts: Facts = Field(description="What the tier hangs on.")
    tier: Override | None = Field(None, description="Another tier than by the rules.")
    conditions: tuple[Met, ...] = Field(
        (), max_length=50, description="Conditions of the verdict, and how they were met."
    )
    ip: Rights = Field(description="Background, foreground, public money.")
    parts: tuple[Part, ...] = Field(
        (), max_length=500, description="Further parts and substitutes of the bill of materials."
    )


_TEXT = {"en": "–", "zh": "–"}
WHOLE: Mapping[str, Any] = {
    "filing": 1,
    "principal": "nobody",
    "accepted_by": "nobody",
    "expires": "P1Y",
    "price": "0 CNY",
    "per": "call",
    "facts": dict.fromkeys(
        ("personal_data", "sensitive_data", "talks_to_people", "decides_alone"), False
    ),
    "tier": {"tier": "minimal", "by": "nobody", "reason": _TEXT},
    "conditions": [{"what": _TEXT, "by": "nobody", "evidence": _TEXT}],
    "ip": {"background": _TEXT, "foreground": _TEXT, "public_funding": False, "funding": _TEXT},
    "parts": [{"name": "–"}],
}
"""A sheet without a fault of grammar, for what stands in where one has some."""
