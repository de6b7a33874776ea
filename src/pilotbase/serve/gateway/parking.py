"""The reply of a call whose client was told to come back: what it would have got is kept."""

from __future__ import annotations

from pilotbase.kernel import canonical
from pilotbase.serve.call import Refused
from pilotbase.serve.ports import People, Ticket


class Kept:
    """A reply that goes to people's keeping, in one piece."""

    def __init__(self, people: People, usage: str) -> None:
        self._people, self._usage = people, usage
        self._parts: list[bytes] = []
        self._status, self._media = 200, ""

    gone = False

    def whole(self, status: int, block: bytes, body: bytes) -> None:
        self._people.deliver(self._usage, status, _media(block), body)

    def start(self, status: int, block: bytes) -> None:
        self._status, self._media = status, _media(block)

    def send(self, data: bytes) -> None:
        self._parts.append(data)

    def end(self) -> None:
        self._people.deliver(self._usage, self._status, self._media, b"".join(self._parts))

    def abort(self) -> None:
        self._people.deliver(self._usage, 502, "text/plain", b"the answer broke off")

    def refuse(self, refused: Refused) -> None:
        said = {
            "error": refused.code,
            "message": refused.message.as_dict(),
            "next": refused.next_step.as_dict(),
        }
        self._people.deliver(
            self._usage, refused.status, "application/json", canonical.encode(said)
        )

    def parked(self, ticket: Ticket, block: bytes) -> None:
        """A second person is asked: the caller polls already."""


def _media(block: bytes) -> str:
    for line in block.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name == b"content-type":
            return value.strip().decode("latin-1")
    return "application/octet-stream"
