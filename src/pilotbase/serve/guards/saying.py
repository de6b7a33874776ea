"""How a guard refuses: the caller learns which rule and what kind of thing, never the thing."""

from __future__ import annotations

from pilotbase.kernel.text import Text
from pilotbase.serve.call import Refused
from pilotbase.serve.ports import Seen

KINDS = {
    "resident": Text("a resident identity number", "居民身份证号"),
    "card": Text("a bank card number", "银行卡号"),
    "iban": Text("an IBAN", "国际银行账号"),
    "mobile": Text("a mobile phone number", "手机号码"),
    "email": Text("an e-mail address", "电子邮箱"),
    "key": Text("an API key", "API 密钥"),
    "jwt": Text("a signed token", "签名令牌"),
    "private-key": Text("a private key", "私钥"),
    "token": Text("what looks like a secret token", "疑似密钥的字符串"),
    "denied": Text("a word that is not allowed here", "此处不允许的词语"),
    "not-allowed": Text("nothing that is allowed here", "不在允许范围内的内容"),
    "too-long": Text("more than this service takes", "超出本服务限制的内容"),
    "form": Text("not the form that this service has", "不符合本服务约定格式的内容"),
    "uncited": Text("no citation of a known passage", "未引用任何已知段落的内容"),
    "unsupported": Text("sentences that no cited passage supports", "所引段落不能支持的句子"),
}
_OTHER = Text("something that may not pass", "不得通过的内容")
_WHERE = {"request": Text("the request", "请求"), "answer": Text("the answer", "回答")}


def found(guard: str, kind: str, seen: Seen) -> Refused:
    """A refusal for what was found: 422 in a request, 502 in an answer."""
    what, where = KINDS.get(kind, _OTHER), _WHERE[seen.part]
    return Refused(
        422 if seen.part == "request" else 502,
        f"serve.guard.{guard}",
        Text(
            f"{where.en} holds {what.en}; the guard {guard!r} of this service lets none pass",
            f"{where.zh}中含有{what.zh}; 本服务的防护 {guard!r} 不予放行",
        ),
        Text(
            "Take it out and ask again." if seen.part == "request" else "Ask in another way.",
            "请去除后重新请求。" if seen.part == "request" else "请换一种问法。",
        ),
        where=guard,
    )


def unread(part: str) -> Refused:
    """A message that has to be looked at and cannot be."""
    where = _WHERE[part]
    return Refused(
        400 if part == "request" else 502,
        "serve.unscannable",
        Text(
            f"{where.en} is no plain JSON, and this service's guards have to read it",
            f"{where.zh}不是普通 JSON, 而本服务的防护须能读取",
        ),
        Text("Send JSON in UTF-8.", "请发送 UTF-8 编码的 JSON。"),
    )


def failed(guard: str) -> Refused:
    """A guard that raised an error."""
    return Refused(
        503,
        "serve.guard_unavailable",
        Text(
            f"the guard {guard!r} failed, and without it nothing passes",
            f"防护 {guard!r} 出错, 未经其检查不予放行",
        ),
        Text("Try again in a while; the gateway's log says more.", "请稍后重试; 详见网关日志。"),
        where=guard,
        retry_after_s=5.0,
    )


def too_slow(guard: str) -> Refused:
    """A guard in a process of its own that gave no answer in time, or fell over."""
    return Refused(
        503,
        "serve.guard_unavailable",
        Text(
            f"the guard {guard!r} gave no answer in time, and without it nothing passes",
            f"防护 {guard!r} 未及时答复, 未经其检查不予放行",
        ),
        Text("Try again in a while.", "请稍后重试。"),
        where=guard,
        retry_after_s=5.0,
    )
