"""OpenAI's chat completions, embeddings and responses, as callers speak them.

A body is taken apart one level deep and put together again for the upstream: what we read is then
what the upstream reads, though a name stands twice or the gateway has to add something.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar, cast

import msgspec

from pilotbase.serve.call import Ask, Call, Operation, Refused, Route, Upstream, Usage
from pilotbase.serve.doors.openai_refusals import check_cases, faulty, refusal
from pilotbase.serve.doors.openai_streams import ChatReading, ResponsesReading
from pilotbase.serve.doors.openai_usage import NULL, take_usage
from pilotbase.serve.ports import Door, Pieces, Reading
from pilotbase.serve.rules import cases
from pilotbase.serve.rules.http_head import RequestHead
from pilotbase.serve.rules.unfit import Unfit

CHOICES_MAX = 16
T = TypeVar("T")
Fields = dict[str, msgspec.Raw]

_decode_fields = msgspec.json.Decoder(Fields).decode
_decode_text = msgspec.json.Decoder(str | None).decode
_decode_flag = msgspec.json.Decoder(bool | None).decode
_decode_number = msgspec.json.Decoder(int | None).decode
_decode_object = msgspec.json.Decoder(dict[str, Any] | None).decode
_encode = msgspec.json.encode
_TRUE = msgspec.Raw(b"true")
_LIMITS = ("max_completion_tokens", "max_tokens", "max_output_tokens")
_LIMITED = frozenset(_LIMITS)
_ELSEWHERE = ("previous_response_id", "conversation", "prompt", "background")


def fields_of(body: bytes) -> Fields:
    """A body's fields, each as it stands. Raises Refused where it is no JSON object."""
    try:
        if not body.isascii():
            body.decode()
        return _decode_fields(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise faulty("the body is no JSON object", "请求正文不是 JSON 对象") from None


def _value(fields: Fields, name: str, decode: Callable[[msgspec.Raw], T]) -> T | None:
    raw = fields.get(name)
    if raw is None:
        return None
    try:
        return decode(raw)
    except (msgspec.DecodeError, RecursionError):
        raise faulty(f"{name} is not of its type", f"{name} 的类型不正确") from None


def _positive(fields: Fields, name: str) -> int:
    """A number of one or more; 0 where it is not given."""
    number: int | None = _value(fields, name, _decode_number)
    if number is None:
        return 0
    if number < 1:
        raise faulty(f"{name} is at least 1", f"{name} 至少为 1")
    return number


class OpenAIDoor:
    """One of OpenAI's operations, from the caller's side.

    Args:
        operation: chat, embeddings or responses.
    """

    def __init__(self, operation: Operation) -> None:
        self._operation = operation

    def ask(self, head: RequestHead, body: bytes) -> Ask:
        if head.media not in (b"application/json", b""):
            raise faulty("the body is to be application/json", "请求正文应为 application/json", 415)
        fields = fields_of(body)
        model = _value(fields, "model", _decode_text)
        if not model:
            raise faulty("model names the service; it is missing", "缺少 model (服务名称)")
        if self._operation == "responses":
            _refuse_elsewhere(fields, body)
        ask = Ask(
            model,
            self._operation,
            body,
            "stream" in fields and bool(_value(fields, "stream", _decode_flag)),
            (_positive(fields, "n") or 1) if "n" in fields else 1,
            0 if _LIMITED.isdisjoint(fields) else _limit(fields),
            1,
            head.idempotency,
            "application/json",
            cast(dict[str, Any], fields),
        )
        if head.receipt:
            ask.receipt = hashlib.sha256(body).hexdigest()
        return ask

    def refusal(self, refused: Refused) -> tuple[bytes, bytes]:
        return refusal(refused)


def _cases(ask: Ask, route: Route) -> int:
    """Cases of a chat: one, but where an own worker takes columns. Raises Refused."""
    if not route.columns or ask.operation != "chat" or not cases.own(route.upstreams):
        return 1
    fields = fields_of(ask.body) if ask.fields is None else ask.fields
    try:
        count = cases.in_messages(bytes(fields.get("messages", NULL)))
    except Unfit as error:
        raise faulty(error.en, error.zh) from None
    check_cases(count, route)
    return count


def _limit(fields: Fields) -> int:
    """The caller's own limit on output tokens: the largest of those given; 0 where none is."""
    given = [_positive(fields, name) for name in _LIMITS if name in fields]
    return max(given, default=0)


def _refuse_elsewhere(fields: Fields, body: bytes) -> None:
    """What an upstream keeps is kept under the base's key: one caller could read another's."""
    for name in _ELSEWHERE:
        if name in fields and bytes(fields[name]) not in (b"null", b"false"):
            raise faulty(
                f"{name} is not offered: calls stand on their own",
                f"不支持 {name}: 每次调用相互独立",
            )
    if b"item_reference" in body:
        raise faulty("item_reference is not offered", "不支持 item_reference")


class OpenAIDialect:
    """One of OpenAI's operations, towards an upstream (`Dialect`)."""

    media = b"application/json"

    def __init__(self, operation: Operation) -> None:
        self._operation = operation
        self.path, answer = _PATHS[operation]
        self._decode = msgspec.json.Decoder(answer).decode
        self.idempotent = operation == "embeddings"
        self._limit = "max_output_tokens" if operation == "responses" else "max_tokens"
        self._names: dict[str, msgspec.Raw] = {}

    def most(self, ask: Ask, route: Route) -> Usage:
        caps, count = route.caps, len(ask.body)
        if count > caps.request_bytes_max:
            raise faulty(
                f"the request has {count} bytes; this service takes {caps.request_bytes_max}",
                f"请求为 {count} 字节; 该服务至多接受 {caps.request_bytes_max} 字节",
                413,
                "serve.too_long",
            )
        if ask.choices > CHOICES_MAX:
            raise faulty(f"n is at most {CHOICES_MAX}", f"n 至多为 {CHOICES_MAX}")
        if ask.output_tokens_max > caps.output_tokens_max:
            raise faulty(
                f"this service writes at most {caps.output_tokens_max} tokens",
                f"该服务至多输出 {caps.output_tokens_max} 个词元",
                400,
                "serve.too_many_tokens",
            )
        ask.cases = _cases(ask, route)
        written = (ask.output_tokens_max or caps.output_tokens_max) * ask.choices
        if self._operation == "embeddings":
            written = 0
        return Usage(count, written, ask.cases, count, caps.answer_bytes_max)

    def question(self, call: Call, upstream: Upstream) -> bytes:
        ask = call.ask
        if ask.fields is None:
            ask.fields = cast(dict[str, Any], fields_of(ask.body))
        fields: Fields = ask.fields
        if call.route.guards:  # what guards read is what the upstream reads, at every level
            fields = {name: _plain(raw) for name, raw in fields.items()}
        if upstream.model:
            name = self._names.get(upstream.model)
            if name is None:
                name = self._names[upstream.model] = msgspec.Raw(_encode(upstream.model))
            fields["model"] = name
        if self._operation != "embeddings" and not ask.output_tokens_max:
            fields[self._limit] = _number(call.route.caps.output_tokens_max)
        if ask.stream and self._operation == "chat":
            fields["stream_options"] = _with_usage(fields.get("stream_options"))
        if self._operation == "responses":
            fields["store"] = msgspec.Raw(b"false")
        return _encode(fields)

    def read(self, call: Call, answer: bytes, usage: Usage) -> bytes | None:
        try:
            said = self._decode(answer)
            if not answer.isascii():
                answer.decode()
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        usage.cases = call.most.cases
        if not take_usage(usage, said.usage):
            usage.input_tokens = call.most.input_tokens
            usage.output_tokens = min(len(answer), call.most.output_tokens)
        return answer

    def reading(self, call: Call, usage: Usage, pieces: Pieces | None) -> Reading:
        usage.cases = call.most.cases
        usage.input_tokens = call.most.input_tokens
        if self._operation == "responses":
            return ResponsesReading(call, usage, pieces)
        return ChatReading(call, usage, pieces, wanted=usage_wanted(call.ask))


class _Answer(msgspec.Struct):
    """What makes an answer one, and its usage; the rest is only passed over."""

    choices: msgspec.Raw
    usage: msgspec.Raw = NULL


class _Vectors(msgspec.Struct):
    data: msgspec.Raw
    usage: msgspec.Raw = NULL


class _Response(msgspec.Struct):
    output: msgspec.Raw
    usage: msgspec.Raw = NULL


_PATHS: dict[Operation, tuple[bytes, type[_Answer | _Vectors | _Response]]] = {
    "chat": (b"/chat/completions", _Answer),
    "embeddings": (b"/embeddings", _Vectors),
    "responses": (b"/responses", _Response),
}


@cache
def _number(number: int) -> msgspec.Raw:
    return msgspec.Raw(b"%d" % number)


def _plain(raw: msgspec.Raw) -> msgspec.Raw:
    try:
        return msgspec.Raw(_encode(msgspec.json.decode(raw)))
    except (msgspec.DecodeError, RecursionError):
        raise faulty("the body is no proper JSON", "请求正文不是合法的 JSON") from None


def _with_usage(options: msgspec.Raw | None) -> msgspec.Raw:
    """Stream options that ask for usage, whatever else they ask for."""
    if options is None or bytes(options) == b"null":
        return msgspec.Raw(b'{"include_usage":true}')
    try:
        fields = _decode_fields(options)
    except msgspec.DecodeError:
        raise faulty("stream_options is no object", "stream_options 不是对象") from None
    fields["include_usage"] = _TRUE
    return msgspec.Raw(_encode(fields))


def usage_wanted(ask: Ask) -> bool:
    """Whether the caller itself asked for usage in the stream."""
    if b"include_usage" not in ask.body:
        return False
    options = _value(fields_of(ask.body), "stream_options", _decode_object)
    return bool(options and options.get("include_usage") is True)


DIALECTS: dict[Operation, OpenAIDialect] = {one: OpenAIDialect(one) for one in _PATHS}

DOORS: dict[bytes, Door] = {
    b"/v1/chat/completions": OpenAIDoor("chat"),
    b"/v1/embeddings": OpenAIDoor("embeddings"),
    b"/v1/responses": OpenAIDoor("responses"),
}


def door_of(method: bytes, path: bytes) -> Door | None:
    """The door of a request, None where it is for the application."""
    return DOORS.get(path) if method == b"POST" else None
