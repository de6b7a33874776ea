"""What a chat endpoint answered: a completion, whole or as a stream of events, as one turn.

The shapes are those of OpenAI's chat completions as its reference describes them and as other
servers follow it; the stream is Server-Sent Events (WHATWG HTML, 9.2).
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pilotbase.trial.candidates.answer import short
from pilotbase.trial.endpoints.port import Misspoken, Response
from pilotbase.trial.endpoints.wire import error_code

EVENTS_MAX = 200_000
TOOL_CALLS_MAX = 128
_DONE = re.compile(rb"(?:^|[\r\n])data: ?\[DONE\]")
_LINE_END = re.compile(r"\r\n|\n|\r")
_FILTERED = ("content_filter", "content_policy_violation")
_VERSION = re.compile(r"[-@:](v\d+(\.\d+)*|\d{3,8}|\d{4}-\d{2}-\d{2}|\d{2}-\d{2})", re.ASCII)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that the model wants called.

    Attributes:
        fault: why the call cannot be read, or "": an agent is told so, and may mend it.
    """

    id: str
    name: str
    arguments: Mapping[str, Any]
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """What the model said in its turn.

    Attributes:
        tokens_in, tokens_out: as the provider counts; None where it does not tell.
        finish: why it stopped: ``stop``, ``tool_calls``, ``content_filter``; "" where not told.
        refused: it, or its provider's filter, will not answer.
        lost: tries that may have been paid for and gave no answer.
    """

    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    tokens_in: int | None = None
    tokens_out: int | None = None
    finish: str = ""
    refused: bool = False
    lost: int = 0


@dataclass
class _Parts:
    """A turn while its pieces come in."""

    text: list[str] = field(default_factory=list)
    refusal: list[str] = field(default_factory=list)
    calls: dict[int, dict[str, str]] = field(default_factory=dict)
    finish: str = ""
    usage: Mapping[str, Any] = field(default_factory=dict)
    models: set[str] = field(default_factory=set)


def turn_of(response: Response, model: str) -> Turn:
    """Read an answer.

    Args:
        model: the name that was asked for; see `same_model`.

    Raises:
        Misspoken: another media type, no JSON, another model, a truncated or empty answer …
    """
    if "status" in response.headers:
        return _turned_down(response)
    parts = _Parts()
    if response.kind == "application/json":
        _take_whole(parts, _object(response.body, "the answer"))
    elif response.kind == "text/event-stream":
        _take_stream(parts, response.body)
    else:
        raise Misspoken(f"{short(response.kind)[:60] or 'no media type'} instead of JSON")
    _check_models(parts.models, model)
    return _turn(parts, int(response.headers.get("lost", "0")))


def same_model(asked: str, answered: str) -> bool:
    """Whether the answer comes from the model that was asked: its name, or that with a version.

    A version is ``-``, ``@`` or ``:`` and three to eight digits, a date, or ``v`` and numbers; any
    other word after the name (``-mini``, ``-32k``) is another model.

    >>> same_model("m-4", "m-4-2026-08-01"), same_model("m-4", "m-4-mini")
    (True, False)
    """
    if not answered.startswith(asked):
        return False
    rest = answered[len(asked) :]
    return not rest or _VERSION.fullmatch(rest) is not None


def stream_ended() -> Callable[[bytearray], bool]:
    """A watch over one stream for its last event, ``[DONE]``; each byte is looked at once."""
    seen = 0

    def ended(body: bytearray) -> bool:
        nonlocal seen
        found = _DONE.search(body, max(0, seen - 16)) is not None
        seen = len(body)
        return found

    return ended


def _turned_down(response: Response) -> Turn:
    """The server would not take the request: a filter of the provider's refuses, all else is a
    fault."""
    code = error_code(response.body)
    if code in _FILTERED:
        return Turn("", finish="content_filter", refused=True)
    raise Misspoken(f"HTTP {response.headers['status']}" + (f": {code}" if code else ""))


def _object(text: bytes | str, what: str) -> dict[str, Any]:
    try:
        words = text.decode() if isinstance(text, bytes) else text  # json itself also takes UTF-16
        found = json.loads(words, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Misspoken(f"{what} is not JSON") from None
    if not isinstance(found, dict):
        raise Misspoken(f"{what} is no JSON object")
    return found


def _no_constant(word: str) -> Any:
    raise ValueError(word)


def _take_whole(parts: _Parts, answer: Mapping[str, Any]) -> None:
    choice = _choice(answer)
    if choice is None:
        raise Misspoken("an answer without choices")
    message = choice.get("message")
    if not isinstance(message, dict):
        raise Misspoken("a choice without message")
    _take_head(parts, answer, choice)
    _take_words(parts, message)
    calls = message.get("tool_calls") or []
    if not isinstance(calls, list):
        raise Misspoken("tool_calls is no list")
    for number, call in enumerate(calls):
        _take_call(parts, number, call)


def _take_stream(parts: _Parts, body: bytes) -> None:
    done = False
    for data in events(body):
        if data.strip() == "[DONE]":
            done = True
            break
        piece = _object(data, "an event of the stream")
        choice = _choice(piece)
        _take_head(parts, piece, choice or {})
        if choice is None:
            continue  # the last one, with the usage alone
        delta = choice.get("delta") or {}
        if not isinstance(delta, dict):
            raise Misspoken("an event of the stream is no completion")
        _take_words(parts, delta)
        for call in delta.get("tool_calls") or []:
            number = call.get("index") if isinstance(call, dict) else None
            if not isinstance(number, int):
                raise Misspoken("a piece of a tool call without index")
            _take_call(parts, number, call)
    if not done and not parts.finish:
        raise Misspoken("the stream ends early")


def events(body: bytes) -> Iterator[str]:
    """The data of each event of a stream; comments and other fields are passed over.

    Raises:
        Misspoken: it is not UTF-8, or has more than `EVENTS_MAX` events.
    """
    try:
        lines = _LINE_END.split(body.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Misspoken("a stream that is not UTF-8") from None
    data: list[str] = []
    count = 0
    for line in [*lines, ""]:
        if line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
        elif not line and data:
            count += 1
            if count > EVENTS_MAX:
                raise Misspoken(f"a stream of more than {EVENTS_MAX} events")
            yield "\n".join(data)
            data = []


def joined(body: bytes) -> list[str]:
    """What each field of a stream's events says, its pieces put together."""
    pieces: dict[tuple[str, ...], list[str]] = {}

    def gather(value: Any, path: tuple[str, ...]) -> None:
        if isinstance(value, str):
            pieces.setdefault(path, []).append(value)
        elif isinstance(value, dict):
            for name, inner in value.items():
                gather(inner, (*path, name))
        elif isinstance(value, list):
            for inner in value:
                gather(inner, path)

    with contextlib.suppress(Misspoken):
        for data in events(body):
            with contextlib.suppress(Misspoken, RecursionError):
                gather(_object(data, "an event"), ())
    return ["".join(texts) for texts in pieces.values()]


def _choice(answer: Mapping[str, Any]) -> dict[str, Any] | None:
    """The first choice, the only one that is asked for."""
    if answer.get("error") is not None:
        code = error_code(json.dumps(answer).encode())
        raise Misspoken(f"an error instead of an answer{': ' + code if code else ''}")
    choices = answer.get("choices")
    if not isinstance(choices, list) or not all(isinstance(c, dict) for c in choices):
        raise Misspoken("an answer without choices")
    return choices[0] if choices else None


def _take_head(parts: _Parts, answer: Mapping[str, Any], choice: Mapping[str, Any]) -> None:
    model, usage, finish = answer.get("model"), answer.get("usage"), choice.get("finish_reason")
    if isinstance(model, str) and model:
        parts.models.add(model)
    if isinstance(usage, dict):
        parts.usage = usage
    if isinstance(finish, str):
        parts.finish = finish


def _take_words(parts: _Parts, message: Mapping[str, Any]) -> None:
    for name, place in (("content", parts.text), ("refusal", parts.refusal)):
        said = message.get(name)
        if isinstance(said, list):  # parts of content; those that are text count
            said = "".join(p["text"] for p in said if isinstance(p, dict) and _is_text(p))
        if said is not None and not isinstance(said, str):
            raise Misspoken(f"{name} is no text")
        if said:
            place.append(said)


def _is_text(part: Mapping[str, Any]) -> bool:
    return part.get("type") == "text" and isinstance(part.get("text"), str)


def _take_call(parts: _Parts, number: int, call: Any) -> None:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict):
        raise Misspoken("a tool call without function")
    if number not in parts.calls and len(parts.calls) >= TOOL_CALLS_MAX:
        raise Misspoken(f"more than {TOOL_CALLS_MAX} tool calls")
    held = parts.calls.setdefault(number, {"id": "", "name": "", "arguments": ""})
    said = {"id": call.get("id"), "name": function.get("name")}
    for name, value in said.items():
        if isinstance(value, str) and value:
            held[name] = value
    arguments = function.get("arguments")
    if isinstance(arguments, dict):  # some servers do not put them into a string
        arguments = json.dumps(arguments)
    if isinstance(arguments, str):
        held["arguments"] += arguments


def _check_models(answered: set[str], asked: str) -> None:
    if not answered:
        raise Misspoken("it does not say which model answered")
    for name in sorted(answered):
        if not same_model(asked, name):
            raise Misspoken(f"another model answered: {short(name)[:80]}")


def _turn(parts: _Parts, lost: int) -> Turn:
    text, refusal = sound("".join(parts.text)), sound("".join(parts.refusal))
    refused = bool(refusal) or parts.finish == "content_filter"
    if parts.finish == "length":
        raise Misspoken("truncated: the answer is longer than max_tokens")
    calls = tuple(_call(held) for _, held in sorted(parts.calls.items()))
    if not (text.strip() or calls or refused):
        raise Misspoken("an empty answer")
    return Turn(
        text or refusal,
        calls,
        _count(parts.usage, "prompt_tokens"),
        _count(parts.usage, "completion_tokens"),
        parts.finish,
        refused,
        lost,
    )


def _call(held: Mapping[str, str]) -> ToolCall:
    id_, name = sound(held["id"]), sound(held["name"])
    if not name:
        raise Misspoken("a tool call without name")
    try:
        arguments = _object(sound(held["arguments"]) or "{}", "the arguments of a tool call")
        json.dumps(arguments, ensure_ascii=False).encode()
    except Misspoken as error:
        return ToolCall(id_, name, {}, str(error))
    except ValueError:
        return ToolCall(id_, name, {}, "text that is no Unicode in the arguments of a tool call")
    return ToolCall(id_, name, arguments)


def _count(usage: Mapping[str, Any], name: str) -> int | None:
    found = usage.get(name)
    whole = isinstance(found, int) and not isinstance(found, bool) and 0 <= found < 2**53
    return found if whole else None


def sound(text: str) -> str:
    """The text, its surrogates joined to letters: pieces of a stream may cut a letter in two.

    Raises:
        Misspoken: half a letter remains.
    """
    if text.isascii():
        return text
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise Misspoken("text that is no Unicode") from None
