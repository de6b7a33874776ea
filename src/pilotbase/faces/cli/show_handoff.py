"""How calls that wait for people, shares and receipts read on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console

from pilotbase.faces.cli.show_keeping import _say
from pilotbase.faces.cli.tables import table
from pilotbase.kernel.text import Language, Text
from pilotbase.register.rules.words import TIERS
from pilotbase.serve.people.answering import SAID
from pilotbase.serve.people.verbs import (
    AnswerResponse,
    QueueResponse,
    RevealResponse,
    ShareResponse,
)
from pilotbase.serve.receipts.verbs import CheckResponse

QUEUE = (
    Text("usage id", "用量编号"), Text("filing", "备案"), Text("stage", "阶段"),
    Text("why", "原因"), Text("until", "截止"), Text("then", "逾期"),
)  # fmt: skip
SHARES = (
    Text("filing", "备案"), Text("calls", "调用"), Text("unmanned", "无人"),
    Text("manned", "有人"), Text("by hand", "人工作答"), Text("waiting", "等待"),
)  # fmt: skip
KINDS = ("unmanned", "manned", "manual")
STAGES = {"before": Text("before", "调用前"), "after": Text("after", "应答后")}
WHY = {
    "always": "一律", "tier": "等级", "flag": "标记", "confidence": "置信度", "audit": "抽查",
}  # fmt: skip
LATE = {
    "refuse": Text("refused", "拒绝"),
    "unreviewed": Text("goes on unreviewed", "未经审核继续"),
    "manual": Text("answered by hand", "人工直接作答"),
}
NONE = Text("No call waits for a person.", "没有等待人工处理的调用。")


def _queue(console: Console, found: QueueResponse, language: Language) -> None:
    if not found.calls:
        _say(console, NONE, language)
    else:
        rows = [
            (one["usage"], one["filing"], STAGES[one["stage"]].in_language(language),
             ", ".join(_why(why, language) for why in one["why"]), f"{one['until'][:19]}Z",
             LATE["manual" if one["manual"] else one["late"]].in_language(language))
            for one in found.calls
        ]  # fmt: skip
        table(console, [head.in_language(language) for head in QUEUE], rows)
    for name, text in (found.contents or {}).items():
        if text is not None:
            console.print(f"{name}:\n{text}", markup=False, soft_wrap=True)


def _why(why: str, language: Language) -> str:
    """``tier:high``, ``audit``: what brought a call here, and which."""
    kind, mark, which = why.partition(":")
    if language == "en" or kind not in WHY:
        return why
    which = TIERS[which].zh if kind == "tier" and which in TIERS else which
    return f"{WHY[kind]}: {which}" if mark else WHY[kind]


def _answered(console: Console, found: AnswerResponse, language: Language) -> None:
    said = Text(
        "{usage}: {said} by {person} (entry {entry})", "{usage}: {person} {said} (第 {entry} 条)"
    )
    word = SAID.get(found.said, Text(found.said, found.said)).in_language(language)
    values = {"usage": found.usage, "said": word, "person": found.person}
    _say(console, said, language, entry=found.entry, **values)


def _shares(console: Console, found: ShareResponse, language: Language) -> None:
    rows = [
        (one["filing"], str(one["calls"]), *(_share(one[n]) for n in KINDS), str(one["waiting"]))
        for one in found.filings
    ]
    table(console, [head.in_language(language) for head in SHARES], rows)


def _share(said: Mapping[str, Any]) -> str:
    if said["estimate"] is None:
        return "–"
    low, high = said["interval"]
    return f"{said['count']} ({said['estimate']:.1%}; {low:.1%} … {high:.1%})"


def _revealed(console: Console, found: RevealResponse, language: Language) -> None:
    said = Text(
        "Seed of {month}: {seed}\nCommitted to as {commitment}",
        "{month} 的种子: {seed}\n承诺值: {commitment}",
    )
    values = {"month": found.month, "seed": found.seed, "commitment": found.commitment}
    _say(console, said, language, **values)


def _receipt(console: Console, found: CheckResponse, language: Language) -> None:
    if found.problem is not None:
        console.print(found.problem[language], markup=False, soft_wrap=True)
        return
    _say(console, Text("The receipt holds.", "回执有效。"), language)
    for name, value in (found.receipt or {}).items():
        console.print(f"  {name}: {value}", markup=False, soft_wrap=True)


HANDOFF_FORMS: dict[str, Callable[[Console, Any, Language], None]] = {
    "gateway.queue": _queue,
    "gateway.answer": _answered,
    "gateway.share": _shares,
    "gateway.reveal": _revealed,
    "gateway.receipt.check": _receipt,
}
