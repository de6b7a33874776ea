"""Terms of use. Heavy rooms are imported when a verb is called: see ADR 2."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pilotbase.catalog.rights import events as events
from pilotbase.catalog.rights import views as views
from pilotbase.kernel.errors import Fault
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context, asked, verb

PARTY = ("Who wants to: a party of the catalog.", "行为方: 目录中的主体。")
ACTION = ("What: an action of ODRL, e.g. use, read, distribute.", "ODRL 行为, 如 use、read。")
ASSET = ("With which asset.", "所涉资产。")
PURPOSE = ("For what purpose.", "用途。")
SPATIAL = ("Where: an ISO 3166 code, e.g. CN or CN-BJ.", "地点: ISO 3166 代码, 如 CN、CN-BJ。")
PAY = ('What is paid, e.g. "5.00 CNY".', '支付金额, 如 "5.00 CNY"。')
RECIPIENT = ("Who receives the result.", "结果接收方。")
AT = ("When, RFC 3339 (default: now).", "时间, RFC 3339 格式 (默认: 现在)。")
BY = ("The person who does this, by its id in the catalog.", "经办的自然人 (目录中的编号)。")


@dataclass(frozen=True)
class SetRequest:
    asset: str = asked(*ASSET)
    file: Path = asked("The policy: ODRL 2.2 as JSON-LD.", "策略文件: ODRL 2.2 (JSON-LD)。")
    by: str = asked(*BY, default="")


@dataclass(frozen=True)
class SetResponse:
    """The policy as it is recorded, and remarks: what is not wrong and has consequences."""

    asset: str
    policy: str
    version: str
    entry: int
    remarks: tuple[Fault, ...]

    def as_dict(self) -> dict[str, Any]:
        return {**vars(self), "remarks": [one.as_dict() for one in self.remarks]}


@verb(
    "catalog.terms.set",
    summary=Text(
        "Make a policy (ODRL 2.2) part of an asset's terms; contradictions are refused.",
        "将 ODRL 2.2 策略设为资产的使用条款; 自相矛盾的不予接受。",
    ),
    changes=True,
    roles=("data steward", "provider"),
)
def set_(context: Context, request: SetRequest) -> SetResponse:
    from pilotbase.catalog.rights.terms import set_terms
    from pilotbase.record.opened import open_record

    with open_record(context, create=False) as record:
        entry, remarks = set_terms(record, context, request.asset, request.file, request.by)
    said = entry.body
    return SetResponse(request.asset, said["policy"], said["version"], entry.index, tuple(remarks))


@dataclass(frozen=True)
class ShowRequest:
    asset: str = asked(*ASSET)
    out: Path | None = asked(
        "Write the policies here, as JSON-LD.", "将策略写入此文件 (JSON-LD)。", default=None,
        short="-o",
    )  # fmt: skip


@dataclass(frozen=True)
class ShowResponse:
    """The policies of an asset as JSON-LD with their context; how often each party exercised each
    action; and the duties that were fulfilled."""

    asset: str
    policies: tuple[dict[str, Any], ...]
    uses: dict[str, dict[str, int]]
    fulfilled: tuple[dict[str, Any], ...]
    file: Path | None


@verb(
    "catalog.terms.show",
    summary=Text(
        "Show the terms of an asset, the uses of it and the duties fulfilled.",
        "显示资产的使用条款、使用记录与已履行的义务。",
    ),
    changes=False,
    roles=("public",),
)
def show(context: Context, request: ShowRequest) -> ShowResponse:
    import json

    from pilotbase.catalog.reading import known_id
    from pilotbase.catalog.rights.terms import terms_of
    from pilotbase.kernel.home import storage_errors, write_whole
    from pilotbase.record.opened import open_record

    with open_record(context, create=False) as record:
        known_id(record, request.asset)
        said = terms_of(record).get(request.asset, {"policies": {}, "uses": {}, "fulfilled": []})
    policies = tuple(one["terms"] for _, one in sorted(said["policies"].items()))
    if request.out is not None:
        whole = policies[0] if len(policies) == 1 else list(policies)
        with storage_errors(request.out):
            write_whole(request.out, json.dumps(whole, ensure_ascii=False, indent=1).encode())
    return ShowResponse(
        request.asset, policies, said["uses"], tuple(said["fulfilled"]), request.out
    )


@dataclass(frozen=True)
class WithdrawRequest:
    asset: str = asked(*ASSET)
    policy: str = asked("The policy's uid.", "策略的 uid。")
    by: str = asked(*BY, default="")
    reason: str = asked("Why, as it is to stand in the record.", "理由, 将写入记录。", default="")


@dataclass(frozen=True)
class WithdrawResponse:
    """The policy that no longer is part of the terms, and the entry that says so."""

    asset: str
    policy: str
    entry: int


@verb(
    "catalog.terms.withdraw",
    summary=Text("Take a policy out of an asset's terms.", "从资产的使用条款中撤下一项策略。"),
    changes=True,
    roles=("data steward", "provider"),
)
def withdraw(context: Context, request: WithdrawRequest) -> WithdrawResponse:
    from pilotbase.catalog.rights.terms import withdraw as withdrawn
    from pilotbase.record.opened import open_record

    with open_record(context, create=False) as record:
        entry = withdrawn(
            record, context, request.asset, request.policy, request.by, request.reason
        )
    return WithdrawResponse(request.asset, request.policy, entry.index)


@dataclass(frozen=True)
class MayRequest:
    party: str = asked(*PARTY)
    action: str = asked(*ACTION)
    asset: str = asked(*ASSET)
    purpose: str = asked(*PURPOSE, default="")
    spatial: str = asked(*SPATIAL, default="")
    at: str = asked(*AT, default="")
    pay: str = asked(*PAY, default="")
    recipient: str = asked(*RECIPIENT, default="")


@dataclass(frozen=True)
class MayResponse:
    """The answer: ``yes``, ``duty`` (once something is done), or ``no``; exit code 0 for yes.

    ``policy`` and ``rule`` decided, ``why`` says how, ``code`` is its stable name. ``duties`` have
    to be done before it is a yes, ``owed`` bind besides, as ``{"policy", "duty", "action",
    "open"}``. ``open`` names what could not be decided, ``but`` narrower actions that stay
    prohibited.
    """

    answer: str
    code: str
    why: Text
    policy: str
    rule: str
    duties: tuple[dict[str, Any], ...]
    owed: tuple[dict[str, Any], ...]
    open: tuple[str, ...]
    but: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        return 0 if self.answer == "yes" else 3


def _facts(request: MayRequest) -> dict[str, str]:
    said = {
        "purpose": request.purpose, "spatial": request.spatial, "payAmount": request.pay,
        "recipient": request.recipient,
    }  # fmt: skip
    return {name: value for name, value in said.items() if value}


def _decision(record: Any, context: Context, request: MayRequest) -> Any:
    from pilotbase.catalog.rights.terms import decide
    from pilotbase.record.verbs.words import moment

    at = moment(request.at, context.clock)
    times = getattr(request, "times", 1)
    return decide(record, request.party, request.action, request.asset, at, _facts(request), times)


def _answer(found: Any) -> MayResponse:
    from dataclasses import asdict

    listed = {
        name: tuple(asdict(one) for one in getattr(found, name)) for name in ("duties", "owed")
    }
    return MayResponse(**{**vars(found), **listed})


@verb(
    "catalog.may",
    summary=Text(
        "Ask the terms: may a party exercise an action on an asset? Yes, no, or after a duty.",
        "询问使用条款: 某主体能否对资产实施某行为? 可以、不可以, 或须先履行义务。",
    ),
    changes=False,
    roles=("public",),
)
def may(context: Context, request: MayRequest) -> MayResponse:
    from pilotbase.record.opened import open_record

    with open_record(context, create=False) as record:
        return _answer(_decision(record, context, request))


@dataclass(frozen=True)
class UsedRequest(MayRequest):
    times: int = asked("How often.", "次数。", default=1)
    by: str = asked(*BY, default="")


@dataclass(frozen=True)
class UsedResponse:
    """The entry of the use, and what the terms said to it at that time."""

    entry: int
    decision: MayResponse

    @property
    def exit_code(self) -> int:
        return self.decision.exit_code


@verb(
    "catalog.used",
    summary=Text(
        "Record that a party exercised an action on an asset, and what the terms said to it.",
        "记录某主体对资产实施了某行为, 以及当时条款的答复。",
    ),
    changes=True,
    roles=("data steward", "provider"),
)
def used(context: Context, request: UsedRequest) -> UsedResponse:
    from pilotbase.catalog.rights.terms import known_action, use
    from pilotbase.record.opened import open_record

    with open_record(context, create=False) as record:
        found = _decision(record, context, request)
        happened = events.AssetUsed(
            request.party, known_action(request.action), request.asset, request.times,
            _facts(request), found.answer, found.rule, request.by,
        )  # fmt: skip
        entry = use(record, context, happened)
    return UsedResponse(entry.index, _answer(found))


@dataclass(frozen=True)
class FulfilRequest:
    asset: str = asked(*ASSET)
    duty: str = asked("The duty, as `catalog may` names it.", "义务编号, 见 `catalog may`。")
    party: str = asked("Who did it.", "履行方。")
    pay: str = asked(*PAY, default="")
    recipient: str = asked(*RECIPIENT, default="")
    evidence: str = asked("What shows it, in words.", "凭据说明。", default="")
    by: str = asked(*BY, default="")


@dataclass(frozen=True)
class FulfilResponse:
    """The entry, and whether the duty is met now."""

    entry: int
    duty: str
    met: bool

    @property
    def exit_code(self) -> int:
        return 0 if self.met else 3


@verb(
    "catalog.fulfil",
    summary=Text(
        "Record that a party did what a duty of the terms asks.", "记录某主体已履行条款中的义务。"
    ),
    changes=True,
    roles=("data steward", "finance"),
)
def fulfil(context: Context, request: FulfilRequest) -> FulfilResponse:
    from pilotbase.catalog.rights.terms import fulfil as fulfilled
    from pilotbase.record.opened import open_record

    facts = {"payAmount": request.pay, "recipient": request.recipient}
    with open_record(context, create=False) as record:
        entry, met = fulfilled(
            record, context, request.asset, request.duty, request.party,
            facts={name: value for name, value in facts.items() if value},
            evidence=request.evidence, person=request.by,
        )  # fmt: skip
    return FulfilResponse(entry.index, request.duty, met)
