"""How many cases a request to one of the base's own workers holds. Pure.

Gateway and worker count by these functions: the one before anything is reserved, the other before
it answers. What a worker answered it says in a header (`ANSWERED`), which has to be what was
reserved; so what is charged is what is answered, whatever door a call came by.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import msgspec

from pilotbase.serve.call import Upstream
from pilotbase.serve.rules.tensors import SERIES
from pilotbase.serve.rules.unfit import Unfit

ANSWERED = "pilotbase-cases"
"""The header in which a worker says how many cases it answered."""
CHECK = "pilotbase-check"
"""The header by which a gateway asks a worker to read a request and not to answer it."""
MATRIX = "input"
"""The tensor that holds all columns, (cases, columns)."""
_messages = msgspec.json.Decoder(list[dict[str, Any]]).decode
_listed = msgspec.json.Decoder(list[msgspec.Raw]).decode
_one = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_NO_WORDS = "there is no message of a user", "缺少用户消息"
_NO_CASES = (
    "this service takes a JSON object of columns, or a list of them",
    "该服务接受由各列组成的 JSON 对象或其列表",
)
_EXPLAINED_MAX = 2**16
"""Characters of a text in which the place of a fault is looked for."""


def own(upstreams: Sequence[Upstream]) -> bool:
    """Whether some of them is a worker of the base's own."""
    return any(one.kind == "candidate" for one in upstreams)


def in_messages(messages: bytes) -> int:
    """Cases in a chat's messages: those of the last message of a user. Raises Unfit."""
    try:
        return in_text(words_of(_messages(messages)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unfit(*_NO_WORDS) from None


def words_of(messages: Sequence[Mapping[str, Any]]) -> str:
    """What the last message of a user says, a text or parts of text. Raises Unfit."""
    found = [one.get("content") for one in messages if one.get("role") == "user"]
    content = found[-1] if found else None
    if isinstance(content, str):
        return content
    if not isinstance(content, list) or not all(isinstance(one, dict) for one in content):
        raise Unfit(*_NO_WORDS)
    texts = [one.get("text") for one in content if one.get("type") == "text"]
    return "".join(one for one in texts if isinstance(one, str))


def in_text(text: str) -> int:
    """Cases in a text: one object, or a list of them. Raises Unfit.

    >>> in_text('{"age": 41}'), in_text('[{"age": 41}, {"age": 30}]')
    (1, 2)
    """
    try:
        said = text.encode()
        if not said.lstrip().startswith(b"["):
            _one(said)
            return 1
        listed = _listed(said)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise _why(text) from None
    if not listed or not all(bytes(one).lstrip().startswith(b"{") for one in listed):
        raise Unfit(*_NO_CASES)
    return len(listed)


def read(text: str) -> list[dict[str, Any]]:
    """The cases of a text, as a worker answers them. Raises Unfit."""
    in_text(text)
    try:
        json.loads(text, object_pairs_hook=_each_once)
        found = msgspec.json.decode(text)
    except Unfit:
        raise
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise _why(text) from None
    return found if isinstance(found, list) else [found]


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        ((name, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise Unfit(f"{name[:60]!r} is given twice", f"{name[:60]!r} 出现了两次")
    return found


def _why(text: str) -> Unfit:
    """What is wrong with a text that should hold cases: a number that is none, or the place."""
    if text.lstrip()[:1] not in ("{", "[") or len(text) > _EXPLAINED_MAX:
        return Unfit(*_NO_CASES)
    try:
        json.loads(text, parse_constant=_endless, parse_float=_finite)
    except json.JSONDecodeError as error:
        at = error.lineno, error.colno
        return Unfit(f"{_NO_CASES[0]}; the JSON has a fault at line {at[0]}, column {at[1]}",
                     f"{_NO_CASES[1]}; JSON 在第 {at[0]} 行第 {at[1]} 列有误")  # fmt: skip
    except Unfit as error:
        return error
    except (ValueError, RecursionError):
        pass
    return Unfit(*_NO_CASES)


def _finite(said: str) -> float:
    return number if math.isfinite(number := float(said)) else _endless(said)


def _endless(said: str) -> NoReturn:
    raise Unfit(f"{said[:40]} is not a finite number", f"{said[:40]} 不是有限的数值")


def in_shapes(shapes: Mapping[str, Sequence[int]]) -> int:
    """Cases in tensors: `MATRIX` of shape (cases, columns), or of each column (cases,).

    A series (`tensors.SERIES`) is one case, and columns beside it hold one value. Raises Unfit.

    >>> in_shapes({"input": [3, 10]}), in_shapes({"age": [2], "area": [2]})
    (3, 2)
    >>> in_shapes({"history": [120]})
    1
    """
    if set(shapes) == {MATRIX}:
        shape = shapes[MATRIX]
        if len(shape) != 2:
            raise _misshapen(MATRIX, shape, "(cases, columns)", "(案例, 列)")
        return shape[0]
    if len(shapes.get(MATRIX, ())) == 2:
        raise Unfit(f"the tensor {MATRIX!r} holds all columns: no other tensor goes with it",
                    f"张量 {MATRIX!r} 已含全部各列, 不得再附其他张量")  # fmt: skip
    for name, shape in shapes.items():
        if len(shape) != 1:
            raise _misshapen(name, shape, "(cases,)", "(案例,)")
    counts = {shape[0] for name, shape in shapes.items() if name != SERIES}
    if len(counts) > 1 or (SERIES in shapes and counts - {1}):
        raise Unfit("the tensors of the columns have different lengths", "各列张量的长度不一致")
    return 1 if SERIES in shapes else counts.pop() if counts else 0


def _misshapen(name: str, shape: Sequence[int], en: str, zh: str) -> Unfit:
    said = list(shape[:16])
    return Unfit(
        f"tensor {name[:60]!r} has shape {said}; this service takes {en}",
        f"张量 {name[:60]!r} 的形状为 {said}; 该服务接受 {zh}",
    )
