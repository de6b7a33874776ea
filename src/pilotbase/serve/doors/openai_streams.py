"""OpenAI's answers in pieces, read as they pass: usage, the end, what was said so far.

Events go on as they came. Usage that the gateway asked for and the caller did not is taken out
again. Until usage is said, the tokens of what has passed are bounded by its bytes, so that a stream
that is left in the middle has its price.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from pilotbase.kernel.text import Text
from pilotbase.serve.call import Call, Refused, Usage
from pilotbase.serve.doors.openai_usage import NULL, take_usage
from pilotbase.serve.ports import Pieces
from pilotbase.serve.rules.sse import Events, data_of

DONE = b"data: [DONE]\n\n"
SHORT = len(NULL)
"""No longer than ``null``: no usage and no call of a tool is as short."""


class Delta(msgspec.Struct, gc=False):
    """What a piece adds; of calls of tools all bytes count."""

    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: msgspec.Raw = NULL


class Choice(msgspec.Struct, gc=False):
    """One of the answers' next piece."""

    delta: Delta = msgspec.field(default_factory=Delta)
    finish_reason: str | None = None


class Chunk(msgspec.Struct, gc=False):
    """One event of a chat stream."""

    choices: list[Choice]
    usage: msgspec.Raw = NULL


_decode_chunk = msgspec.json.Decoder(Chunk).decode


def _bytes(text: str | None) -> int:
    if not text:
        return 0
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _without_null(event: bytes) -> bytes:
    """An event without a usage that says nothing; a comma and a name in quotes stand together like
    this only where a name stands."""
    return event.replace(b',"usage":null', b"").replace(b', "usage": null', b"")


class ChatReading:
    """A chat stream (`Reading`).

    Args:
        wanted: whether the caller asked for usage itself.
    """

    __slots__ = ("_events", "_finished", "_most", "_pieces", "_text", "_wanted", "done", "usage")

    def __init__(self, call: Call, usage: Usage, pieces: Pieces | None, *, wanted: bool) -> None:
        self.usage, self._pieces, self._wanted = usage, pieces, wanted
        self._events = Events()
        self._most = call.most.output_tokens
        self._text = 0
        self.done = self._finished = False

    @property
    def whole(self) -> bool:
        return self.done or self._finished

    def feed(self, data: bytes) -> bytes:
        if self._pieces is not None:
            return self._feed(data)
        said = self._events.plain(data)
        if not said:
            return self._feed(data)
        count = len(said)
        if b"[DONE]" in said:
            self.done = True
            del said[said.index(b"[DONE]") :]
        kept = [one for one in said if self._read(one)]
        self._bound()
        if len(kept) < count:
            data = b"".join([b"data: %b\n\n" % one for one in kept])
        return data if self._wanted or b'"usage"' not in data else _without_null(data)

    def _bound(self) -> None:
        if not self.usage.counted:
            self.usage.output_tokens = min(self._text, self._most)

    def _feed(self, data: bytes) -> bytes:
        out = list[bytes]()
        for event in self._events.feed(data):
            said = data_of(event)
            if said == b"[DONE]":
                self.done = True
                break
            if not said:
                if self._pieces is None:
                    out.append(event)
                continue
            if self._read(said):
                self._pass_on(event, said, out)
        self._bound()
        return b"".join(out)

    def _read(self, said: bytes) -> bool:
        """Take in an event; whether it is for the caller."""
        chunk = _decode_chunk(said)  # DecodeError is a ValueError
        self.usage.chunks += 1
        for choice in chunk.choices:
            delta = choice.delta
            if (text := delta.content) is not None:
                self._text += len(text) if text.isascii() else _bytes(text)
            if delta.tool_calls is not NULL and len(delta.tool_calls) > SHORT:
                self._text += len(delta.tool_calls)
            if delta.reasoning_content or delta.reasoning or delta.refusal:
                self._text += _bytes(delta.reasoning_content) + _bytes(delta.reasoning)
                self._text += _bytes(delta.refusal)
            if choice.finish_reason is not None:
                self._finished = True
        if len(chunk.usage) > SHORT and take_usage(self.usage, chunk.usage):
            return self._wanted or bool(chunk.choices)
        return True

    def _pass_on(self, event: bytes, said: bytes, out: list[bytes]) -> None:
        if self._pieces is not None:
            out += [b"data: %b\n\n" % one for one in self._pieces.feed(said)]
        elif not self._wanted and b'"usage"' in event:
            out.append(_without_null(event))
        else:
            out.append(event)

    def last(self, held: Sequence[bytes]) -> bytes:
        return b"".join([*(b"data: %b\n\n" % one for one in held), DONE])


class _Response(msgspec.Struct):
    usage: msgspec.Raw = NULL


class _Event(msgspec.Struct):
    type: str
    delta: msgspec.Raw = NULL
    response: _Response | None = None


_decode_event = msgspec.json.Decoder(_Event).decode
_LAST = ("response.completed", "response.incomplete", "response.failed")


class ResponsesReading:
    """A stream of the responses operation (`Reading`). Its events say the whole text again and
    again, so it cannot be guarded piece by piece: such a service answers whole only."""

    __slots__ = ("_events", "_most", "_text", "done", "usage", "whole")

    def __init__(self, call: Call, usage: Usage, pieces: Pieces | None) -> None:
        if pieces is not None:
            raise Refused(
                400,
                "serve.stream_unguarded",
                Text(
                    "answers of this service are looked at whole",
                    "该服务的应答须整体检查后才能返回",
                ),
                Text("Ask without stream.", "请勿使用 stream。"),
                filing=call.route.filed,
                where=call.route.filing,
            )
        self.usage, self._events = usage, Events()
        self._most, self._text = call.most.output_tokens, 0
        self.done = self.whole = False

    def feed(self, data: bytes) -> bytes:
        out = list[bytes]()
        for event in self._events.feed(data):
            said = data_of(event)
            out.append(event)
            if not said:
                continue
            read = _decode_event(said)
            self.usage.chunks += 1
            if read.type.endswith(".delta"):
                self._text += len(read.delta)
            if read.type in _LAST:
                self.done = self.whole = True
                if read.response is not None:
                    take_usage(self.usage, read.response.usage)
                break
        if not self.usage.counted:
            self.usage.output_tokens = min(self._text, self._most)
        return b"".join(out)

    def last(self, held: Sequence[bytes]) -> bytes:
        return b""
