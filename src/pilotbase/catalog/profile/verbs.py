"""What one can ask of profiles. Heavy rooms are imported when a verb is called: see ADR 2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pilotbase.catalog.profile import events as events
from pilotbase.catalog.profile import views as views
from pilotbase.kernel.errors import InputError
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context, asked, verb


@dataclass(frozen=True)
class ProfileRequest:
    target: str = asked(
        "A .csv, .parquet or .xlsx file, an installed loader, a profile made elsewhere (.json), or "
        "a data set of the catalog.",
        ".csv、.parquet 或 .xlsx 文件, 已安装的数据加载器, 在别处生成的画像 (.json), "
        "或目录中的数据集。",
    )
    asset: str = asked(
        "Take the profile into the catalog as that of this data set.",
        "将画像录入目录, 归入此数据集。",
        default="",
    )
    confirm: str = asked(
        "COLUMN=kind, several apart by commas: a person's word on what columns hold.",
        "列名=类别, 多项以逗号分隔: 由人确认各列的内容。",
        default="",
    )
    as_: str = asked("The person who confirms, by id.", "确认人的编号。", default="")
    out: Path | None = asked(
        "Draw it on an HTML page here; its .json twin lies beside it.",
        "绘制为 HTML 页面存于此处; 同名 .json 文件在其旁。",
        default=None,
        short="-o",
    )
    encoding: str = asked(
        "Encoding of a CSV file (found out if left out).",
        "CSV 文件的编码 (默认自动判断)。",
        default="",
    )


@dataclass(frozen=True)
class ProfileResponse:
    """A profile: ``profile`` in the format ``pilotbase/profile/1``, ``made`` here or by the owner.

    ``confirmed`` is by column ``{"kind", "person", "entry"}``; what is not in it, nobody confirmed.
    ``entry`` is where the record has the profile, None where it is not recorded.
    """

    asset: str
    made: str
    profile: Mapping[str, Any]
    confirmed: Mapping[str, Mapping[str, Any]]
    entry: int | None
    html: Path | None
    json: Path | None


@verb(
    "catalog.profile",
    summary=Text(
        "Measure a data set: rows, types, gaps, ranges, duplicates, groups, quality; or show it.",
        "测量数据集: 行数、类型、缺失、范围、重复、分组与质量; 或显示已有画像。",
    ),
    changes=True,
    roles=("data steward", "provider", "scenario owner"),
)
def profile(context: Context, request: ProfileRequest) -> ProfileResponse:
    from pilotbase.catalog.profile.page import write_page
    from pilotbase.catalog.profile.profiling import (
        confirm,
        is_asset,
        measure,
        record_profile,
        recorded,
    )
    from pilotbase.record.opened import open_record

    asset = request.asset
    if is_asset(request.target):
        asset = request.target
        with open_record(context, create=False) as record:
            if request.confirm:
                shown = confirm(record, context, asset, request.confirm, request.as_)
            else:
                shown = recorded(record, asset)
    elif request.confirm and not asset:
        raise InputError(
            "profile.confirm",
            Text("a person confirms what the catalog has", "只能确认目录中已有的数据集"),
            where="--confirm",
            next_step=Text("Name the data set with --asset.", "请用 --asset 指明数据集。"),
        )
    else:
        shown = measure(context, request.target, request.encoding)
        if asset:
            with open_record(context, create=False) as record:
                shown = record_profile(record, context, asset, shown)
                if request.confirm:
                    shown = confirm(record, context, asset, request.confirm, request.as_)
    twin = write_page(shown, asset, request.out, context.language) if request.out else None
    return ProfileResponse(
        asset, shown.made, shown.profile, shown.confirmed, shown.entry, request.out, twin
    )
