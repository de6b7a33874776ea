"""Why a call is not served: one `Refused` for each reason, in both languages."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pilotbase.catalog.rules.delegation import Refusal
from pilotbase.kernel.text import Text
from pilotbase.register.rules.words import VERDICTS, word
from pilotbase.serve.call import Refused

REGISTER = "/register"
_KEY = Text(
    "`pilotbase catalog who KEY` shows for whom a key acts and what it opens.",
    "`pilotbase catalog who 密钥` 可查看密钥代表谁、可调用什么。",
)
_ARRANGE = Text(
    "The operator arranges it: `pilotbase gateway offer SHEET`.",
    "由运营方安排: `pilotbase gateway offer 表格`。",
)
# By standing: the HTTP status, and what is said of the filing.
_SHUT = {
    "expired": (410, Text("its filing expired at {at}", "其备案已于 {at} 到期")),
    "suspended": (503, Text("it is suspended since {at}", "该服务自 {at} 起暂停")),
    "stopped": (410, Text("it was stopped at {at}", "该服务已于 {at} 终止")),
    "withdrawn": (410, Text("its filing was withdrawn at {at}", "其备案已于 {at} 撤回")),
    "exited": (410, Text("it has exited since {at}", "该服务已于 {at} 退出")),
}


def see(filing: str = "") -> Text:
    """Where the register says more."""
    path = f"{REGISTER}/{filing}" if filing else REGISTER
    return Text(f"The register says more: {path}", f"详见备案登记: {path}")


def shut(filing: str, stands: str, at: str) -> Refused:
    """The filing is there and not live."""
    status, said = _SHUT[stands]
    message = Text(f"{filing}: {said.en}", f"{filing}: {said.zh}").format(at=at)
    return Refused(status, f"serve.{stands}", message, see(filing), filing=filing)


def not_filed(name: str, verdict: str) -> Refused:
    """A candidate that was tried and has no filing."""
    return Refused(
        403,
        "serve.not_filed",
        Text(
            f"{name} is not filed: its verdict is {verdict}, and only what is filed is served",
            f"{name} 未备案: 其结论为{word(VERDICTS, verdict, 'zh')}, 只有已备案的服务才能提供",
        ),
        see(),
        where=name,
    )


def unknown(name: str, meant: str | None) -> Refused:
    """No filing and no service is called so."""
    shown = name[:80]
    hint_en = f"Did you mean {meant!r}? " if meant else ""
    hint_zh = f"是否想写 {meant!r}? " if meant else ""
    more = see()
    return Refused(
        404,
        "serve.unknown_service",
        Text(f"no service is called {shown!r}", f"没有名为 {shown!r} 的服务"),
        Text(hint_en + more.en, hint_zh + more.zh),
        where=shown,
    )


def no_upstream(filing: str, wait_s: float | None = None) -> Refused:
    """A live filing that nobody has arranged, or whose only upstream a drill has cut off."""
    if wait_s is not None:
        said = Text(
            f"{filing}: a drill has cut its only upstream off, and it has no second choice",
            f"{filing}: 演练切断了其唯一的上游, 且没有备选",
        )
        code = "serve.drill"
    else:
        said = Text(
            f"{filing} is filed, and no upstream is arranged for it",
            f"{filing} 已备案, 但尚未安排上游",
        )
        code = "serve.no_upstream"
    return Refused(503, code, said, _ARRANGE, filing=filing, retry_after_s=wait_s)


def erased(filing: str, pilot: str) -> Refused:
    """A live filing that the base can no longer serve itself, and that nobody has arranged."""
    return Refused(
        503,
        "serve.no_upstream",
        Text(
            f"{filing} is filed, but the scenario of {pilot} was erased from the vault or is lost, "
            "so the base cannot serve it itself, and no upstream is arranged for it",
            f"{filing} 已备案, 但 {pilot} 的场景已从保险库删除或遗失, 基地无法自行提供, "
            "且尚未安排上游",
        ),
        _ARRANGE,
        filing=filing,
    )


def bad_arrangement(filing: str, detail: str) -> Refused:
    """A live filing whose arrangement this version cannot read."""
    return Refused(
        503,
        "serve.bad_arrangement",
        Text(
            f"{filing} is filed, and its arrangement cannot be used: {detail}",
            f"{filing} 已备案, 但其安排无法使用: {detail}",
        ),
        Text(
            "The operator arranges it anew: `pilotbase gateway offer SHEET`.",
            "由运营方重新安排: `pilotbase gateway offer 表格`。",
        ),
        filing=filing,
    )


def worker(filing: str, said: Mapping[str, Any], at: float) -> Refused | None:
    """Why the base's own worker cannot serve it now; None where it can, or can soon."""
    if "error" in said:
        return _bad_worker(filing, said["error"])
    if said.get("again", 0.0) <= at:
        return None
    seconds = math.ceil(said["again"] - at)
    return Refused(
        503,
        "serve.worker_down",
        Text(
            f"{filing}: its own worker has ended again and again; it is started in {seconds} s",
            f"{filing}: 其自有工作进程反复结束, 将在 {seconds} 秒后重新启动",
        ),
        see(filing),
        filing=filing,
        retry_after_s=float(seconds),
    )


def _bad_worker(filing: str, error: Mapping[str, str]) -> Refused:
    """Above all because it is not what was tried."""
    code = error.get("code", "")
    return Refused(
        503,
        code if code.startswith("serve.") else "serve.bad_worker",
        Text(f"{filing}: {error.get('en', '')}", f"{filing}: {error.get('zh', '')}"),
        see(filing),
        filing=filing,
    )


def lost() -> Refused:
    """The record has not been read for too long: a stop might have been missed."""
    return Refused(
        503,
        "serve.record_unread",
        Text(
            "the gateway cannot read its record, and a stop might have been missed",
            "网关无法读取记录, 可能错过了终止指令",
        ),
        Text("Try again in a few seconds.", "请稍后重试。"),
        retry_after_s=5.0,
    )


def no_key() -> Refused:
    return Refused(
        401,
        "serve.no_key",
        Text("the call names no key", "调用未附密钥"),
        Text(
            "Send `Authorization: Bearer pbk_…`; `pilotbase catalog key create` makes a key.",
            "请发送 `Authorization: Bearer pbk_…`; `pilotbase catalog key create` 可生成密钥。",
        ),
    )


def of_key(found: Refusal) -> Refused:
    """A key that does not open, or a link of its chain that does not hold."""
    room, _, name = found.code.partition(".")
    status = 401 if room == "key" and name != "scope" else 403
    word = f"mandate_{name}" if room == "delegation" else f"{room}_{name}"
    return Refused(status, f"serve.{word}", found.message, _KEY, where=found.about)
