"""What a profile looks like: the grammar of ``pilotbase/profile/1``, for one that is handed in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from pilotbase.catalog.croissant.json_text import read_json
from pilotbase.catalog.listing import Digest
from pilotbase.catalog.profile.columns import BINS, GROUPS_MAX, TYPES
from pilotbase.catalog.profile.rules.quality import PARTS, ColumnCounts, parts, score
from pilotbase.catalog.profile.rules.sensitive import KINDS, hidden
from pilotbase.catalog.table import COLUMNS_MAX
from pilotbase.kernel.errors import Fault, SheetError
from pilotbase.kernel.text import Text
from pilotbase.scenario.finding import path_text
from pilotbase.scenario.grammar import strictly
from pilotbase.scenario.section import Column, Name, Section

Count = Annotated[int, Field(ge=0, le=10**15)]
Share = Annotated[float, Field(ge=0, le=1)]
TOLERANCE = 2e-6
FAULTS_MAX = 200


class Made(Section):
    name: Name
    kind: Literal["csv", "parquet", "xlsx", "loader"]
    encoding: str = Field(max_length=20)
    bytes: Count | None


class Near(Section):
    rows: Count | None
    compared: Count
    method: Name


class Guessed(Section):
    kind: Name
    by: Literal["name", "values"]
    share: Share | None


class Value(Section):
    value: str = Field(max_length=200)
    rows: Count


class Pooled(Section):
    values: Count
    rows: Count


class Groups(Section):
    values: list[Value] = Field(max_length=GROUPS_MAX)
    pooled: Pooled


class Range(Section):
    low: float | str | None = None
    high: float | str | None = None
    mean: float | None = None
    sd: float | None = None
    quarters: list[float] = Field(default=[], max_length=3)
    infinite: Count = 0
    bins: list[Count] = Field(default=[], max_length=BINS)
    shortest: Count | None = None
    longest: Count | None = None


class Measured(Section):
    name: Column
    type: str
    missing: Count
    odd: Count
    distinct: Count
    guess: Guessed | None
    hidden: bool
    range: Range | None
    groups: Groups | None


class Quality(Section):
    score: float = Field(ge=0, le=100)
    parts: dict[str, Share]


class Profile(Section):
    """A profile."""

    format: Literal["pilotbase/profile/1"]
    source: Made
    data: Digest
    rows: Annotated[int, Field(ge=1, le=10**12)]
    cells: Count
    missing: Count
    duplicates: Count
    near: Near
    small_group: Count
    columns: list[Measured] = Field(min_length=1, max_length=COLUMNS_MAX)
    quality: Quality


def read_profile(file: Path) -> dict[str, Any]:
    """A profile that was made elsewhere, after its figures have been checked against each other.

    Raises:
        SheetError: with all faults at once.
    """
    said = read_json(file)
    try:
        profile = strictly(Profile, said)
    except ValidationError as error:
        faults = [_fault(detail) for detail in error.errors(include_url=False)[:FAULTS_MAX]]
        raise SheetError(str(file), faults) from error
    wrong = [Fault("profile.figures", message, path) for path, message in _contradictions(profile)]
    if wrong:
        raise SheetError(str(file), wrong[:FAULTS_MAX])
    return dict(said)


def _fault(detail: Any) -> Fault:
    message = str(detail["msg"])
    return Fault("profile.value", Text(message, message), path_text(tuple(detail["loc"])))


def _contradictions(profile: Profile) -> Iterator[tuple[str, Text]]:
    """Figures that cannot all be true."""
    names = [column.name for column in profile.columns]
    if len(set(names)) < len(names):
        yield "columns", Text("a column stands twice", "有列重复出现")
    for at, column in enumerate(profile.columns):
        for word, holds in _checks(column, profile.rows):
            if not holds:
                yield f"columns[{at}].{word}", Text("this cannot be", "此值不成立")
    counts = [ColumnCounts(c.missing, c.odd, c.distinct) for c in profile.columns]
    totals = {
        "cells": profile.cells == profile.rows * len(names),
        "missing": profile.missing == sum(column.missing for column in profile.columns),
        "duplicates": profile.duplicates < profile.rows,
    }
    yield from (
        (word, Text("this does not add up", "合计不符")) for word, ok in totals.items() if not ok
    )
    if not all(totals.values()) or set(profile.quality.parts) != set(PARTS):
        return
    found = parts(profile.rows, profile.duplicates, counts)
    said = profile.quality
    if any(abs(found[name] - said.parts[name]) > TOLERANCE for name in PARTS):
        yield "quality.parts", Text("these do not follow from the counts", "与各项计数不符")
    elif abs(score(found) - said.score) > 0.05:
        yield "quality.score", Text("this does not follow from its parts", "与各分项不符")


def _checks(column: Measured, rows: int) -> Iterator[tuple[str, bool]]:
    guess = column.guess
    yield "type", column.type in TYPES
    yield "missing", column.missing <= rows
    yield "distinct", column.distinct <= rows - column.missing
    yield "odd", column.odd <= rows - column.missing
    if guess is not None:
        yield "guess.kind", guess.kind in KINDS
        if hidden([guess.kind]):
            # Values by which somebody may be known have no place in a profile.
            yield "hidden", column.hidden and column.range is None and column.groups is None
    if column.groups is not None:
        told = sum(v.rows for v in column.groups.values) + column.groups.pooled.rows
        yield "groups", told == rows - column.missing
