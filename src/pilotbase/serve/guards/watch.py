"""All guards of one call: what the serving flow asks before and after (`ports.Watch`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pilotbase.serve.call import Ask, Refused, Route
from pilotbase.serve.guards import bodies
from pilotbase.serve.guards.arranged import Arranged, arranged
from pilotbase.serve.guards.aside import Aside
from pilotbase.serve.guards.bodies import Place
from pilotbase.serve.guards.pieces import GuardedPieces, without_logprobs
from pilotbase.serve.guards.saying import too_slow, unread
from pilotbase.serve.ports import Finding, Pieces, Seen, Then

Part = Literal["request", "answer"]


@dataclass(frozen=True)
class Step:
    """A guard in its turn; ``aside`` where it runs in a process of its own."""

    arranged: Arranged
    aside: Aside | None = None

    @property
    def name(self) -> str:
        return self.arranged.guard.name

    @property
    def waits(self) -> bool:
        """Whether it needs a whole answer."""
        return self.aside is not None or self.arranged.guard.held < 0


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
        self._asked: Any = None
        self._looked: dict[str, list[str]] = {}
        self._flags: dict[str, None] = {}
        self._attached = 0

    @property
    def scanned(self) -> tuple[str, ...]:
        said = [f"{name}: {', '.join(parts)}" for name, parts in self._looked.items()]
        if self._attached:
            said.append(f"attachments: {self._attached} not read")
        return tuple(said)

    @property
    def flags(self) -> tuple[str, ...]:
        return tuple(self._flags)

    def before(self, ask: Ask, then: Then) -> None:
        steps = self._guarding.of("request")
        if not steps and not self._guarding.of("answer"):
            then(None)
            return
        try:
            body = bodies.read(ask.body)
            spots = self._places(body, "request") if steps else []
        except ValueError:
            then(unread("request") if steps else None)
            return
        self._asked = body

        def done(refused: Refused | None) -> None:
            # Also where nothing was masked: a name given twice means to the upstream what it
            # meant to the guards.
            if refused is None and steps:
                ask.body = bodies.write(body)
            then(refused)

        self.run(steps, "request", body, spots, done)

    def pieces(self) -> Pieces | None:
        steps = self._guarding.of("answer")
        return GuardedPieces(self, steps, self._seen("answer", None)) if steps else None

    def after(self, answer: bytes, then: Callable[[bytes | Refused], None]) -> None:
        steps = self._guarding.of("answer")
        if not steps:
            then(answer)
            return
        try:
            body = bodies.read(answer)
            without_logprobs(body)
            spots = self._places(body, "answer")
        except ValueError:
            then(unread("answer"))
            return

        def done(refused: Refused | None) -> None:
            then(refused or bodies.write(body))

        self.run(steps, "answer", body, spots, done)

    def run(
        self,
        steps: Sequence[Step],
        part: Part,
        whole: Any,
        spots: Sequence[Place],
        done: Then,
    ) -> None:
        """Have the guards look at a message, one after the other; texts in it are replaced."""
        seen = self._seen(part, whole)
        for number, step in enumerate(steps):
            if step.aside is not None:
                self._aside(step, seen, spots, self._then(steps[number + 1 :], seen, spots, done))
                return
            guard = step.arranged.guard
            if guard.reads == "whole":
                refused = self.take([guard.look("", seen)], ())
            else:
                refused = self.take([guard.look(node[key], seen) for node, key in spots], spots)
            self.note(step.name, part)
            if refused is not None:
                done(refused)
                return
        done(None)

    def _then(self, rest: Sequence[Step], seen: Seen, spots: Sequence[Place], done: Then) -> Then:
        """What goes on once a guard that runs aside has answered."""

        def go_on(refused: Refused | None) -> None:
            if refused is not None:
                done(refused)
            else:
                self.run(rest, seen.part, seen.whole, spots, done)

        return go_on

    def note(self, name: str, said: str) -> None:
        """Put down what was looked at."""
        self._looked.setdefault(name, [])
        if said not in self._looked[name]:
            self._looked[name].append(said)

    def flag(self, flags: Sequence[str]) -> None:
        self._flags.update(dict.fromkeys(flags))

    def take(self, findings: Sequence[Finding], spots: Sequence[Place]) -> Refused | None:
        """Put what a guard says into effect; its refusal, if there is one."""
        for number, found in enumerate(findings):
            if found.flags:
                self.flag(found.flags)
            if found.refused is not None:
                return found.refused
            if spots:
                node, key = spots[number]
                if node[key] is not found.text:
                    node[key] = found.text
        return None

    def _aside(self, step: Step, seen: Seen, spots: Sequence[Place], then: Then) -> None:
        assert step.aside is not None
        texts = [node[key] for node, key in spots]
        message = {"part": seen.part, "texts": texts, "whole": seen.whole, "asked": seen.asked}

        def looked(findings: list[Finding] | None) -> None:
            each = step.arranged.guard.reads == "texts"
            if findings is None or (each and len(findings) != len(spots)):
                self.note(step.name, f"{seen.part} not looked at (no answer in time)")
                then(None if step.arranged.open else too_slow(step.name))
                return
            self.note(step.name, seen.part)
            then(self.take(findings, spots if each else ()))

        step.aside.look(message, looked)

    def _seen(self, part: Part, whole: Any) -> Seen:
        return Seen(self._guarding.route, part, whole, self._asked)

    def _places(self, body: Any, part: Part) -> list[Place]:
        spots, attached = bodies.places(body, part)
        self._attached += attached
        return spots
