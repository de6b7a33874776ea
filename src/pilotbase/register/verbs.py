"""What one can ask of the register. Heavy rooms are imported when a verb is called: see ADR 2.

``register.file`` takes verdict, catalog and register together: the desk declares it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context, asked, verb
from pilotbase.register import events as events
from pilotbase.register import views as views

if TYPE_CHECKING:
    from pilotbase.kernel.actor import Role
    from pilotbase.register.rules.states import Action

FILING = ("The filing's id.", "备案编号。")
REASON = ("Why, as it is to stand in the record.", "理由, 将写入记录。")
AS = ("The role that acts.", "行事的角色。")
ATTACH = ("A file of evidence that goes to the vault.", "存入保险库的证据文件。")
Officer = Literal["case officer", "regulator"]


@dataclass(frozen=True)
class FilingResponse:
    """A filing: what was filed, how it ``stands`` now (live, expired, suspended, stopped,
    withdrawn, exited), and its ``history`` as ``{"entry", "state", "at", "role", "reason"}``."""

    id: str
    stands: str
    filing: dict[str, Any]
    history: tuple[dict[str, Any], ...]


def _act(
    context: Context,
    id_: str,
    action: Action,
    role: Role,
    reason: str,
    attached: Path | None,
) -> FilingResponse:
    from pilotbase.record.opened import open_record
    from pilotbase.register.filings import act

    with open_record(context, create=False) as record:
        act(record, context, id_, action, role, reason=reason, attached=attached)
    return _shown(context, id_)


def _shown(context: Context, id_: str) -> FilingResponse:
    from pilotbase.record.opened import open_record
    from pilotbase.register.filings import filing_named, standing_of

    with open_record(context, create=False) as record:
        said = dict(filing_named(record, id_))
    stands = standing_of(said, context)
    return FilingResponse(id_, stands, said, tuple(said.pop("history")))


@dataclass(frozen=True)
class SuspendRequest:
    filing: str = asked(*FILING)
    reason: str = asked(*REASON, default="")
    snapshot: Path | None = asked(*ATTACH, default=None)
    as_: Officer = asked(*AS, default="case officer")


@verb(
    "register.suspend",
    summary=Text(
        "Suspend a service; how it stood is put down first.",
        "暂停服务; 先留存当时状态的快照。",
    ),
    changes=True,
    roles=("case officer", "regulator"),
)
def suspend(context: Context, request: SuspendRequest) -> FilingResponse:
    asked_ = request.reason, request.snapshot
    return _act(context, request.filing, "suspend", request.as_, *asked_)


@dataclass(frozen=True)
class ResumeRequest:
    filing: str = asked(*FILING)
    reason: str = asked(*REASON, default="")
    as_: Officer = asked(*AS, default="case officer")


@verb(
    "register.resume",
    summary=Text("Resume a suspended service.", "恢复已暂停的服务。"),
    changes=True,
    roles=("case officer", "regulator"),
)
def resume(context: Context, request: ResumeRequest) -> FilingResponse:
    return _act(context, request.filing, "resume", request.as_, request.reason, None)


@dataclass(frozen=True)
class StopRequest:
    filing: str = asked(*FILING)
    reason: str = asked(*REASON, default="")
    snapshot: Path | None = asked(*ATTACH, default=None)
    as_: Officer = asked(*AS, default="case officer")


@verb(
    "register.stop",
    summary=Text(
        "Stop a service for good; only a new filing brings it back.",
        "永久终止服务; 只有重新备案才能恢复。",
    ),
    changes=True,
    roles=("case officer", "regulator"),
)
def stop(context: Context, request: StopRequest) -> FilingResponse:
    asked_ = request.reason, request.snapshot
    return _act(context, request.filing, "stop", request.as_, *asked_)


@dataclass(frozen=True)
class WithdrawRequest:
    filing: str = asked(*FILING)
    reason: str = asked(*REASON, default="")


@verb(
    "register.withdraw",
    summary=Text(
        "Withdraw a filing at the wish of its provider or owner.",
        "应供给方或需求方要求撤回备案。",
    ),
    changes=True,
    roles=("case officer",),
)
def withdraw(context: Context, request: WithdrawRequest) -> FilingResponse:
    return _act(context, request.filing, "withdraw", "case officer", request.reason, None)


@dataclass(frozen=True)
class ExitRequest:
    filing: str = asked(*FILING)
    report: Path = asked("The exit report, any file.", "退出报告, 任意文件。")


@verb(
    "register.exit",
    summary=Text(
        "Give the exit report of a service, due two months after it was stopped or withdrawn.",
        "提交服务的退出报告, 须在终止或撤回后两个月内完成。",
    ),
    changes=True,
    roles=("case officer",),
)
def leave(context: Context, request: ExitRequest) -> FilingResponse:
    return _act(context, request.filing, "exit", "case officer", "", request.report)


@dataclass(frozen=True)
class ShowRequest:
    filing: str = asked(*FILING)


@verb(
    "register.show",
    summary=Text("Show a filing and what happened to it.", "显示一项备案及其经过。"),
    changes=False,
    roles=("public",),
)
def show(context: Context, request: ShowRequest) -> FilingResponse:
    return _shown(context, request.filing)


@dataclass(frozen=True)
class ListRequest:
    live: bool = asked("Only what may be served now.", "仅列出目前可提供服务的。", default=False)


@dataclass(frozen=True)
class ListResponse:
    """Filings as ``{"id", "stands", "scenario", "candidate", "tier", "principal", "since",
    "expires", "price", "single_points"}``, in the order of filing."""

    filings: tuple[dict[str, Any], ...]


@verb(
    "register.list",
    summary=Text("List the filings and how each stands now.", "列出各项备案及其当前状态。"),
    changes=False,
    roles=("public",),
)
def list_(context: Context, request: ListRequest) -> ListResponse:
    from pilotbase.record.opened import open_record
    from pilotbase.register.filings import filings, standing_of

    words = ("scenario", "candidate", "principal", "since", "expires", "price", "single_points")
    with open_record(context, create=False) as record:
        known = sorted(filings(record).items(), key=lambda item: item[1]["history"][0]["entry"])
    shown = [
        {
            "id": id_,
            "stands": standing_of(said, context),
            "tier": said["tier"]["tier"],
            **{word: said[word] for word in words},
        }
        for id_, said in known
    ]
    wanted = [one for one in shown if not request.live or one["stands"] == "live"]
    return ListResponse(tuple(wanted))
