"""What one can ask about provenance. Heavy rooms are imported when a verb is called: see ADR 2."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context, asked, verb

ASSET = ("The id of an asset or a filing.", "资产或备案的编号。")
ANY = (
    "The id of a filing, an asset or a run (its beginning is enough), or a scenario's id.",
    "备案、资产或试验的编号 (试验可只写开头), 或场景编号。",
)


@dataclass(frozen=True)
class BomRequest:
    asset: str = asked(*ASSET)
    spec: Literal["1.6", "1.7"] = asked("Version of CycloneDX.", "CycloneDX 版本。", default="1.7")
    card: bool = asked("The model and its card alone.", "仅导出模型及其模型卡。", default=False)
    out: Path | None = asked("Write it here.", "写入此文件。", default=None, short="-o")


@dataclass(frozen=True)
class BomResponse:
    """A bill of materials; ``bom`` is the CycloneDX document, ``file`` where it was written."""

    asset: str
    spec: str
    bom: dict[str, Any]
    file: Path | None


@verb(
    "catalog.bom",
    summary=Text(
        "Write the bill of materials of an asset or a filing, with its model card (CycloneDX).",
        "导出资产或备案的物料清单及模型卡 (CycloneDX)。",
    ),
    changes=False,
    roles=("public",),
)
def bom(context: Context, request: BomRequest) -> BomResponse:
    from pilotbase.desk.provenance.bills import bill_of_materials, write_bill
    from pilotbase.record.opened import open_record

    with open_record(context, create=False) as record:
        made = bill_of_materials(
            context, record, request.asset, spec=request.spec, card=request.card
        )
    if request.out is not None:
        write_bill(request.out, made)
    return BomResponse(request.asset, request.spec, made, request.out)


@dataclass(frozen=True)
class LineageRequest:
    what: str = asked(*ANY)
    out: Path | None = asked(
        "Folder for the PROV-JSON file and the drawings in both languages.",
        "存放 PROV-JSON 文件与两种语言图示的文件夹。",
        default=None,
        short="-o",
    )


@dataclass(frozen=True)
class LineageResponse:
    """Where something comes from: ``prov`` is the W3C PROV-JSON document, ``files`` what was
    written."""

    what: str
    prov: dict[str, Any]
    files: tuple[Path, ...]


@verb(
    "catalog.lineage",
    summary=Text(
        "Show where an asset, a run or a filing comes from, as W3C PROV and as a drawing.",
        "显示资产、试验或备案的来源, 输出 W3C PROV 与图示。",
    ),
    changes=False,
    roles=("public",),
)
def lineage(context: Context, request: LineageRequest) -> LineageResponse:
    from pilotbase.desk.provenance.lineage import lineage_of, write_lineage
    from pilotbase.record.opened import open_record

    with open_record(context, create=False) as record:
        found = lineage_of(context, record, request.what)
    files = write_lineage(found, request.what, request.out) if request.out else []
    return LineageResponse(request.what, found.as_json(), tuple(files))
