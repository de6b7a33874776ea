"""Registering rights over data sets. Heavy rooms are imported when a verb is called: see ADR 2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pilotbase.catalog.rights import events as events
from pilotbase.catalog.rights import views as views
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context, asked, verb

if TYPE_CHECKING:
    from pilotbase.catalog.rights.rules.states import Action
    from pilotbase.kernel.actor import Role

ID = ("The registration's id.", "登记编号。")
BY = ("The person who does this, by its id in the catalog.", "经办的自然人 (目录中的编号)。")
REASON = ("Why, as it is to stand in the record.", "理由, 将写入记录。")
BASIS = ("How the holder came by the right.", "权利来源。")
AS = ("The role that acts.", "行事的角色。")
Registrar = Literal["data steward", "case officer"]
Holder = Literal["provider", "scenario owner", "data steward"]
RightWord = Literal["hold", "process", "operate"]


@dataclass(frozen=True)
class RegistrationResponse:
    """A registration as it stands.

    ``in_force`` and ``asked`` are ``{"holder", "basis", "version"}``: what is registered, and what
    was applied for last; ``disputes`` are open ones, ``history`` every step as ``{"entry",
    "action", "stage", "at", "role", "person", "reason"}``.
    """

    registration: str
    asset: str
    right: str
    stage: str
    in_force: dict[str, Any] | None
    asked: dict[str, Any]
    code: str
    until: str
    disputes: tuple[dict[str, Any], ...]
    history: tuple[dict[str, Any], ...]


def _shown(context: Context, id_: str) -> RegistrationResponse:
    from pilotbase.catalog.rights.registration import (
        open_disputes,
        registration_named,
        rights_of,
    )
    from pilotbase.catalog.rights.views import place
    from pilotbase.record.opened import open_record

    with open_record(context, create=False) as record:
        state = rights_of(record)
        said = dict(registration_named(state, id_))
    about = open_disputes(state, place(said["asset"], said["right"]))
    return RegistrationResponse(
        **{**said, "history": tuple(said["history"])}, disputes=tuple(dict(one) for one in about)
    )


def _moved(
    context: Context, request: MoveRequest, action: Action, role: Role
) -> RegistrationResponse:
    from pilotbase.catalog.rights.registration import move
    from pilotbase.record.opened import open_record

    with open_record(context, create=False) as record:
        move(
            record, context, request.registration, action, role, person=request.by,
            reason=request.reason, term=getattr(request, "term", "P14D"),
        )  # fmt: skip
    return _shown(context, request.registration)


def _amended(context: Context, request: AmendRequest, action: Action) -> RegistrationResponse:
    from pilotbase.catalog.rights.registration import amend
    from pilotbase.record.opened import open_record

    with open_record(context, create=False) as record:
        amend(
            record, context, request.registration, action, request.as_, person=request.by,
            reason=request.reason, holder=request.holder, basis=request.basis,
        )  # fmt: skip
    return _shown(context, request.registration)


@dataclass(frozen=True)
class ApplyRequest:
    asset: str = asked("The data set.", "数据集。")
    right: RightWord = asked(
        "hold, process (and use) or operate.", "hold 持有权、process 加工使用权、operate 经营权。"
    )
    holder: str = asked("Who is to have it: a person or a body.", "权利人: 自然人或组织。")
    by: str = asked(*BY, default="")
    basis: str = asked(*BASIS, default="")


@verb(
    "catalog.rights.apply",
    summary=Text(
        "Apply to have one of the three rights over a data set registered.",
        "申请登记数据集三项权利之一: 持有、加工使用或经营。",
    ),
    changes=True,
    roles=("provider", "scenario owner", "data steward"),
)
def apply(context: Context, request: ApplyRequest) -> RegistrationResponse:
    from pilotbase.catalog.rights.registration import apply as applied
    from pilotbase.record.opened import open_record

    with open_record(context, create=False) as record:
        entry = applied(
            record, context, request.asset, request.right, request.holder, request.by,
            request.basis,
        )  # fmt: skip
    return _shown(context, entry.body["registration"])


@dataclass(frozen=True)
class MoveRequest:
    registration: str = asked(*ID)
    by: str = asked(*BY, default="")
    reason: str = asked(*REASON, default="")
    as_: Registrar = asked(*AS, default="data steward")


@verb(
    "catalog.rights.accept",
    summary=Text("Accept an application.", "受理登记申请。"),
    changes=True,
    roles=("data steward", "case officer"),
)
def accept(context: Context, request: MoveRequest) -> RegistrationResponse:
    return _moved(context, request, "accept", request.as_)


@verb(
    "catalog.rights.review",
    summary=Text("Record that an accepted application was reviewed.", "记录申请已通过审查。"),
    changes=True,
    roles=("data steward", "case officer"),
)
def review(context: Context, request: MoveRequest) -> RegistrationResponse:
    return _moved(context, request, "review", request.as_)


@dataclass(frozen=True)
class PublishRequest(MoveRequest):
    term: str = asked(
        "For how long: P14D, PT4H … No code is given before.",
        "公示期: P14D、PT4H 等; 期满前不赋码。",
        default="P14D",
    )


@verb(
    "catalog.rights.publish",
    summary=Text(
        "Publish a reviewed application for a term in which anybody may dispute it.",
        "公示已审查的申请, 公示期内任何人可提出异议。",
    ),
    changes=True,
    roles=("data steward", "case officer"),
)
def publish(context: Context, request: PublishRequest) -> RegistrationResponse:
    return _moved(context, request, "publish", request.as_)


@verb(
    "catalog.rights.code",
    summary=Text(
        "Register a right under a code, once its publication has ended.",
        "公示期满后赋码, 完成登记。",
    ),
    changes=True,
    roles=("data steward", "case officer"),
)
def code(context: Context, request: MoveRequest) -> RegistrationResponse:
    return _moved(context, request, "code", request.as_)


@verb(
    "catalog.rights.refuse",
    summary=Text("Refuse an application, with the reason.", "不予登记, 并说明理由。"),
    changes=True,
    roles=("data steward", "case officer"),
)
def refuse(context: Context, request: MoveRequest) -> RegistrationResponse:
    return _moved(context, request, "refuse", request.as_)


@dataclass(frozen=True)
class AmendRequest:
    registration: str = asked(*ID)
    holder: str = asked("The new holder.", "新的权利人。", default="")
    basis: str = asked(*BASIS, default="")
    by: str = asked(*BY, default="")
    reason: str = asked(*REASON, default="")
    as_: Holder = asked(*AS, default="provider")


@verb(
    "catalog.rights.change",
    summary=Text(
        "Apply for a change of a registered right; it goes through all steps again.",
        "申请变更登记; 须重新经过全部程序。",
    ),
    changes=True,
    roles=("provider", "scenario owner", "data steward"),
)
def change(context: Context, request: AmendRequest) -> RegistrationResponse:
    return _amended(context, request, "change")


@verb(
    "catalog.rights.correct",
    summary=Text(
        "Apply for the correction of what was registered wrongly.", "申请更正登记中的错误。"
    ),
    changes=True,
    roles=("provider", "scenario owner", "data steward"),
)
def correct(context: Context, request: AmendRequest) -> RegistrationResponse:
    return _amended(context, request, "correct")


@dataclass(frozen=True)
class CancelRequest:
    registration: str = asked(*ID)
    by: str = asked(*BY, default="")
    reason: str = asked(*REASON, default="")
    as_: Holder = asked(*AS, default="provider")


@verb(
    "catalog.rights.cancel",
    summary=Text("Cancel a registration, or withdraw the application.", "注销登记, 或撤回申请。"),
    changes=True,
    roles=("provider", "scenario owner", "data steward"),
)
def cancel(context: Context, request: CancelRequest) -> RegistrationResponse:
    from pilotbase.catalog.rights.registration import move
    from pilotbase.record.opened import open_record

    with open_record(context, create=False) as record:
        move(
            record, context, request.registration, "cancel", request.as_, person=request.by,
            reason=request.reason,
        )  # fmt: skip
    return _shown(context, request.registration)


@dataclass(frozen=True)
class DisputeRequest:
    registration: str = asked(*ID)
    by: str = asked(*BY, default="")
    reason: str = asked(*REASON, default="")


@verb(
    "catalog.rights.dispute",
    summary=Text(
        "Dispute a registration by name; nothing of this right is registered until it is settled.",
        "实名提出异议; 裁定之前, 该项权利不予登记。",
    ),
    changes=True,
    roles=("public",),
)
def dispute(context: Context, request: DisputeRequest) -> RegistrationResponse:
    from pilotbase.catalog.rights.registration import dispute as disputed
    from pilotbase.record.opened import open_record

    with open_record(context, create=False) as record:
        disputed(record, context, request.registration, request.by, request.reason)
    return _shown(context, request.registration)


@dataclass(frozen=True)
class SettleRequest:
    dispute: str = asked("The dispute's id.", "争议编号。")
    outcome: Literal["stands", "falls"] = asked(
        "What becomes of the registration.", "登记结果: stands 维持, falls 终止。"
    )
    by: str = asked(*BY, default="")
    reason: str = asked(*REASON, default="")
    as_: Literal["case officer", "regulator"] = asked(*AS, default="case officer")


@verb(
    "catalog.rights.settle",
    summary=Text(
        "Settle a dispute: the registration stands, or it falls and ends.",
        "裁定争议: 登记维持, 或登记终止。",
    ),
    changes=True,
    roles=("case officer", "regulator"),
)
def settle(context: Context, request: SettleRequest) -> RegistrationResponse:
    from pilotbase.catalog.rights.registration import settle as settled
    from pilotbase.record.opened import open_record

    with open_record(context, create=False) as record:
        entry = settled(
            record, context, request.dispute, request.outcome, request.as_, request.by,
            request.reason,
        )  # fmt: skip
    return _shown(context, entry.body["registration"])


@dataclass(frozen=True)
class ShowRequest:
    registration: str = asked(*ID)


@verb(
    "catalog.rights.show",
    summary=Text("Show a registration and every step of it.", "显示一项登记及其各步骤。"),
    changes=False,
    roles=("public",),
)
def show(context: Context, request: ShowRequest) -> RegistrationResponse:
    return _shown(context, request.registration)


@dataclass(frozen=True)
class ListRequest:
    asset: str = asked("Only of this data set.", "仅此数据集。", default="")


@dataclass(frozen=True)
class ListResponse:
    """Registrations as ``{"registration", "asset", "right", "holder", "stage", "code",
    "disputes"}``, in the order of application; ``disputes`` counts the open ones."""

    registrations: tuple[dict[str, Any], ...]


@verb(
    "catalog.rights.list",
    summary=Text("List the registered rights and how each stands.", "列出权利登记及其状态。"),
    changes=False,
    roles=("public",),
)
def list_(context: Context, request: ListRequest) -> ListResponse:
    from pilotbase.catalog.rights.registration import rights_of, standing_of
    from pilotbase.record.opened import open_record

    with open_record(context, create=False) as record:
        state = rights_of(record)
    every = sorted(state["registrations"].values(), key=lambda one: one["history"][0]["entry"])
    return ListResponse(
        tuple(
            {
                **{word: one[word] for word in ("registration", "asset", "right", "stage", "code")},
                "holder": (one["in_force"] or one["asked"])["holder"],
                "disputes": standing_of(state, one).disputes,
            }
            for one in every
            if request.asset in ("", one["asset"])
        )
    )
