"""Export segments of the log, and ask questions over them in SQL."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pilotbase.kernel.errors import InputError
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context, asked, verb


@dataclass(frozen=True)
class SegmentsRequest:
    folder: Path = asked("The folder to write into.", "输出文件夹。")


@dataclass(frozen=True)
class SegmentsResponse:
    """The files, as ``{"file", "start", "stop", "root", "sha256"}``, and the entry that says so."""

    folder: Path
    recorded: int
    segments: tuple[dict[str, Any], ...]


@verb(
    "record.segments",
    summary=Text(
        "Export the log as Parquet segments, and record their roots.",
        "将日志导出为 Parquet 分段, 并记录其根哈希。",
    ),
    changes=True,
    roles=("case officer", "programme office"),
)
def segments(context: Context, request: SegmentsRequest) -> SegmentsResponse:
    from pilotbase.record.opened import open_record
    from pilotbase.record.segments import export

    folder = request.folder.expanduser().absolute()
    with open_record(context, create=False) as record:
        made, index = export(record, folder, by=context.actor("case officer"))
    return SegmentsResponse(folder, index, tuple(asdict(segment) for segment in made))


@dataclass(frozen=True)
class QueryRequest:
    sql: str = asked("One SELECT over the table `entries`.", "一条针对表 `entries` 的 SELECT。")
    segments: Path | None = asked(
        "Exported segments to ask (default: the log as it is now).",
        "所查询的分段文件夹 (默认: 当前日志)。",
        default=None,
    )
    limit: int = asked("At most this many rows.", "最多显示的行数。", default=1000)
    seconds: float = asked("At most this long.", "最长秒数。", default=30.0)


@dataclass(frozen=True)
class QueryResponse:
    """Columns and rows; ``more`` tells whether there were more rows than the limit."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    more: bool


@verb(
    "record.query",
    summary=Text("Ask the record a question in SQL; reads only.", "用 SQL 查询记录; 只读。"),
    changes=False,
    roles=("public", "regulator", "case officer", "programme office"),
)
def query(context: Context, request: QueryRequest) -> QueryResponse:
    from pilotbase.kernel.scratch import scratch
    from pilotbase.record import segments as exported
    from pilotbase.record.opened import open_record
    from pilotbase.record.query import ROWS_MAX
    from pilotbase.record.query import query as ask

    if not 0 <= request.limit <= ROWS_MAX or not request.seconds > 0:
        raise InputError(
            "query.bad_limit",
            Text(
                f"rows are 0 to {ROWS_MAX}, seconds above 0", f"行数为 0 至 {ROWS_MAX}, 秒数大于 0"
            ),
            where="--limit, --seconds",
        )
    with (
        open_record(context, create=False) as record,
        scratch() as folder,
    ):
        if request.segments is None:
            files = exported.temporary(record, folder)
        else:
            files = exported.load(record, request.segments.expanduser().absolute())
        answer = ask(files, request.sql, rows=request.limit, seconds=request.seconds)
    return QueryResponse(answer.columns, answer.rows, answer.more)
