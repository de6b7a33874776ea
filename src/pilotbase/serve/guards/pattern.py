"""Guards that look for forms: personal data, secrets, lists of words, foreign instructions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pilotbase.serve.guards.saying import found
from pilotbase.serve.ports import Finding, Seen
from pilotbase.serve.rules.finder import Finder, folded_evenly
from pilotbase.serve.rules.held import Held, held_max

Action = Literal["refuse", "mask", "flag"]
ACTIONS: tuple[Action, ...] = ("refuse", "mask", "flag")


def mask(kind: str) -> str:
    """What stands in the place of something that was taken out."""
    return f"[{kind} removed]"


@dataclass(frozen=True)
class Patterns:
    """A guard over finders.

    Attributes:
        action: ``refuse`` the message, ``mask`` what was found, or ``flag`` it and let it pass.
    """

    name: str
    finders: tuple[Finder, ...]
    action: Action
    reads: Literal["texts", "whole"] = "texts"

    @property
    def held(self) -> int:
        return 0 if self.action == "flag" else held_max(self.finders)

    def look(self, text: str, seen: Seen) -> Finding:
        if not self._may_have(text):
            return Finding(text)
        held = Held(self.finders, mask)
        out = held.feed(text) + held.finish()
        if not held.seen:
            return Finding(text)
        kinds = self._named(span.kind for span in held.seen)
        if self.action == "refuse":
            return Finding(text, kinds, found(self.name, held.seen[0].kind, seen))
        return Finding(out if self.action == "mask" else text, kinds)

    def window(self, seen: Seen) -> PatternWindow:
        return PatternWindow(self, seen)

    def _may_have(self, text: str) -> bool:
        """One quick search each: most texts hold nothing, and need not be held."""
        size, even = len(text), ""
        for finder in self.finders:
            if size < finder.shortest:
                continue
            if finder.even and not even:
                even = folded_evenly(text)
            read = even if finder.even else text
            if finder.maybe(read) and finder.form.search(read):
                return True
        return False

    def _named(self, kinds: Iterable[str]) -> tuple[str, ...]:
        return tuple(f"{self.name}:{kind}" for kind in dict.fromkeys(kinds))


class PatternWindow:
    """One text of a stream, on its way through `Patterns`."""

    def __init__(self, guard: Patterns, seen: Seen) -> None:
        self._guard, self._seen = guard, seen
        self._held = Held(guard.finders, mask)

    @property
    def flags(self) -> tuple[str, ...]:
        return self._guard._named(span.kind for span in self._held.seen)

    def feed(self, text: str) -> str:
        return self._checked(self._held.feed(text), text)

    def finish(self) -> str:
        return self._checked(self._held.finish(), "")

    def _checked(self, out: str, text: str) -> str:
        if self._guard.action == "flag":
            return text
        if self._guard.action == "refuse" and self._held.seen:
            raise found(self._guard.name, self._held.seen[0].kind, self._seen)
        return out


def without(finders: Sequence[Finder], allowed: Iterable[str]) -> tuple[Finder, ...]:
    """The finders, for which these very texts are no finds; compared folded, without blanks."""
    known = frozenset(_bare(text) for text in allowed)
    if not known:
        return tuple(finders)
    return tuple(_except(finder, known) for finder in finders)


def _except(finder: Finder, known: frozenset[str]) -> Finder:
    checked = finder.checked

    def counts(match: str) -> bool:
        return _bare(match) not in known and checked(match)

    return replace(finder, checked=counts)


def _bare(text: str) -> str:
    return "".join(folded_evenly(text).split())
