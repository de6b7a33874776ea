"""Server-sent events (WHATWG HTML, 9.2.6), read from bytes however they were split.

A stream is lines ended by CRLF, LF or CR, events ended by an empty line; a byte order mark may be
in front. Events are handed on whole, as they stood, so that what is relayed is what was read.
"""

from __future__ import annotations

import re

EVENT_BYTES_MAX = 2**20
BOM = b"\xef\xbb\xbf"

_LINE = re.compile(rb"\r\n|\n|\r")
_EMPTY_LINE = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r)")


class StreamTooLong(ValueError):
    """An event of more bytes than may be kept."""


class Events:
    """Cuts a stream into its events.

    >>> events = Events()
    >>> events.feed(b"data: 1\\n\\nda"), events.feed(b"ta: 2\\r\\n\\r"), events.feed(b"\\n")
    ([b'data: 1\\n\\n'], [b'data: 2\\r\\n\\r'], [])
    """

    __slots__ = ("_after_cr", "_begun", "_rest", "_seen", "bytes_max")

    def __init__(self, bytes_max: int = EVENT_BYTES_MAX) -> None:
        self._rest = b""
        self._seen = 0
        self._begun = self._after_cr = False
        self.bytes_max = bytes_max

    @property
    def rest(self) -> bytes:
        """The event that has begun and is not yet whole."""
        return self._rest

    def plain(self, data: bytes) -> list[bytes]:
        """What ``data`` says, event for event, where it is whole events of one line each, as most
        reads are, and nothing is left of what came before; otherwise empty, and `feed` is to be
        asked."""
        if (
            not self._begun
            or self._rest
            or len(data) > self.bytes_max
            or not data.startswith(b"data: ")
            or not data.endswith(b"\n\n")
            or b"\r" in data
        ):
            return []
        said = data[6:-2].split(b"\n\ndata: ")
        if data.count(b"\n") != 2 * len(said) or b"" in said:
            return []
        self._after_cr = False
        return said

    def feed(self, data: bytes) -> list[bytes]:
        """The events that are whole by now, each with its empty line. Raises StreamTooLong."""
        if not self._begun:
            data = self._rest + data
            if len(data) < 3 and BOM.startswith(data):
                self._rest = data
                return []
            self._rest, self._begun = b"", True
            data = data.removeprefix(BOM)
        if self._after_cr and data:
            self._after_cr = False
            data = data.removeprefix(b"\n")  # the end of a CRLF whose CR already ended an event
        if not self._rest and data.endswith(b"\n\n") and b"\r" not in data:
            found = [one + b"\n\n" for one in data[:-2].split(b"\n\n")]
            if max(map(len, found)) > self.bytes_max:
                raise StreamTooLong
            return found
        return self._cut(data)

    def _cut(self, data: bytes) -> list[bytes]:
        data = self._rest + data
        events, at = list[bytes](), 0
        from_ = max(0, self._seen - 3)
        while (end := _EMPTY_LINE.search(data, max(at, from_))) is not None:
            stop = end.end()
            events.append(data[at:stop])
            at = stop
            if data[stop - 1] == 13 and stop == len(data):
                self._after_cr = True
        self._rest = data[at:]
        self._seen = len(self._rest)
        if max(map(len, events), default=0) > self.bytes_max or len(self._rest) > self.bytes_max:
            raise StreamTooLong
        return events


def data_of(event: bytes) -> bytes:
    """What an event's ``data`` lines say, joined by line feeds; empty for a comment.

    >>> data_of(b": hi\\nevent: x\\ndata: a\\ndata:b\\n\\n")
    b'a\\nb'
    """
    if event.startswith(b"data: ") and event.find(b"\n") == len(event) - 2 and b"\r" not in event:
        return event[6:-2]
    said = list[bytes]()
    for line in _LINE.split(event):
        name, _, value = line.partition(b":")
        if name == b"data":
            said.append(value.removeprefix(b" "))
    return b"\n".join(said)
