"""How the tour is printed: what was tried and filed, and what to type next."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape

from pilotbase.desk.answers import RunResponse, TourResponse
from pilotbase.faces.cli.show_catalog import word as asset_word
from pilotbase.faces.cli.show_match import show_receipts
from pilotbase.faces.cli.show_verdict import WORDS, word
from pilotbase.kernel.home import default_home
from pilotbase.kernel.text import Language, Text

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


def show_tour(console: Console, tour: TourResponse, language: Language) -> None:
    """The scenarios, what the base holds now, and what to type next."""
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
    places = ("verdict", "record", "catalog", "up")
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
