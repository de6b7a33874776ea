"""Calls that wait for a person: put down, decided, and the reply they have meanwhile. Of a `Live`.

A client whose call is put down is told to come back; what it would have got is kept for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal

from pilotbase.kernel import canonical
from pilotbase.serve.call import Refused
from pilotbase.serve.gateway import said
from pilotbase.serve.gateway.callbacks import callback
from pilotbase.serve.gateway.checking import check
from pilotbase.serve.gateway.headers import JSON
from pilotbase.serve.ports import Decided, Given, People, Ticket

if TYPE_CHECKING:
    from pilotbase.serve.gateway.live import Live

Stage = Literal["before", "after"]


class Kept:
    """A reply that goes to people's keeping, in one piece; under the usage id of each call for
    which a person was asked, the first choice and the second."""

    def __init__(self, people: People, usage: str) -> None:
        self._people, self._usages = people, [usage]
        self._parts: list[bytes] = []
        self._status, self._media = 200, ""

    gone = False

    def whole(self, status: int, block: bytes, body: bytes) -> None:
        self._deliver(status, media_in(block), body)

    def start(self, status: int, block: bytes) -> None:
        self._status, self._media = status, media_in(block)

    def send(self, data: bytes) -> None:
        self._parts.append(data)

    def end(self) -> None:
        self._deliver(self._status, self._media, b"".join(self._parts))

    def parting(self, refused: Refused) -> bytes:
        return b""

    def abort(self, refused: Refused) -> None:
        self.refuse(refused)

    def refuse(self, refused: Refused, block: bytes = b"") -> None:
        self._deliver(refused.status, "application/json", refusal_body(refused))

    def parked(self, ticket: Ticket, block: bytes) -> None:
        """A second person is asked: the caller polls already."""
        if ticket.usage not in self._usages:
            self._usages.append(ticket.usage)

    def _deliver(self, status: int, media: str, body: bytes) -> None:
        for usage in self._usages:
            self._people.deliver(usage, status, media, body)


def refusal_body(refused: Refused) -> bytes:
    """A refusal as it is kept."""
    return canonical.encode(
        {
            "error": refused.code,
            "message": refused.message.as_dict(),
            "next": refused.next_step.as_dict(),
        }
    )


def media_in(block: bytes) -> str:
    """The media type that header lines say."""
    for line in block.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name == b"content-type":
            return value.strip().decode("latin-1")
    return "application/octet-stream"


def wanted(live: Live, stage: Stage, answer: bytes | None = None) -> tuple[str, ...]:
    """Why a person has to look at it; empty where nobody has."""
    people = live.serving.people
    assert people is not None and live.call is not None
    return people.wanted(live.call, stage, _flags(live), answer)


def _flags(live: Live) -> Sequence[str]:
    """What guards found and let pass; what they put out of sight they find but once."""
    flags = live.watch.flags if live.watch is not None else ()
    return flags if live.taken is None else tuple(dict.fromkeys((*live.taken.flags, *flags)))


def park(
    live: Live, stage: Stage, why: tuple[str, ...], answer: bytes | None, media: bytes = JSON
) -> None:
    """Put it down; from here on its client may leave.

    What its own worker would not take is refused before a person looks at it.
    """
    live.parked = live.waits = True
    put = partial(_put_down, live, stage, why, answer, media)
    if stage == "before" and live.replica.upstream.kind == "candidate":
        check(live, partial(_checked, live, put))
    else:
        put()


@callback
def _checked(live: Live, put: Callable[[], None], refused: Refused | None) -> None:
    if live.ended:
        return
    if refused is not None:
        return live.refuse("refused", refused)
    if live.reply.gone:  # it was left meanwhile: nobody knows that it waits
        live.settle("refused")
        return live.over()
    put()


def _put_down(
    live: Live, stage: Stage, why: tuple[str, ...], answer: bytes | None, media: bytes
) -> None:
    people = live.serving.people
    assert people is not None and live.call is not None
    given = None if answer is None else Given(answer, media_in(media), live.usage)
    people.park(
        live.call, stage, why, _flags(live), given,
        lambda ticket: _parked(live, people, ticket),
        lambda decided: _decided(live, decided),
    )  # fmt: skip


@callback
def _parked(live: Live, people: People, ticket: Ticket | Refused) -> None:
    if live.ended:
        if isinstance(ticket, Ticket):  # a stop cut it meanwhile: nobody has to look at it
            Kept(people, ticket.usage).refuse(said.stopping())
        return
    if isinstance(ticket, Refused):
        return live.refuse("refused", ticket)
    if not live.reply.gone:
        live.reply.parked(ticket, live.block(JSON))
    if live.kept is None:
        live.reply = live.kept = Kept(people, ticket.usage)


@callback
def _decided(live: Live, decided: Decided) -> None:
    live.waits = False
    if live.ended:
        return
    assert live.call is not None
    if decided.elsewhere:
        live.ended = True
        live.serving.live.discard(live)
        return
    live.call.handoff += (f"{decided.said} by {decided.person or 'nobody'}",)
    if not decided.go:
        refused = decided.refused or said.none_left(live.route)
        return live.refuse("refused", refused)
    if decided.answer is not None:
        if decided.said == "manual":  # whatever it was asked for, it was answered
            live.usage.cases = live.ask.cases
        return live.give(decided.answer, b"content-type: %b\r\n" % decided.media.encode())
    if live.serving.stopping:
        return live.refuse("refused", said.stopping())
    if decided.request is not None:
        live.body = live.ask.body = decided.request
        live.ask.fields = None
    live.send()
