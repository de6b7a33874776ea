"""How the answers about the gateway's routes are printed for a person."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from rich.console import Console

from pilotbase.faces.cli.calls import CALLS_FORMS
from pilotbase.faces.cli.show_handoff import HANDOFF_FORMS, SERVED
from pilotbase.faces.cli.show_keeping import _say
from pilotbase.faces.cli.tables import table
from pilotbase.kernel.text import Language, Text
from pilotbase.register.rules import words
from pilotbase.serve.call import Caps
from pilotbase.serve.routes.verbs import DrillResponse, OfferResponse, ServedResponse

HEADS = (
    Text("service", "服务"), Text("filing", "备案"), Text("speaks", "可作"), Text("tier", "等级"),
    Text("until", "有效期至"), Text("upstreams", "上游"), Text("as tried", "与试验一致"),
    Text("second choice", "备选"),
)  # fmt: skip
OWN = Text("own", "自有")
TERMS = (
    ("tokens", Text("tokens", "词元价格")), ("caps", Text("limits of a call", "单次限额")),
    ("guards", Text("guards", "防护")), ("handoff", Text("people", "人工")),
)  # fmt: skip
CONTENT = Text("content may be logged", "可记录内容")
USUAL = asdict(Caps())
NOT = Text("Not served:", "未提供服务:")
DRILL = Text(
    "{filing}: {served} of {asked} calls served while {upstream} was cut off for {seconds} s; "
    "longest gap between two answers {gap_ms} ms. "
    "{calls} calls in all were made with the key {key}; the {paid} that were served are charged to "
    "it.",
    "{filing}: 切断 {upstream} 的 {seconds} 秒内, {asked} 次调用中 {served} 次得到应答; "
    "两次应答之间最长间隔 {gap_ms} 毫秒。"
    "共以密钥 {key} 调用 {calls} 次, 其中得到应答的 {paid} 次计费。",
)


def _served(console: Console, found: ServedResponse, language: Language) -> None:
    rows = [
        (one["service"], one["filing"], ", ".join(one["speaks"]),
         words.word(words.TIERS, one["tier"], language), one["expires"][:10],
         ", ".join(_upstream(one, name, language) for name in one["upstreams"]),
         _as_tried(one, language),
         ", ".join(one["fallback"]))
        for one in found.services
    ]  # fmt: skip
    table(console, [head.in_language(language) for head in HEADS], rows)
    if not rows:
        _say(console, Text("No service is served.", "没有在提供的服务。"), language)
    for one in found.services:
        if terms := _terms(one, language):
            line = f"  {one['filing']} · {' · '.join(terms)}"
            console.print(line, markup=False, soft_wrap=True)
    if found.refused:
        _say(console, NOT, language)
    for one in found.refused:
        line = f"  {one['filing']} · {one['code']} · {one['message'][language]}"
        console.print(line, markup=False, soft_wrap=True)


def _terms(one: Mapping[str, Any], language: Language) -> list[str]:
    """What was arranged otherwise than is usual."""
    caps = {name: said for name, said in one["caps"].items() if said != USUAL[name]}
    told = {**{word: one[word] for word in ("tokens", "guards", "handoff")}, "caps": caps}
    lines = [f"{label.in_language(language)}: {_flow(told[w])}" for w, label in TERMS if told[w]]
    return [*lines, CONTENT.in_language(language)] if one["content"] else lines


def _flow(said: Any, inner: bool = False) -> str:
    """Settings in one line."""
    if isinstance(said, Mapping):
        text = ", ".join(f"{name}: {_flow(one, True)}" for name, one in said.items())
        return f"{{{text}}}" if inner else text
    if isinstance(said, (list, tuple)):
        return f"[{', '.join(_flow(one, True) for one in said)}]"
    return str(said).lower() if isinstance(said, bool) else str(said)


def _upstream(one: Mapping[str, Any], name: str, language: Language) -> str:
    """An upstream's id; where nothing is arranged, the base serves it itself."""
    return OWN.in_language(language) if one["own"] else name


def _as_tried(one: Mapping[str, Any], language: Language) -> str:
    """Whether the gateway has found it to be what was tried, or who says so."""
    if one["source"] != "filed":
        return "–"
    said = SERVED[one["served"]].in_language(language)
    by = one["arranged_by"] if one["served"] == "declared" else ""
    return f"{said} ({by})" if by else said


def _offered(console: Console, found: OfferResponse, language: Language) -> None:
    said = Text("{filing}: arranged by entry {entry}", "{filing}: 安排见第 {entry} 条记录")
    for filing, entry in found.arranged.items():
        _say(console, said, language, filing=filing, entry=entry)
    for remark in found.remarks:
        console.print(f"  {remark[language]}", markup=False, soft_wrap=True)


def _drilled(console: Console, response: DrillResponse, language: Language) -> None:
    found = response.found
    _say(console, DRILL, language, **found, paid=response.charged)
    for name in ("by_filing", "refusals"):
        for word, count in found[name].items():
            console.print(f"  {word}: {count}", markup=False, soft_wrap=True)


GATEWAY_FORMS: dict[str, Callable[[Console, Any, Language], None]] = {
    "serve": _served,
    "up": _served,
    "gateway.show": _served,
    "gateway.offer": _offered,
    "gateway.drill": _drilled,
    **HANDOFF_FORMS,
    **CALLS_FORMS,
}
