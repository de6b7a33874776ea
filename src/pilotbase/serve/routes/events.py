"""How services are arranged, and drills of their substitution. Each event is about
``filing:<id>``, one of development about ``service:<name>``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pilotbase.kernel.event import event


@event("serve.arranged/1")
@dataclass(frozen=True)
class Arranged:
    """A named person arranged how a filed service is served; the newest arrangement holds.

    Attributes:
        filing: the filing, or the name of a service of ``development``.
        by: the person. reason: why, in that person's words.
        speaks: the operations that it answers.
        upstreams: ``{"id", "kind", "url", "model", "secret", "weight", "private", "folder",
            "declared"}``; ``secret`` says where the key lies and never what it is, ``folder`` where
            the files of a candidate lie that the base serves itself, ``declared`` why this is what
            was tried, where the gateway cannot find that out.
        fallback: filings of second choice, in order; ``earlier`` is the one before.
        tokens: prices as said, ``{"input", "output"}``, like ``0.50 CNY per 1000000``.
        caps: limits of one call that differ from the usual ones.
        guards, handoff: as the guards and the hand-off read them.
        content: whether the service's terms let content be logged.
    """

    filing: str
    by: str
    reason: str
    speaks: tuple[str, ...]
    upstreams: tuple[Mapping[str, Any], ...]
    fallback: tuple[str, ...]
    tokens: Mapping[str, str]
    caps: Mapping[str, Any]
    guards: Mapping[str, Any]
    handoff: Mapping[str, Any]
    content: bool
    development: bool = False


@event("serve.drill_begun/1")
@dataclass(frozen=True)
class DrillBegun:
    """A substitution drill cut an upstream of a service off, from now up to ``until``."""

    filing: str
    upstream: str
    until: str
    by: str


@event("serve.drilled/1")
@dataclass(frozen=True)
class Drilled:
    """What a substitution drill found, by probes at an even pace while an upstream was cut off.

    Attributes:
        asked, served: probes sent, and answered whole. gap_ms: the longest time between two
            answers, or from the drill's ends to the nearest answer.
        by_filing: how many each filing answered, the service's own and those of second choice.
        refusals: how many ended otherwise, by the code of the refusal or failure.
        calls: how many calls were made in all, the one before the cut included; those that were
            served are charged like any others, to ``key`` (its id, empty where it was none).
    """

    filing: str
    upstream: str
    begun: int
    seconds: int
    asked: int
    served: int
    gap_ms: int
    by_filing: Mapping[str, int]
    refusals: Mapping[str, int]
    calls: int = 0
    key: str = ""
