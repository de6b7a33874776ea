"""All guards of one call: what the serving flow asks before and after (`ports.Watch`)."""

from __future__ import annotations

from collections.abc import Callable

from pilotbase.serve.call import Ask, Refused, Route
from pilotbase.serve.guards import bodies
from pilotbase.serve.guards.arranged import arranged
from pilotbase.serve.guards.aside import Aside
from pilotbase.serve.guards.looking import Looking, Part, Step
from pilotbase.serve.guards.pieces import GuardedPieces, without_logprobs
from pilotbase.serve.guards.saying import unread
from pilotbase.serve.ports import Pieces, Then


class Guarding:
    """The guards of a route; made once, asked for every call."""

    def __init__(self, route: Route) -> None:
        """Raises SheetError for guards that cannot be made."""
        self.route = route
        steps = [
            Step(one, Aside(one, route) if one.process else None) for one in arranged(route.guards)
        ]
        # Those that wait for another process come last: what the others refuse need not go there.
        self.steps = sorted(steps, key=lambda step: step.aside is not None)

    def watch(self) -> CallWatch:
        """A new call's."""
        return CallWatch(self)

    def of(self, part: Part) -> list[Step]:
        return [step for step in self.steps if part in step.arranged.on]

    def close(self) -> None:
        for step in self.steps:
            if step.aside is not None:
                step.aside.close()


class Watchers:
    """The guards of all routes, made when a route is first called; as many as there are filings."""

    def __init__(self) -> None:
        self._made: dict[str, Guarding] = {}

    def watch(self, route: Route) -> CallWatch | None:
        """For one call; None where the route has no guards.

        Raises:
            SheetError: guards that cannot be made; then nothing is served.
        """
        if not route.guards:
            return None
        guarding = self._made.get(route.filing)
        if guarding is None or guarding.route.guards != route.guards:
            if guarding is not None:
                guarding.close()
            guarding = self._made[route.filing] = Guarding(route)
        # The record has grown: the same guards for a newer reading of the filing.
        guarding.route = route
        return guarding.watch()

    def close(self) -> None:
        """End the processes of guards that run aside."""
        for guarding in self._made.values():
            guarding.close()
        self._made.clear()


class CallWatch:
    """One call's; see `ports.Watch`."""

    def __init__(self, guarding: Guarding) -> None:
        self._guarding = guarding
        self._looking = Looking(guarding.route)

    @property
    def scanned(self) -> tuple[str, ...]:
        return self._looking.scanned

    @property
    def flags(self) -> tuple[str, ...]:
        return self._looking.flags

    def before(self, ask: Ask, then: Then) -> None:
        steps = self._guarding.of("request")
        if not steps and not self._guarding.of("answer"):
            then(None)
            return
        try:
            body = bodies.read(ask.body)
            spots = self._looking.places(body, "request") if steps else []
        except ValueError:
            then(unread("request") if steps else None)
            return
        self._looking.asked = body

        def done(refused: Refused | None) -> None:
            # Also where nothing was masked: a name given twice means to the upstream what it
            # meant to the guards.
            if refused is None and steps:
                ask.body = bodies.write(body)
            then(refused)

        self._looking.run(steps, "request", body, spots, done)

    def pieces(self) -> Pieces | None:
        steps = self._guarding.of("answer")
        return GuardedPieces(self._looking, steps) if steps else None

    def after(self, answer: bytes, then: Callable[[bytes | Refused], None]) -> None:
        steps = self._guarding.of("answer")
        if not steps:
            then(answer)
            return
        try:
            body = bodies.read(answer)
            without_logprobs(body)
            spots = self._looking.places(body, "answer")
        except ValueError:
            then(unread("answer"))
            return

        def done(refused: Refused | None) -> None:
            then(refused or bodies.write(body))

        self._looking.run(steps, "answer", body, spots, done)
