"""What one can ask about Croissant. Heavy rooms are imported when a verb is called: see ADR 2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pilotbase.catalog.croissant import events as events
from pilotbase.kernel.errors import Fault
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context, asked, verb


@dataclass(frozen=True)
class WriteRequest:
    target: str = asked(
        "A .csv, .parquet or .xlsx file, an installed loader, or a data set of the catalog.",
        ".csv、.parquet 或 .xlsx 文件, 已安装的数据加载器, 或目录中的数据集。",
    )
    out: Path | None = asked("Write it here.", "写入此文件。", default=None, short="-o")
    version: Literal["1.0", "1.1"] = asked(
        "Version of Croissant.", "Croissant 版本。", default="1.1"
    )
    title: str = asked("What it is called.", "数据集名称。", default="")
    text: str = asked("What it is, in plain words.", "用平实文字说明内容。", default="")
    licence: str = asked(
        "SPDX identifier, URL, or words.", "SPDX 标识、网址或文字说明。", default=""
    )
    url: str = asked("Where more is said of it.", "详情网址。", default="")
    creator: str = asked("Who made it.", "创建者。", default="")
    published: str = asked(
        "Day of publication (today if left out).", "发布日期 (默认今天)。", default=""
    )


@dataclass(frozen=True)
class WriteResponse:
    """The document; ``file`` where it was written, ``rows`` where a loader's rows were."""

    document: Mapping[str, Any]
    file: Path | None
    rows: Path | None


@verb(
    "catalog.croissant.write",
    summary=Text(
        "Describe a data set as Croissant, the metadata format of MLCommons.",
        "以 MLCommons 的元数据格式 Croissant 描述数据集。",
    ),
    changes=False,
    roles=("data steward", "provider", "scenario owner"),
)
def write(context: Context, request: WriteRequest) -> WriteResponse:
    from pilotbase.catalog.croissant.making import Given, described_asset, described_data
    from pilotbase.catalog.croissant.writing import write_files
    from pilotbase.catalog.profile.profiling import is_asset

    given = Given(
        Text(request.title, request.title), Text(request.text, request.text), request.licence,
        request.url, request.creator, request.published, request.version,
    )  # fmt: skip
    if is_asset(request.target):
        made, table = described_asset(context, request.target, given), None
    else:
        made, table = described_data(context, request.target, given, request.out)
    document, rows = write_files(made, table, request.out)
    return WriteResponse(document, request.out, rows)


@dataclass(frozen=True)
class ReadRequest:
    files: tuple[Path, ...] = asked(
        "Descriptions (.json).", "描述文件 (.json)。", default=(), many=True
    )


@dataclass(frozen=True)
class ReadResponse:
    """Each data set as ``{"file", "card", "described"}``: the card that `catalog add` would record,
    and the columns and files beside it. ``remarks`` name what the specification misses."""

    datasets: tuple[dict[str, Any], ...]
    remarks: tuple[Fault, ...]


@verb(
    "catalog.croissant.read",
    summary=Text(
        "Read descriptions in Croissant 1.0 or 1.1 and name all faults; nothing is fetched.",
        "读取 Croissant 1.0 或 1.1 描述并列出所有错误; 不抓取任何内容。",
    ),
    changes=False,
    roles=("data steward", "case officer", "provider", "scenario owner"),
)
def read(context: Context, request: ReadRequest) -> ReadResponse:
    from pilotbase.catalog.croissant.adding import read_all

    return ReadResponse(*read_all(request.files))
