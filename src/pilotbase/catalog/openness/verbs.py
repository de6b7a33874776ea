"""How open something is. Heavy rooms are imported when a verb is called: see ADR 2."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context, asked, verb


@dataclass(frozen=True)
class OpennessRequest:
    what: str = asked("An asset's id, or a scenario file.", "资产编号, 或场景文件。")


@dataclass(frozen=True)
class OpennessResponse:
    """The parts, as ``{"id", "question", "source", "yes", "why", "who"}``, and the score over them:
    ``yes`` of ``asked``, every question counting the same.

    ``model_class`` is the class (3, 2 or 1, the most open) that a model reaches in the Model
    Openness Framework, None below; ``lacks`` names what the next class still needs.
    """

    what: str
    kind: str
    yes: int
    asked: int
    score: float
    parts: tuple[dict[str, Any], ...]
    model_class: int | None
    lacks: tuple[str, ...]


@verb(
    "catalog.openness",
    summary=Text(
        "Show how open an asset or a scenario is: what can be reused by whom, under which terms.",
        "显示资产或场景的开放度: 谁可依何条款复用什么。",
    ),
    changes=False,
    roles=("public",),
)
def openness(context: Context, request: OpennessRequest) -> OpennessResponse:
    if Path(request.what).suffix.lower() in (".yaml", ".yml"):
        return _scenario(context, Path(request.what))
    return _asset(context, request.what)


def _asset(context: Context, asset: str) -> OpennessResponse:
    from pilotbase.catalog.openness.asking import class_of, openness_of
    from pilotbase.catalog.parties.registry import unknown
    from pilotbase.catalog.reading import assets_of
    from pilotbase.record.opened import open_record

    with open_record(context, create=False) as record:
        known = assets_of(record)
        if asset not in known:
            raise unknown(Text("asset", "资产"), asset, known)
        found = openness_of(record, asset, context.clock())
    reached, lacks = (
        (None, {}) if known[asset]["what"] != "model" else class_of(known[asset]["card"])
    )
    following = {None: 3, 3: 2, 2: 1, 1: 1}[reached]
    return _answer(asset, known[asset]["what"], found, reached, lacks.get(following, ()))


def _scenario(context: Context, path: Path) -> OpennessResponse:
    from pilotbase.catalog.openness.asking import openness_of_scenario
    from pilotbase.record.opened import open_record
    from pilotbase.record.stores import begun
    from pilotbase.scenario.read import read_scenario

    file, at = read_scenario(path, trust=True), context.clock()
    if begun(context.home):
        with open_record(context, create=False) as record:
            found = openness_of_scenario(record, file, at)
    else:
        found = openness_of_scenario(None, file, at)
    return _answer(file.scenario.id, "scenario", found)


def _answer(
    what: str, kind: str, found: Any, reached: int | None = None, lacks: tuple[str, ...] = ()
) -> OpennessResponse:
    parts = tuple(part.as_dict() for part in found.parts)
    return OpennessResponse(
        what, kind, found.yes, len(parts), round(float(found.score), 4), parts, reached, lacks
    )
