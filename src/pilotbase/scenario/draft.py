"""What the rules look at: the parts of a scenario file that read well, and what is installed.

A file with a fault in one section still has its other sections checked, so that all faults are told
at once.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from pilotbase.kernel import plugins
from pilotbase.scenario.finding import Path
from pilotbase.scenario.grammar import strictly
from pilotbase.scenario.offer import Candidate, Judge
from pilotbase.scenario.schema import (
    CANDIDATES_MAX,
    Criterion,
    Data,
    Decisions,
    Documents,
    Plan,
    Split,
)
from pilotbase.scenario.section import CRITERIA_MAX, Section

LOCATED: tuple[Path, ...] = (("data",), ("documents", "data"), ("decisions", "data"))
JUDGES_MAX = 20
SECTIONS_MAX = max(CRITERIA_MAX, CANDIDATES_MAX)
S = TypeVar("S", bound=Section)


@dataclass(frozen=True)
class Known:
    """Names that a scenario file may refer to, and whether its author is trusted with code."""

    metrics: tuple[str, ...]
    datasets: tuple[str, ...]
    plugins: tuple[str, ...]
    environments: tuple[str, ...] = ()
    trust: bool = False

    @classmethod
    def installed(cls) -> Known:
        """What the entry points of this environment offer; nothing is loaded."""
        return cls(
            plugins.names("pilotbase.evaluators"),
            plugins.names("pilotbase.datasets"),
            plugins.names("pilotbase.candidates"),
            plugins.names("pilotbase.environments"),
        )


@dataclass(frozen=True)
class Draft:
    """The sections and values that read well; None (or left out of the list) where one does not.

    Attributes:
        criteria, candidates: each with its number in the file, from 0.
        located: each section that says where data are, with its path.
        judges: each with its name.
        groups: names of the declared groups.
        given: words that stand at the top of the file.
    """

    task: str | None
    estimand: str | None
    target: str | None
    positive: Any
    unit: str | None
    label: str | None
    features: tuple[str, ...] | None
    barred: tuple[str, ...]
    groups: tuple[str, ...] | None
    question: str | None
    scope: str | None
    sources: str | None
    language: str | None
    environment: str | None
    documents: Documents | None
    decisions: Decisions | None
    judges: tuple[tuple[str, Judge], ...]
    located: tuple[tuple[Path, Data], ...]
    data: Data | None
    split: Split | None
    plan: Plan | None
    criteria: tuple[tuple[int, Criterion], ...]
    candidates: tuple[tuple[int, Candidate], ...]
    given: frozenset[str]

    def metric_of(self, number: int) -> str:
        """The metric of the criterion with that number in the file."""
        return dict(self.criteria)[number].metric


def draft_of(data: dict[str, Any], spoilt: Collection[Path]) -> Draft:
    """The draft of plain data, given the paths of what the grammar found faulty."""

    def value(name: str, default: Any = None) -> Any:
        faulty = any(path[:1] == (name,) for path in spoilt)
        return default if faulty else data.get(name, default)

    groups = data.get("groups", {})
    return Draft(
        task=value("task"),
        estimand=value("estimand", "these cases"),
        target=value("target"),
        positive=value("positive"),
        unit=value("unit"),
        label=value("label"),
        features=None if value("features") is None else tuple(value("features")),
        barred=tuple(value("barred") or ()),
        groups=tuple(groups) if isinstance(groups, dict) else None,
        question=value("question"),
        scope=value("scope"),
        sources=value("sources"),
        language=value("language"),
        environment=value("environment"),
        documents=_section(Documents, data, ("documents",), spoilt),
        decisions=_section(Decisions, data, ("decisions",), spoilt),
        judges=_judges(data, spoilt),
        located=tuple(
            (path, section)
            for path in LOCATED
            if (section := _section(Data, data, path, spoilt)) is not None
        ),
        data=_section(Data, data, ("data",), spoilt),
        split=_section(Split, data, ("split",), spoilt),
        plan=_section(Plan, data, ("plan",), spoilt) if "plan" in data else Plan(),
        criteria=_sections(Criterion, data, "acceptance", spoilt),
        candidates=_sections(Candidate, data, "candidates", spoilt),
        given=frozenset(data),
    )


def _judges(data: dict[str, Any], spoilt: Collection[Path]) -> tuple[tuple[str, Judge], ...]:
    listed = data.get("judges")
    names = list(listed)[:JUDGES_MAX] if isinstance(listed, dict) else []
    read = [(name, _section(Judge, data, ("judges", name), spoilt)) for name in names]
    return tuple((name, judge) for name, judge in read if judge is not None)


def _sections(
    model: type[S], data: dict[str, Any], name: str, spoilt: Collection[Path]
) -> tuple[tuple[int, S], ...]:
    listed = data.get(name)
    count = min(len(listed), SECTIONS_MAX) if isinstance(listed, list) else 0
    read = [(i, _section(model, data, (name, i), spoilt)) for i in range(count)]
    return tuple((i, section) for i, section in read if section is not None)


def _section(
    model: type[S], data: dict[str, Any], path: Path, spoilt: Collection[Path]
) -> S | None:
    """The section without its faulty words; None where a word that it needs is among them."""
    value: Any = data
    for part in path:
        if isinstance(value, dict):
            value = value.get(part)
        else:
            value = value[part] if isinstance(value, list) and isinstance(part, int) else None
    if not isinstance(value, dict):
        return None
    faulty = {p[len(path)] for p in spoilt if p[: len(path)] == path and len(p) > len(path)}
    sound = {word: inner for word, inner in value.items() if word not in faulty}
    try:
        read: S = strictly(model, sound)
    except ValidationError:
        return None
    return read
