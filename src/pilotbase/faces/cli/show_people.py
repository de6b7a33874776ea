"""How judges, raters and arms read on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pilotbase.desk.answers import ArmsResponse, RateResponse, RatingsResponse
from pilotbase.kernel.text import Language, Text

STAND_IN_JUDGE = Text("a stand-in judge, not a real one", "替身评判者, 并非真实")
BEATS = {
    "meets": Text("yes", "是"),
    "fails": Text("no", "否"),
    "undecided": Text("not shown either way", "尚无定论"),
}


def beside_people(console: Console, candidate: Mapping[str, Any], language: Language) -> None:
    """Who marked, whether it is a stand-in, and what an audit saved, also when nothing."""
    for audit in candidate["beside"].get("audits") or ():
        title = candidate["criteria"][audit["criterion"]]["title"][language]
        judge = audit["judge"]
        if judge is None:
            said = Text("rated by people", "人工评分").in_language(language)
            console.print(escape(f"  {title}: {said}"), soft_wrap=True)
            continue
        who = Text(
            "judge {name}, one unit in {every} checked by people",
            "评判者 {name}, 每 {every} 个单元抽 1 个由人核对",
        ).format(name=judge["title"][language], every=audit["every"])
        stand_in = f" [yellow]({STAND_IN_JUDGE.in_language(language)})[/]"
        mark = stand_in if judge["stand_in"] else ""
        console.print(escape(f"  {title}: {who.in_language(language)}") + mark, soft_wrap=True)
        for part in audit["parts"]:
            if part["saving"]:
                console.print(escape(f"    {part['saving']['said'][language]}"), soft_wrap=True)


def show_arms(console: Console, arms: Mapping[str, Any], language: Language) -> None:
    """Whether the pair beats the better of the two, and how the AI is relied on."""
    asked = Text(
        "Do person and AI together beat the better of the two?", "人与 AI 一起, 是否胜过较好的一方?"
    )
    answer = BEATS[arms["gain"]["verdict"]].in_language(language)
    console.print(f"\n[bold]{asked.in_language(language)}[/] {answer}")
    reason = arms["gain"].get("gap") or arms["gain"].get("reason")
    if reason and arms["gain"]["verdict"] == "undecided":
        console.print(escape(f"  {reason[language]}"), soft_wrap=True)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    heads = (
        Text("share of decisions", "决策占比"),
        Text("estimate", "估计值"),
        Text("interval", "区间"),
        Text("deciders", "决策人"),
    )
    for head in heads:
        table.add_column(head.in_language(language), overflow="fold")
    for share in arms["shares"].values():
        estimate = "–" if share["estimate"] is None else f"{share['estimate']:.1%}"
        interval = share["interval"]
        left_open = f"{interval[0]:.1%} … {interval[1]:.1%}" if interval else "–"
        title = escape(share["title"][language])
        table.add_row(title, estimate, left_open, str(share["deciders"]))
    console.print(table)


def _arms(console: Console, found: ArmsResponse, language: Language) -> None:
    show_arms(console, found.arms, language)


def _rate(console: Console, found: RateResponse, language: Language) -> None:
    said = Text("{left} answers are left for {rater}.", "{rater} 还有 {left} 个回答待评。").format(
        left=found.left, rater=found.rater
    )
    console.print(said.in_language(language), markup=False)


def _ratings(console: Console, found: RatingsResponse, language: Language) -> None:
    said = Text("{n} ratings of {k} answers", "{k} 个回答的 {n} 个评分").format(
        n=found.ratings, k=found.items
    )
    console.print(said.in_language(language))
    agreed = found.agreement
    if agreed["alpha"] is None:
        console.print(escape(agreed["reason"][language]), soft_wrap=True)
    else:
        interval = agreed["interval"]
        ends = f" ({interval[0]:.3f} … {interval[1]:.3f})" if interval else ""
        console.print(f"Krippendorff α = {agreed['alpha']:.3f}{ends}")
    for name in found.apart:
        finding = Text(
            "Without {name} the others agree clearly better. Talk about the rubric; the marks "
            "count like everybody's.",
            "去掉 {name} 后其余评分人明显更一致。请一同讨论评分标准; 其评分与他人同等计入。",
        ).format(name=name)
        console.print(escape(finding.in_language(language)), soft_wrap=True)


PEOPLE_FORMS: dict[str, Callable[[Console, Any, Language], None]] = {
    "arms": _arms,
    "rate": _rate,
    "ratings": _ratings,
}
