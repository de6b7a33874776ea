"""Evidence: the integers a verdict is made of, and nothing else.

A criterion becomes one or more *parts*; it meets when each part meets and fails when one fails. A
part is a claim about a mean of values in [0, 1], kept as integers of ``1/resolution`` in the
committed order, so that anyone recomputes the verdict without the candidate, the data or our code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

# Divisible by 2 to 16, so that means over small units and caps like 3 or 0.7 are exact and a tie at
# a round bound is seen as a tie.
RESOLUTION = 18_018_000
FORMAT = "pilotbase/evidence/1"

Kind = Literal["pass_fail", "bounded", "paired", "difference"]


@dataclass(frozen=True)
class Part:
    """One claim.

    The claim, by ``kind``, with ``>=`` when ``at_least`` else ``<=``:

    - pass_fail, bounded: ``mean(x) >= threshold``;
    - paired: ``mean(weight * x - ratio * y) >= margin``, x and y of the same items;
    - difference: ``mean(x) - ratio * mean(y) >= margin``, x and y of two different groups.

    ``solve`` names which of ``threshold``, ``ratio`` or ``margin`` is the number on the reader's
    axis, i.e. what the interval is inverted over. ``x_fails``/``y_fails`` are the values in the
    test for *fails* where they differ from ``x``/``y``: outages of the base count at their worst in
    the test for *meets* and at their best in that one.

    Attributes:
        label: which group or side, e.g. "sex=1", "upper side"; empty for a plain criterion.
        resolution: 1 for pass_fail, else `RESOLUTION`.
        turns: difference only: from which group the next item comes in the committed order, 0 for
            ``x`` and 1 for ``y``; the process is looked at along this one path.
        population: items in the finite set (these cases), None for future cases; for difference a
            pair, one per group.
        scale, root: from the claim's scale to the reader's: ``natural = scale * v`` and, where
            ``root``, ``natural = scale * sqrt(v)`` (capped RMSE).
        items: what is counted, e.g. "units", "pairs", "called units".
        faults, outages: how many items are the candidate's fault, or the base's outage.
    """

    kind: Kind
    at_least: bool
    x: tuple[int, ...]
    y: tuple[int, ...] = ()
    x_fails: tuple[int, ...] | None = None
    y_fails: tuple[int, ...] | None = None
    turns: tuple[int, ...] = ()
    label: str = ""
    threshold: float = 0.0
    ratio: float = 1.0
    margin: float = 0.0
    weight: float = 1.0
    solve: Literal["threshold", "ratio", "margin"] = "threshold"
    resolution: int = RESOLUTION
    population: int | None = None
    population_y: int | None = None
    scale: float = 1.0
    root: bool = False
    items: str = "units"
    faults: int = 0
    outages: int = 0


@dataclass(frozen=True)
class CriterionEvidence:
    """The parts of one criterion and how the plan calls it.

    A part with a population of 0 (an empty group, no positive case) stays open. ``gap`` says in
    both languages what could not be counted: the empty group, units that belong to no known group.
    """

    criterion: int
    dimension: str
    metric: str
    by: str
    blocking: bool
    parts: tuple[Part, ...]
    gap: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Evidence:
    """All criteria of one candidate under one estimand, as kept in the vault."""

    plan: str
    candidate: str
    estimand: str
    criteria: tuple[CriterionEvidence, ...]
    beside: Mapping[str, Any] = field(default_factory=dict)
    """Full estimates with their usual intervals, importances, counts: shown, never decided on."""


def evidence_to_json(evidence: Evidence) -> dict[str, Any]:
    """The evidence as data for canonical JSON: counts are integers, bounds are floats."""
    return {"format": FORMAT, **asdict(evidence), "beside": dict(evidence.beside)}


def evidence_from_json(data: Mapping[str, Any]) -> Evidence:
    """The evidence from its JSON; canonical JSON writes 1.0 as 1, so bounds become floats again.

    Raises:
        ValueError: when it is of another format.
    """
    if data.get("format") != FORMAT:
        raise ValueError(f"evidence of format {data.get('format')!r}, not {FORMAT!r}")
    return Evidence(
        plan=data["plan"],
        candidate=data["candidate"],
        estimand=data["estimand"],
        criteria=tuple(_criterion_from_json(criterion) for criterion in data["criteria"]),
        beside=data["beside"],
    )


def _criterion_from_json(data: Mapping[str, Any]) -> CriterionEvidence:
    parts = tuple(_part_from_json(part) for part in data["parts"])
    return CriterionEvidence(**{**data, "parts": parts})


def _part_from_json(data: Mapping[str, Any]) -> Part:
    read = dict(data)
    for name in ("x", "y", "x_fails", "y_fails", "turns"):
        read[name] = None if read[name] is None else tuple(read[name])
    for name in ("threshold", "ratio", "margin", "weight", "scale"):
        read[name] = float(read[name])
    return Part(**read)
