"""What happens to rights and terms. A registration is about ``right:<id>``, terms about
``terms:<asset>``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pilotbase.kernel.event import event


@event("catalog.right_applied/1")
@dataclass(frozen=True)
class RightApplied:
    """Somebody applied to have a right over a data set registered.

    Attributes:
        version: the data set's content hash at that time. right: hold, process or operate.
        basis: how the holder came by the right. person: who acts for the holder.
    """

    registration: str
    asset: str
    version: str
    right: str
    holder: str
    basis: str
    person: str


@event("catalog.right_moved/1")
@dataclass(frozen=True)
class RightMoved:
    """A registration was accepted, reviewed, published, given a code, refused or cancelled.

    Attributes:
        action, stage: what was done and where it led. until: the end of the publication.
        code: the code that was given. person: who did it.
    """

    registration: str
    action: str
    stage: str
    person: str
    reason: str
    until: str
    code: str


@event("catalog.right_amended/1")
@dataclass(frozen=True)
class RightAmended:
    """A change or a correction of a registered right was applied for; what stands stays in force
    until it has its own code. ``holder``, ``basis`` and ``version`` are how it is to read then."""

    registration: str
    action: str
    holder: str
    basis: str
    version: str
    person: str
    reason: str


@event("catalog.right_disputed/1")
@dataclass(frozen=True)
class RightDisputed:
    """A named person disputes a registration; until it is settled nothing of this right of this
    data set is registered."""

    dispute: str
    registration: str
    person: str
    reason: str


@event("catalog.right_settled/1")
@dataclass(frozen=True)
class RightSettled:
    """A dispute was settled: the registration ``stands`` or ``falls``."""

    dispute: str
    registration: str
    outcome: str
    person: str
    reason: str


@event("catalog.terms_set/1")
@dataclass(frozen=True)
class TermsSet:
    """A policy became part of an asset's terms, or a new version of it did.

    Attributes:
        policy: its uid. version: hash of the canonical bytes of ``terms``, the policy as JSON-LD
            (ODRL 2.2). person: who set it.
    """

    asset: str
    policy: str
    version: str
    terms: Mapping[str, Any]
    person: str


@event("catalog.terms_withdrawn/1")
@dataclass(frozen=True)
class TermsWithdrawn:
    """A policy is no longer part of an asset's terms."""

    asset: str
    policy: str
    person: str
    reason: str


@event("catalog.asset_used/1")
@dataclass(frozen=True)
class AssetUsed:
    """A party exercised an action on an asset, ``times`` times.

    Attributes:
        facts: what was said of the use, by left operand. answer, rule: the decision at that time;
            what happened is recorded also where it was not allowed.
    """

    party: str
    action: str
    asset: str
    times: int
    facts: Mapping[str, str]
    answer: str
    rule: str
    person: str


@event("catalog.duty_fulfilled/1")
@dataclass(frozen=True)
class DutyFulfilled:
    """A party did what a duty of a policy asks.

    Attributes:
        duty: its id in the policy. version: the version of the policy. facts: what was said of it,
            by left operand, e.g. ``{"payAmount": "5.00 CNY"}``. evidence: what shows it, in words.
    """

    party: str
    asset: str
    policy: str
    version: str
    duty: str
    facts: Mapping[str, str]
    evidence: str
    person: str
