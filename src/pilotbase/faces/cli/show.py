"""How a verb's answer reads on a terminal. Verbs without a form of their own print JSON."""

from __future__ import annotations

import json
import math
import os
import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text as RichText

from pilotbase.desk.answers import CheckResponse as ScenarioCheckResponse
from pilotbase.desk.answers import (
    ExitResponse,
    PlanResponse,
    RebuildResponse,
    ReportResponse,
    RunResponse,
    TourResponse,
    WitnessKeyResponse,
    WitnessSignResponse,
)
from pilotbase.faces.cli.show_catalog import CATALOG_FORMS
from pilotbase.faces.cli.show_catalog import word as asset_word
from pilotbase.faces.cli.show_datasets import DATASET_FORMS
from pilotbase.faces.cli.show_gateway import GATEWAY_FORMS
from pilotbase.faces.cli.show_keeping import KEEPING_FORMS
from pilotbase.faces.cli.show_match import MATCH_FORMS, show_receipts
from pilotbase.faces.cli.show_people import PEOPLE_FORMS, beside_people, show_arms
from pilotbase.faces.cli.show_provenance import PROVENANCE_FORMS
from pilotbase.faces.cli.show_record import RECORD_FORMS
from pilotbase.faces.cli.show_register import REGISTER_FORMS
from pilotbase.faces.cli.show_rights import RIGHTS_FORMS
from pilotbase.faces.cli.show_sealed import SEALED_FORMS
from pilotbase.faces.cli.show_usage import USAGE_FORMS
from pilotbase.kernel.home import default_home
from pilotbase.kernel.text import Language, Text
from pilotbase.kernel.verb import as_data
from pilotbase.scenario.decode import HIDDEN
from pilotbase.scenario.verbs import NewResponse, PacksResponse

WORDS = {
    "go": Text("go", "通过"),
    "conditional": Text("conditional", "有条件通过"),
    "no-go": Text("no-go", "不通过"),
    "insufficient": Text("insufficient", "证据不足"),
    "meets": Text("meets", "达到"),
    "fails": Text("fails", "未达到"),
    "undecided": Text("undecided", "未定"),
}
STYLES = {"go": "bold green", "meets": "green", "no-go": "bold red", "fails": "red"}
COLUMNS = (
    Text("criterion", "指标"),
    Text("measured", "测得"),
    Text("interval", "区间"),
    Text("bound", "要求"),
    Text("units", "单元"),
    Text("answer", "判定"),
)
ESTIMANDS = {
    "these cases": Text("about these cases only", "仅就这些案例而言"),
    "future cases": Text("about future cases", "就未来案例而言"),
}
WITNESS = {
    "self-attested: could have been rerun": Text(
        "self-attested: could have been rerun", "自我声明: 可能曾经重跑"
    ),
}
ACTS_FOR = Text("acting for {who}", "代表{who}")
APPROVALS = Text(
    "  Approvals (a simulated person): {granted} granted, {refused} refused; {unasked} acts tried "
    "without, and held back.",
    "  批准 (模拟人员): 准 {granted} 次, 不准 {refused} 次; 未获批准即尝试而被拦下 {unasked} 次。",
)
STAND_IN = Text("a stand-in, not a real system", "替身, 并非真实系统")
EXACT = Text("exact", "精确")
REPORTED = Text("reported by {tool}, not tried here", "由 {tool} 报告, 非本基地试验")
EXPOSED = Text(
    "  Sealed test set {set}, exposure {n} of {k}. {means}",
    "  封存测试集 {set}, 第 {n} 次使用, 许可 {k} 次。{means}",
)
UNOFFICIAL = Text(
    "UNOFFICIAL rehearsal: not in the record, proves nothing to anyone else.",
    "非正式演练: 不在记录中, 不能向他人证明任何事。",
)


class Harmless(Console):
    """A terminal that what is printed cannot steer: names of columns, files and services are
    others' words."""

    def render_str(self, text: str, **said: Any) -> RichText:
        return super().render_str(HIDDEN.sub("\N{REPLACEMENT CHARACTER}", text), **said)


def show(verb: str, response: Any, language: Language) -> None:
    """Print an answer for a person."""
    console = Harmless(highlight=False)
    form: Callable[[Console, Any, Language], None] | None = FORMS.get(verb)
    if form is None:
        console.print_json(json.dumps(as_data(response), ensure_ascii=False))
    else:
        form(console, response, language)


def word(key: str, language: Language) -> str:
    """A verdict word, coloured and in the reader's language."""
    said = WORDS[key].in_language(language)
    style = STYLES.get(key, "yellow")
    return f"[{style}]{said}[/]"


def number(value: Any) -> str:
    """Three significant places; whole counts stay whole."""
    if value is None:
        return "–"
    if isinstance(value, (list, tuple)):
        return " … ".join(number(v) for v in value)
    value = float(value)
    return f"{value:.3g}" if not value or abs(value) < 1 or math.isinf(value) else f"{value:.4g}"


def bound(criterion: dict[str, Any]) -> str:
    """The criterion's bound as it was asked for."""
    sign = {"at_least": "≥ ", "at_most": "≤ ", "between": ""}[criterion["direction"]]
    return sign + number(criterion["threshold"])


def criteria_table(candidate: dict[str, Any], language: Language) -> Table:
    """One row per criterion."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in COLUMNS:
        table.add_column(column.in_language(language), overflow="fold")
    for criterion in candidate["criteria"]:
        # An audit by lot has a process that ranges beyond 0 and 1; a share does not.
        by_lot = criterion["metric"] == "judged"
        interval = criterion["interval"]
        if by_lot and interval:
            interval = [min(1.0, max(0.0, float(end))) for end in interval]
        low, high = interval or (None, None)
        exact = EXACT.in_language(language) if low is not None and low == high else None
        table.add_row(
            escape(criterion["title"][language]),
            number(criterion["estimate"]),
            exact or number(interval),
            bound(criterion),
            str(criterion["units"]),
            word(criterion["verdict"], language),
        )
    return table


def _run(console: Console, run: RunResponse, language: Language) -> None:
    if run.unofficial:
        console.print(f"[bold yellow]{UNOFFICIAL.in_language(language)}[/]")
    console.print(f"[bold]{escape(run.title.in_language(language))}[/]")
    for candidate in run.candidates:
        said = f"{escape(candidate['title'][language])} ({escape(candidate['id'])})"
        if candidate.get("acts_for"):
            whom = ACTS_FOR.format(who=candidate["acts_for"]).in_language(language)
            said += f", {escape(whom)}"
        if candidate["stand_in"]:
            said += f" [yellow]{STAND_IN.in_language(language)}[/]"
        if candidate.get("trust") == "reported":
            grade = REPORTED.format(tool=Text(**candidate["reported_by"]))
            said += f" [yellow]{escape(grade.in_language(language))}[/]"
        reason = escape(candidate["reason"][language])
        console.print(f"\n{said}: {word(candidate['verdict'], language)}. {reason}")
        console.print(criteria_table(candidate, language))
        if candidate.get("condition"):
            console.print(escape(f"  {candidate['condition'][language]}"), soft_wrap=True)
        _beside(console, candidate, language)
    if run.arms is not None:
        show_arms(console, run.arms, language)
    _foot(console, run, language)


def _beside(console: Console, candidate: dict[str, Any], language: Language) -> None:
    """What a reader must not miss: why something is open, faults, and a budget that ran out."""
    beside_people(console, candidate, language)
    for criterion in candidate["criteria"]:
        if criterion["verdict"] == "undecided" and criterion["reason"]:
            title, reason = criterion["title"][language], criterion["reason"][language]
            console.print(escape(f"  {title}: {reason}"), soft_wrap=True)
    kept = candidate["beside"].get("sealed")
    if kept:
        told = EXPOSED.format(
            set=kept["set"], n=kept["exposure"], k=kept["exposures"], means=Text(**kept["means"])
        )
        console.print(escape(told.in_language(language)), soft_wrap=True)
    acting = candidate["beside"].get("acting")
    if acting:
        asked = acting["approvals_by_a_simulated_person"]
        unasked = asked["tried_without_asking"] + asked["tried_against_a_refusal"]
        told = APPROVALS.format(granted=asked["granted"], refused=asked["refused"], unasked=unasked)
        console.print(told.in_language(language), soft_wrap=True)
    cut = candidate["beside"].get("cut")
    if cut:
        said = Text(
            "  The budget ran out ({cut}); what was not asked stays open.",
            "  预算用尽 ({cut}); 未询问的部分仍未定。",
        ).format(cut=cut)
        console.print(f"[yellow]{said.in_language(language)}[/]", soft_wrap=True)
    problems = candidate["problems"]
    if problems and not cut:
        wrong = Text("  Faulty answers, e.g. {case}: {what}", "  出错的回答, 如 {case}: {what}")
        shown = wrong.format(case=problems[0]["case"], what=problems[0]["what"])
        console.print(escape(shown.in_language(language)), soft_wrap=True)


def _foot(console: Console, run: RunResponse, language: Language) -> None:
    chosen = Text("Chosen: {id}", "选定: {id}") if run.chosen else Text("Chosen: none", "选定: 无")
    console.print(escape(chosen.format(id=run.chosen).in_language(language)))
    witness = WITNESS.get(run.plan["witness"])
    attested = witness.in_language(language) if witness else run.plan["witness"]
    estimand = ESTIMANDS[run.estimand].in_language(language)
    console.print(f"[dim]{estimand} · {escape(attested)} · {run.plan['hash']}[/]", soft_wrap=True)
    if run.report:
        said = Text("Report: {path}", "报告: {path}").format(path=run.report)
        console.print(escape(said.in_language(language)), soft_wrap=True)


def _tour(console: Console, tour: TourResponse, language: Language) -> None:
    _summary(console, tour.runs, language)
    for matching in tour.matchings:
        show_receipts(console, matching, language)
    if tour.assets:
        counted = ", ".join(f"{asset_word(kind, language)} {n}" for kind, n in tour.assets.items())
        held = Text("In the catalog: {counted}", "目录现有: {counted}").format(counted=counted)
        console.print(held.in_language(language), soft_wrap=True)
    if tour.measured:
        told = Text(
            "Data measured (quality of 100) and described as Croissant: {sets}",
            "已测量 (质量, 满分 100) 并以 Croissant 描述的数据: {sets}",
        ).format(sets=", ".join(f"{id_} {score:g}" for id_, score in tour.measured.items()))
        console.print(escape(told.in_language(language)), soft_wrap=True)
    filed = Text("Filed, and to be served: {ids}", "已备案, 可提供服务: {ids}")
    if tour.filings:
        ids = ", ".join(tour.filings)
        console.print(escape(filed.format(ids=ids).in_language(language)), soft_wrap=True)
    said = Text("Reports, one HTML file each: {path}", "报告 (每个场景一个 HTML 文件): {path}")
    console.print(escape(said.format(path=tour.reports).in_language(language)), soft_wrap=True)
    console.print(Text("Next, you could type:", "接下来可以键入:").in_language(language))
    home = tour.reports.parent
    where = "" if home == default_home() else f" --home {shlex.quote(str(home))}"
    places = ("verdict", "record", "catalog")
    typed = [
        f"{program()} {command}{where if command.startswith(places) else ''}" for command, _ in NEXT
    ]
    for words, (_, why) in zip(typed, NEXT, strict=True):
        padded = f"{words:<{max(map(len, typed))}}"
        console.print(f"  {padded}  [dim]{why.in_language(language)}[/]", soft_wrap=True)


def program() -> str:
    """How to call this program from here: by name where the shell finds it, else by path."""
    if shutil.which("pilotbase"):
        return "pilotbase"
    return min(os.path.relpath(sys.argv[0]), os.path.abspath(sys.argv[0]), key=len)


NEXT = (
    (
        "verdict follow-up-triage",
        Text("every criterion of one scenario", "查看一个场景的各项指标"),
    ),
    ("up", Text("serve what is filed, with a key and lines to copy", "提供已备案的服务")),
    ("record verify", Text("check the whole record", "核验全部记录")),
    (
        "catalog lineage follow-up-triage-logit-1 -o lineage",
        Text("where a filed service comes from, drawn", "图示一项已备案服务的来源"),
    ),
    ("packs", Text("the scenario files, to copy from", "场景文件, 可供仿写")),
    ("scenario new my-scenario.yaml", Text("begin one of your own", "新建自己的场景")),
)


def _summary(console: Console, runs: Sequence[RunResponse], language: Language) -> None:
    """A line a scenario and a line a candidate: ★ for the one that is chosen."""
    widest = max(len(c["id"]) for run in runs for c in run.candidates)
    for run in sorted(runs, key=lambda run: run.item):
        title = escape(run.title.in_language(language))
        console.print(f"\n[bold]{run.item}  {title}[/]", soft_wrap=True)
        for candidate in run.candidates:
            star = "★" if candidate["id"] == run.chosen else " "
            name = escape(f"{candidate['id']:<{widest}}")
            verdict = word(candidate["verdict"], language)
            counts = _counts(candidate, language)
            console.print(f"  {star} {name}  {verdict}: {counts}", soft_wrap=True)
    said = Text("★ chosen by the plan's rule", "★ 按计划规则选定")
    console.print(f"\n[dim]{said.in_language(language)}[/]")


def _counts(candidate: dict[str, Any], language: Language) -> str:
    found = Counter(c["verdict"] for c in candidate["criteria"])
    return ", ".join(f"{word(v, language)} {found[v]}" for v in WORDS if found[v])


def _plan(console: Console, plan: PlanResponse, language: Language) -> None:
    heads = [
        Text("criterion", "指标"),
        Text("true quality", "真实水平"),
        Text("P(meets)", "判达到概率"),
        Text("P(fails)", "判未达到概率"),
        Text("P(undecided)", "未定概率"),
        Text("units", "单元"),
    ]
    table = Table(
        title=Text("Odds before the start", "试验前的可能性").in_language(language),
        title_justify="left",
    )
    for head in heads:
        table.add_column(head.in_language(language))
    for odds in plan.plan["odds"]:
        for i, row in enumerate(odds["table"]):
            shown = [number(row[k]) for k in ("quality", "meets", "fails", "undecided", "units")]
            table.add_row(f"{odds['name'][language]} ({odds['method']})" if i == 0 else "", *shown)
    console.print(table)
    for odds in plan.plan["odds"]:
        if odds["note"]:
            unknown = f"{odds['name'][language]}: {odds['note'][language]}"
            console.print(escape(unknown), soft_wrap=True)
    for leak in plan.plan["leaks"]:
        console.print("• " + escape(leak["text"][language]))
    console.print(f"{plan.hash}\n{escape(plan.witness)}")
    said = Text("Earlier plans on the same data: {n}", "同一数据上此前的计划数: {n}")
    console.print(said.format(n=plan.earlier_plans).in_language(language))


def _report(console: Console, report: ReportResponse, language: Language) -> None:
    console.print(str(report.html), soft_wrap=True, markup=False)
    console.print(str(report.json), soft_wrap=True, markup=False)


def _exit(console: Console, found: ExitResponse, language: Language) -> None:
    said = Text(
        "Pilot {run} has exited: its report is recorded in entry {entry}, {report}.",
        "试点 {run} 已退出: 其报告记录于第 {entry} 条, {report}。",
    ).format(run=found.run, entry=found.entry, report=found.report)
    console.print(said.in_language(language), markup=False, soft_wrap=True)


def _check(console: Console, check: ScenarioCheckResponse, language: Language) -> None:
    for fault in check.faults:
        console.print(fault.render(language, str(check.file)), markup=False, soft_wrap=True)
    for remark in check.remarks:
        said = remark.render(language, str(check.file))
        console.print("• " + said, markup=False, soft_wrap=True)
    if not check.faults:
        good = Text("{file} is good: {rows} rows of data.", "{file} 无误: 共 {rows} 行数据。")
        said = good.format(file=check.file, rows=check.rows).in_language(language)
        console.print(said, markup=False, soft_wrap=True)


def _packs(console: Console, found: PacksResponse, language: Language) -> None:
    exercise = Text("exercise", "练习").in_language(language)
    for pack in found.packs:
        console.print(f"[bold]{escape(pack.name)}[/] {escape(str(pack.folder))}", soft_wrap=True)
        for one in pack.files:
            mark = f" ({exercise})" if one.exercise else ""
            title = escape(one.title.in_language(language))
            console.print(
                f"  {one.item}  {title}{mark}\n        [dim]{escape(str(one.file))}[/]",
                soft_wrap=True,
            )


def _new(console: Console, found: NewResponse, language: Language) -> None:
    console.print(str(found.file), markup=False, soft_wrap=True)
    console.print(found.next.in_language(language), markup=False, soft_wrap=True)


def _witness_key(console: Console, found: WitnessKeyResponse, language: Language) -> None:
    said = Text(
        "The private key lies in {file}; keep it. For scenario files (plan.witness):",
        "私钥在 {file}, 请妥善保管。供场景文件使用 (plan.witness):",
    )
    console.print(said.format(file=found.key_file).in_language(language), markup=False)
    console.print(found.vkey, markup=False, soft_wrap=True)


def _witness_sign(console: Console, found: WitnessSignResponse, language: Language) -> None:
    console.print(str(found.file) if found.file else found.receipt, markup=False, soft_wrap=True)


def _rebuild(console: Console, found: RebuildResponse, language: Language) -> None:
    words = {
        True: Text("the same bytes", "逐字节相同"),
        False: Text("DIFFERENT bytes; written anew", "字节不同; 已重写"),
        None: Text("was missing; written anew", "原先缺失; 已重写"),
    }
    for name, same in found.views.items():
        console.print(f"{name}: {words[same].in_language(language)}", markup=False)


FORMS: dict[str, Callable[[Console, Any, Language], None]] = {
    "run": _run,
    "rehearse": _run,
    "verdict": _run,
    "tour": _tour,
    "plan": _plan,
    "report": _report,
    "exit": _exit,
    "scenario.check": _check,
    "scenario.new": _new,
    "packs": _packs,
    **PEOPLE_FORMS,
    **MATCH_FORMS,
    **RECORD_FORMS,
    **SEALED_FORMS,
    **KEEPING_FORMS,
    **CATALOG_FORMS,
    **DATASET_FORMS,
    **RIGHTS_FORMS,
    **PROVENANCE_FORMS,
    **REGISTER_FORMS,
    **GATEWAY_FORMS,
    **USAGE_FORMS,
    "rebuild": _rebuild,
    "witness.key": _witness_key,
    "witness.sign": _witness_sign,
}
