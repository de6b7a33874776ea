"""A service asked by plain arguments, as agents' protocols do, and its answer as words and data.

Whatever a service speaks, one of its operations is chosen: a tool takes its own arguments, a model
of tensors takes one case by column, a chat takes a question, an agent takes a text.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from pilotbase.serve.call import Ask, Operation, Refused, Route
from pilotbase.serve.doors.openai_refusals import faulty
from pilotbase.serve.doors.openai_refusals import said as refusal_said
from pilotbase.serve.gateway.awaited import BegunRefused
from pilotbase.serve.gateway.said import not_spoken
from pilotbase.serve.rules import tensors
from pilotbase.serve.rules.sse import Events, data_of
from pilotbase.serve.rules.tensors import Tensor
from pilotbase.serve.rules.unfit import Unfit

PREFERRED: tuple[Operation, ...] = ("tool", "infer", "chat", "message")
MATRIX = "input"
"""Own workers offer their columns twice: one by one, and all in this tensor."""
Json = dict[str, Any]
_encode = msgspec.json.encode
_object = msgspec.json.Decoder(Json).decode
_TYPES = {"BYTES": "string", "BOOL": "boolean", "FP16": "number", "FP32": "number",
          "FP64": "number", "BF16": "number"}  # fmt: skip
QUESTION: Json = {
    "type": "object",
    "properties": {"question": {"type": "string", "description": "What is asked / 问题"}},
    "required": ["question"],
}
TEXT: Json = {
    "type": "object",
    "properties": {"text": {"type": "string", "description": "What is said / 内容"}},
    "required": ["text"],
}


@dataclass(frozen=True)
class Said:
    """An answer: what people read, and data where there are any; ``failed`` as a tool says it."""

    text: str
    data: Json
    failed: bool = False


def operation_of(route: Route) -> Operation:
    """How a service is asked by plain arguments. Raises Refused where it cannot be."""
    for one in PREFERRED:
        if one in route.speaks:
            return one
    raise not_spoken("plain", route)


def schema_of(route: Route, about: Json) -> Json:
    """JSON Schema of the arguments.

    Args:
        about: what the upstream says of itself: a tool's description, a model's metadata.
    """
    operation = operation_of(route)
    if operation == "tool":
        found = about.get("inputSchema")
        return found if isinstance(found, dict) else {"type": "object"}
    if operation == "infer":
        columns = columns_of(about)
        return {
            "type": "object",
            "properties": {name: _property(one) for name, one in columns.items()},
            "required": sorted(columns.keys() - _optional(about)),
        }
    return QUESTION if operation == "chat" else TEXT


class _Input(msgspec.Struct):
    name: str
    datatype: str = ""
    shape: list[int] | None = None


class _Metadata(msgspec.Struct):
    inputs: list[_Input] = []
    parameters: dict[str, Any] | None = None


def metadata_of(said: Any) -> Json:
    """A model's metadata, whose inputs and parameters are of their types.

    Raises:
        ValueError: the protocol has them otherwise.
    """
    found = msgspec.convert(said, _Metadata)
    return {**said, "parameters": found.parameters or {}}


@dataclass(frozen=True)
class Column:
    """A tensor as one case has it. ``shape`` without the first dimension; None is one value."""

    datatype: str
    shape: tuple[int, ...] | None
    example: Any = None


def columns_of(about: Json) -> dict[str, Column]:
    """The columns of a model's case, by its metadata (`metadata_of`)."""
    found = about.get("inputs", ())
    if len(found) > 1:
        found = [one for one in found if one["name"] != MATRIX]
    try:
        example = _object(str(about.get("parameters", {}).get("example", "{}")))
    except msgspec.DecodeError:
        example = {}
    columns = dict[str, Column]()
    for one in found:
        name, shape = one["name"], one.get("shape") or [-1]
        sample = example.get(name)
        datatype = "BYTES" if isinstance(sample, str) else one.get("datatype", "")
        inner = tuple(shape[1:]) if len(shape) > 1 else None
        columns[name] = Column(datatype, (-1,) if name == tensors.SERIES else inner, sample)
    return columns


def _optional(about: Json) -> frozenset[str]:
    """Columns whose value may be missing, as own workers say."""
    try:
        found = msgspec.json.decode(str(about.get("parameters", {}).get("optional", "[]")))
    except msgspec.DecodeError:
        return frozenset()
    return frozenset(map(str, found)) if isinstance(found, list) else frozenset()


def _check_whole(arguments: Json, about: Json) -> None:
    """Of an own worker's case, each column is there. Raises Refused."""
    if "optional" not in about.get("parameters", {}):
        return
    needed = columns_of(about).keys() - _optional(about)
    lacking = sorted(one[:60] for one in needed if arguments.get(one) is None)
    if lacking:
        raise faulty(f"missing: {', '.join(lacking[:12])}", f"缺少列: {'、'.join(lacking[:12])}")


def _property(column: Column) -> Json:
    kind = _TYPES.get(column.datatype, "integer")
    said: Json = {"type": kind}
    if column.shape is not None:
        said = {"type": "array", "items": {"type": kind}}
    if column.example is not None:
        said["examples"] = [column.example]
    return said


def arguments_of(route: Route, text: str) -> Json:
    """The arguments that a text is: the question, or a JSON object. Raises Refused."""
    operation = operation_of(route)
    if operation in ("chat", "message"):
        return {"question" if operation == "chat" else "text": text}
    try:
        return _object(text.encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        raise faulty(
            "this service takes a JSON object of arguments", "该服务的参数须为 JSON 对象"
        ) from None


def ask_of(route: Route, arguments: Json, about: Json, door: str) -> Ask:
    """The call. Raises Refused where the arguments do not fit."""
    operation = operation_of(route)
    if operation == "tool":
        body, cases = arguments, 1
    elif operation == "infer":
        inputs = [_tensor(name, column, arguments) for name, column in columns_of(about).items()]
        inputs = [one for one in inputs if one is not None]
        if unknown := sorted(arguments.keys() - columns_of(about).keys()):
            raise faulty(f"no column is called {unknown[0][:60]!r}",
                         f"没有名为 {unknown[0][:60]!r} 的列")  # fmt: skip
        _check_whole(arguments, about)
        body = {"inputs": [tensors.as_json(one) for one in inputs if one is not None]}
        cases = 1
    elif operation == "chat":
        body, cases = {"model": route.filing, "messages": [_user(arguments, "question")]}, 1
    else:
        body, cases = _user(arguments, "text"), 1
    # A tool's server may answer by a stream with one answer at its end.
    return Ask(route.filing, operation, _encode(body), operation == "tool", cases=cases, door=door)


def _user(arguments: Json, word: str) -> Json:
    text = arguments.get(word)
    if not isinstance(text, str) or not text:
        raise faulty(f"{word} is a text; it is missing", f"缺少文本 {word}")
    return {"role": "user", "content": text}


def _tensor(name: str, column: Column, arguments: Json) -> Tensor | None:
    """One case's tensor; None where nothing is given. Raises Refused."""
    value = arguments.get(name)
    if value is None:
        return None
    wanted = _TYPES.get(column.datatype, "integer")
    try:
        flat = list(tensors.flat(value)) if isinstance(value, list) else [value]
        shape = _shape(name, column, len(flat), isinstance(value, list))
    except Unfit:
        shape, flat = None, []
    fits = {"string": (str,), "boolean": (bool,), "integer": (int,), "number": (int, float)}
    if shape is None or not all(
        isinstance(one, fits[wanted]) and (wanted == "boolean" or not isinstance(one, bool))
        for one in flat
    ):
        raise faulty(f"{name[:60]} is not of its type", f"{name[:60]} 的类型不正确")
    return Tensor(name, column.datatype, shape, {}, msgspec.Raw(_encode(flat)))


def _shape(name: str, column: Column, count: int, many: bool) -> list[int] | None:
    if column.shape is None:
        return None if many else [1]
    if not many:
        return None
    if name == tensors.SERIES:
        return [count]
    known = math.prod(one for one in column.shape if one >= 0)
    free = sum(one < 0 for one in column.shape)
    if free > 1 or not known or count % known or (not free and count != known):
        return None
    return [1, *(count // known if one < 0 else one for one in column.shape)]


def answer_of(operation: Operation, body: bytes) -> Said:
    """A whole answer, read. One that is not as expected is shown as it is."""
    try:
        said = _object(body)
        return _READ.get(operation, _shown)(said)
    except (msgspec.DecodeError, KeyError, IndexError, TypeError, AttributeError):
        return Said(body.decode("utf-8", "replace"), {})


def answer_in(body: bytes) -> Said:
    """An answer that was fetched later, read by its shape; a stream was kept as it would have gone
    out."""
    if body.startswith(b"data:"):
        text = "".join(delta_of(data_of(event)) for event in Events().feed(body))
        return Said(text, {"text": text})
    shapes: Sequence[tuple[str, Operation]] = (("outputs", "infer"), ("choices", "chat"),
                                               ("content", "tool"), ("task", "message"),
                                               ("message", "message"))  # fmt: skip
    try:
        said = _object(body)
    except msgspec.DecodeError:
        return Said(body.decode("utf-8", "replace"), {})
    found = [operation for word, operation in shapes if word in said]
    return answer_of(found[0], body) if found else _shown(said)


def delta_of(data: bytes) -> str:
    """The words that one event of a chat stream adds."""
    if not data or data == b"[DONE]":
        return ""
    try:
        choices = _object(data)["choices"]
        return str(choices[0]["delta"].get("content") or "") if choices else ""
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
        return ""


def _inferred(said: Json) -> Said:
    data = {one["name"]: _values(one) for one in said["outputs"]}
    return Said(json.dumps(data, ensure_ascii=False), data)


def _values(output: Json) -> Any:
    flat = list(tensors.flat(output["data"]))
    return flat[0] if len(flat) == 1 else flat


def _chatted(said: Json) -> Said:
    text = text_in(said["choices"][0]["message"].get("content"))
    return Said(text, {"text": text})


def text_in(content: Any) -> str:
    """The words of a message's content, a text or parts."""
    if isinstance(content, str):
        return content
    return "".join(str(one.get("text", "")) for one in content or () if isinstance(one, Mapping))


def _tooled(said: Json) -> Said:
    data = said.get("structuredContent")
    data = data if isinstance(data, dict) else {}
    return Said(text_in(said.get("content")), data, bool(said.get("isError", False)))


def _messaged(said: Json) -> Said:
    """A message, or the task that came of it."""
    whole = said.get("message") or said.get("task") or {}
    parts: Sequence[Json] = whole.get("parts") or ()
    if "status" in whole:
        artifacts = whole.get("artifacts") or ()
        parts = [part for one in artifacts for part in one.get("parts", ())]
        parts = parts or (whole["status"].get("message") or {}).get("parts", ())
    failed = whole.get("status", {}).get("state", "") in FAILED
    data: Json = {}
    for part in parts:
        if isinstance(part.get("data"), dict):
            data.update(part["data"])
    return Said(text_in(parts), data, failed)


FAILED = ("TASK_STATE_FAILED", "TASK_STATE_REJECTED", "TASK_STATE_CANCELED")


def _shown(said: Json) -> Said:
    return Said(json.dumps(said, ensure_ascii=False), said)


_READ = {"infer": _inferred, "chat": _chatted, "tool": _tooled, "message": _messaged}


def refused_as_data(refused: Refused) -> Json:
    """A refusal, for agents and for people."""
    said = refusal_said(refused)
    if refused.retry_after_s is not None:
        said["retry_after_s"] = max(1, math.ceil(refused.retry_after_s))
    if isinstance(refused, BegunRefused):
        said["receipt"] = receipt_of(refused.headers)
    return {name: value for name, value in said.items() if value is not None}


def receipt_of(headers: Mapping[str, str]) -> Json:
    """The receipt in an answer's headers, by the word behind ``pilotbase-``."""
    prefix = "pilotbase-"
    return {
        name.removeprefix(prefix): value
        for name, value in headers.items()
        if name.startswith(prefix)
    }
