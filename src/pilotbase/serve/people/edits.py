"""What a person puts in the place of a request or an answer, read before the decision stands.

A request is read as its door would; of an answer, what callers cannot do without has to be there. A
decision is for good, so a file that is neither must not become one. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from pilotbase.kernel.text import Text
from pilotbase.serve.call import Operation, Refused
from pilotbase.serve.doors.openai import OpenAIDoor
from pilotbase.serve.rules.http_head import RequestHead
from pilotbase.serve.rules.tensors import Tensor, split
from pilotbase.serve.rules.unfit import Unfit

Json = dict[str, Any]


class _Messages(msgspec.Struct):
    messages: list[Json]


class _Input(msgspec.Struct):
    input: str | list[Any]


class _Tensors(msgspec.Struct):
    inputs: Annotated[list[Tensor], msgspec.Meta(min_length=1)]


class _Words(msgspec.Struct):
    content: str


class _Choice(msgspec.Struct):
    message: Json


class _Completion(msgspec.Struct):
    choices: Annotated[list[_Choice], msgspec.Meta(min_length=1)]


class _Vectors(msgspec.Struct):
    data: list[Json]


class _Response(msgspec.Struct):
    output: list[Json]


class _Inferred(msgspec.Struct):
    outputs: Annotated[list[Tensor], msgspec.Meta(min_length=1)]


class _Result(msgspec.Struct):
    content: list[Json]


class _Sent(msgspec.Struct):
    message: Json | None = None
    task: Json | None = None


_REQUESTS: Mapping[str, Any] = {
    "chat": _Messages, "responses": _Input, "embeddings": _Input, "infer": _Tensors, "tool": Json,
    "message": _Words,
}  # fmt: skip
_ANSWERS: Mapping[str, Any] = {
    "chat": _Completion, "responses": _Response, "embeddings": _Vectors, "infer": _Inferred,
    "tool": _Result, "message": _Sent,
}  # fmt: skip
_OPENAI: tuple[Operation, ...] = ("chat", "responses", "embeddings")
_DOORS: Mapping[str, OpenAIDoor] = {one: OpenAIDoor(one) for one in _OPENAI}


def fault_of(operation: str, part: str, data: bytes) -> Text | None:
    """What is wrong with it.

    Args:
        part: ``request`` or ``answer``.
    """
    shapes, zh = (_REQUESTS, "请求") if part == "request" else (_ANSWERS, "回答")
    try:
        said = msgspec.json.decode(data, type=shapes.get(operation, Json))
        door = _DOORS.get(operation) if part == "request" else None
        if door is not None:
            door.ask(RequestHead(), data)
        if isinstance(said, (_Tensors, _Inferred)):
            for _ in split(said.inputs if isinstance(said, _Tensors) else said.outputs, b""):
                pass  # each has the length that its shape says
        if isinstance(said, _Sent) and said.message is None and said.task is None:
            raise Unfit("message or task is missing", "缺少 message 或 task")
    except Refused as refused:
        why = refused.message
    except Unfit as error:
        why = Text(error.en, error.zh)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        why = Text(str(error), str(error))
    else:
        return None
    return Text(
        f"it is no {part} of this call ({operation}): {why.en}",
        f"不是此调用 ({operation}) 的{zh}: {why.zh}",
    )
