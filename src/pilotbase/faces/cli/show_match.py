"""How matchings read on a terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pilotbase.kernel.text import Language, Text
from pilotbase.match.answers import NeedsResponse, OpenNeedsResponse

HEADS = (Text("need", "需求"), Text("product", "产品"), Text("why", "原因"))
OPEN = Text("Open needs ({count})", "未满足的需求 ({count})")
BOTH = Text(
    "Best for every need among stable matchings; {same}. No pair would rather have each other.",
    "在所有稳定匹配中对每个需求最优; {same}。没有任何一对更愿意选择彼此。",
)
SAME = Text("the products' best is the same", "对产品最优的匹配与之相同")
OTHER = Text(
    "{n} need(s) would have another product in the products' best",
    "在对产品最优的匹配中有 {n} 个需求不同",
)
BLOCKED = Text("NOT STABLE: {pairs}", "不稳定: {pairs}")
SEED = Text("Lottery seed ({origin}): {seed}", "抽签种子 ({origin}): {seed}")
GIVEN = Text("given", "给定")
DERIVED = Text("digest of the lists", "清单摘要")
KEPT = Text("Recorded as match {id}, entry {entry}.", "已记录: 匹配 {id}, 第 {entry} 条。")
PILOTS = Text("Pilots in which nothing passed", "全部未通过的试点")
NONE = Text("none", "无")


def _needs(console: Console, found: NeedsResponse, language: Language) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for head in HEADS:
        table.add_column(head.in_language(language), overflow="fold")
    asked = found.receipts_of.startswith("need ")
    for one in found.receipts:
        if asked or one["outcome"] == "matched":
            why = one["why"][language]
            if one["outcome"] != "matched":
                why = f"{why} → {one['change'][language]}"
            names = (_named(found, one[side], language) for side in ("need", "product"))
            table.add_row(*names, escape(why))
    console.print(table)
    _open(console, found.open, language)
    _foot(console, found, language)


def _named(found: NeedsResponse, id_: str, language: Language) -> str:
    return escape(f"{id_}  {found.titles[id_][language]}")


def _open(console: Console, needs: tuple[dict[str, Any], ...], language: Language) -> None:
    said = OPEN.format(count=len(needs)).in_language(language)
    console.print(f"[bold]{said}[/]")
    for one in needs:
        console.print(f"  {escape(one['need'])}  {escape(one['title'][language])}")
        console.print(f"    {escape(one['reason'][language])}", soft_wrap=True)
        if one["change"]:
            change = f"→ {one['product']}: {one['change'][language]}"
            console.print(f"    {escape(change)}", soft_wrap=True)


def _foot(console: Console, found: NeedsResponse, language: Language) -> None:
    differing = sum(found.product_optimal[need] != found.pairs[need] for need in found.pairs)
    same = OTHER.format(n=differing) if differing else SAME
    said = BOTH.format(same=same)
    if found.blocking:
        said = BLOCKED.format(pairs=", ".join("–".join(pair) for pair in found.blocking))
    origin = GIVEN if found.seed_from == "given" else DERIVED
    lines = (
        said,
        SEED.format(origin=origin, seed=found.seed),
        KEPT.format(id=found.id, entry=found.entry),
    )
    for line in lines:
        console.print(f"[dim]{escape(line.in_language(language))}[/]", soft_wrap=True)


def show_receipts(console: Console, found: NeedsResponse, language: Language) -> None:
    """A line a need: what it was matched with and why, or what would change it."""
    head = Text("Needs and products, matched on the trials", "依试验结果匹配的需求与产品")
    console.print(f"[bold]{head.in_language(language)}[/]")
    widest = max(map(len, found.titles), default=0)
    matched = {one["need"]: one for one in found.receipts if one["outcome"] == "matched"}
    for need, one in matched.items():
        line = f"  {need:<{widest}}  → {one['product']}: {one['why'][language]}"
        console.print(escape(line), soft_wrap=True)
    for one in found.open:
        line = f"  {one['need']:<{widest}}  – {one['reason'][language]}"
        if one["change"]:
            line += f" → {one['product']}: {one['change'][language]}"
        console.print(escape(line), soft_wrap=True)


def _open_needs(console: Console, found: OpenNeedsResponse, language: Language) -> None:
    _open(console, found.needs, language)
    console.print(f"[bold]{PILOTS.in_language(language)}[/]")
    for pilot in found.pilots:
        tried = ", ".join(pilot["verdicts"])
        console.print(f"  {pilot['scenario']}  ({tried}; {pilot['run']})", markup=False)
    if not found.pilots:
        console.print(f"  {NONE.in_language(language)}")
    console.print(f"[dim]{found.meaning.in_language(language)}[/]", soft_wrap=True)


MATCH_FORMS: dict[str, Callable[[Console, Any, Language], None]] = {
    "match.needs": _needs,
    "match.open-needs": _open_needs,
}
