"""Show: read entries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pilotbase.kernel.errors import InputError
from pilotbase.kernel.text import Text
from pilotbase.kernel.time import Clock, stamp
from pilotbase.kernel.verb import Context, asked, verb
from pilotbase.record.verbs.words import moment


@dataclass(frozen=True)
class ShowRequest:
    kind: str = asked("Only entries of this kind.", "仅此类记录。", default="")
    about: str = asked("Only entries about this subject.", "仅与此主体有关的记录。", default="")
    actor: str = asked(
        "Only entries by this person, or in this role.",
        "仅由此人或以此角色作出的记录。",
        default="",
    )
    since: str = asked("Not before this time.", "不早于此时间。", default="")
    until: str = asked("Before this time.", "早于此时间。", default="")
    start: int = asked("From this index on.", "从此序号开始。", default=0)
    stop: int | None = asked("Before this index.", "至此序号之前。", default=None)
    limit: int = asked("At most this many entries.", "最多显示的条数。", default=100)
    index: int | None = asked(
        "Only the entry with this index, from 0.",
        "仅此序号的条目, 从 0 起。",
        default=None,
        word=True,
    )


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
    wanted = _filter(request, context.clock)
    start, stop = request.start, request.stop
    if request.index is not None:
        if start or stop is not None:
            raise InputError("record.index_alone", _ALONE, where="--start, --stop")
        start, stop = request.index, request.index + 1
    with open_record(context, create=False) as record:
        if request.index is not None:
            record.entry(request.index)  # says so where there is none
        found = record.entries(start, stop, kind=request.kind or None, about=request.about or None)
        entries = (entry for entry in found if wanted(entry.envelope))
        shown = tuple({"index": e.index, **e.envelope} for e in islice(entries, request.limit))
        return ShowResponse(record.size, shown)


_ALONE = Text(
    "an index names one entry: leave out --start and --stop",
    "序号只指一条: 请去掉 --start 与 --stop",
)


def _filter(request: ShowRequest, clock: Clock) -> Callable[[Mapping[str, Any]], bool]:
    """Whether an envelope is by the actor and of the time that is asked for."""
    since = stamp(moment(request.since, clock, "--since")) if request.since else ""
    until = stamp(moment(request.until, clock, "--until")) if request.until else ""

    def wanted(said: Mapping[str, Any]) -> bool:
        by, at = said["by"], said["at"]
        theirs = not request.actor or request.actor in (by.get("name"), by.get("role"))
        return theirs and since <= at and (not until or at < until)

    return wanted
