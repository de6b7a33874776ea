"""What callers are told when an upstream does not answer as it should."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import msgspec

from pilotbase.kernel.text import Text
from pilotbase.serve.call import Refused, Route
from pilotbase.serve.upstreams.link import Lost
from pilotbase.serve.upstreams.reasons import Unreached, reason_of

_LATER = Text("Try again later.", "请稍后重试。")
WORDS_MAX = 1_000
"""Characters of an own worker's refusal that are handed on."""
_CODE = re.compile(r"[a-z][a-z_.]{0,60}")
_TELL = Text("Tell whoever runs this service.", "请告知该服务的运营方。")


def lost(error: Lost, route: Route) -> Refused:
    """No answer, or half of one: 504 where the time was up, 503 where nothing could be sent."""
    if _is_own(route) and (own := _own(error, route)):
        return own
    reason = reason_of(error)
    why = Text(
        f"the service's upstream did not answer: {reason.en}",
        f"该服务的上游未正常应答: {reason.zh}",
    )
    if isinstance(error, Unreached) and error.lasting:
        return Refused(
            503, "serve.upstream_down", why, _TELL, filing=route.filed, where=route.filing
        )
    if error.late:
        return Refused(
            504, "serve.upstream_late", why, _LATER, filing=route.filed, where=route.filing
        )
    if not error.sent:
        return Refused(
            503,
            "serve.upstream_down",
            why,
            _LATER,
            filing=route.filed,
            where=route.filing,
            retry_after_s=5.0,
        )
    return Refused(
        502, "serve.upstream_failed", why, _LATER, filing=route.filed, where=route.filing
    )


def _is_own(route: Route) -> bool:
    """Whether the base itself runs it, in workers of its own."""
    return bool(route.upstreams) and all(one.kind == "candidate" for one in route.upstreams)


def _own(error: Lost, route: Route) -> Refused | None:
    """Of a service that the base itself runs: its worker has ended, or is not yet there."""
    name = route.filing
    if error.closed:
        code = "serve.worker_ended"
        why = Text(
            f"{name}: its own worker ended during the call; it is started again",
            f"{name}: 其自有工作进程在调用期间结束, 正在重新启动",
        )
    elif error.late and not error.answered and route.worker not in ("", "ready"):
        code = "serve.worker_starting"
        why = Text(f"{name}: its own worker is still starting", f"{name}: 其自有工作进程仍在启动")
    else:
        return None
    return Refused(503, code, why, _LATER, filing=route.filed, where=name, retry_after_s=5.0)


def none_left(route: Route) -> Refused:
    code = "serve.no_upstream"
    why = Text("none of the service's upstreams can be reached now", "该服务的上游目前均不可用")
    if _is_own(route):
        code, name = "serve.worker_down", route.filing
        why = Text(
            f"{name}: its own worker fails again and again, and is left alone for a while",
            f"{name}: 其自有工作进程反复出错, 暂停使用",
        )
    return Refused(
        503,
        code,
        why,
        _LATER,
        filing=route.filed,
        where=route.filing,
        retry_after_s=5.0,
    )


def unread(route: Route) -> Refused:
    """An answer that is none in its protocol; a stream that is no stream of it."""
    return Refused(
        502,
        "serve.upstream_garbage",
        Text("what the service's upstream sent is no answer", "该服务的上游返回的内容不是有效应答"),
        _TELL,
        filing=route.filed,
        where=route.filing,
    )


class _Words(msgspec.Struct):
    """A refusal as an own worker words it: by the protocol of tensors, or of chats."""

    error: str | dict[str, Any] = ""
    message_zh: str = ""
    code: str = ""


_words = msgspec.json.Decoder(_Words).decode


def own_said(status: int, body: bytes, route: Route) -> Refused:
    """An own worker's refusal, in its words: they are this program's, about this very request."""
    try:
        read = _words(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        read = _Words()
    if isinstance(read.error, dict):
        one = {name: value for name, value in read.error.items() if isinstance(value, str)}
        read = _Words(one.get("message", ""), one.get("message_zh", ""), one.get("code", ""))
    en, zh = _line(str(read.error)), _line(read.message_zh)
    en = en or f"its own worker said {status}"
    zh = zh or f"其自有工作进程返回 {status}"
    if status in (400, 404, 409, 413, 415, 422):
        at = f"/v2/models/{quote(route.service, safe='')}"
        see = Text(f"What it takes is described at {at}.", f"其输入说明见 {at}。")
        return Refused(
            422, "serve.unfit", Text(en, zh), see, filing=route.filed, where=route.filing
        )
    code = read.code if _CODE.fullmatch(read.code) else "serve.worker_failed"
    known = 503 if status == 503 else 502
    return Refused(known, code, Text(en, zh), _TELL, filing=route.filed, where=route.filing)


def _line(text: str) -> str:
    """One printable line of bounded length."""
    line = "".join(one if one.isprintable() else " " for one in text[: WORDS_MAX + 1])
    return line.strip() if len(line) <= WORDS_MAX else f"{line[: WORDS_MAX - 1]}…"


def miscounted(route: Route) -> Refused:
    """What was answered is not what was reserved: it is not handed out, and costs nothing."""
    name = route.filing
    why = Text(
        f"{name}: its own worker did not answer as many cases as were asked",
        f"{name}: 其自有工作进程应答的案例数与所问不符",
    )
    return Refused(502, "serve.worker_miscounted", why, _TELL, filing=route.filed, where=name)


def upstream_said(status: int, route: Route, retry_after: bytes) -> Refused:
    """An upstream's own refusal. Its words stay here: they may be of others, or hold a key."""
    if status == 429:
        seconds = float(retry_after) if retry_after.isdigit() and len(retry_after) < 7 else 5.0
        return Refused(
            429,
            "serve.upstream_busy",
            Text("the service's upstream has too much to do", "该服务的上游繁忙"),
            _LATER,
            filing=route.filed,
            where=route.filing,
            retry_after_s=seconds,
        )
    if status in (400, 404, 409, 413, 415, 422):
        return Refused(
            422,
            "serve.upstream_refused",
            Text(
                f"the service's upstream does not take this request (it said {status})",
                f"该服务的上游不接受此请求 (返回 {status})",
            ),
            Text(
                "Check the request against the service's description.", "请对照服务说明检查请求。"
            ),
            filing=route.filed,
            where=route.filing,
        )
    return Refused(
        502,
        "serve.upstream_failed",
        Text(f"the service's upstream said {status}", f"该服务的上游返回 {status}"),
        _LATER,
        filing=route.filed,
        where=route.filing,
    )


def not_spoken(operation: str, route: Route) -> Refused:
    return Refused(
        404,
        "serve.not_spoken",
        Text(
            f"this service does not answer {operation} requests", f"该服务不受理 {operation} 请求"
        ),
        Text(
            f"It answers: {', '.join(sorted(route.speaks))}.",
            f"它受理: {', '.join(sorted(route.speaks))}。",
        ),
        filing=route.filed,
        where=route.filing,
    )


def fault(service: str) -> Refused:
    """Something of ours, or plugged in, raised what nobody expected."""
    return Refused(
        500,
        "serve.fault",
        Text(
            "a fault of the gateway, or of what is plugged into it, ended the call",
            "网关或其插件发生故障, 调用已终止",
        ),
        Text("The gateway's log says more.", "详见网关日志。"),
        where=service,
    )


def stopping() -> Refused:
    return Refused(
        503,
        "serve.stopping",
        Text("the gateway is stopping", "网关正在停止"),
        _LATER,
        retry_after_s=5.0,
    )
