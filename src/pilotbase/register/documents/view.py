"""What the templates show of each candidate: figures by their path, charts, and sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from pilotbase.kernel.text import Text
from pilotbase.register.documents import words
from pilotbase.register.documents.beside import BesideView, beside_view
from pilotbase.register.documents.charts import (
    Axis,
    Drawn,
    Mark,
    axis_around,
    effect_chart,
    interval_chart,
    scale_chart,
)
from pilotbase.register.documents.figures import kind_of
from pilotbase.register.documents.papers import Papers

# What a reading may leave out.
_OPTIONAL: dict[str, Any] = dict.fromkeys(
    (
        "by",
        "decided_at",
        "errors",
        "estimate",
        "exact",
        "further",
        "gap",
        "interval",
        "outages",
        "population",
    )
)
_LIMITS = {"percent": (0.0, 1.0), "share": (0.0, 1.0), "number": (0.0, math.inf)}


@dataclass(frozen=True)
class Reading:
    """One criterion, or one part of it: its path in the papers and its chart."""

    path: str
    id: str
    said: Mapping[str, Any]
    how: str
    label: Text
    bounds: tuple[str, ...]
    chart: Markup
    small: Markup


@dataclass(frozen=True)
class CriterionView:
    """A criterion with its parts, which share one axis.

    Attributes:
        whole: the criterion itself.
        parts: shown when there is more than one.
        claim: path of what the provider said, or None.
        items: what was counted.
    """

    whole: Reading
    parts: tuple[Reading, ...]
    direction: str
    scale: Markup
    claim: str | None
    items: Text
    counting: Text
    sentence: Text


@dataclass(frozen=True)
class EffectView:
    """What a column is worth: path and chart of its importance."""

    path: str
    column: str
    chart: Markup


@dataclass(frozen=True)
class CandidateView:
    """A candidate: its path in the papers, its criteria, and the reading on future cases."""

    path: str
    id: str
    said: Mapping[str, Any]
    criteria: tuple[CriterionView, ...]
    future: tuple[CriterionView, ...]
    effects: tuple[EffectView, ...]
    effects_scale: Markup | None
    beside: BesideView | None

    def claimed_title(self, claim: Mapping[str, Any]) -> Any:
        """The title of the criterion that a claim is about; None where the owner asked nothing."""
        about = (k.whole.said for k in self.criteria if _is_about(claim, k.whole.said))
        return next((said["title"] for said in about), None)


def candidate_views(papers: Papers) -> list[CandidateView]:
    """All candidates in the order of the verdict; a criterion has one axis for all of them."""
    return [_candidate(papers, i) for i in range(len(papers.candidates))]


def _candidate(papers: Papers, number: int) -> CandidateView:
    path, said = f"verdict/candidates/{number}", papers.candidates[number]
    effects, scale = _effects(said.get("importance") or (), f"{path}/importance", f"c{number}")
    future = said.get("future") or {}
    return CandidateView(
        path,
        f"c{number}",
        said,
        _criteria(papers, said["criteria"], said, path, f"c{number}"),
        _criteria(papers, future.get("criteria") or (), said, f"{path}/future", f"c{number}f"),
        effects,
        scale,
        beside_view(said["beside"], f"{path}/beside", f"c{number}") if said.get("beside") else None,
    )


def _criteria(
    papers: Papers, criteria: Sequence[Any], candidate: Mapping[str, Any], path: str, id_: str
) -> tuple[CriterionView, ...]:
    return tuple(
        _criterion(papers, candidate, k, f"{path}/criteria/{k}", f"{id_}k{k}")
        for k in range(len(criteria))
    )


def _criterion(
    papers: Papers, candidate: Mapping[str, Any], k: int, path: str, id_: str
) -> CriterionView:
    said = _OPTIONAL | papers.at(path)
    # The base adds criteria of its own (barred columns) after those of the plan.
    number = said.get("criterion", k)
    asked = papers.at(f"plan/criteria/{number}") or {}
    direction, how = str(said["direction"]), kind_of(asked or said)
    axis, claim = _axis(papers, path, how), _claim(candidate, said, path)
    planned = _bounds(asked.get(direction), f"plan/criteria/{number}/{direction}")
    whole = _reading(said, path, id_, how, axis, direction, claim=claim, planned=planned)
    parts = _parts(papers, candidate, whole, axis, number)
    return CriterionView(
        whole,
        parts if len(parts) > 1 else (),
        direction,
        scale_chart(axis, how, label=f"{id_}-words"),
        claim.path if claim else None,
        words.counted(str(said.get("items") or "units")),
        words.counting(said),
        words.verdict_sentence(said),
    )


def _parts(
    papers: Papers, candidate: Mapping[str, Any], whole: Reading, axis: Axis, number: int
) -> tuple[Reading, ...]:
    """The parts of a criterion, on its axis."""
    evidence = _evidence_parts(papers, str(candidate["id"]), number)
    groups = papers.scenario.get("groups") or {}
    return tuple(
        _reading(
            _OPTIONAL | part,
            f"{whole.path}/parts/{j}",
            f"{whole.id}p{j}",
            whole.how,
            axis,
            _direction(evidence, j, whole.said),
            label=words.part_label(str(part.get("label", "")), groups),
        )
        for j, part in enumerate(whole.said.get("parts") or ())
    )


def _evidence_parts(papers: Papers, candidate: str, k: int) -> list[Mapping[str, Any]]:
    criteria = papers.evidence.get(candidate, {}).get("criteria", [])
    return list(criteria[k]["parts"]) if k < len(criteria) else []


def _direction(evidence: Sequence[Mapping[str, Any]], j: int, said: Mapping[str, Any]) -> str:
    """A part of a band looks one way only."""
    if said["direction"] != "between" or j >= len(evidence):
        return str(said["direction"])
    return "at_least" if evidence[j]["at_least"] else "at_most"


def _claim(candidate: Mapping[str, Any], said: Mapping[str, Any], path: str) -> Mark | None:
    """What the provider claims of this very criterion."""
    root = "/".join(path.split("/")[:3])
    for j, claim in enumerate(candidate.get("claims") or ()):
        if _is_about(claim, said):
            return Mark(float(claim["value"]), f"{root}/claims/{j}/value")
    return None


def _is_about(claim: Mapping[str, Any], said: Mapping[str, Any]) -> bool:
    return bool(claim["metric"] == said["metric"] and claim.get("by", "") == said.get("by", ""))


def _reading(
    said: Mapping[str, Any],
    path: str,
    id_: str,
    how: str,
    axis: Axis,
    direction: str,
    *,
    label: Text | None = None,
    claim: Mark | None = None,
    planned: Sequence[Mark] = (),
) -> Reading:
    bounds = _bounds(said.get("threshold"), f"{path}/threshold") or planned
    interval, estimate = said.get("interval"), said.get("estimate")
    drawn = Drawn(
        direction,
        bounds,
        (
            (
                Mark(float(interval[0]), f"{path}/interval/0"),
                Mark(float(interval[1]), f"{path}/interval/1"),
            )
            if interval
            else None
        ),
        Mark(float(estimate), f"{path}/estimate") if estimate is not None else None,
        str(said["verdict"]),
        f"{id_}-words",
    )
    return Reading(
        path,
        id_,
        said,
        how,
        label or Text("", ""),
        tuple(bound.path for bound in bounds),
        interval_chart(axis, drawn, claim=claim),
        interval_chart(axis, drawn, height=20),
    )


def _bounds(bound: Any, path: str) -> list[Mark]:
    """What has to be reached: one figure, the two of a band, or none."""
    if bound is None:
        return []
    if isinstance(bound, list):
        return [Mark(float(b), f"{path}/{n}") for n, b in enumerate(bound)]
    return [Mark(float(bound), path)]


def _axis(papers: Papers, path: str, how: str) -> Axis:
    """One axis for a criterion of all candidates, so that their charts can be compared."""
    tail = path.split("/", 3)[3]
    values: list[float] = []
    for number, candidate in enumerate(papers.candidates):
        said = papers.at(f"verdict/candidates/{number}/{tail}")
        if said is None:
            continue
        claim = _claim(candidate, said, path)
        values += [claim.value] if claim else []
        for reading in (said, *(said.get("parts") or ())):
            values += [bound.value for bound in _bounds(reading.get("threshold"), "")]
            values += [float(v) for v in reading.get("interval") or ()]
            values += [float(reading["estimate"])] if reading.get("estimate") is not None else []
    least, most = _LIMITS[how]
    if how == "share":
        values = [min(most, max(least, value)) for value in values]
    return axis_around(values, least=least, most=most)


def _effects(
    effects: Sequence[Mapping[str, Any]], path: str, id_: str
) -> tuple[tuple[EffectView, ...], Markup | None]:
    if not effects:
        return (), None
    columns = ("lower", "drop", "upper")
    axis = axis_around([0.0, *(float(e[c]) for e in effects for c in columns)])
    order = sorted(range(len(effects)), key=lambda j: -float(effects[j]["drop"]))
    views = []
    for j in order:
        marks = [Mark(float(effects[j][c]), f"{path}/{j}/{c}") for c in columns]
        chart = effect_chart(axis, marks[0], marks[1], marks[2], label=f"{id_}e{j}-words")
        views.append(EffectView(f"{path}/{j}", str(effects[j]["column"]), chart))
    return tuple(views), scale_chart(axis, "number", label=f"{id_}-importance")
