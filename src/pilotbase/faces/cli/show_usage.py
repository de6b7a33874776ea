"""How the answers about usage, limits and the usage journals are printed for a person."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console

from pilotbase.faces.cli.show_keeping import _say
from pilotbase.faces.cli.tables import table
from pilotbase.kernel.money import Money
from pilotbase.kernel.text import Language, Text
from pilotbase.serve.metering.verbs import (
    LimitResponse,
    LimitsResponse,
    ReconcileResponse,
    UsageResponse,
    VerifyResponse,
)

NAMES = {
    "party": Text("party", "主体"),
    "service": Text("service", "服务"),
    "key": Text("key", "密钥"),
    "day": Text("day", "日期"),
    "call": Text("call", "调用"),
    "upstream": Text("upstream", "上游"),
}
USED = (
    Text("calls", "调用"), Text("unsettled", "未结算"), Text("tokens in", "输入词元"),
    Text("tokens out", "输出词元"), Text("cases", "案例"), Text("charged", "费用"),
    Text("of it unsettled", "其中未结算"),
)  # fmt: skip
LIMITS = (
    Text("account", "账户"), Text("per", "周期"), Text("at most", "限额"),
    Text("used or held", "已用或占用"), Text("since", "起算时间"), Text("set by", "设定人"),
)  # fmt: skip
CALLS = (
    Text("usage id", "用量编号"), Text("at", "时间"), Text("service", "服务"),
    Text("key", "密钥"), Text("reserved", "预留"), Text("charged", "费用"),
)  # fmt: skip
NO_CALL = Text("No call was found.", "没有找到调用。")
NO_LIMIT = Text("No limit is set.", "没有设定限额。")
REPLACED = Text("The file that was there is replaced.", "原有文件已被替换。")
FOCUS = Text("{rows} rows of FOCUS 1.2 in {file}", "FOCUS 1.2 共 {rows} 行, 已写入 {file}")
UNITS = {
    "requests": Text("{n} calls", "{n} 次调用"),
    "tokens": Text("{n} tokens", "{n} 个词元"),
    "money": Text("{n}", "{n}"),
}
LIFTED = Text("{account}, {per}: no limit any more", "{account}, {per}: 已取消限额")
LIMITED = Text("{account}, {per}: at most {amounts}", "{account}, {per}: 最多 {amounts}")
HOLDS = Text("Of {account} also holds, {per}: at most {amounts}",
             "{account} 另有限额, {per}: 最多 {amounts}")  # fmt: skip
SHUT = Text(
    "Nothing more is let in while it is 0. To lift it: `pilotbase gateway limit {account} --per "
    "{per} --lift {units} --as PERSON --reason WHY`.",
    "为 0 期间不再受理任何调用。取消: `pilotbase gateway limit {account} --per {per} --lift "
    "{units} --as 自然人 --reason 理由`。",
)
TOTAL = Text("total", "总额 (total)")
WINDOWS = {
    "total": Text("in all (total)", "累计 (total)"),
    "P1M": Text("each calendar month (P1M)", "每自然月 (P1M)"),
}
NONE = Text("There is nothing unsettled.", "没有未结算的调用。")
GOING = Text(
    "Wait for a person, or for their caller after one has decided, and are settled then: {n} "
    "({ids})",
    "{n} 次调用正在等待人工处理, 或已处理而待调用方取回, 届时结算: {ids}",
)
GIVEN_UP = Text(
    "Journal {name}: {n} damaged records or more were given up; they are kept beside it (.cut).",
    "日志 {name}: 已放弃至少 {n} 条受损记录, 另存于旁 (.cut)。",
)
COMPLETED = Text("Journals completed now: {names}", "本次补全的日志: {names}")
VERIFIED = Text(
    "{journals}, {segments} ({sealed} sealed), {records}: {calls}, {settled} settled, {sums}",
    "日志 {journals} 份, 分段 {segments} 个 (已封存 {sealed}), 记录 {records} 条: 调用 {calls} 次, "
    "已结算 {settled} 次, {sums}",
)
PLUS = Text(
    "Charged besides: {decided} as people decided of unsettled calls, {reserved} still reserved.",
    "另计: 未结算调用经人工决定的费用 {decided}, 仍按预留额计的 {reserved}。",
)
TOGETHER = Text(
    "All of it together is what `pilotbase gateway usage` says.",
    "各项之和即 `pilotbase gateway usage` 所示。",
)
FINE = Text("All of it is as recorded.", "全部与记录一致。")
ELSEWHERE = Text("On other machines: {names}", "位于其他机器: {names}")
FAULTS = Text("Faults: {n}.", "错误 {n} 处。")
PARTIAL = Text(
    "Faults: {n}. The numbers above are of what could be read, and partial.",
    "错误 {n} 处: 以上数字仅为可读部分, 并不完整。",
)
PROVEN = Text(
    "Proven entries of the record about them: {proven}; the newest checkpoint covers {signed} of"
    " its entries.",
    "记录中与之有关且已证明的条目: {proven} 条; 最新检查点涵盖前 {signed} 条。",
)
NO_CHECKPOINT = Text(
    "Proven entries of the record about them: {proven}; there is no checkpoint to prove them by.",
    "记录中与之有关且已证明的条目: {proven} 条; 没有可据以证明的检查点。",
)
UNSIGNED = Text(
    "Not yet under a signature: {entries} (`pilotbase record checkpoint` signs).",
    "尚未签名: {entries} (`pilotbase record checkpoint` 可签名)。",
)
ENTRY = Text("entry {index}", "第 {index} 条")
ENTRIES = Text("{n} entries from {first} on", "自第 {first} 条起共 {n} 条")
RECORD = Text("record", "记录")
PLACES = {
    "segment": Text("segment {n}", "分段 {n}"),
    "record": Text("record {n}", "记录 {n}"),
    "offset": Text("byte {n}", "字节 {n}"),
}


def _usage(console: Console, found: UsageResponse, language: Language) -> None:
    if not found.rows:
        _say(console, NO_CALL, language)
    heads = [NAMES[found.by].in_language(language), *(one.in_language(language) for one in USED)]
    rows = [
        (one[found.by], one["calls"], one["unsettled"], one["input_tokens"], one["output_tokens"],
         one["cases"], one["charged"], one["of_it_unsettled"])
        for one in found.rows
    ]  # fmt: skip
    if rows:
        table(console, heads, rows)
    if found.focus:
        _say(console, FOCUS, language, rows=found.focus_rows, file=found.focus)
    if found.focus_replaced:
        _say(console, REPLACED, language)


def _limit(console: Console, found: LimitResponse, language: Language) -> None:
    said = {name: getattr(found, name) for name in UNITS}
    amounts = _amounts(said, language)
    _say(console, LIMITED if amounts else LIFTED, language, account=found.account,
         per=_window(found.per, language), amounts=amounts)  # fmt: skip
    none = [name for name, most in said.items() if _is_none(most)]
    if none:
        _say(console, SHUT, language, account=found.account, per=found.per, units=",".join(none))
    for one in found.in_force:
        if one["per"] != found.per:
            _say(console, HOLDS, language, account=found.account,
                 per=_window(one["per"], language), amounts=_amounts(one, language))  # fmt: skip
    for remark in found.remarks:
        console.print("• " + remark[language], markup=False, soft_wrap=True)


def _amounts(said: Mapping[str, Any], language: Language) -> str:
    parts = [
        UNITS[name].format(n=said[name]).in_language(language)
        for name in UNITS
        if said[name] is not None
    ]
    return ", ".join(parts)


def _window(per: str, language: Language) -> str:
    each = Text("in each {per}", "每 {per}").format(per=per)
    return WINDOWS.get(per, each).in_language(language)


def _is_none(most: int | str | None) -> bool:
    """Whether a limit lets nothing in."""
    if isinstance(most, str):
        return Money.parse(most).minor == 0
    return most == 0


def _limits(console: Console, found: LimitsResponse, language: Language) -> None:
    if not found.limits:
        _say(console, NO_LIMIT, language)
        return
    rows = [
        (one["account"], TOTAL.in_language(language) if one["per"] == "total" else one["per"],
         one["most"][language], one["used_or_held"][language], one["since"], one["by"])
        for one in found.limits
    ]  # fmt: skip
    table(console, [head.in_language(language) for head in LIMITS], rows)
    for one in found.limits:
        if one["journals_say"] is not None:
            console.print("• " + one["journals_say"][language], markup=False, soft_wrap=True)


def _reconcile(console: Console, found: ReconcileResponse, language: Language) -> None:
    if found.completed:
        _say(console, COMPLETED, language, names=", ".join(found.completed))
    for name, n in found.given_up.items():
        _say(console, GIVEN_UP, language, name=name, n=n)
    if found.going:
        ids = ", ".join(one["usage_id"] for one in found.going)
        _say(console, GOING, language, n=len(found.going), ids=ids)
    if not found.calls:
        _say(console, NONE, language)
        return
    names = ("usage_id", "at", "service", "key", "reserved", "charged")
    rows = [[one[name] for name in names] for one in found.calls]
    table(console, [head.in_language(language) for head in CALLS], rows)


def _verify(console: Console, found: VerifyResponse, language: Language) -> None:
    numbers = {
        name: _counted(name, getattr(found, name), language)
        for name in ("journals", "segments", "records", "calls")
    }
    _say(console, VERIFIED, language, **numbers, sealed=found.sealed, settled=found.settled,
         sums=_sums(found.sums))  # fmt: skip
    if found.decided or found.reserved:
        _say(console, PLUS, language, decided=_sums(found.decided), reserved=_sums(found.reserved))
        if not found.partial:
            _say(console, TOGETHER, language)
    if found.elsewhere:
        _say(console, ELSEWHERE, language, names=", ".join(found.elsewhere))
    _say(console, PROVEN if found.signed else NO_CHECKPOINT, language, proven=found.proven,
         signed=found.signed)  # fmt: skip
    if found.unsigned:
        first, n = found.unsigned[0], len(found.unsigned)
        entries = ENTRY.format(index=first) if n == 1 else ENTRIES.format(n=n, first=first)
        _say(console, UNSIGNED, language, entries=entries)
    for one in found.findings:
        console.print(
            f"{_place(one, language)}: {one['message'][language]}", markup=False, soft_wrap=True
        )
    if found.findings:
        _say(console, PARTIAL if found.partial else FAULTS, language, n=len(found.findings))
    if found.ok:
        _say(console, FINE, language)


def _counted(noun: str, n: int, language: Language) -> str | int:
    """``1 journal``; in Chinese the sentence has the noun."""
    return n if language == "zh" else f"{n} {noun[:-1] if n == 1 else noun}"


def _sums(of: Mapping[str, str]) -> str:
    return ", ".join(of.values()) or "0"


def _place(fault: dict[str, Any], language: Language) -> str:
    """Journal, segment, record and byte, as far as they are known."""
    parts = [fault["gateway"] or RECORD.in_language(language)]
    for name, said in PLACES.items():
        if fault[name] is not None:
            parts.append(said.format(n=fault[name]).in_language(language))
    return " · ".join(parts)


USAGE_FORMS: dict[str, Callable[[Console, Any, Language], None]] = {
    "gateway.usage": _usage,
    "gateway.limit": _limit,
    "gateway.limits": _limits,
    "gateway.reconcile": _reconcile,
    "gateway.verify": _verify,
}
