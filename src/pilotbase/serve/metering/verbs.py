"""What one can ask of metering. Heavy rooms are imported when a verb is called: see ADR 2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context, asked, verb
from pilotbase.serve.metering import events as events
from pilotbase.serve.metering import views as views

if TYPE_CHECKING:
    from pilotbase.serve.metering.asking import Asked

PERSON = ("The person of the catalog who says so.", "作出决定的自然人 (目录编号)。")
REASON = ("Why, as it is to stand in the record.", "理由, 将写入记录。")
SINCE = ("Only calls from this moment on, RFC 3339.", "仅限此时刻起的调用, RFC 3339。")
UNTIL = ("Only calls before this moment.", "仅限此时刻之前的调用。")
By = Literal["party", "service", "key", "day", "call", "upstream"]


@dataclass(frozen=True)
class UsageRequest:
    by: By = asked("What to sum up by.", "汇总方式。", default="service")
    call: str = asked("Only the call of this usage id.", "仅限此用量编号的调用。", default="")
    since: str = asked(*SINCE, default="")
    until: str = asked(*UNTIL, default="")
    focus: Path | None = asked(
        "Also write it to this file as CSV in the columns of FOCUS 1.2.",
        "另按 FOCUS 1.2 的列写入此 CSV 文件。",
        default=None,
    )


@dataclass(frozen=True)
class UsageResponse:
    """What was used and what it comes to.

    Attributes:
        by: what it is summed up by. rows: of each ``{<by>, "calls", "unsettled", "input_tokens",
            "output_tokens", "cases", "charged", "of_it_unsettled"}``; amounts are exact; with
            ``by`` call also ``"outcome"``.
        focus: the file that was written, how many rows it has, and whether an earlier one of the
            kind was there.
    """

    by: str
    rows: tuple[dict[str, Any], ...]
    focus: str
    focus_rows: int
    focus_replaced: bool = False


@verb(
    "gateway.usage",
    summary=Text(
        "What was used and what it comes to, by party, service, key, day or call.",
        "用量与费用, 按主体、服务、密钥、日期或单次调用汇总。",
    ),
    changes=False,
    roles=("finance", "provider", "scenario owner", "regulator"),
)
def usage(context: Context, request: UsageRequest) -> UsageResponse:
    from pilotbase.record.opened import open_record
    from pilotbase.register.filings import filings
    from pilotbase.serve.metering import asking
    from pilotbase.serve.metering.usage import usage_of

    written, replaced, meant = 0, False, _meant(request)
    if request.focus is not None:
        replaced = asking.is_ours(request.focus)
    anew = request.focus is not None  # a bill is made from the journals, and from nothing kept
    with open_record(context, create=False) as record, usage_of(record, anew=anew) as used:
        rows = tuple(asking.sums(used, request.by, meant))
        if request.focus is not None:
            publishers = {id_: said["principal"] for id_, said in filings(record).items()}
            provider = record.verifier.name
            found = asking.focus_rows(used, meant, provider, publishers)
            written = asking.write_focus(found, request.focus)
    return UsageResponse(request.by, rows, str(request.focus or ""), written, replaced)


def _meant(request: UsageRequest) -> Asked:
    from pilotbase.kernel.errors import InputError
    from pilotbase.kernel.time import parse
    from pilotbase.serve.metering.asking import Asked

    moments = dict[str, int]()
    for name, text in (("--since", request.since), ("--until", request.until)):
        try:
            moments[name] = int(parse(text).timestamp() * 1000) if text else 0
        except ValueError as error:
            raise InputError(
                "serve.no_moment",
                Text(f"{text!r} is no moment", f"{text!r} 不是有效时刻"),
                where=name,
                next_step=Text("Write 2026-12-01T00:00:00Z.", "请写 2026-12-01T00:00:00Z。"),
            ) from error
    return Asked(request.call, moments["--since"], moments["--until"])


@dataclass(frozen=True)
class LimitRequest:
    account: str = asked(
        "key:ID, party:ID, mandate:ID (a delegation) or service:NAME.",
        "key:编号、party:编号、mandate:编号 (委托) 或 service:名称。",
    )
    per: str = asked(
        "The window: PT1M, PT1H, P1D and the like, P1M (calendar month), or total: all from when "
        "it is set on, which it is where left out.",
        "周期: PT1M、PT1H、P1D 等, P1M (自然月), 或 total: 自设定之时起的总额, 省略时即为此项。",
        default="total",
    )
    requests: int | None = asked(
        "At most so many calls; 0 lets nothing more in.",
        "最多调用次数; 0 表示不再受理。",
        default=None,
    )
    tokens: int | None = asked("At most so many tokens.", "最多词元数。", default=None)
    money: str | None = asked('At most so much, like "100.00 CNY".',
                              '最高金额, 形如 "100.00 CNY"。', default=None)  # fmt: skip
    lift: str = asked(
        "Lift these alone: requests, tokens, money, with commas between.",
        "仅取消这些限额: requests、tokens、money, 以逗号分隔。",
        default="",
    )
    as_: str = asked(*PERSON, default="")
    reason: str = asked(*REASON, default="")


@dataclass(frozen=True)
class LimitResponse:
    """The limit as recorded; where all three amounts are None, that of the window is lifted.

    Attributes:
        in_force: of each window of the account what holds now, ``{"per", "requests", "tokens",
            "money"}``. remarks: of what is no fault, both languages.
    """

    account: str
    per: str
    requests: int | None
    tokens: int | None
    money: str | None
    entry: int
    in_force: tuple[dict[str, Any], ...]
    remarks: tuple[dict[str, str], ...]


@verb(
    "gateway.limit",
    summary=Text(
        "Limit what an account may use in a window; only what is named changes. Without an amount, "
        "lift all limits of that window.",
        "设定账户在一个周期内的限额, 仅更改所写明的项; 不给数额则取消该周期的全部限额。",
    ),
    changes=True,
    roles=("finance",),
)
def limit(context: Context, request: LimitRequest) -> LimitResponse:
    from pilotbase.record.opened import open_record
    from pilotbase.serve.metering.events import Limited
    from pilotbase.serve.metering.limits import limits_on, remarks, set_limit

    amounts = request.requests, request.tokens, request.money
    said = Limited(request.account, request.per, *amounts, request.as_, request.reason)
    with open_record(context, create=False) as record:
        entry = set_limit(record, said, request.lift)
        body, hold = entry.body, tuple(limits_on(record, request.account))
        told = tuple(one.as_dict() for one in remarks(record, body))
    found = body["requests"], body["tokens"], body["money"]
    return LimitResponse(request.account, request.per, *found, entry.index, hold, told)


@dataclass(frozen=True)
class LimitsRequest:
    pass


@dataclass(frozen=True)
class LimitsResponse:
    """Limits as ``{"account", "per", "most", "used_or_held", "since", "by", "at", "reason",
    "journals_say"}``. ``since``: from when it counts, and ``at`` when it was last changed; the last
    is null, or how the ledger differs from the journals."""

    limits: tuple[dict[str, Any], ...]


@verb(
    "gateway.limits",
    summary=Text(
        "The limits in force, and how much of each is used.", "现行限额及各自已用的数额。"
    ),
    changes=False,
    roles=("finance", "provider", "scenario owner", "regulator"),
)
def limits(context: Context, request: LimitsRequest) -> LimitsResponse:
    from pilotbase.record.opened import open_record
    from pilotbase.serve.metering.limits import in_force

    with open_record(context, create=False) as record:
        return LimitsResponse(tuple(in_force(record)))


@dataclass(frozen=True)
class ReconcileRequest:
    charge: Literal["", "reserved", "nothing"] = asked(
        "What the unsettled calls come to; left out, they are only listed and stay charged.",
        "未结算调用的处理: reserved 按预留额, nothing 不收费; 省略则仅列出, 仍按预留额计费。",
        default="",
    )
    call: str = asked("Only the call of this usage id.", "仅限此用量编号的调用。", default="")
    accept_damage: bool = asked(
        "Give up damaged records that are not sealed, and all that follow on them in their journal;"
        " they are kept beside it (.cut). Only where there is no backup to put back.",
        "放弃未封存的受损记录及该日志中其后的全部记录, 另存于旁 (.cut)。仅限没有备份可恢复时。",
        default=False,
    )
    as_: str = asked(*PERSON, default="")
    reason: str = asked(*REASON, default="")


@dataclass(frozen=True)
class ReconcileResponse:
    """What was found after gateways were killed.

    Attributes:
        completed: gateway processes whose journals were completed now.
        calls: unsettled calls, or those reconciled now, as ``{"usage_id", "at", "key", "holder",
            "service", "reserved", "charged"}``.
        going: calls that wait for a person and are settled then, as ``{"usage_id", "said"}``: what
            was decided of one that nobody has taken up yet, else null.
        given_up: by journal, how many damaged records were given up at least.
    """

    completed: tuple[str, ...]
    calls: tuple[dict[str, Any], ...]
    going: tuple[dict[str, Any], ...] = ()
    given_up: dict[str, int] = field(default_factory=dict)


@verb(
    "gateway.reconcile",
    summary=Text(
        "Complete the journals of gateways that were killed, and say what unsettled calls come to.",
        "补全被强制终止的网关的用量日志, 并确定未结算调用的费用。",
    ),
    changes=True,
    roles=("finance",),
)
def reconcile(context: Context, request: ReconcileRequest) -> ReconcileResponse:
    from pilotbase.record.opened import open_record
    from pilotbase.serve.metering.deciding import conduct

    with open_record(context, create=False) as record:
        return ReconcileResponse(
            *conduct(
                record, request.charge, request.call, request.as_, request.reason,
                request.accept_damage,
            )
        )  # fmt: skip


@dataclass(frozen=True)
class VerifyRequest:
    pass


@dataclass(frozen=True)
class VerifyResponse:
    """Whether the usage journals are what the record says.

    Attributes:
        ok: nothing is wrong. partial: something is missing from the numbers, or may be.
        sums: what was settled comes to, by currency. decided: what people said that calls come to
            which a crash left unsettled. reserved: what is charged of those that nobody has decided
            yet, and of those under way. All three together are what `gateway.usage` says.
        proven: the record's entries about journals that are in its tree. signed: of how many of
            the record's entries the newest checkpoint is. unsigned: the entries about journals that
            come after it, and are under no signature yet.
        elsewhere: journals that lie on another machine.
        findings: of each fault ``{"gateway", "segment", "record", "offset", "message"}``, the first
            bad record of a segment; record and offset are null where it concerns the whole segment,
            segment too where it concerns the journal or the record.
    """

    ok: bool
    journals: int
    segments: int
    sealed: int
    records: int
    calls: int
    settled: int
    sums: dict[str, str]
    decided: dict[str, str]
    reserved: dict[str, str]
    partial: bool
    proven: int
    signed: int
    unsigned: tuple[int, ...]
    elsewhere: tuple[str, ...]
    findings: tuple[dict[str, Any], ...]

    @property
    def exit_code(self) -> int:
        return 0 if self.ok else 3


@verb(
    "gateway.verify",
    summary=Text(
        "Check the usage journals against themselves and the record; name the first bad record.",
        "核验用量日志自身及其与记录是否一致, 并指出首条有误的记录。",
    ),
    changes=False,
    roles=("finance", "provider", "scenario owner", "regulator", "public"),
)
def verify(context: Context, request: VerifyRequest) -> VerifyResponse:
    from pilotbase.record.opened import open_record
    from pilotbase.serve.metering.verifying import verify as verified

    with open_record(context, create=False) as record:
        found = verified(record, claims=True)
    faults = tuple(
        {
            "gateway": one.gateway,
            "segment": one.number,
            "record": one.at,
            "offset": one.offset,
            "message": one.message.as_dict(),
        }
        for one in found.findings
    )
    sums = _amounts(found.sums), _amounts(found.decided), _amounts(found.reserved)
    return VerifyResponse(
        found.ok, found.journals, found.segments, found.sealed, found.records, found.intents,
        found.settled, *sums, found.partial, found.proven, found.signed, tuple(found.unsigned),
        tuple(found.elsewhere), faults,
    )  # fmt: skip


def _amounts(sums: Mapping[str, int]) -> dict[str, str]:
    from pilotbase.serve.rules.budget import shown

    return {currency: shown(nano, currency) for currency, nano in sorted(sums.items())}
