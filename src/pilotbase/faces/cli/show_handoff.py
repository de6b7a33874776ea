"""How calls that wait for people, shares and receipts read on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console

from pilotbase.faces.cli.calls import OUTCOMES
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
from pilotbase.serve.rules.budget import shown

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
RECEIPT = {
    "format": Text("format", "格式"), "usage": Text("usage id", "用量编号"),
    "at": Text("at", "时间"), "filing": Text("filing", "备案"),
    "service": Text("service", "服务"), "version": Text("version", "版本"),
    "tried": Text("tried as", "试验对象"), "verdict": Text("verdict", "结论"),
    "tier": Text("tier", "等级"), "source": Text("source", "来源"),
    "served": Text("which version", "版本确认"), "upstream": Text("upstream", "上游"),
    "arranged_by": Text("arranged by", "安排人"),
    "principal": Text("principal", "责任主体"), "person": Text("person", "责任人"),
    "for": Text("for", "代表"), "key": Text("key", "密钥"), "holder": Text("holder", "持有方"),
    "links": Text("delegations", "委托"), "operation": Text("operation", "操作"),
    "outcome": Text("outcome", "结果"), "tokens": Text("tokens", "词元"),
    "input": Text("in", "输入"), "output": Text("out", "输出"), "cases": Text("cases", "案例"),
    "counted": Text("counted exactly", "精确计数"), "charge": Text("charge", "费用"),
    "scanned": Text("looked at by guards", "防护已查看"), "handoff": Text("by people", "人工"),
    "request": Text("request (SHA-256)", "请求 (SHA-256)"),
    "answer": Text("answer (SHA-256)", "应答 (SHA-256)"),
    "metered_only": Text("made of what was metered only", "仅依据计量"),
}  # fmt: skip
SERVED = {"proven": Text("proven", "已证明"), "declared": Text("declared", "由人声明")}
YES, NO = Text("yes", "是"), Text("no", "否")
STUCK = Text("  {usage} cannot be answered any more: {why}", "  {usage} 已无法继续: {why}")
NO_CALLS = Text("No call was found.", "没有找到调用。")
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
    for one in found.calls:
        _remark(console, one["usage"], one["remark"], language)
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
    _remark(console, found.usage, found.remark, language)


def _remark(
    console: Console, usage: str, remark: Mapping[str, str] | None, language: Language
) -> None:
    if remark is not None:
        _say(console, STUCK, language, usage=usage, why=remark[language])


def _shares(console: Console, found: ShareResponse, language: Language) -> None:
    rows = [
        (one["filing"], str(one["calls"]), *(_share(one[n]) for n in KINDS), str(one["waiting"]))
        for one in found.filings
    ]
    table(console, [head.in_language(language) for head in SHARES], rows)
    if not found.filings:
        _say(console, NO_CALLS, language)


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
    for label, value in receipt_lines(found.receipt or {}, language):
        console.print(f"  {label}: {value}", markup=False, soft_wrap=True)


def receipt_lines(receipt: Mapping[str, Any], language: Language) -> Iterator[tuple[str, str]]:
    """What a receipt says, each with its label; members of an object stand one by one."""
    for name, value in receipt.items():
        label = RECEIPT.get(name, Text(name, name)).in_language(language)
        if name == "charge":
            yield label, shown(value["nano"], value["currency"])
        elif isinstance(value, Mapping):
            for part, one in value.items():
                inner = RECEIPT.get(part, Text(part, part)).in_language(language)
                yield f"{label} · {inner}", _shown(part, one, language)
        else:
            yield label, _shown(name, value, language)


def _shown(name: str, value: Any, language: Language) -> str:
    if isinstance(value, bool):
        return (YES if value else NO).in_language(language)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(str, value)) or "–"
    if name == "tier" and value in TIERS:
        return TIERS[value].in_language(language)
    for word, values in (("outcome", OUTCOMES), ("served", SERVED)):
        if name == word and value in values:
            return values[value].in_language(language)
    return "–" if value in (None, "") else str(value)


HANDOFF_FORMS: dict[str, Callable[[Console, Any, Language], None]] = {
    "gateway.queue": _queue,
    "gateway.answer": _answered,
    "gateway.share": _shares,
    "gateway.reveal": _revealed,
    "gateway.receipt.check": _receipt,
}
