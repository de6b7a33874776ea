"""What one can ask of the desk. Heavy rooms are imported when a verb is called: see ADR 2."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

# Declares the terms, duties and views that the record's verbs go by.
from pilotbase.desk import events as events
from pilotbase.desk import views as views
from pilotbase.desk.answers import (
    ArmsResponse,
    CheckResponse,
    ExitResponse,
    ExportResponse,
    PlanResponse,
    RateResponse,
    RatingsResponse,
    RebuildResponse,
    ReportResponse,
    RunResponse,
    TourResponse,
    WitnessKeyResponse,
    WitnessSignResponse,
)
from pilotbase.kernel.errors import ScenarioError
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context, asked, verb

FILE = ("The scenario file.", "场景文件。")
TRUST = (
    "Run code that the file names and no installed package declares.",
    "允许运行文件中点名、但并非由已安装软件包声明的代码。",
)
RUN = ("Run id (its beginning is enough) or scenario id.", "试验编号 (可只写开头) 或场景编号。")


@dataclass(frozen=True)
class RunRequest:
    file: Path = asked(*FILE)
    receipt: Path | None = asked(
        "The witness's signed receipt of the plan.", "见证人签名的计划回执。", default=None
    )
    trust: bool = asked(*TRUST, default=False)


@verb(
    "run",
    summary=Text(
        "Plan, try and judge a scenario's candidates, up to the signed verdict.",
        "对场景的候选方案制定计划、开展试验并评判, 直至签名结论。",
    ),
    changes=True,
    roles=("case officer", "evaluator", "verdict panel", "signatory"),
)
def run(context: Context, request: RunRequest) -> RunResponse:
    from pilotbase.desk.conduct import conduct

    return conduct(context, request.file, receipt=request.receipt, trust=request.trust)


@dataclass(frozen=True)
class PlanRequest:
    file: Path = asked(*FILE)
    out: Path | None = asked(
        "Write the signed plan here, for the witness.",
        "将签名的计划写入此文件, 交见证人。",
        default=None,
        short="-o",
    )
    trust: bool = asked(*TRUST, default=False)


@verb(
    "plan",
    summary=Text(
        "Freeze and sign criteria, order and data; print the odds. Nothing is tried.",
        "固定并签署指标、次序与数据, 给出各种结论的可能性; 不进行试验。",
    ),
    changes=True,
    roles=("scenario owner", "provider", "case officer"),
)
def plan(context: Context, request: PlanRequest) -> PlanResponse:
    from pilotbase.desk.conduct import freeze

    return freeze(context, request.file, out=request.out, trust=request.trust)


@dataclass(frozen=True)
class RehearseRequest:
    file: Path = asked(*FILE)
    candidate: str | None = asked("Only this candidate.", "仅此候选方案。", default=None)
    trust: bool = asked(*TRUST, default=False)


@verb(
    "rehearse",
    summary=Text(
        "A provider's private dry run: unofficial, nothing enters the record.",
        "供给方私下演练: 非正式, 不进入记录。",
    ),
    changes=False,
    roles=("provider",),
)
def rehearse(context: Context, request: RehearseRequest) -> RunResponse:
    from pilotbase.desk.rehearsal import rehearse as rehearse_

    return rehearse_(context, request.file, candidate=request.candidate, trust=request.trust)


@dataclass(frozen=True)
class VerdictRequest:
    run: str = asked(*RUN)


@verb(
    "verdict",
    summary=Text("Show the recorded verdict of a run.", "显示已记录的试验结论。"),
    changes=False,
    roles=("public",),
)
def verdict(context: Context, request: VerdictRequest) -> RunResponse:
    from pilotbase.desk.recorded import recorded_verdict

    return recorded_verdict(context, request.run)


@dataclass(frozen=True)
class ReportRequest:
    run: str = asked(*RUN)
    out: Path | None = asked(
        "Where to write the HTML file; its .json twin lies beside it.",
        "HTML 文件的位置; 同名 .json 文件在其旁。",
        default=None,
        short="-o",
    )


@verb(
    "report",
    summary=Text(
        "Write the report of a run: one HTML file that verifies itself, and JSON.",
        "生成试验报告: 一个能自我核验的 HTML 文件, 及 JSON。",
    ),
    changes=False,
    roles=("public",),
)
def report(context: Context, request: ReportRequest) -> ReportResponse:
    from pilotbase.desk.reporting import write_report

    return write_report(context, request.run, request.out)


@dataclass(frozen=True)
class ExportRequest:
    run: str = asked(*RUN)
    as_: str = asked(
        "in-toto: a signed attestation; inspect: a log that Inspect reads.",
        "in-toto: 签名的声明; inspect: Inspect 可读取的日志。",
        default="in-toto",
    )
    candidate: str = asked(
        "The candidate's id; may be left out where there is one or one was chosen.",
        "候选方案编号; 只有一个或已选定时可省略。",
        default="",
    )
    out: Path | None = asked("Write it here.", "写入此文件。", default=None, short="-o")


@verb(
    "evidence.export",
    summary=Text(
        "Write the evidence on a candidate in a format of other tools.",
        "以其他工具的格式导出某一候选方案的证据。",
    ),
    changes=False,
    roles=("public",),
)
def evidence_export(context: Context, request: ExportRequest) -> ExportResponse:
    from pilotbase.desk.exporting import export

    return export(
        context, request.run, as_=request.as_, candidate=request.candidate, out=request.out
    )


@dataclass(frozen=True)
class ExitRequest:
    run: str = asked(*RUN)
    report: Path = asked("The exit report, any file.", "退出报告, 任意文件。")


@verb(
    "exit",
    summary=Text(
        "End a pilot with its exit report, which is due two months after a verdict of no-go or "
        "insufficient.",
        "以退出报告结束试点; 不通过或证据不足的, 须在两个月内提交。",
    ),
    changes=True,
    roles=("case officer",),
)
def leave(context: Context, request: ExitRequest) -> ExitResponse:
    from pilotbase.desk.exiting import leave as recorded

    return recorded(context, request.run, request.report)


@dataclass(frozen=True)
class RateRequest:
    run: str = asked(*RUN)
    as_: str = asked(
        "Your name as a rater; choose a pseudonym.", "评分人名称, 请用化名。", default=""
    )
    answers: Path | None = asked(
        "Record the ratings of this file: CSV with item, mark, why, or a JSON list.",
        "记录此文件中的评分: 含 item, mark, why 的 CSV, 或 JSON 列表。",
        default=None,
    )
    page: bool = asked(
        "Rate on a page in the browser of this machine; ends with Ctrl-C.",
        "在本机浏览器页面中评分; 按 Ctrl-C 结束。",
        default=False,
    )


@verb(
    "rate",
    summary=Text(
        "Rate answers that wait for a person: blind, in a terminal, a page or a file.",
        "为等待人工的回答评分: 盲评, 可用终端、页面或文件。",
    ),
    changes=True,
    roles=("evaluator",),
)
def rate(context: Context, request: RateRequest) -> RateResponse:
    from pilotbase.desk.rating import rate as rate_

    return rate_(context, request.run, request.as_, request.answers)


@dataclass(frozen=True)
class RatingsRequest:
    run: str = asked(*RUN)


@verb(
    "ratings",
    summary=Text(
        "How far the raters of a run agree; for the evaluator.",
        "某次试验的评分一致程度; 供评估人查看。",
    ),
    changes=False,
    roles=("evaluator",),
)
def ratings(context: Context, request: RatingsRequest) -> RatingsResponse:
    from pilotbase.desk.rating import ratings as ratings_

    return ratings_(context, request.run)


@dataclass(frozen=True)
class ArmsRequest:
    file: Path = asked(*FILE)
    trust: bool = asked(*TRUST, default=False)


@verb(
    "arms",
    summary=Text(
        "Person, AI, and the two together: who is right when, from a scenario's decisions.",
        "人、AI 与人机协同: 由场景的决策数据比较何者更准。",
    ),
    changes=False,
    roles=("scenario owner",),
)
def arms(context: Context, request: ArmsRequest) -> ArmsResponse:
    from pilotbase.desk.arms import arms as arms_

    return arms_(context, request.file, trust=request.trust)


@dataclass(frozen=True)
class TourRequest:
    pass


@verb(
    "tour",
    summary=Text(
        "Run every built-in scenario and write all reports.", "运行全部内置场景并生成报告。"
    ),
    changes=True,
    roles=("programme office",),
)
def tour(context: Context, request: TourRequest) -> TourResponse:
    from pilotbase.desk.tour import run_packs

    return run_packs(context)


@dataclass(frozen=True)
class CheckRequest:
    file: Path = asked(*FILE)
    trust: bool = asked(*TRUST, default=False)


@verb(
    "scenario.check",
    summary=Text(
        "Check a scenario file and its data; name all faults at once.",
        "检查场景文件及其数据, 一次列出所有错误。",
    ),
    changes=False,
    roles=("scenario owner",),
)
def scenario_check(context: Context, request: CheckRequest) -> CheckResponse:
    from pilotbase.catalog.check import data_remarks
    from pilotbase.catalog.rights.trials import terms_remarks
    from pilotbase.catalog.sealed.keeping import opener
    from pilotbase.desk.prepare import check, ready, unanswered

    try:
        checked = check(request.file, trust=request.trust, sealed=opener(context))
        leaks = unanswered(ready(checked))
        if leaks is not None:
            raise leaks
    except ScenarioError as error:
        return CheckResponse(request.file, error.faults, (), 0)
    table = checked.table
    remarks = [] if table.sealed else list(data_remarks(checked.file, table))
    remarks += terms_remarks(context, checked.file, table)
    return CheckResponse(request.file, (), tuple(remarks), table.rows)


@dataclass(frozen=True)
class RebuildRequest:
    pass


@verb(
    "rebuild",
    summary=Text(
        "Make all views again from the record and compare the bytes.",
        "由记录重建全部视图并逐字节比对。",
    ),
    changes=True,
    roles=("case officer",),
)
def rebuild(context: Context, request: RebuildRequest) -> RebuildResponse:
    from pilotbase.desk.recorded import rebuild_views

    return RebuildResponse(rebuild_views(context))


@dataclass(frozen=True)
class WitnessKeyRequest:
    name: str = asked("The witness's name, without spaces.", "见证人名称, 不含空格。")
    out: Path | None = asked(
        "Write the private key here (a new file).", "将私钥写入此新文件。", default=None, short="-o"
    )


@verb(
    "witness.key",
    summary=Text("Make a witness's key pair.", "生成见证人的密钥对。"),
    changes=True,
    roles=("regulator",),
)
def witness_key(context: Context, request: WitnessKeyRequest) -> WitnessKeyResponse:
    from pilotbase.desk.witness import make_key

    file = request.out or Path(f"{request.name}.key")
    return WitnessKeyResponse(file, make_key(request.name, file, context.entropy))


@dataclass(frozen=True)
class WitnessSignRequest:
    plan: Path = asked("The signed plan, from `pilotbase plan -o`.", "已签名的计划文件。")
    key: Path = asked("The witness's private key file.", "见证人的私钥文件。")
    out: Path | None = asked(
        "Write the receipt here.", "将回执写入此文件。", default=None, short="-o"
    )


@verb(
    "witness.sign",
    summary=Text(
        "Sign a plan before its start; the signature fixes the order of the cases.",
        "在试验开始前为计划签名; 该签名决定案例的次序。",
    ),
    changes=True,
    roles=("regulator",),
)
def witness_sign(context: Context, request: WitnessSignRequest) -> WitnessSignResponse:
    from pilotbase.desk.witness import sign_plan

    return WitnessSignResponse(sign_plan(request.plan, request.key, request.out), request.out)
