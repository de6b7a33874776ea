"""What the gateway's parts ask of each other; each has one implementation that serves for real."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from pilotbase.serve.call import Ask, Call, Charge, Grant, Outcome, Refused, Route, Usage

Then = Callable[[Refused | None], None]
"""Called once on the event loop's thread: None where it went well."""


class Gate(Protocol):
    """What the record allows at present: routes and keys, compiled; made anew when it changes."""

    def route(self, service: str, at: float) -> Route:
        """The route of a filing or service. Raises Refused, with the reason, where none is live."""
        ...

    def admit(self, key: str, route: Route, at: float) -> Grant:
        """For whom a key's text calls the route. Raises Refused."""
        ...

    def routes(self, at: float) -> Sequence[Route]:
        """All live routes, by name."""
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
    """Where an answer goes: back through the door it was asked at. Loop's thread only."""

    def start(self, status: int, headers: Sequence[tuple[bytes, bytes]]) -> None: ...

    def send(self, data: bytes) -> None: ...

    def end(self) -> None: ...

    def abort(self) -> None:
        """Break off an answer that has begun, so that nobody takes it for whole."""
        ...

    def refuse(self, refused: Refused) -> None:
        """Answer with a refusal in the protocol's own shape, where nothing was started."""
        ...

    @property
    def gone(self) -> bool:
        """Whether the client has left."""
        ...


class Source(Protocol):
    """What an upstream's answer comes out of; a reply that cannot keep up pauses it."""

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def cancel(self) -> None: ...


class Guard(Protocol):
    """Looks at content before, during or after a call (entry points ``pilotbase.guards``)."""

    name: str

    def before(self, ask: Ask, route: Route) -> Refused | None: ...

    def window(self) -> Window | None:
        """For an answer in pieces: what holds pieces back until they are known to be clean."""
        ...

    def after(self, answer: bytes, ask: Ask, route: Route) -> Refused | None: ...


class Window(Protocol):
    """Holds back the tail of a stream, so that nothing forbidden passes split across pieces."""

    def feed(self, text: str) -> str:
        """What may go on. Raises Refused when something forbidden is seen."""
        ...

    def finish(self) -> str: ...
