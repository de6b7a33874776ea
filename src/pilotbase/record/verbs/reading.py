"""Show: read entries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pilotbase.kernel.errors import InputError
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context, asked, verb


@dataclass(frozen=True)
class ShowRequest:
    kind: str = asked("Only entries of this kind.", "仅此类记录。", default="")
    about: str = asked("Only entries about this subject.", "仅与此主体有关的记录。", default="")
    start: int = asked("From this index on.", "从此序号开始。", default=0)
    limit: int = asked("At most this many entries.", "最多显示的条数。", default=100)


@dataclass(frozen=True)
class ShowResponse:
    """Entries as ``{"index", …envelope}``; ``size`` counts all entries of the log."""

    size: int
    entries: tuple[dict[str, Any], ...]


@verb(
    "record.show",
    summary=Text("Show entries of the record.", "显示记录条目。"),
    changes=False,
    roles=("public", "regulator", "case officer"),
)
def show(context: Context, request: ShowRequest) -> ShowResponse:
    from itertools import islice

    from pilotbase.record.opened import open_record

    if request.limit < 0:
        raise InputError(
            "record.bad_limit",
            Text("a limit is 0 or more", "条数不能为负"),
            where="--limit",
        )
    with open_record(context, create=False) as record:
        entries = record.entries(
            request.start, kind=request.kind or None, about=request.about or None
        )
        shown = tuple({"index": e.index, **e.envelope} for e in islice(entries, request.limit))
        return ShowResponse(record.size, shown)
