"""How a verb's answer reads on a terminal. Verbs without a form of their own print JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pilotbase.desk.verbs import (
    CheckResponse,
    PlanResponse,
    ReportResponse,
    RunResponse,
    TourResponse,
)
from pilotbase.kernel.text import Language, Text
from pilotbase.kernel.verb import as_data

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
    Text("candidate", "候选方案"),
    Text("criterion", "指标"),
    Text("measured", "测得"),
    Text("interval", "区间"),
    Text("bound", "要求"),
    Text("units", "单元"),
    Text("answer", "判定"),
)
UNOFFICIAL = Text(
    "UNOFFICIAL rehearsal: not in the record, proves nothing to anyone else.",
    "非正式演练: 不在记录中, 不能向他人证明任何事。",
)


def show(verb: str, response: Any, language: Language) -> None:
    """Print an answer for a person."""
    console = Console(highlight=False)
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


def run_table(run: RunResponse, language: Language) -> Table:
    """One row per candidate and criterion."""
    table = Table(title=escape(run.title.in_language(language)), title_justify="left")
    for column in COLUMNS:
        table.add_column(column.in_language(language), overflow="fold")
    for candidate in run.candidates:
        _candidate_rows(table, candidate, language)
    return table


def _candidate_rows(table: Table, candidate: dict[str, Any], language: Language) -> None:
    name = escape(candidate["id"])
    if candidate.get("stand_in"):
        name += " " + Text("(a stand-in)", "(替身)").in_language(language)
    for i, criterion in enumerate(candidate["criteria"]):
        table.add_row(
            name + "\n" + word(candidate["verdict"], language) if i == 0 else "",
            escape(criterion["title"][language]),
            number(criterion["estimate"]),
            number(criterion["interval"]),
            bound(criterion),
            str(criterion["units"]),
            word(criterion["verdict"], language),
            end_section=i == len(candidate["criteria"]) - 1,
        )


def _run(console: Console, run: RunResponse, language: Language) -> None:
    if run.unofficial:
        console.print(f"[bold yellow]{UNOFFICIAL.in_language(language)}[/]")
    console.print(run_table(run, language))
    for candidate in run.candidates:
        reason = escape(candidate["reason"][language])
        console.print(
            f"{escape(candidate['id'])}: {word(candidate['verdict'], language)}. {reason}"
        )
    chosen = Text("Chosen: {id}", "选定: {id}") if run.chosen else Text("Chosen: none", "选定: 无")
    console.print(chosen.format(id=run.chosen).in_language(language))
    console.print(f"[dim]{run.estimand} · {run.plan['witness']} · {run.plan['hash']}[/]")
    if run.report:
        said = Text("Report: {path}", "报告: {path}").format(path=run.report)
        console.print(escape(said.in_language(language)), soft_wrap=True)


def _tour(console: Console, tour: TourResponse, language: Language) -> None:
    for run in tour.runs:
        console.print(run_table(run, language))
    console.print(_summary(tour.runs, language))
    lines = [
        Text("Reports: {path}", "报告位于: {path}").format(path=tour.reports),
        Text("Next, you could type:", "接下来可以键入:"),
    ]
    for line in lines:
        console.print(escape(line.in_language(language)), soft_wrap=True)
    for command in NEXT:
        console.print("  " + command, soft_wrap=True)


NEXT = (
    "pilotbase record verify",
    "pilotbase packs",
    "pilotbase scenario new my-scenario.yaml",
)


def _summary(runs: Sequence[RunResponse], language: Language) -> Table:
    table = Table(title=Text("Verdicts", "结论").in_language(language), title_justify="left")
    heads = (
        Text("item", "条目"),
        Text("scenario", "场景"),
        Text("candidates", "候选方案"),
        Text("chosen", "选定"),
    )
    for head in heads:
        table.add_column(head.in_language(language), overflow="fold")
    for run in runs:
        verdicts = ", ".join(
            f"{escape(c['id'])} {word(c['verdict'], language)}" for c in run.candidates
        )
        table.add_row(
            run.item, escape(run.title.in_language(language)), verdicts, run.chosen or "–"
        )
    return table


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
    for leak in plan.plan["leaks"]:
        console.print("• " + escape(leak["text"][language]))
    console.print(f"{plan.hash}\n{escape(plan.witness)}")
    said = Text("Earlier plans on the same data: {n}", "同一数据上此前的计划数: {n}")
    console.print(said.format(n=plan.earlier_plans).in_language(language))


def _report(console: Console, report: ReportResponse, language: Language) -> None:
    console.print(str(report.html), soft_wrap=True, markup=False)
    console.print(str(report.json), soft_wrap=True, markup=False)


def _check(console: Console, check: CheckResponse, language: Language) -> None:
    for fault in check.faults:
        console.print(fault.render(language, str(check.file)), markup=False, soft_wrap=True)
    if not check.faults:
        good = Text("{file} is good: {rows} rows of data.", "{file} 无误: 共 {rows} 行数据。")
        said = good.format(file=check.file, rows=check.rows).in_language(language)
        console.print(said, markup=False, soft_wrap=True)


FORMS: dict[str, Callable[[Console, Any, Language], None]] = {
    "run": _run,
    "rehearse": _run,
    "verdict": _run,
    "tour": _tour,
    "plan": _plan,
    "report": _report,
    "scenario.check": _check,
}
