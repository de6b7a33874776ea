"""How the answers about filings are printed for a person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.console import Console

from pilotbase.faces.cli.show_keeping import _say
from pilotbase.faces.cli.tables import table
from pilotbase.kernel.text import Language, Text
from pilotbase.register.rules import words
from pilotbase.register.rules.states import WORDS
from pilotbase.register.verbs import FilingResponse, ListResponse

LINES = (
    (Text("on the verdict", "所凭结论"), "verdict"),
    (Text("asset", "资产"), "asset"),
    (Text("answers for it", "负责方"), "principal"),
    (Text("accepted for the owner by", "需求方接受人"), "accepted_by"),
    (Text("until", "有效期至"), "expires"),
)


def _filing(console: Console, found: FilingResponse, language: Language) -> None:
    filing = found.filing
    stands = WORDS[found.stands].in_language(language)
    console.print(f"[bold]{found.id}[/] · {stands}", soft_wrap=True)
    shown = {
        **filing,
        "verdict": f"{words.word(words.VERDICTS, filing['said'], language)} · {filing['verdict']}",
        "asset": f"{filing['asset']['id']} · {filing['asset']['version']}",
        "principal": f"{filing['principal']} · {filing['person']}",
    }
    for head, name in LINES:
        line = f"{head.in_language(language)}: {shown[name]}"
        console.print(line, markup=False, soft_wrap=True)
    price = Text("price: {amount} a {per}", "价格: {amount} / {per}")
    per = words.word(words.PER, filing["price"]["per"], language)
    _say(console, price, language, amount=filing["price"]["amount"], per=per)
    _tier(console, filing["tier"], language)
    points = ", ".join(filing["single_points"]) or "–"
    lone = Text("single points of failure: {names}", "单点依赖: {names}")
    _say(console, lone, language, names=points)
    for step in found.history:
        state = WORDS[step["state"]].in_language(language)
        role = words.role(step["role"], language)
        line = f"{step['entry']} · {step['at']} · {state} · {role} · {step['reason']}"
        console.print(line.rstrip(" ·"), markup=False, soft_wrap=True)


def _tier(console: Console, tier: dict[str, Any], language: Language) -> None:
    def word(tier: str) -> str:
        return words.word(words.TIERS, tier, language)

    _say(console, Text("tier: {tier}", "等级: {tier}"), language, tier=word(tier["tier"]))
    for reason in tier["reasons"]:
        line = f"  • {word(reason['tier'])}: {reason['reason'][language]}"
        console.print(line, markup=False, soft_wrap=True)
    other = tier["override"]
    if other is not None:
        said = Text(
            "  set by {by}, not by the rules ({rule}): {why}",
            "  由 {by} 改定 (规则为 {rule}): {why}",
        )
        why = other["reason"][language]
        _say(console, said, language, by=other["by"], rule=word(tier["by_rule"]), why=why)


def _list(console: Console, found: ListResponse, language: Language) -> None:
    heads = (
        Text("filing", "备案"), Text("stands", "状态"), Text("tier", "等级"),
        Text("answers for it", "负责方"), Text("until", "有效期至"),
        Text("single points", "单点依赖"),
    )  # fmt: skip
    rows = [
        (f["id"], WORDS[f["stands"]].in_language(language),
         words.word(words.TIERS, f["tier"], language), f["principal"], f["expires"][:10],
         len(f["single_points"]))
        for f in found.filings
    ]  # fmt: skip
    table(console, [head.in_language(language) for head in heads], rows)
    if not rows:
        _say(console, Text("No filing was found.", "没有找到备案。"), language)


REGISTER_FORMS: dict[str, Callable[[Console, Any, Language], None]] = {
    **dict.fromkeys(
        (f"register.{name}" for name in ("file", "suspend", "resume", "stop", "withdraw", "exit",
                                         "show")), _filing,
    ),
    "register.list": _list,
}  # fmt: skip
