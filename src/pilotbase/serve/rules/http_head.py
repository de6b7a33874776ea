"""Heads of HTTP/1.1 messages (RFC 9112), read strictly: what two readers could take differently is
an error, because between two readers requests are smuggled (CWE-444).

llhttp (in httptools) has the grammar and refuses both lengths at once, two lengths, folded headers,
bare line feeds, space before a colon and bad chunks. What it leaves to us stands here: exactly one
host, ``chunked`` as the only coding, no trick in the path, limits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import httptools
import msgspec

HEAD_BYTES_MAX = 16 * 1024
HEADERS_MAX = 64
TARGET_BYTES_MAX = 4096
LENGTH_DIGITS_MAX = 19
"""More say no length that is sent; zeros before it may be thousands, and `int` takes 4300."""

_VALUE = re.compile(rb"[^\x00-\x08\x0a-\x1f\x7f]*")
_TARGET = re.compile(rb"/[!-~]*")
_TRICK = re.compile(rb"//|\\|/\.{1,2}(?:/|$|\?)|%(?:2e|2f|5c|00|0a|0d)|#", re.IGNORECASE)
_TRACE = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_KEYS = (b"authorization", b"api-key", b"x-api-key")


_SAID = {
    "the body is too long": "请求正文过长",
    "no proper chunks": "分块格式有误",
    "too many requests are being read": "正在读取的请求过多",
    "the request comes too slowly": "请求发送过慢",
    "headers are too long": "请求头过长",
    "lines end with CR and LF": "各行须以 CR LF 结尾",
    "too many headers": "请求头过多",
    "no upgrade is offered": "不支持协议升级",
    "the path is too long": "路径过长",
    "another version than is spoken here": "不支持该 HTTP 版本",
    "the path is not in its plain form": "路径不是规范形式",
    "a header holds control characters": "请求头含控制字符",
    "chunked is the only coding": "传输编码仅支持 chunked",
    "the body is not to be compressed": "请求正文不得压缩",
    "nothing but 100-continue can be expected": "Expect 仅支持 100-continue",
    "one idempotency key of at most 255 characters": "Idempotency-Key 须为一个, 至多 255 个字符",
    "exactly one host is to be named": "须恰好指明一个 Host",
    "no proper Content-Length": "Content-Length 有误",
    "two different keys are given": "给出了两个不同的密钥",
}


class HeadError(Exception):
    """No head that may be answered otherwise than with an error and an end.

    Attributes:
        status: the HTTP status that says it. zh: the reason in Chinese.
    """

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.status, self.zh = status, _SAID.get(reason, "HTTP 请求有误")

    def told(self) -> bytes:
        """The body of an answer that says it."""
        said = {"message": str(self), "message_zh": self.zh, "type": "invalid_request_error"}
        return msgspec.json.encode({"error": {**said, "code": "serve.http"}})


class RequestHead:
    """What a request's head says.

    Attributes:
        method, target: as sent; ``path`` is the target without its query.
        headers: names in lower case, in order.
        length: of the body in bytes; -1 where it comes in chunks.
        keep: whether the connection may carry another request.
        expects: the client waits for ``100 Continue``.
        key: the API key's text, empty where none. idempotency: the header of that name.
        media: content type, without its parameters. receipt: whether a signed one is wanted.
        trace: ``traceparent`` (W3C Trace Context), empty where it is none.
    """

    __slots__ = (
        "expects",
        "headers",
        "idempotency",
        "keep",
        "key",
        "length",
        "media",
        "method",
        "path",
        "receipt",
        "target",
        "trace",
        "version",
    )

    def __init__(self) -> None:
        self.target = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.method = self.path = b""
        self.version = "1.1"
        self.length = 0
        self.keep = self.expects = self.receipt = False
        self.key = self.idempotency = self.trace = ""
        self.media = b""

    # called by the parser
    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))


class ResponseHead:
    """What a response's head says.

    Attributes:
        length: of the body in bytes; -1 in chunks; -2 until the connection ends.
        headers: the first of each name, in lower case.
        plain: the final head of a whole answer of known length, not of a stream.
    """

    __slots__ = ("_count", "headers", "keep", "length", "media", "plain", "status")

    def __init__(self) -> None:
        self.status, self.length, self.keep, self.plain = 0, -2, False, False
        self.media = b""
        self._count = 0
        self.headers: dict[bytes, bytes] = {}

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name in self.headers and name in _ONCE:
            raise HeadError(f"{name.decode('latin-1')} stands twice")
        self._count += 1
        if self._count > HEADERS_MAX:
            raise HeadError("too many headers")
        self.headers.setdefault(name, value)


_ONCE = frozenset(
    (b"content-length", b"transfer-encoding", b"content-type", b"content-encoding", b"retry-after")
)


def request_head(raw: bytes) -> RequestHead:
    """Read a whole head, its empty line included.

    Raises:
        HeadError: it is none, is too long, or could be read in two ways.
    """
    if len(raw) > HEAD_BYTES_MAX:
        raise HeadError("headers are too long", 431)
    head = RequestHead()
    parser = httptools.HttpRequestParser(head)
    try:
        parser.feed_data(raw)
    except httptools.HttpParserUpgrade:
        raise HeadError("no upgrade is offered") from None
    except httptools.HttpParserError as error:
        raise HeadError(f"no proper HTTP: {error}") from None
    head.method, head.version = parser.get_method(), parser.get_http_version()
    _check_target(head)
    _read_headers(head)
    _read_connection(head)
    return head


def _read_connection(head: RequestHead) -> None:
    """Whether another request may follow (RFC 9112, section 9.3). HTTP/1.0 has to ask for it, and
    knows no interim answers (RFC 9110, section 10.1.1)."""
    said = b",".join(value for name, value in head.headers if name == b"connection")
    if head.version == "1.1":
        head.keep = not _closes(said)
    else:
        head.keep = b"keep-alive" in _options(said) and not _closes(said)
        head.expects = False


def _options(connection: bytes) -> list[bytes]:
    return [token.strip() for token in connection.lower().split(b",")]


def _closes(connection: bytes) -> bool:
    return b"close" in _options(connection)


def _check_target(head: RequestHead) -> None:
    if len(head.target) > TARGET_BYTES_MAX:
        raise HeadError("the path is too long", 414)
    if head.version not in ("1.1", "1.0"):
        raise HeadError("another version than is spoken here", 505)
    head.path, _, query = head.target.partition(b"?")
    if not _TARGET.fullmatch(head.target) or _TRICK.search(head.path) or b"#" in query:
        raise HeadError("the path is not in its plain form")


def _read_headers(head: RequestHead) -> None:
    if len(head.headers) > HEADERS_MAX:
        raise HeadError("too many headers", 431)
    hosts = 0
    for name, value in head.headers:
        if not _VALUE.fullmatch(value):
            raise HeadError("a header holds control characters")
        if name == b"host":
            hosts += 1
        elif name == b"content-length":
            head.length = _length(value)
        elif name == b"transfer-encoding":
            if value.lower() != b"chunked" or head.version != "1.1" or head.length == -1:
                raise HeadError("chunked is the only coding")
            head.length = -1
        elif name == b"content-encoding" and value.lower() != b"identity":
            raise HeadError("the body is not to be compressed", 415)
        elif name == b"content-type":
            head.media = value.partition(b";")[0].strip().lower()
        elif name == b"expect":
            if value.lower() != b"100-continue":
                raise HeadError("nothing but 100-continue can be expected", 417)
            head.expects = True
        elif name == b"idempotency-key":
            if head.idempotency or len(value) > 255:
                raise HeadError("one idempotency key of at most 255 characters")
            head.idempotency = value.decode("latin-1")
        elif name == b"pilotbase-receipt":
            head.receipt = value.strip().lower() == b"signed"
        elif name == b"traceparent" and _TRACE.fullmatch(value):
            head.trace = value.decode("ascii")
        elif name in _KEYS:
            _take_key(head, name, value)
    if hosts != 1 and (head.version == "1.1" or hosts):
        raise HeadError("exactly one host is to be named")


def key_in(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The API key in a request's headers, empty where none is. Raises HeadError where two are."""
    head = RequestHead()
    for name, value in headers:
        if name in _KEYS:
            _take_key(head, name, value)
    return head.key


def _length(value: bytes) -> int:
    if len(value) > LENGTH_DIGITS_MAX:
        raise HeadError("no proper Content-Length")
    return int(value)


def _take_key(head: RequestHead, name: bytes, value: bytes) -> None:
    if name == b"authorization":
        scheme, _, value = value.partition(b" ")
        if scheme.lower() != b"bearer":
            return  # another scheme holds no key of ours
    text = value.strip().decode("latin-1")
    if head.key and head.key != text:
        raise HeadError("two different keys are given")
    head.key = text


def response_head(raw: bytes) -> ResponseHead:
    """Read a whole head, its empty line included; 1xx are read like others.

    Raises:
        HeadError: it is none, is too long, or could be read in two ways.
    """
    if len(raw) > HEAD_BYTES_MAX:
        raise HeadError("headers are too long")
    head = ResponseHead()
    parser = httptools.HttpResponseParser(head)
    try:
        parser.feed_data(raw)
    except httptools.HttpParserUpgrade:
        raise HeadError("an upgrade that nobody asked for") from None
    except httptools.HttpParserCallbackError as error:
        raise (error.__context__ or error) from None
    except httptools.HttpParserError as error:
        raise HeadError(f"no proper HTTP: {error}") from None
    head.status = parser.get_status_code()
    keep = not _closes(head.headers.get(b"connection", b""))
    _read_framing(head, parser.get_http_version(), keep)
    return head


def _read_framing(head: ResponseHead, version: str, keep: bool) -> None:
    coding = head.headers.get(b"transfer-encoding")
    length = head.headers.get(b"content-length")
    if coding is not None:
        if coding.lower() != b"chunked" or version != "1.1" or length is not None:
            raise HeadError("chunked is the only coding")
        head.length = -1
    elif head.status in (204, 304) or head.status < 200:
        head.length = 0
    elif length is not None:
        head.length = _length(length)
    if head.headers.get(b"content-encoding", b"identity").lower() not in (b"identity", b""):
        raise HeadError("a compressed answer, which was not asked for")
    head.media = head.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    head.keep = version == "1.1" and head.length != -2 and keep
    head.plain = head.status >= 200 and head.length >= 0 and head.media != b"text/event-stream"
