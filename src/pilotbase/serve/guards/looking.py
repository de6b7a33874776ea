"""What the guards of one call look at, one after the other, and what is put down about it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pilotbase.serve.call import Refused, Route
from pilotbase.serve.guards import bodies
from pilotbase.serve.guards.arranged import Arranged
from pilotbase.serve.guards.aside import Aside
from pilotbase.serve.guards.bodies import Place
from pilotbase.serve.guards.saying import failed, too_slow
from pilotbase.serve.ports import Finding, Seen, Then

Part = Literal["request", "answer"]
_log = logging.getLogger("pilotbase.serve")


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
                self._aside(
                    step, seen, spots, self._then(step, steps[number + 1 :], seen, spots, done)
                )
                return
            self.note(step.name, part)
            refused = self.looked(step, seen, spots)
            if refused is not None:
                done(refused)
                return
        done(None)

    def looked(self, step: Step, seen: Seen, spots: Sequence[Place]) -> Refused | None:
        """Have a guard that runs here look at a message; one that raises has failed."""
        guard = step.arranged.guard
        try:
            if guard.reads == "whole":
                return self.take([guard.look("", seen)], ())
            return self.take([guard.look(node[key], seen) for node, key in spots], spots)
        except Refused as refused:
            return refused
        except Exception:  # a plug-in may fail in any way
            why = self.failed(step, seen.part)
            return None if step.arranged.open else why

    def failed(self, step: Step, part: str) -> Refused:
        """A guard has just raised: log it, and say of its part that it was not looked at."""
        _log.exception("the guard %s of %s failed", step.name, self._route.filing)
        looked = [one for one in self._looked.get(step.name, ()) if not one.startswith(part)]
        self._looked[step.name] = [*looked, f"{part} not looked at (it failed)"]
        return failed(step.name)

    def _then(
        self, step: Step, rest: Sequence[Step], seen: Seen, spots: Sequence[Place], done: Then
    ) -> Then:
        """What goes on once a guard that runs aside has answered."""

        def go_on(refused: Refused | None) -> None:
            if refused is not None:
                return done(refused)
            try:
                self.run(rest, seen.part, seen.whole, spots, done)
            except Exception:  # what it put in cannot be written: told to the call, not to Aside
                done(self.failed(step, seen.part))

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
