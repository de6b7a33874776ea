"""JSON-RPC 2.0 towards an upstream: one question, one answer, whole or as an event of a stream.

Sources: JSON-RPC 2.0; Model Context Protocol 2026-07-28, "Transports"; A2A 1.0, section 9.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from pilotbase.serve.call import Call, Usage
from pilotbase.serve.ports import Pieces
from pilotbase.serve.rules.sse import Events, data_of

ACCEPTS = b"accept: application/json, text/event-stream\r\n"
ID = 1
Id = int | str


class _Message(msgspec.Struct):
    """An answer, or a notification on the way to it."""

    id: Any = None
    method: str = ""
    result: msgspec.Raw = msgspec.Raw()


_decode = msgspec.json.Decoder(_Message).decode
_object = msgspec.json.Decoder(dict[str, Any]).decode


def question(method: str, params: Any, id_: Id = ID) -> bytes:
    """A request. Where several belong to one session, each has an id of its own."""
    return msgspec.json.encode({"jsonrpc": "2.0", "id": id_, "method": method, "params": params})


def is_news(data: bytes) -> bool:
    """Whether a message on the way to an answer is one of its progress. Raises ValueError: it is
    none at all, or it asks back, and nobody here can answer."""
    said = _decode(data)  # DecodeError is a ValueError
    if said.method and said.id is not None and said.method != "ping":
        raise ValueError("it asks back")
    return bool(said.method)


def result_of(answer: bytes, id_: Id = ID) -> bytes | None:
    """The result in an answer, an object; None where it is none, or an error."""
    try:
        said = _decode(answer)
        result = bytes(said.result)
        if said.id != id_ or not result:
            return None
        _object(result)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return result


class ResultReading:
    """A stream of notifications with one answer at its end (`Reading`)."""

    def __init__(self, call: Call, usage: Usage, pieces: Pieces | None, id_: Id = ID) -> None:
        self._call, self._usage, self._pieces, self._id = call, usage, pieces, id_
        self._events = Events()
        self.done = self.whole = False

    def feed(self, data: bytes) -> bytes:
        for event in self._events.feed(data):
            said = data_of(event)
            if not said:
                continue
            if is_news(said):
                continue
            result = result_of(said, self._id)
            if result is None:
                raise ValueError("no answer")
            settle(self._call, self._usage, result)
            self.done = self.whole = True
            return result if self._pieces is None else b"".join(self._pieces.feed(result))
        return b""

    def last(self, held: Sequence[bytes]) -> bytes:
        return b"".join(held)


def settle(call: Call, usage: Usage, result: bytes) -> None:
    """One case; tokens are bounded by bytes, since neither protocol says any."""
    usage.cases, usage.chunks = call.most.cases, 1
    usage.input_tokens = call.most.input_tokens
    usage.output_tokens = min(len(result), call.most.output_tokens)
