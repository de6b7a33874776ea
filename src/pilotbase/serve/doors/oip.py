"""Open Inference Protocol v2 over HTTP: tensors in, tensors out, in JSON or as bytes behind it.

Source: kserve/open-inference-protocol, "HTTP/REST" and "Binary tensor data extension". A request is
read whole before anything is paid: shapes against lengths, names that stand once. Words that came
as bytes are put into the JSON, so that guards and people read them; numbers that came as bytes stay
bytes. Towards an upstream an answer is always asked for in JSON; the door packs it for callers that
want bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote

import msgspec

from pilotbase.kernel import canonical
from pilotbase.serve.call import Ask, Call, Operation, Refused, Route, Upstream, Usage
from pilotbase.serve.doors.openai_refusals import check_cases, faulty
from pilotbase.serve.doors.openai_refusals import refusal as openai_refusal
from pilotbase.serve.doors.openai_refusals import said as openai_said
from pilotbase.serve.ports import Dialect, Door, Gate, Pieces, Put, Reading
from pilotbase.serve.rules import cases, tensors
from pilotbase.serve.rules.http_head import LENGTH_DIGITS_MAX, RequestHead
from pilotbase.serve.rules.tensors import Tensor
from pilotbase.serve.rules.unfit import Unfit

LENGTH = b"inference-header-content-length"
BINARY = b"application/octet-stream"
MODELS = b"/v2/models/"
_KEPT = "sequence_id", "sequence_start", "sequence_end"
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.encode


class _Output(msgspec.Struct):
    """A tensor that is asked for."""

    name: str
    parameters: dict[str, Any] = {}


_tensors = msgspec.json.Decoder(list[Tensor]).decode
_outputs = msgspec.json.Decoder(list[_Output]).decode
_parameters = msgspec.json.Decoder(dict[str, Any]).decode


class OipDoor:
    """``POST /v2/models/{m}[/versions/{v}]/infer``.

    Args:
        gate, clock: to tell which filing a version is.
    """

    def __init__(self, gate: Gate, clock: Callable[[], float]) -> None:
        self._gate, self._clock = gate, clock

    def ask(self, head: RequestHead, body: bytes) -> Ask:
        model, version = _named(head.path)
        length = _length(head, body)
        try:
            fields = _fields(body[:length])
            ask = _read(fields, body[length:])
        except Unfit as error:
            raise faulty(error.en, error.zh) from None
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            raise faulty("this is no inference request", "不是推理请求") from None
        ask.service = named_version(self._gate, model, version, self._clock())
        ask.idempotency_key = head.idempotency
        if head.receipt:
            ask.receipt = hashlib.sha256(body).hexdigest()
        return ask

    def refusal(self, refused: Refused) -> tuple[bytes, bytes]:
        return refusal(refused)


def refusal(refused: Refused) -> tuple[bytes, bytes]:
    """As the protocol has it: ``error`` is a text; code and register stand beside it."""
    block, _ = openai_refusal(refused)
    said = openai_said(refused)
    more = {name: said[name] for name in ("code", "message_zh", "register") if name in said}
    return block, canonical.encode({"error": said["message"], **more})


def _named(path: bytes) -> tuple[str, str]:
    """Model and version in a path."""
    parts = [unquote(one.decode("ascii")) for one in path[len(MODELS) :].split(b"/")[:-1]]
    if len(parts) == 1 and parts[0]:
        return parts[0], ""
    if len(parts) == 3 and parts[0] and parts[1] == "versions" and parts[2]:
        return parts[0], parts[2]
    raise faulty("no model has such a path", "没有这样的模型路径", 404)


def named_version(gate: Gate, model: str, version: str, at: float) -> str:
    """The filing that a version of a model is: a service's versions are its filings' numbers.

    The name ``travel-mode-forest`` with version ``2`` is the filing ``travel-mode-forest-2``, and
    so is that filing's own name with its own number.
    """
    if not version:
        return model
    exact = f"{model}-{version}"
    if model.rpartition("-")[2] != version:
        return exact
    try:
        gate.route(exact, at)
    except Refused:
        return model
    return exact


def version_of(route: Route) -> str:
    """A filing's number; empty for what is not filed."""
    return route.filing[len(route.service) + 1 :]


def _length(head: RequestHead, body: bytes) -> int:
    """Where the JSON ends."""
    given = [value for name, value in head.headers if name == LENGTH]
    if not given:
        if head.media not in (b"application/json", b"", BINARY):  # known clients call JSON bytes
            raise faulty("the body is JSON, or JSON and bytes", "请求正文为 JSON, 或 JSON 后接字节",
                         415)  # fmt: skip
        return len(body)
    digits = given[0].isdigit() and len(given[0]) <= LENGTH_DIGITS_MAX
    if len(given) != 1 or not digits or int(given[0]) > len(body):
        raise faulty(
            "Inference-Header-Content-Length does not fit the body",
            "Inference-Header-Content-Length 与正文不符",
        )
    return int(given[0])


def _read(fields: dict[str, msgspec.Raw], tail: bytes) -> Ask:
    """What is asked for, put together anew. Raises Unfit, DecodeError."""
    if "inputs" not in fields:
        raise Unfit("inputs are missing", "缺少 inputs")
    inputs = _tensors(fields["inputs"])
    if not inputs:
        raise Unfit("there is no input", "没有任何输入张量")
    if len({one.name for one in inputs}) != len(inputs):
        raise Unfit("each input has a name of its own", "每个输入须有各自的名称")
    rest = list[bytes]()
    for one, raw in tensors.split(inputs, tail):
        if any(name.startswith("shared_memory") for name in one.parameters):
            raise Unfit("shared memory is not offered", "不支持共享内存")
        if raw is not None and one.datatype == "BYTES":
            _inlined(one, raw)
        elif raw is not None:
            rest.append(raw)
    parameters = _parameters(fields["parameters"]) if "parameters" in fields else {}
    if not parameters.keys().isdisjoint(_KEPT):  # an upstream keeps it under the base's key
        raise Unfit("sequences are not offered: calls stand alone", "不支持序列: 每次调用相互独立")
    all_bytes = parameters.pop("binary_data_output", False) is True
    outputs = _outputs(fields["outputs"]) if "outputs" in fields else []
    as_bytes = {one.name: one.parameters.pop("binary_data", all_bytes) is True for one in outputs}
    said: dict[str, Any] = {**fields, "inputs": [tensors.as_json(one) for one in inputs]}
    if "parameters" in fields:
        said["parameters"] = parameters
    if "outputs" in fields:
        said["outputs"] = outputs
    count = tensors.cases_of(inputs)
    ask = Ask("", "infer", _encode(said), cases=count, tail=b"".join(rest), door="oip")
    if all_bytes or any(as_bytes.values()):
        ask.dress = _dress(lambda name: as_bytes.get(name, all_bytes))
    return ask


def _inlined(tensor: Tensor, raw: bytes) -> None:
    """Put a tensor's bytes into its JSON. Raises Unfit."""
    values = tensors.unpacked(tensor.datatype, raw)
    if len(values) != tensors.elements(tensor):
        raise Unfit(f"tensor {tensor.name[:60]!r}: data and shape do not fit",
                    f"张量 {tensor.name[:60]!r}: 数据与形状不符")  # fmt: skip
    tensor.parameters.pop("binary_data_size")
    tensor.data = msgspec.Raw(_encode(values))


def _dress(wanted: Callable[[str], bool]) -> Callable[[bytes], tuple[bytes, bytes]]:
    def dress(answer: bytes) -> tuple[bytes, bytes]:
        fields = _fields(answer)
        head, tail = tensors.dressed(fields, _tensors(fields["outputs"]), wanted)
        block = b"content-type: application/octet-stream\r\n%b: %d\r\n" % (LENGTH, len(head))
        return block, head + tail

    return dress


class OipDialect:
    """Inference, towards an upstream (`Dialect`)."""

    path = b"/v2"
    media = b"application/json"
    idempotent = True

    def most(self, ask: Ask, route: Route) -> Usage:
        caps, count = route.caps, len(ask.body) + len(ask.tail)
        if count > caps.request_bytes_max:
            raise faulty(
                f"the request has {count} bytes; this service takes {caps.request_bytes_max}",
                f"请求为 {count} 字节; 该服务至多接受 {caps.request_bytes_max} 字节",
                413,
                "serve.too_long",
            )
        ask.cases = _cases(ask, route)
        check_cases(ask.cases, route)
        if ask.tail and route.handoff:  # a person reads one text, and it is kept as such
            _inline_all(ask)
        return Usage(0, 0, ask.cases, count, caps.answer_bytes_max)

    def question(self, call: Call, upstream: Upstream) -> bytes | Put:
        name = quote(upstream.model or call.route.service, safe="")
        path, ask = b"%b%b/infer" % (MODELS, name.encode()), call.ask
        if not ask.tail:
            return Put(path, self.media, ask.body)
        length = b"%b: %d\r\n" % (LENGTH, len(ask.body))
        return Put(path, BINARY, ask.body + ask.tail, length)

    def read(self, call: Call, answer: bytes, usage: Usage) -> bytes | None:
        try:
            fields = _fields(answer)
            for _ in tensors.split(_tensors(fields["outputs"]), b""):
                pass  # each has the length that its shape says
        except (KeyError, ValueError, RecursionError):
            return None
        usage.cases, usage.counted = call.most.cases, True
        fields["model_name"] = msgspec.Raw(_encode(call.route.service))
        fields["model_version"] = msgspec.Raw(_encode(version_of(call.route)))
        return _encode(fields)

    def reading(self, call: Call, usage: Usage, pieces: Pieces | None) -> Reading:
        raise faulty("an inference is answered whole", "推理请求整体应答")


def _cases(ask: Ask, route: Route) -> int:
    """As the upstream counts them: own workers take no shapes but their own. Raises Refused."""
    if not cases.own(route.upstreams):
        return ask.cases
    try:
        inputs = _tensors(_fields(ask.body)["inputs"])
        return cases.in_shapes({one.name: one.shape for one in inputs})
    except Unfit as error:
        raise faulty(error.en, error.zh) from None


def _inline_all(ask: Ask) -> None:
    """Numbers that came as bytes into the JSON."""
    fields = _fields(ask.body)
    inputs = _tensors(fields["inputs"])
    try:
        for one, raw in tensors.split(inputs, ask.tail):
            if raw is not None:
                _inlined(one, raw)
    except Unfit as error:
        raise faulty(error.en, error.zh) from None
    said: dict[str, Any] = {**fields, "inputs": [tensors.as_json(one) for one in inputs]}
    ask.body, ask.tail = _encode(said), b""


DIALECTS: dict[Operation, Dialect] = {"infer": OipDialect()}


def door_of(gate: Gate, clock: Callable[[], float]) -> Callable[[bytes, bytes], Door | None]:
    """What finds the door of a request."""
    door = OipDoor(gate, clock)

    def found(method: bytes, path: bytes) -> Door | None:
        inference = path.startswith(MODELS) and path.endswith(b"/infer")
        return door if inference and method == b"POST" else None

    return found
