"""Columns: those that the file names, and those that candidates may see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from pilotbase.catalog.rules.values import Path
from pilotbase.kernel.errors import Fault
from pilotbase.kernel.text import Text
from pilotbase.scenario.finding import nearest
from pilotbase.scenario.read import ScenarioFile
from pilotbase.scenario.schema import Scenario


def feature_columns(scenario: Scenario, columns: Sequence[str]) -> tuple[str, ...]:
    """The columns a candidate may see, in the table's order.

    Those under ``features``; if that is left out, all but the target, the unit, the label, the
    columns of the split, what a task in words names for itself, reported scores and `_row`. Barred
    columns never. A column that only forms groups stays in: a candidate that does without it says
    ``drop``.
    """
    kept_back = {
        scenario.target,
        scenario.unit,
        scenario.label,
        scenario.split.column,
        scenario.split.block,
        scenario.question,
        scenario.scope,
        scenario.sources,
        scenario.language,
        *(candidate.results for candidate in scenario.candidates),
        "_row",
    }
    named = scenario.features
    seen = [c for c in columns if (c in named if named is not None else c not in kept_back)]
    return tuple(column for column in seen if column not in scenario.barred)


def missing_columns(file: ScenarioFile, frame: pd.DataFrame) -> Iterator[Fault]:
    names = [str(name) for name in frame.columns]
    for path, column in _named_columns(file.scenario):
        if column not in names:
            shown = ", ".join(names[:12]) + (" …" if len(names) > 12 else "")
            yield file.fault(
                path,
                "data.missing_column",
                Text(f"the data have no column {column!r}", f"数据中没有列 {column!r}"),
                expected=Text(f"one of {shown}", f"以下之一: {shown}"),
                nearest=nearest(column, names),
            )


def _named_columns(scenario: Scenario) -> Iterator[tuple[Path, str]]:
    """Each column that the file names, with the place where it does."""
    single: list[tuple[Path, str | None]] = [
        (("target",), scenario.target),
        (("unit",), scenario.unit),
        (("label",), scenario.label),
        (("question",), scenario.question),
        (("scope",), scenario.scope),
        (("sources",), scenario.sources),
        (("language",), scenario.language),
        (("split", "column"), scenario.split.column),
        (("split", "block"), scenario.split.block),
    ]
    single += [(("groups", name, "column"), g.column) for name, g in scenario.groups.items()]
    single += [
        (("candidates", at, "results"), candidate.results)
        for at, candidate in enumerate(scenario.candidates)
    ]
    yield from ((path, column) for path, column in single if column is not None)
    lists: list[tuple[Path, Sequence[str]]] = [
        (("features",), scenario.features or ()),
        (("barred",), scenario.barred),
    ]
    for at, candidate in enumerate(scenario.candidates):
        here = ("candidates", at)
        lists += [
            ((*here, "columns"), candidate.columns or ()),
            ((*here, "drop"), candidate.drop),
            ((*here, "uses_barred"), candidate.uses_barred),
        ]
    lists += [
        (("acceptance", at, "under", "columns"), criterion.under.columns)
        for at, criterion in enumerate(scenario.acceptance)
        if criterion.under is not None
    ]
    for path, columns in lists:
        yield from (((*path, at), column) for at, column in enumerate(columns))
