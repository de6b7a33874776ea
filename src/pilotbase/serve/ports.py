"""What the gateway's parts ask of each other; each has one implementation that serves for real."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

from pilotbase.serve.call import (
    Ask,
    Call,
    Charge,
    Grant,
    Outcome,
    Refused,
    Route,
    Upstream,
    Usage,
)
from pilotbase.serve.rules.http_head import RequestHead

Then = Callable[[Refused | None], None]
"""Called once on the event loop's thread: None where it went well."""


class Gate(Protocol):
    """What the record allows at present: routes and keys, compiled; made anew when it changes."""

    def route(self, service: str, at: float, key: str = "") -> Route:
        """The route of a filing or service. Raises Refused, with the reason, where none is live; a
        known key is told the name that was probably meant."""
        ...

    def admit(self, key: str, route: Route, at: float) -> Grant:
        """For whom a key's text calls the route. Raises Refused."""
        ...

    def whose(self, key: str, at: float) -> str:
        """The id of the key with this text, for what was done with it before: it may have expired,
        and what it opened may be stopped. Raises Refused for none, one of nobody, a revoked one."""
        ...

    def routes(self, at: float) -> Sequence[Route]:
        """All live routes, by name."""
        ...

    def standing(self, call: Call, at: float) -> Refused | None:
        """Why a call that is under way may go on no longer; None while it may."""
        ...

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call the listener, on the loop's thread, whenever what is allowed may have changed.

        Whoever keeps live calls then asks `standing` of each, and cuts those that are refused.
        """
        ...


class Meter(Protocol):
    """Budgets, limits and the usage journal. Called on the event loop's thread only."""

    def begin(self, call: Call, then: Then) -> None:
        """Reserve what the call may cost at most and put its intent down durably.

        Sets ``usage_id`` and ``sequence``. ``then`` gets None once the intent is on disk, or why
        not (over a limit, no budget left, the same idempotency key again, disk full).
        """
        ...

    def settle(self, call: Call, usage: Usage, outcome: Outcome) -> Charge:
        """Settle a begun call, exactly once; durable with the journal's next group."""
        ...


class Reply(Protocol):
    """Where an answer goes: back through the door it was asked at. Loop's thread only.

    ``block`` is header lines, each ended by CRLF: they are the same for many calls and are put
    together once. Length and framing are the reply's own affair.
    """

    def whole(self, status: int, block: bytes, body: bytes) -> None:
        """A whole answer at once."""
        ...

    def start(self, status: int, block: bytes) -> None:
        """An answer begins whose length is not yet known; `send` and `end` or `abort` follow."""
        ...

    def send(self, data: bytes) -> None: ...

    def end(self) -> None: ...

    def parting(self, refused: Refused) -> bytes:
        """The last bytes that `abort` sends, which say why; empty where the protocol has none."""
        ...

    def abort(self, refused: Refused) -> None:
        """Break off an answer that has begun, so that nobody takes it for whole; say why where the
        protocol lets that be said."""
        ...

    def refuse(self, refused: Refused, block: bytes = b"") -> None:
        """Answer with a refusal in the protocol's own shape, where nothing was started.

        ``block`` is the receipt of a call that was begun; empty where none was.
        """
        ...

    def parked(self, ticket: Ticket, block: bytes) -> None:
        """Say that a person is asked first, and where the answer will be found."""
        ...

    @property
    def gone(self) -> bool:
        """Whether the client has left."""
        ...


class Door(Protocol):
    """A protocol as callers speak it: reads requests and words refusals. Keeps nothing."""

    def ask(self, head: RequestHead, body: bytes) -> Ask:
        """What is asked for. Raises Refused."""
        ...

    def refusal(self, refused: Refused) -> tuple[bytes, bytes]:
        """Header lines and body of a refusal; its status is ``refused.status``."""
        ...


class Put(NamedTuple):
    """A question with a path and headers of its own; ``headers`` are lines that end with CRLF."""

    path: bytes
    media: bytes
    body: bytes
    headers: bytes = b""


class Dialect(Protocol):
    """How one operation is put to an upstream, and how its answer is read.

    Attributes:
        path: below the upstream's address. media: of the question.
        idempotent: asking twice does no more than asking once, but for its cost.
    """

    path: bytes
    media: bytes
    idempotent: bool

    def most(self, ask: Ask, route: Route) -> Usage:
        """What the call may use at most. Raises Refused where that is more than it may."""
        ...

    def question(self, call: Call, upstream: Upstream) -> bytes | Put:
        """The body for an upstream: its name of the model, the limits, usage asked for; a `Put`
        where path or headers hang on the call."""
        ...

    def read(self, call: Call, answer: bytes, usage: Usage) -> bytes | None:
        """Read a whole answer's usage; what goes to the caller, or None where it is no answer."""
        ...

    def reading(self, call: Call, usage: Usage, pieces: Pieces | None) -> Reading:
        """What reads an answer in pieces. Raises Refused where it cannot be guarded so."""
        ...


class Reading(Protocol):
    """An answer in pieces, read as it passes.

    Attributes:
        done: the upstream has said its last word; what follows is nobody's.
        whole: the answer is complete, so that it may be ended as such.
    """

    @property
    def done(self) -> bool: ...

    @property
    def whole(self) -> bool: ...

    def feed(self, data: bytes) -> bytes:
        """What may go on now. Raises Refused, or ValueError where it is no such stream."""
        ...

    def last(self, held: Sequence[bytes]) -> bytes:
        """What ends the answer: what guards had held back, and the protocol's own end."""
        ...


class Source(Protocol):
    """What an upstream's answer comes out of; a reply that cannot keep up pauses it."""

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def cancel(self) -> None: ...


class Guard(Protocol):
    """Looks at the texts of a request or an answer (entry points ``pilotbase.guards``).

    A guard is made once per route and keeps nothing between two texts. ``reads`` says whether it
    is shown each text of a message by itself, or each message once (`Seen.whole`; what it would put
    in its place does not count then). ``held`` is how many characters of a stream it may hold back
    at most; -1 where it needs the whole answer.
    """

    @property
    def name(self) -> str: ...

    @property
    def reads(self) -> Literal["texts", "whole"]: ...

    @property
    def held(self) -> int: ...

    def look(self, text: str, seen: Seen) -> Finding:
        """What is wrong with one text, and the text that may go on in its place."""
        ...

    def window(self, seen: Seen) -> Window | None:
        """For one text of an answer in pieces; None where ``held`` is -1."""
        ...


class Window(Protocol):
    """Holds back the tail of a stream, so that nothing forbidden passes split across pieces."""

    @property
    def flags(self) -> tuple[str, ...]:
        """What was found so far and let pass, or put out of sight."""
        ...

    def feed(self, text: str) -> str:
        """What may go on. Raises Refused when something forbidden is seen."""
        ...

    def finish(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Seen:
    """Where a text stands that a guard looks at.

    Attributes:
        route: of the call. part: ``request`` or ``answer``. whole: the message, decoded.
        asked: the request, decoded.
    """

    route: Route
    part: Literal["request", "answer"]
    whole: Any = None
    asked: Any = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What a guard made of a text: the text that goes on, names of what it flags, or a refusal."""

    text: str
    flags: tuple[str, ...] = ()
    refused: Refused | None = None


class Watch(Protocol):
    """All guards of one call; the serving flow talks to this alone. Loop's thread only.

    `guards.watch.watching(route)` gives what makes them; it is None where the route has none.
    """

    @property
    def scanned(self) -> tuple[str, ...]:
        """What was in fact looked at so far, for receipts and the journal (`Call.scanned`)."""
        ...

    @property
    def flags(self) -> tuple[str, ...]:
        """What was found and let pass; hand-off to a person may depend on it."""
        ...

    def before(self, ask: Ask, then: Then) -> None:
        """Look at a request; may put a masked one into ``ask.body``.

        ``then`` is called at once, or later where a guard looks in a process of its own.
        """
        ...

    def pieces(self) -> Pieces | None:
        """What an answer in pieces passes through; None where nothing looks at answers."""
        ...

    def after(self, answer: bytes, then: Callable[[bytes | Refused], None]) -> None:
        """Look at a whole answer: what may go on in its place, or why none may."""
        ...


class Pieces(Protocol):
    """An answer as server-sent events, on its way through the guards."""

    def feed(self, data: bytes) -> list[bytes]:
        """From an event's data (without ``data:``) to the data of those that may go on now.

        Raises Refused when something forbidden is seen; what it was part of never went out.
        """
        ...

    def finish(self, then: Callable[[list[bytes] | Refused], None]) -> None:
        """At the end of the answer (before ``[DONE]``): what is still held back."""
        ...


@dataclass(frozen=True, slots=True)
class Ticket:
    """A call that waits for a person.

    Attributes:
        usage: its usage id. stage: ``before`` or ``after`` the service is asked.
        why: names of the reasons. until: seconds since 1970 when the time-out policy applies.
    """

    usage: str
    stage: Literal["before", "after"]
    why: tuple[str, ...]
    until: float


@dataclass(frozen=True, slots=True)
class Given:
    """An answer that a person has to see first: as it would go out, and what it used."""

    body: bytes
    media: str
    usage: Usage


@dataclass(frozen=True, slots=True)
class Decided:
    """What came of a parked call.

    Attributes:
        go: whether it goes on (or its answer out). person: who said so; empty at a time-out.
        request: what a person put in its place; None where it stands. answer: what goes out, as
            ``media``; None where the service is asked.
        said: ``approved``, ``edited``, ``manual`` (a person answered instead of the service),
            ``refused``, ``lapsed``, ``withdrawn`` (by its caller).
        refused: where it does not go on: what the caller is told.
        elsewhere: another process goes on with it and settles it.
    """

    go: bool
    said: str
    person: str = ""
    request: bytes | None = None
    answer: bytes | None = None
    refused: Refused | None = None
    media: str = "application/json"
    elsewhere: bool = False


class Taken(Protocol):
    """Where a call is settled that a process began which is gone.

    Attributes:
        usage: its usage id. flags: what guards had found in it.
    """

    @property
    def usage(self) -> str: ...

    @property
    def flags(self) -> Sequence[str]: ...

    def settle(self, call: Call, usage: Usage, outcome: Outcome) -> Charge:
        """As `Meter.settle`: once, at most at what was reserved."""
        ...

    def let_go(self) -> None:
        """Settle it as refused, before anything was sent on."""
        ...


class People(Protocol):
    """Hand-off to people. Loop's thread only; what it keeps is durable before it calls back."""

    def wanted(
        self,
        call: Call,
        stage: Literal["before", "after"],
        flags: Sequence[str],
        answer: bytes | None = None,
    ) -> tuple[str, ...]:
        """Why a person is needed at this stage; empty where none is. After ``meter.begin``."""
        ...

    def park(
        self,
        call: Call,
        stage: Literal["before", "after"],
        why: tuple[str, ...],
        flags: Sequence[str],
        given: Given | None,
        parked: Callable[[Ticket | Refused], None],
        decided: Callable[[Decided], None],
    ) -> None:
        """Put a begun call down for a person. ``parked`` is called once it is durable: the door
        answers 202 with the ticket's address, the reservation stays. ``decided`` is called once,
        in this process, when a person has answered or the time is over; the flow then goes on with
        a reply of its own and gives what came of it to `deliver`."""
        ...

    def deliver(self, usage: str, status: int, media: str, answer: bytes) -> None:
        """Keep the answer of a parked call for the caller, who polls for it."""
        ...


class Observer(Protocol):
    """Counts what happens, for the operator. On the hot path: it may take about a microsecond.

    Attributes:
        copies: answers are wanted too, where a service's terms let content be kept.
    """

    copies: bool

    def settled(
        self,
        call: Call,
        usage: Usage,
        charge: Charge,
        outcome: Outcome,
        first: float,
        code: str,
        copy: Sequence[bytes] | None,
    ) -> None:
        """A call was settled.

        Args:
            first: when the first piece of a stream went out, seconds since 1970; 0 where none did.
            code: why it was not served, or empty. copy: what went out, where it may be kept.
        """
        ...

    def refused(self, refused: Refused) -> None:
        """A call was refused before it was begun: nothing of it is in the journal."""
        ...


class Receipts(Protocol):
    """Signed receipts of calls whose callers asked for one (`Ask.receipt`)."""

    def note(self, call: Call, usage: Usage, charge: Charge, outcome: Outcome, answer: str) -> None:
        """Put a settled call down; ``answer`` is the SHA-256 of what went out, or empty."""
        ...
