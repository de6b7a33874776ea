"""What the guards of one call look at, one after the other, and what is put down about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pilotbase.serve.call import Refused, Route
from pilotbase.serve.guards import bodies
from pilotbase.serve.guards.arranged import Arranged
from pilotbase.serve.guards.aside import Aside
from pilotbase.serve.guards.bodies import Place
from pilotbase.serve.guards.saying import too_slow
from pilotbase.serve.ports import Finding, Seen, Then

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


class Looking:
    """One call's: the guards see its messages, and what they say is put into effect.

    Attributes:
        asked: the request's body, once it was read; guards of the answer see it too.
    """

    def __init__(self, route: Route) -> None:
        self.asked: Any = None
        self._route = route
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

    def run(
        self,
        steps: Sequence[Step],
        part: Part,
        whole: Any,
        spots: Sequence[Place],
        done: Then,
    ) -> None:
        """Have the guards look at a message, one after the other; texts in it are replaced."""
        seen = self.seen(part, whole)
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

    def seen(self, part: Part, whole: Any) -> Seen:
        return Seen(self._route, part, whole, self.asked)

    def places(self, body: Any, part: Part) -> list[Place]:
        spots, attached = bodies.places(body, part)
        self._attached += attached
        return spots
