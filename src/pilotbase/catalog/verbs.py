"""What one can ask of the catalog. Heavy rooms are imported when a verb is called: see ADR 2."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pilotbase.catalog.sealed import events as events
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context, asked, verb

if TYPE_CHECKING:
    from pilotbase.catalog.sealed.events import Added


@dataclass(frozen=True)
class SealedAddRequest:
    file: Path = asked(
        "The cases with their answers: CSV, workbook or Parquet.",
        "带答案的案例: CSV、工作簿或 Parquet。",
    )
    name: str = asked("How scenarios call it.", "场景文件所用的名称。", default="")
    exposures: int = asked(
        "How many official runs may give back the results by group.",
        "允许多少次正式试验返回分组结果。",
        default=0,
    )
    owner: str = asked("Who lends it.", "提供者。", default="")
    encoding: str = asked("Encoding of a CSV file.", "CSV 文件的编码。", default="utf-8")
    sheet: str = asked("Sheet of a workbook.", "工作簿的工作表。", default="")
    names: bool = asked(
        "The owner lets reports name single cases and say what went wrong in them.",
        "所有者允许报告指明单个案例及其问题。",
        default=False,
    )


@dataclass(frozen=True)
class SealedResponse:
    """A sealed test set: what it allows and how often it was exposed. Never a case."""

    name: str
    owner: str
    rows: int
    columns: tuple[str, ...]
    exposures: int
    names: bool
    exposed: int
    runs: tuple[str, ...]
    meaning: Text

    def as_dict(self) -> dict[str, Any]:
        return {**vars(self), "meaning": self.meaning.as_dict()}


@dataclass(frozen=True)
class SealedListResponse:
    """Every sealed test set of the home."""

    sets: tuple[SealedResponse, ...]


def _shown(added: Added, runs: list[str]) -> SealedResponse:
    from pilotbase.catalog.sealed.sets import meaning

    return SealedResponse(
        added.name, added.owner, added.rows, added.columns, added.exposures, added.names,
        len(runs), tuple(runs), meaning(len(runs), added.exposures),
    )  # fmt: skip


@verb(
    "sealed.add",
    summary=Text(
        "Take a test set into the base's keeping: no provider sees it, each use is counted.",
        "将测试集交基地封存: 供给方不可见, 每次使用均计数。",
    ),
    changes=True,
    roles=("data steward",),
)
def sealed_add(context: Context, request: SealedAddRequest) -> SealedResponse:
    from pilotbase.catalog.sealed.events import Added
    from pilotbase.catalog.sealed.keeping import add, kept_named
    from pilotbase.record.opened import open_record

    said = Added(request.name, request.owner, 0, (), request.exposures, request.names)
    with open_record(context) as record:
        add(record, context, request.file, said, encoding=request.encoding, sheet=request.sheet)
        return _shown(*kept_named(record, request.name))


@dataclass(frozen=True)
class SealedListRequest:
    pass


@verb(
    "sealed.list",
    summary=Text("List the sealed test sets and their uses.", "列出封存测试集及其使用次数。"),
    changes=False,
    roles=("data steward", "evaluator"),
)
def sealed_list(context: Context, request: SealedListRequest) -> SealedListResponse:
    from pilotbase.catalog.sealed.keeping import listed
    from pilotbase.record.opened import open_record

    with open_record(context, create=False) as record:
        return SealedListResponse(tuple(_shown(*kept) for kept in listed(record)))


@dataclass(frozen=True)
class SealedShowRequest:
    name: str = asked("The set's name.", "测试集名称。")


@verb(
    "sealed.show",
    summary=Text(
        "Show what a sealed test set allows and which runs used it; never a case.",
        "显示封存测试集的许可与使用它的试验; 不显示任何案例。",
    ),
    changes=False,
    roles=("data steward", "evaluator"),
)
def sealed_show(context: Context, request: SealedShowRequest) -> SealedResponse:
    from pilotbase.catalog.sealed.keeping import kept_named
    from pilotbase.record.opened import open_record

    with open_record(context, create=False) as record:
        return _shown(*kept_named(record, request.name))
