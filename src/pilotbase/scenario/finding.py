"""What a check of a scenario finds, before it has a line and a column."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pilotbase.kernel.text import Text

Path = tuple[str | int, ...]
Place = tuple[int, int]

# A word longer than this is not a misspelling of one of ours, and difflib is quadratic.
WORD_MAX = 64
SHOWN_MAX = 60
CUTOFF = 0.6


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault, by its path in the file.

    Attributes:
        at_key: the fault is in the word before the colon (or in its absence), not in the value.
        about: paths that the finding is a conclusion from; where one of them is itself faulty the
            finding is dropped, so that a fault is told once and not with all its consequences.
    """

    path: Path
    code: str
    message: Text
    expected: Text | None = None
    nearest: str | None = None
    at_key: bool = False
    about: tuple[Path, ...] = ()


def nearest(word: Any, known: Iterable[str]) -> str | None:
    """The known word that ``word`` was probably meant to be, or None; never the same word.

    >>> nearest("acuracy", ["accuracy", "auc"]), nearest("auc", ["accuracy", "auc"])
    ('accuracy', None)
    """
    if not isinstance(word, str) or len(word) > WORD_MAX:
        return None
    by_lower = {name.lower(): name for name in known if name != word}
    close = difflib.get_close_matches(word.strip().lower(), by_lower, n=1, cutoff=CUTOFF)
    return by_lower[close[0]] if close else None


def shown(value: Any) -> str:
    """A value as a person reads it in a message, cut to a short length."""
    text = {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
    line = " ".join(text.split())
    return line if len(line) <= SHOWN_MAX else line[: SHOWN_MAX - 1] + "…"


def path_text(path: Path) -> str:
    """``("candidates", 0, "id")`` → ``candidates[0].id``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{shown(part)}" if text else shown(part)
    return text


def listed(words: Iterable[str]) -> str:
    """Words in a row, for both languages."""
    return ", ".join(words)


class Unreadable(Exception):
    """The text has a fault behind which nothing can be read; told with its place."""

    def __init__(self, finding: Finding, place: Place) -> None:
        super().__init__(finding.code)
        self.finding, self.place = finding, place
