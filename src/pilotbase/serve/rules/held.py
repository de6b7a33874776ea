"""Taking forms out of a text that comes in pieces, so that no split lets one through. Pure.

A character is *decided* once no later text can make it part of a match, or part of another match
than the one it is part of now. What is decided goes on, the rest is held: at most the longest match
and one character, and usually far less, since a match in progress has to begin in the last run of
characters that it may have. Whatever the splits, what goes on is the same as for the whole text
(property test: tests/serve/rules/test_held.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from pilotbase.serve.rules.finder import AHEAD, Finder, folded_evenly


class Span(NamedTuple):
    """Characters ``start <= i < end`` and what they are."""

    start: int
    end: int
    kind: str


def merged(spans: Iterable[Span]) -> list[Span]:
    """Spans that overlap as one, called by the one that begins first.

    >>> merged([Span(4, 9, "b"), Span(0, 5, "a"), Span(9, 10, "c")])
    [Span(start=0, end=9, kind='a'), Span(start=9, end=10, kind='c')]
    """
    found: list[Span] = []
    for span in sorted(spans):
        if found and span.start < found[-1].end:
            last = found[-1]
            found[-1] = Span(last.start, max(last.end, span.end), last.kind)
        else:
            found.append(span)
    return found


def spans_of(text: str, finders: Sequence[Finder]) -> list[Span]:
    """All matches in a whole text, overlapping ones of several finders included."""
    held = Held(finders, lambda kind: "")
    held.feed(text)
    held.finish()
    return held.seen


class Held:
    """One text on its way.

    Attributes:
        seen: every match so far; its places count from the beginning of the text.
    """

    def __init__(self, finders: Sequence[Finder], mask: Callable[[str], str]) -> None:
        """``mask`` gives what stands in a match's place, from its kind."""
        self._finders, self._mask = tuple(finders), mask
        self._even = any(finder.even for finder in finders)
        self._text = ""
        self._offset = 0  # of the text that is kept, in the whole
        self._gone = 0  # up to where it has gone on; all places count in the whole text
        self._asked = [0] * len(self._finders)  # up to where each finder has decided
        self._open: list[Span] = []
        self.seen: list[Span] = []

    @property
    def held(self) -> int:
        """How many characters are held back now."""
        return self._offset + len(self._text) - self._gone

    def feed(self, text: str) -> str:
        """What may go on."""
        self._text += text
        return self._passed(last=False)

    def finish(self) -> str:
        """The rest."""
        return self._passed(last=True)

    def _passed(self, *, last: bool) -> str:
        kept = self._text
        decided = self._look(folded_evenly(kept) if self._even else kept, last)
        out, offset, left = list[str](), self._offset, list[Span]()
        for span in merged(self._open):
            if span.end > decided:
                left = [one for one in self._open if one.end > span.start]
                decided = min(decided, span.start)
                break
            out += (kept[self._gone - offset : span.start - offset], self._mask(span.kind))
            self._gone = span.end
        self._open = left
        out.append(kept[self._gone - offset : decided - offset])
        self._gone = max(self._gone, decided)
        # One character that has gone on is kept: the next match may depend on it.
        cut = max(0, self._gone - 1 - offset)
        self._text, self._offset = kept[cut:], offset + cut
        return "".join(out)

    def _look(self, even: str, last: bool) -> int:
        """Find what can be found by now; up to where every finder has decided."""
        kept, offset = self._text, self._offset
        size = decided = len(kept)
        for number, finder in enumerate(self._finders):
            text = even if finder.even else kept
            at = self._asked[number] - offset
            limit = size if last else max(finder.open_from(text, at), at)
            if at < limit and size - at >= finder.shortest and finder.maybe(text):
                at = self._find(finder, text, at, limit)
            reached = max(at, limit)
            self._asked[number] = reached + offset
            decided = min(decided, reached)
        return decided + offset

    def _find(self, finder: Finder, text: str, at: int, limit: int) -> int:
        while at < limit:
            match = finder.form.search(text, at)
            if match is None or match.start() >= limit:
                return at
            at = match.end()
            if finder.checked(match[0]):
                start, offset = match.start(), self._offset
                kind = match.lastgroup or finder.kind
                span = Span(start + offset, at + offset, kind)
                self._open.append(span)
                self.seen.append(span)
        return at


def held_max(finders: Iterable[Finder]) -> int:
    """How many characters of a stream are held back at most."""
    return max((finder.longest + AHEAD - 1 for finder in finders), default=0)
