"""How runs, verdicts and plans are printed for a person."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pilotbase.desk.answers import PlanResponse, RunResponse
from pilotbase.faces.cli.show_people import beside_people, show_arms
from pilotbase.kernel.text import Language, Text

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


def show_run(console: Console, run: RunResponse, language: Language) -> None:
    """Each candidate with its criteria, and which one was chosen."""
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


VERDICT_FORMS: dict[str, Callable[[Console, Any, Language], None]] = {
    "run": show_run,
    "rehearse": show_run,
    "verdict": show_run,
    "plan": _plan,
}
