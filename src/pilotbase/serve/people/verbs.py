"""What one can ask of calls that wait for a person."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pilotbase.kernel.errors import InputError
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context, asked, verb
from pilotbase.serve.people import events as events

FILING = ("Only calls of this filing or service.", "仅限此备案或服务的调用。")


@dataclass(frozen=True)
class QueueRequest:
    show: str = asked("Show what this call says.", "显示该调用的内容。", default="")
    filing: str = asked(*FILING, default="")


@dataclass(frozen=True)
class QueueResponse:
    """Waiting calls as ``{"usage", "filing", "stage", "why", "until", "late", "manual",
    "principal", "at", "remark", …}``, due first in front; ``remark`` says why a call could not go
    on though a person let it, None where nothing is known; ``contents`` of the one that was to
    be shown."""

    calls: tuple[dict[str, Any], ...]
    contents: dict[str, str | None] | None = None


@verb(
    "gateway.queue",
    summary=Text("List the calls that wait for a person.", "列出等待人工处理的调用。"),
    changes=False,
    roles=("evaluator", "case officer"),
)
def queue(context: Context, request: QueueRequest) -> QueueResponse:
    from pilotbase.record.opened import open_record
    from pilotbase.serve.people import answering

    with open_record(context, create=False) as record:
        calls = tuple(answering.queue(record, request.filing))
        shown = answering.contents(record, request.show) if request.show else None
    return QueueResponse(calls, shown)


@dataclass(frozen=True)
class AnswerRequest:
    usage: str = asked("The call's usage id.", "调用的用量编号。")
    as_: str = asked("The person of the catalog who decides.", "作出决定的目录内人员。", default="")
    approve: bool = asked("It goes on as it is.", "按原样继续。", default=False)
    refuse: bool = asked("It does not go on.", "不予继续。", default=False)
    edit: Path | None = asked(
        "A file that stands in the place of the request or answer.",
        "用以替换请求或回答的文件。",
        default=None,
    )
    reason: str = asked("Why; needed to refuse.", "理由; 拒绝时必填。", default="")
    key_file: Path | None = asked(
        "A file with a key of that person, who then acts themself; else this machine's operator "
        "does, and says whose decision it is.",
        "存有该人员密钥的文件, 此时由其本人操作; 否则由本机操作者代为录入其决定。",
        default=None,
    )


@dataclass(frozen=True)
class AnswerResponse:
    """The decision as recorded; ``remark`` as in the queue: it was let pass, and cannot go on."""

    entry: int
    usage: str
    said: str
    go: bool
    person: str
    remark: dict[str, str] | None = None


@verb(
    "gateway.answer",
    summary=Text("Decide a call that waits for a person.", "处理一个等待人工的调用。"),
    changes=True,
    roles=("evaluator", "case officer"),
)
def answer(context: Context, request: AnswerRequest) -> AnswerResponse:
    from pilotbase.record.opened import open_record
    from pilotbase.serve.people import answering

    ways = {"approve": request.approve, "refuse": request.refuse, "edit": request.edit is not None}
    chosen = [way for way, taken in ways.items() if taken]
    if len(chosen) != 1:
        raise InputError(
            "gateway.one_way",
            Text("one of approve, refuse and edit is needed", "须在批准、拒绝、修改中选择一项"),
            where="--approve, --refuse, --edit",
            next_step=Text("Give one of them.", "请给出其中之一。"),
        )
    with open_record(context, create=False) as record:
        way: Any = chosen[0]
        said = answering.answer(
            record,
            request.usage,
            way,
            request.as_,
            request.reason,
            request.edit,
            request.key_file,
        )
    return AnswerResponse(**said)


@dataclass(frozen=True)
class ShareRequest:
    filing: str = asked("Only this filing.", "仅限此备案。", default="")


@dataclass(frozen=True)
class ShareResponse:
    """By filing: ``calls`` (answered, or refused by a person), ``waiting``, ``lapsed``, and the
    shares ``unmanned``, ``manned``, ``manual``, each ``{"count", "of", "estimate", "interval"}``
    with Wilson's 95 % interval."""

    filings: tuple[dict[str, Any], ...]


@verb(
    "gateway.share",
    summary=Text(
        "Measure how many calls went without a person, with one, and by hand.",
        "统计无人、有人与人工直接作答的调用占比。",
    ),
    changes=False,
    roles=("public",),
)
def share(context: Context, request: ShareRequest) -> ShareResponse:
    from pilotbase.record.opened import open_record
    from pilotbase.serve.metering.usage import usage_of
    from pilotbase.serve.people.answering import shares

    with open_record(context, create=False) as record, usage_of(record) as usage:
        rows = usage.execute(
            "SELECT terms.filing, COUNT(*) FROM usage JOIN terms ON terms.gateway = usage.gateway"
            " AND terms.number = usage.terms WHERE outcome = 'served' GROUP BY terms.filing"
        )
        found = shares(record, {name: int(count) for name, count in rows}, request.filing)
    return ShareResponse(tuple(found))


@dataclass(frozen=True)
class RevealRequest:
    month: str = asked("A month that is over, like 2026-11.", "已结束的月份, 如 2026-11。")


@dataclass(frozen=True)
class RevealResponse:
    """The seed in hexadecimal, and the hash by which it was committed to."""

    month: str
    seed: str
    commitment: str


@verb(
    "gateway.reveal",
    summary=Text(
        "Reveal the seed of a month's random audit, so that anyone can redo the lots.",
        "公布某月随机抽查的种子, 供任何人复算。",
    ),
    changes=True,
    roles=("case officer",),
)
def reveal(context: Context, request: RevealRequest) -> RevealResponse:
    from pilotbase.record.opened import open_record
    from pilotbase.serve.people import answering

    with open_record(context, create=False) as record:
        return RevealResponse(**answering.reveal(record, context, request.month))
