"""The protocol of a command candidate: JSON lines, one message a line, one case at a time.

The page docs/en/candidates.md explains it to who writes such a program.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pilotbase.trial.candidates.answer import fault, short
from pilotbase.trial.cases import OK, Predictions
from pilotbase.trial.reply import Citation, Reply, Step

PROTOCOL = 1
LINE_BYTES_MAX = 1 << 20
REPLY_CHARACTERS_MAX = 200_000
LISTED_MAX = 1_000


class BadReply(Exception):
    """A reply that breaks the protocol; the program goes on."""


def encoded(message: Mapping[str, Any]) -> bytes:
    """One line. NaN travels as null, because JSON has no NaN.

    Raises:
        ValueError: longer than `LINE_BYTES_MAX`.
    """
    text = json.dumps(_plain(message), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    line = text.encode() + b"\n"
    if len(line) > LINE_BYTES_MAX:
        raise ValueError(f"a message of {len(line)} bytes; a line holds {LINE_BYTES_MAX}")
    return line


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def decoded(line: bytes) -> dict[str, Any]:
    """The object on a line.

    Raises:
        BadReply: it is no JSON object, or holds NaN or an infinite number.
    """
    try:
        reply = json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        reason = str(error) if "not a finite number" in str(error) else "not JSON"
        raise BadReply(reason) from error
    if not isinstance(reply, dict):
        raise BadReply("no JSON object")
    return reply


def _refuse_constant(word: str) -> Any:
    raise ValueError(f"{word} is not a finite number")


def read_answer(
    block: Predictions,
    row: int,
    reply: Mapping[str, Any],
    *,
    task: str,
    classes: Sequence[str],
    cut: float,
) -> None:
    """Put one reply into a block; whatever is missing or wrong is a fault of this row alone."""
    try:
        if "error" in reply:
            raise BadReply(f"error: {short(str(reply['error']))}")
        if "refuse" in reply:
            raise BadReply(f"refused: {short(str(reply['refuse']))}")
        if task == "classification":
            _read_class(block, row, reply, classes)
        elif task == "detection":
            _read_call(block, row, reply, cut)
        else:
            _read_value(block, row, reply)
    except BadReply as error:
        fault(block, row, str(error))
        return
    block.status[row] = OK


def read_reply(fields: Mapping[str, Any]) -> Reply:
    """An answer in words, checked field by field. Raises BadReply."""
    if "error" in fields:
        raise BadReply(f"error: {short(str(fields['error']))}")
    refused = bool(fields.get("refused", False)) or "refuse" in fields
    text = fields.get("text", fields.get("refuse", ""))
    if not isinstance(text, str):
        raise BadReply(f"text is no text: {short(repr(text))[:60]}")
    data = fields.get("data")
    if not text.strip() and not refused and data is None and "outcome" not in fields:
        raise BadReply("neither text nor data nor a refusal")
    return Reply(
        text=text[:REPLY_CHARACTERS_MAX],
        refused=refused,
        citations=tuple(_citation(one) for one in _list(fields, "cites")),
        retrieved=tuple(_word(one, "retrieved") for one in _list(fields, "retrieved")),
        data=data,
        steps=tuple(_step(one) for one in _list(fields, "steps")),
        outcome=None if fields.get("outcome") is None else _number(fields["outcome"], "outcome"),
        tokens_in=_tokens(fields, "in"),
        tokens_out=_tokens(fields, "out"),
    )


def _list(fields: Mapping[str, Any], name: str) -> list[Any]:
    values = fields.get(name) or []
    if not isinstance(values, list) or len(values) > LISTED_MAX:
        raise BadReply(f"{name} is no list of at most {LISTED_MAX}")
    return values


def _word(value: Any, name: str) -> str:
    if not isinstance(value, str) or not value or len(value) > 200:
        raise BadReply(f"{name} names a passage by {short(repr(value))[:60]}")
    return value


def _citation(value: Any) -> Citation:
    if isinstance(value, str):
        return Citation(_word(value, "cites"))
    if not isinstance(value, dict):
        raise BadReply(f"cites holds {short(repr(value))[:60]}")
    quote = value.get("quote") or ""
    if not isinstance(quote, str):
        raise BadReply("a quote is no text")
    return Citation(_word(value.get("passage"), "cites"), quote[:REPLY_CHARACTERS_MAX])


def _step(value: Any) -> Step:
    if not isinstance(value, dict):
        raise BadReply(f"steps holds {short(repr(value))[:60]}")
    arguments = value.get("arguments") or {}
    return Step(
        tool=str(value.get("tool", "")),
        arguments=arguments if isinstance(arguments, dict) else {},
        observed=str(value.get("observed", "")),
        approval=str(value.get("approval", "")),
        fault=str(value.get("fault", "")),
    )


def _tokens(fields: Mapping[str, Any], side: str) -> int | None:
    tokens = fields.get("tokens")
    count = tokens.get(side) if isinstance(tokens, dict) else None
    return count if isinstance(count, int) and not isinstance(count, bool) and count >= 0 else None


def _read_class(
    block: Predictions, row: int, reply: Mapping[str, Any], classes: Sequence[str]
) -> None:
    shares = reply.get("probability")
    if shares is not None:
        if not isinstance(shares, dict) or not set(shares) <= set(classes):
            raise BadReply("probability must map classes to numbers")
        numbers = [_number(shares.get(name, 0.0), "probability") for name in classes]
        assert block.probability is not None
        block.probability[row] = numbers
    elif "label" not in reply:
        raise BadReply("neither label nor probability")
    label = reply.get("label")
    if label is None and shares is not None:
        label = classes[int(np.argmax(numbers))]
    if isinstance(label, int) and not isinstance(label, bool):
        label = str(label)
    if label not in classes:
        raise BadReply(f"unknown class {short(repr(label))[:60]}")
    block.label[row] = label


def _read_call(block: Predictions, row: int, reply: Mapping[str, Any], cut: float) -> None:
    label, score = reply.get("label"), reply.get("score")
    if label is None and score is None:
        raise BadReply("neither label nor score")
    if score is not None:
        block.score[row] = _number(score, "score")
    if label is None:
        label = block.score[row] >= cut
    # True == 1, so truth values pass; so do 0.0 and 1.0.
    if isinstance(label, (str, list, dict)) or label not in (0, 1):
        raise BadReply(f"label must be 0 or 1, not {short(repr(label))[:60]}")
    block.label[row] = int(label)


def _read_value(block: Predictions, row: int, reply: Mapping[str, Any]) -> None:
    if "value" not in reply:
        raise BadReply("no value")
    block.value[row] = _number(reply["value"], "value")
    for name in ("lower", "upper"):
        if reply.get(name) is not None:
            getattr(block, name)[row] = _number(reply[name], name)


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise BadReply(f"{name} is no number: {short(repr(value))[:60]}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise BadReply(f"{name} is not a finite number")
    return number
