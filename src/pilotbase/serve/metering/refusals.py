"""Why a call is not metered, and so not served: in words that a person can act on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime

from pilotbase.kernel.text import Text
from pilotbase.kernel.time import stamp
from pilotbase.serve.call import Refused, Tariff, Usage
from pilotbase.serve.metering.store import Claim
from pilotbase.serve.rules.budget import Limit, shown
from pilotbase.serve.rules.window import TOTAL

SOON_S = 1.0
"""When to come again where only calls that still run stand in the way."""
_ASK = Text(
    "Whoever answers for the account can raise it: `pilotbase gateway limit`.",
    "账户负责人可用 `pilotbase gateway limit` 调高限额。",
)
_UNITS = {"requests": Text("calls", "次调用"), "tokens": Text("tokens", "词元")}


def amount_of(limit: Limit, amount: int) -> Text:
    """An amount in a limit's unit."""
    if limit.unit.startswith("money:"):
        said = shown(amount, limit.unit.removeprefix("money:"))
        return Text(said, said)
    unit = _UNITS[limit.unit]
    return Text(f"{amount} {unit.en}", f"{amount} {unit.zh}")


_METERS = {
    "call": Text("call", "调用"),
    "case": Text("cases", "案例"),
    "input_token": Text("tokens in", "输入词元"),
    "output_token": Text("tokens out", "输出词元"),
}
_FEWER = {
    "case": Text("Ask for fewer cases at once. ", "请减少单次调用的案例数。"),
    "input_token": Text("Send a shorter request. ", "请缩短请求。"),
    "output_token": Text("Ask for fewer output tokens. ", "请减少输出词元的上限。"),
}


def beyond(limit: Limit, need: int, tariff: Tariff, most: Usage) -> Refused:
    """One call alone may need more than a whole window allows: waiting does not help.

    It says what the need rests on, and what of it the caller can make less.
    """
    used = {"call": 1, "case": most.cases, "input_token": most.input_tokens,
            "output_token": most.output_tokens}  # fmt: skip
    if limit.unit in _UNITS:
        prices = {meter: int(limit.unit == "tokens" and "token" in meter) for meter in used}
    else:
        prices = {meter: getattr(tariff, meter) for meter in used}
    parts = {meter: n * prices[meter] for meter, n in used.items() if n * prices[meter]}
    fewer = {meter: n for meter, n in parts.items() if meter in _FEWER and used[meter] > 1}
    step = _FEWER[max(fewer, key=fewer.__getitem__)] if fewer and limit.most else Text("", "")
    return Refused(
        402,
        "serve.call_over_limit",
        Text(
            "this call may need up to {need}{basis}; {account} is limited to {most} ({per})",
            "该调用最多可能需要 {need}{basis}; {account} 的限额为 {most} ({per})",
        ).format(need=amount_of(limit, need), basis=_basis(limit, used, prices),
                 account=limit.account, most=amount_of(limit, limit.most), per=limit.per),
        Text(step.en + _ASK.en, step.zh + _ASK.zh),
        where=limit.account,
    )  # fmt: skip


def _basis(limit: Limit, used: Mapping[str, int], prices: Mapping[str, int]) -> Text:
    """``(cases: 6 × 0.01 CNY)``; empty where calls are counted."""
    said = list[tuple[Text, str]]()
    for meter, n in used.items():
        if n and (price := prices[meter]):
            money = limit.unit.partition(":")[2]
            said.append((_METERS[meter], f"{n} × {shown(price, money)}" if money else f"{n}"))
    parts = [", ".join(f"{getattr(word, to)}: {n}" for word, n in said) for to in ("en", "zh")]
    return Text(*(f" ({one})" if one else "" for one in parts))


def used_up(limit: Limit, end: float, at: float, open_: int, need: int) -> Refused:
    """A limit is reached.

    Args:
        end: when the window turns. open_: what is reserved or leased and may still come back.
    """
    most = amount_of(limit, limit.most)
    message = Text(
        "what is left of the {most} ({per}) of {account} is less than this call may need",
        "{account} 的限额 {most} ({per}) 的余额不足以满足该调用的最大用量",
    ).format(account=limit.account, most=most, per=limit.per)
    if open_ >= need:
        step = Text("Calls that still run hold the rest; try again in a second.",
                    "其余额度由进行中的调用占用; 请一秒后重试。")  # fmt: skip
        return Refused(429, "serve.limit_reached", message, step, where=limit.account,
                       retry_after_s=SOON_S)  # fmt: skip
    if limit.per == TOTAL:
        return Refused(402, "serve.budget_spent", message, _ASK, where=limit.account)
    turns = stamp(datetime.fromtimestamp(end, UTC))[:19] + "Z"
    step = Text(f"It turns at {turns}; try again then.", f"限额于 {turns} 重新计算; 请届时重试。")
    wait = max(1.0, math.ceil(end - at))
    return Refused(429, "serve.limit_reached", message, step, where=limit.account,
                   retry_after_s=wait)  # fmt: skip


def other_currency(account: str, currency: str) -> Refused:
    """An account's money is limited in another currency than the service costs."""
    return Refused(
        402,
        "serve.other_currency",
        Text(
            f"{account} has no limit in {currency}, only in other currencies",
            f"{account} 没有 {currency} 限额, 只有其他币种的限额",
        ),
        _ASK,
        where=account,
    )


def repeated(claim: Claim) -> Refused:
    """The same idempotency key again."""
    state = (
        Text("and is settled", "且已结算")
        if claim.settled
        else Text("and is not settled", "尚未结算")
    )
    return Refused(
        409,
        "serve.same_call",
        Text(
            "this idempotency key was used before: the call is {id} {state}",
            "该幂等键已被使用: 对应调用为 {id}, {state}",
        ).format(id=claim.usage_id, state=state),
        Text(
            "Look it up with `pilotbase gateway usage`; for another call use another key.",
            "请用 `pilotbase gateway usage` 查询; 新的调用请换用新的幂等键。",
        ),
        where=claim.usage_id,
    )


def unmetered() -> Refused:
    """What cannot be metered durably is not served."""
    return Refused(
        503,
        "serve.unmetered",
        Text(
            "usage cannot be written down at present, so nothing is served",
            "目前无法记录用量, 因此暂停服务",
        ),
        Text(
            "Try again shortly; the operator is to look at the gateway's disk and ledger.",
            "请稍后重试; 运维人员须检查网关的磁盘与账本。",
        ),
        retry_after_s=5.0,
    )


def left() -> Refused:
    """The caller was gone before the call began."""
    said = Text("the caller left before the call began", "调用开始前调用方已离开")
    return Refused(499, "serve.left", said, Text("Ask again.", "请重新调用。"))
