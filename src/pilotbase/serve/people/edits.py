"""What a person puts in the place of a request or an answer, read before the decision stands.

A request is read as its door would; of an answer, what callers cannot do without has to be there.
Both hold as many cases as were asked: by these the call was reserved, and is charged. A decision is
for good, so a file that is neither must not become one. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from pilotbase.kernel.text import Text
from pilotbase.serve.call import Operation, Refused
from pilotbase.serve.doors.openai import OpenAIDoor
from pilotbase.serve.rules import cases, tensors
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


@dataclass(frozen=True)
class Counted:
    """The cases of a call, and who counts them.

    Attributes:
        cases: as many were reserved. own: by an own worker. columns: also in a chat, whose text
            holds them.
    """

    cases: int
    own: bool = False
    columns: bool = False


def miscounted(operation: str, part: str, data: bytes, counted: Counted) -> Text | None:
    """How what `fault_of` let pass differs in cases from what was asked.

    Args:
        part: ``request`` or ``answer``.
    """
    what, zh = ("request", "请求") if part == "request" else ("answer", "回答")
    try:
        if operation == "infer":
            counts = _in_tensors(part, data, counted.own)
        elif operation == "chat" and counted.columns:
            counts = _in_chat(part, data)
        else:
            return None
    except Unfit as error:
        return Text(f"its cases cannot be counted: {error.en}", f"无法计出案例数: {error.zh}")
    if counts <= {counted.cases}:
        return None
    found = ", ".join(map(str, sorted(counts)))
    return Text(
        f"the {what} holds another number of cases ({found}) than were asked and reserved"
        f" ({counted.cases})",
        f"{zh}的案例数 ({found}) 与所问并已预留的 ({counted.cases}) 不同",
    )


def _in_tensors(part: str, data: bytes, own: bool) -> set[int]:
    if part == "answer":  # what others' outputs have as their first dimension is theirs to say
        outputs = msgspec.json.decode(data, type=_Inferred).outputs
        return {one.shape[0] for one in outputs} if own else set()
    inputs = msgspec.json.decode(data, type=_Tensors).inputs
    if own:
        return {cases.in_shapes({one.name: one.shape for one in inputs})}
    return {tensors.cases_of(inputs)}


def _in_chat(part: str, data: bytes) -> set[int]:
    """Raises Unfit."""
    said = msgspec.json.decode(data)
    if part == "request":
        return {len(cases.read(cases.words_of(said["messages"])))}
    texts = [choice["message"].get("content") for choice in said["choices"]]
    found = {cases.in_text(text if isinstance(text, str) else "") for text in texts}
    beside = said.get("pilotbase")  # the same fields once more, as own workers give them
    answers = beside.get("answers") if isinstance(beside, dict) else None
    return found | {len(answers)} if isinstance(answers, list) else found


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
