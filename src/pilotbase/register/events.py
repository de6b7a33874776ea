"""What happens to a filed service. Each event is about ``filing:<id>``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pilotbase.kernel.event import Duty, event
from pilotbase.kernel.text import Text

EXIT_REPORT = Duty(
    "service-exit-report",
    "P2M",
    Text(
        "Give the exit report of a service that was stopped or withdrawn, within two months.",
        "服务终止或撤回后, 须在两个月内提交退出报告。",
    ),
)


@event("register.filed/1")
@dataclass(frozen=True)
class Filed:
    """A service was filed on an evidenced verdict; only what is filed is served.

    Attributes:
        filing: its id. earlier: the filing before it of the same candidate, if there was one.
        asset: ``{"id", "version", "number"}`` of the catalog; ``tried`` is the digest under which
            the plan froze the candidate.
        verdict: hash of the verdict's document; ``said`` is go or conditional.
        conditions: how each was met: ``{"what", "by", "evidence"}``.
        tier: ``{"tier", "by_rule", "reasons", "override"}``. since, expires: RFC 3339, UTC.
        price: ``{"amount", "per"}``. principal: the party that answers for the service, ``person``
            the one who answers for that party; ``accepted_by`` accepted for the owner.
        ip: background, foreground, and whether public money paid.
        parts: the bill of materials; ``single_points`` those that nothing can replace.
    """

    filing: str
    earlier: str
    run: str
    scenario: str
    candidate: str
    asset: Mapping[str, Any]
    tried: str
    trust: str
    plan: str
    verdict: str
    said: str
    conditions: tuple[Mapping[str, Any], ...]
    tier: Mapping[str, Any]
    since: str
    expires: str
    price: Mapping[str, str]
    principal: str
    person: str
    accepted_by: str
    ip: Mapping[str, Any]
    parts: tuple[Mapping[str, Any], ...]
    single_points: tuple[str, ...]


@event("register.suspended/1")
@dataclass(frozen=True)
class Suspended:
    """A service was suspended. The vault body ``snapshot`` says how it stood; what was handed in
    with it is ``attached``."""

    reason: str
    snapshot: str


@event("register.resumed/1")
@dataclass(frozen=True)
class Resumed:
    """A suspended service was resumed."""

    reason: str


@event("register.stopped/1", opens=(EXIT_REPORT,))
@dataclass(frozen=True)
class Stopped:
    """A service was stopped for good; it comes back by a new filing only. Bodies as when it is
    suspended."""

    reason: str
    snapshot: str


@event("register.withdrawn/1", opens=(EXIT_REPORT,))
@dataclass(frozen=True)
class Withdrawn:
    """The filing was withdrawn at the wish of whoever provides or owns the service."""

    reason: str


@event("register.exited/1", closes=(EXIT_REPORT.name,))
@dataclass(frozen=True)
class Exited:
    """The exit report of a service was given; with this hash it is the vault body ``report``."""

    report: str
