"""Forms that are looked for in a text, and from where one might still be going on at its end.

A finder's matches have a bounded length, and what they depend on reaches at most one character
before and one beyond them. That is what a stream needs: with it one knows, while a text is still
growing, which of its characters no later one can make part of a match. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field

AHEAD = 1  # characters beyond a match that decide whether it is one


def _always(match: str) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Finder:
    """One form.

    Attributes:
        kind: what it finds; a named group of the form that took part says it more closely.
        form: looks at most `AHEAD` characters beyond its match and one before it.
        longest: characters a match has at most.
        inside: all characters that a match may have; empty where that is not known.
        first: texts of which a match begins with one; empty where that is not known.
        shortest: characters a match has at least.
        maybe: a quick look at a text: False where there is surely no match in it.
        checked: whether a match counts, e.g. by its check digit.
        even: whether it reads the text folded by `folded_evenly`.
    """

    kind: str
    form: re.Pattern[str]
    longest: int
    inside: str = ""
    first: tuple[str, ...] = ()
    shortest: int = 1
    maybe: Callable[[str], object] = _always
    checked: Callable[[str], bool] = _always
    even: bool = True
    _opening: re.Pattern[str] | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_opening", _opening(self.first) if self.first else None)

    def open_from(self, text: str, start: int) -> int:
        """The first place, from ``start`` on, where a match may begin that the text does not yet
        decide; its length where there is none."""
        size = len(text)
        at = max(start, size - self.longest - AHEAD + 1, 0)
        if self.inside:
            at = max(at, len(text.rstrip(self.inside)))
        if self._opening is None or at >= size:
            return min(at, size)
        begun = self._opening.search(text, at)
        return begun.start() if begun is not None else size


def _opening(first: tuple[str, ...]) -> re.Pattern[str]:
    """Where one of these stands, or has begun at the very end of a text.

    >>> [found.start() for found in map(_opening(("sk-",)).search, ("a sk-1", "a s", "a sk", "s a"))
    ...  if found]
    [2, 2, 2]
    """
    begun = sorted({re.escape(one[:size]) for one in first for size in range(1, len(one))})
    return re.compile("|".join([*map(re.escape, first), *(rf"{one}\Z" for one in begun)]))


def having(*words: str) -> Callable[[str], bool]:
    """A quick look for texts of which one stands in every match."""

    def maybe(text: str) -> bool:
        return any(word in text for word in words)

    return maybe


class _Even(dict[int, int]):
    """Each character's folded form where that is one character too; filled as they come."""

    def __missing__(self, code: int) -> int:
        plain = unicodedata.normalize("NFKC", chr(code)).casefold()
        self[code] = found = ord(plain) if len(plain) == 1 else code
        return found


_EVEN = _Even()


def folded_evenly(text: str) -> str:
    """Full and half width, capitals and compatibility forms as one, character by character.

    Each place in the result is that place in the text, so that what is found can be taken out. A
    character whose folded form has several characters stays as it is.

    >>> folded_evenly("ＡＢＣ　１２％ ﬁ")
    'abc 12% ﬁ'
    """
    if text.isascii():
        return text.lower()
    if len(_EVEN) > 50_000:
        _EVEN.clear()
    return text.translate(_EVEN)
