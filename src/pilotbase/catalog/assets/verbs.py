"""The catalog's lists. Heavy rooms are imported when a verb is called: see ADR 2."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pilotbase.catalog import views as views
from pilotbase.catalog.assets import events as events
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context, asked, verb

Kind = Literal[
    "person", "body", "agent", "model", "dataset", "tool", "knowledge", "compute",
]  # fmt: skip
ID = ("The id of a party or an asset.", "主体或资产的编号。")


@dataclass(frozen=True)
class AddRequest:
    file: Path = asked(
        "A list in YAML: parties, assets or both; data sets described as Croissant, or a bill of "
        "materials in CycloneDX (.json).",
        "YAML 清单: 主体、资产或两者; 以 Croissant 描述的数据集, 或 CycloneDX 物料清单 (.json)。",
    )


@dataclass(frozen=True)
class AddResponse:
    """What became of each entry of the list, as ``{"id", "what", "state", "number", "version"}``:
    ``state`` is new, changed or unchanged, ``number`` counts its versions, ``version`` is an
    asset's content hash."""

    added: tuple[dict[str, Any], ...]


@verb(
    "catalog.add",
    summary=Text(
        "Take a list of parties and assets into the catalog; all of it, or nothing.",
        "将主体与资产清单录入目录; 要么全部录入, 要么都不录入。",
    ),
    changes=True,
    roles=("case officer", "scenario owner", "provider", "data steward", "compute operator"),
)
def add(context: Context, request: AddRequest) -> AddResponse:
    from pilotbase.catalog.adding import add_list
    from pilotbase.catalog.croissant.adding import add_croissant, is_json
    from pilotbase.catalog.croissant.json_text import read_json
    from pilotbase.catalog.provenance.adding import add_bill
    from pilotbase.catalog.provenance.read_bom import is_bill
    from pilotbase.record.opened import open_record

    file = request.file
    document = read_json(file) if is_json(file) else None
    with open_record(context) as record:
        if is_bill(document):
            added = add_bill(record, context, file, document)
        else:
            take = add_croissant if is_json(file) else add_list
            added = take(record, context, file)
        return AddResponse(tuple(vars(one) for one in added))


@dataclass(frozen=True)
class ListRequest:
    kind: Kind | None = asked("Only this kind.", "仅此类别。", default=None)


@dataclass(frozen=True)
class ListResponse:
    """Parties and assets by id.

    A party is ``{"id", "what", "name", "principal", "asset", "number"}``, its name None where it
    was erased; an asset ``{"id", "what", "title", "provider", "number", "version"}``.
    """

    parties: tuple[dict[str, Any], ...]
    assets: tuple[dict[str, Any], ...]


@verb(
    "catalog.list",
    summary=Text("List the parties and assets of the catalog.", "列出目录中的主体与资产。"),
    changes=False,
    roles=("case officer", "scenario owner", "provider"),
)
def list_(context: Context, request: ListRequest) -> ListResponse:
    from pilotbase.catalog.reading import listed_assets, listed_parties
    from pilotbase.record.opened import open_record

    with open_record(context, create=False) as record:
        return ListResponse(
            tuple(listed_parties(record, request.kind)), tuple(listed_assets(record, request.kind))
        )


@dataclass(frozen=True)
class ShowRequest:
    id: str = asked(*ID)


@dataclass(frozen=True)
class ShowResponse:
    """A party (``name``, ``contact`` …, and the delegations it gave and was given) or an asset (its
    card and content hash), as the catalog has it now; None for the one that it is not."""

    party: dict[str, Any] | None
    asset: dict[str, Any] | None


@verb(
    "catalog.show",
    summary=Text("Show a party or an asset.", "显示一个主体或资产。"),
    changes=False,
    roles=("case officer", "scenario owner", "provider"),
)
def show(context: Context, request: ShowRequest) -> ShowResponse:
    from pilotbase.catalog.reading import asset_shown, known_id, party_shown
    from pilotbase.record.opened import open_record

    with open_record(context, create=False) as record:
        id_ = known_id(record, request.id)
        return ShowResponse(party_shown(record, id_), asset_shown(record, id_))


@dataclass(frozen=True)
class HistoryRequest:
    id: str = asked(*ID)


@dataclass(frozen=True)
class HistoryResponse:
    """What happened to a party or an asset, oldest first, as ``{"entry", "at", "kind", "by",
    "role", "number", "version", "changed"}``; ``changed`` names the words that differ from the
    version before."""

    id: str
    history: tuple[dict[str, Any], ...]


@verb(
    "catalog.history",
    summary=Text(
        "Show every version of a party or an asset, and who changed what.",
        "显示主体或资产的各版本, 以及由谁更改了什么。",
    ),
    changes=False,
    roles=("case officer", "regulator"),
)
def history(context: Context, request: HistoryRequest) -> HistoryResponse:
    from pilotbase.catalog.reading import history_of, known_id
    from pilotbase.record.opened import open_record

    with open_record(context, create=False) as record:
        id_ = known_id(record, request.id)
        return HistoryResponse(id_, tuple(history_of(record, id_)))


@dataclass(frozen=True)
class ExportRequest:
    out: Path | None = asked("Write the list here.", "写入此文件。", default=None, short="-o")
    people: bool = asked(
        "With the names of persons, from the vault.", "包含自然人姓名 (取自保险库)。", default=False
    )


@dataclass(frozen=True)
class ExportResponse:
    """The catalog as a list that `catalog add` reads; ``left_out`` are persons without a name
    here, and bodies they answer for."""

    list: str
    file: Path | None
    left_out: tuple[str, ...]


@verb(
    "catalog.export",
    summary=Text(
        "Write the catalog as a list that another base can add.",
        "将目录导出为另一基地可录入的清单。",
    ),
    changes=False,
    roles=("case officer", "programme office"),
)
def export(context: Context, request: ExportRequest) -> ExportResponse:
    from pilotbase.catalog.reading import exported
    from pilotbase.kernel.home import storage_errors, write_whole
    from pilotbase.record.opened import open_record

    with open_record(context, create=False) as record:
        text, left_out = exported(record, people=request.people)
    if request.out is not None:
        with storage_errors(request.out):
            write_whole(request.out, text.encode())
    return ExportResponse(text, request.out, tuple(left_out))
