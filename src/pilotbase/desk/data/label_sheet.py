"""The sheet of a labelling task: what is labelled, with which labels, by how many people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from pydantic import Field

from pilotbase.kernel.text import Text
from pilotbase.scenario.finding import Finding, nearest
from pilotbase.scenario.section import Bilingual, Column, Name, Section, Slug


class Label(Section):
    """One label of the set."""

    id: Slug = Field(description="What stands in the column.")
    title: Bilingual = Field(description="What raters read.")


class LabelSheet(Section):
    """A labelling task."""

    labelling: Literal[1] = Field(description="Format version of this sheet.")
    id: Slug = Field(description="Short name of the task.")
    asset: Slug = Field(description="The catalog's data set.")
    file: Name = Field(description="Its rows, beside this sheet; they stay there.")
    show: Annotated[tuple[Column, ...], Field(min_length=1, max_length=50)] = Field(
        description="Columns that raters see."
    )
    column: Column = Field(description="The column that the labels become.")
    labels: Annotated[tuple[Label, ...], Field(min_length=2, max_length=20)] = Field(
        description="The label set; exactly one fits a row."
    )
    instructions: Bilingual = Field(description="How to label, as raters read it.")
    raters: int = Field(2, ge=1, le=20, description="How many people label each row.")


def sheet_findings(sheet: LabelSheet, columns: Sequence[str]) -> Iterator[Finding]:
    """What is wrong with a sheet of good grammar, against the columns of its data. Pure."""
    ids = [label.id for label in sheet.labels]
    for number, id_ in enumerate(ids):
        if id_ in ids[:number]:
            said = Text(f"{id_!r} is listed twice", f"{id_!r} 重复列出")
            yield Finding(("labels", number, "id"), "sheet.duplicate_id", said)
    for number, name in enumerate(sheet.show):
        if name not in columns:
            said = Text(f"the data have no column {name!r}", f"数据没有列 {name!r}")
            yield Finding(("show", number), "sheet.unknown", said, None, nearest(name, columns))
    for name in added_columns(sheet.column):
        if name in columns:
            said = Text(f"the data have a column {name!r} already", f"数据已有列 {name!r}")
            another = Text("another name", "换用另一名称")
            yield Finding(("column",), "sheet.column", said, another)


def added_columns(column: str) -> tuple[str, str, str]:
    """The columns that a task adds: label, how many people labelled, how many of them chose it."""
    return column, f"{column}_raters", f"{column}_agreed"
