"""Why there is no whole answer, in both languages, for whoever asked."""

from __future__ import annotations

import ssl

from pilotbase.kernel.text import Text
from pilotbase.serve.upstreams.link import Lost

_CERTIFICATE = {
    9: Text("its certificate is not valid yet", "证书尚未生效"),
    10: Text("its certificate has expired", "证书已过期"),
    18: Text("its certificate is signed by itself", "证书为自签名"),
    19: Text("its certificate is signed by nobody trusted here", "证书签发者不受信任"),
    20: Text("its certificate is signed by nobody trusted here", "证书签发者不受信任"),
    21: Text("its certificate is signed by nobody trusted here", "证书签发者不受信任"),
    62: Text("its certificate is for another host", "证书不属于该主机"),
    64: Text("its certificate is for another host", "证书不属于该主机"),
}
"""By the number that OpenSSL gives (x509_vfy.h)."""
_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL")
_SAID = {
    "the answer breaks off": "应答中断",
    "the connection was closed without an answer": "连接未应答即被关闭",
    "no answer in time": "未在限定时间内应答",
    "no connection in time": "未在限定时间内建立连接",
    "the answer stands still": "应答停滞",
    "headers are too long": "响应头过长",
    "interim answers without end": "临时应答过多",
    "an answer that is too long": "应答过长",
    "a stream, which was not asked for": "返回了未请求的流式应答",
    "more than one answer": "返回了不止一个应答",
    "no proper chunks": "分块格式有误",
    "more than its length says": "应答超出其声明的长度",
    "all its connections are taken": "其连接已全部占用",
    "the service was arranged anew": "该服务已重新安排",
}


class Unreached(Lost):
    """There is no connection, so that nothing was sent.

    Attributes:
        reason: for people. lasting: it will not go away by itself, like a certificate.
    """

    def __init__(self, reason: Text, *, lasting: bool = False) -> None:
        super().__init__(reason.en, sent=False)
        self.reason, self.lasting = reason, lasting


def no_tls(error: ssl.SSLError) -> Unreached:
    """The other side could not show that it is who it should be."""
    why = None
    if isinstance(error, ssl.SSLCertVerificationError):
        why = _CERTIFICATE.get(error.verify_code)
    elif error.reason in _NO_TLS:
        why = Text("it does not speak TLS", "对方未使用 TLS")
    said = Text("no TLS connection", "无法建立 TLS 连接")
    if why is not None:
        said = Text(f"{said.en}: {why.en}", f"{said.zh}: {why.zh}")
    return Unreached(said, lasting=True)


def no_connection(error: OSError, seconds: float) -> Unreached:
    """Nobody answers at the address."""
    if isinstance(error, TimeoutError):
        return Unreached(
            Text(f"no connection within {seconds:g} s", f"{seconds:g} 秒内未能建立连接")
        )
    if isinstance(error, ConnectionRefusedError):
        return Unreached(Text("connection refused", "连接被拒绝"))
    return Unreached(Text("no connection", "无法建立连接"))


def no_address(code: str) -> Unreached:
    """The name stands for nothing, or for what may not be reached. What is inside is the operator's
    to know: callers read neither name nor number."""
    if code == "endpoint.unknown_host":
        return Unreached(Text("its name is not known at present", "目前无法解析其主机名"))
    return Unreached(Text("its address may not be reached", "其地址不允许访问"))


def reason_of(lost: Lost) -> Text:
    """What a caller is told of it."""
    if isinstance(lost, Unreached):
        return lost.reason
    return Text(str(lost), _SAID.get(str(lost), "应答不符合 HTTP 规范"))
