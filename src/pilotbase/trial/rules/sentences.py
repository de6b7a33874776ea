"""Sentences of a text in English or Chinese, each with the passages that it cites.

Cut after 。！？; and line ends, and after . ! ? before a blank, unless the point belongs to a
number, an initial or one of a few abbreviations. A citation ``[passage-id]`` right behind the end
of a sentence belongs to it. Linear in the length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass

MARKER = re.compile(r"\[([^\[\]\n]{1,200})\]")
_LAST_WORD = re.compile(r"(?:^|[\s(])([A-Za-z.]{1,10})\.$")
_END = re.compile(r"[。！？!?；]+[”’\"')）」』]?|\.[”’\"')]?(?=\s|\[|$)|\n+")
_ABBREVIATIONS = frozenset(
    {
        "e.g", "i.e", "etc", "vs", "cf", "al", "fig", "no", "nos", "vol", "pp", "p", "dr", "mr",
        "mrs", "ms", "prof", "st", "approx", "ca", "inc", "ltd", "jr", "sr", "ed", "eds", "eq",
    }
)  # fmt: skip
_LISTED = re.compile(r"(?:^|\n)[ \t]*[0-9]{1,3}\.$")
_BULLET = re.compile(r"\s*(?:[-*•]|[0-9]{1,3}[.)、])\s+")
_FIRST = re.compile(r"\s*" + MARKER.pattern)
_WORDLESS = re.compile(r"[\W_]*")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence without its markers, and the ids that they name."""

    text: str
    cites: tuple[str, ...] = ()


def sentences(text: str, passages: Container[str] = ()) -> list[Sentence]:
    """The sentences of a text; only markers that name one of ``passages`` are taken for citations.

    >>> for one in sentences("It has 3.5 m rows. [a-1] 共三类[a-2]。完", ("a-1", "a-2")):
    ...     print(one.text, one.cites)
    It has 3.5 m rows. ('a-1',)
    共三类。 ('a-2',)
    完 ()
    """
    found: list[tuple[str, dict[str, None]]] = []
    start = 0
    for end in [*_ends(text), len(text)]:
        piece, start = text[start:end], end
        behind = _leading(piece, passages) if found else 0
        if behind:
            found[-1][1].update(dict.fromkeys(_cited(piece[:behind], passages)))
        own = dict.fromkeys(_cited(piece[behind:], passages))
        said = without_markers(piece[behind:], passages).strip()
        said = _BULLET.sub("", said, count=1) if _BULLET.match(said) else said
        if not _WORDLESS.fullmatch(said):
            found.append((said, own))
        elif found:
            found[-1][1].update(own)
    return [Sentence(said, tuple(cites)) for said, cites in found]


def without_markers(text: str, passages: Container[str]) -> str:
    """The text without the citations in it.

    >>> without_markers("442 rows [a-1] of [x].", ("a-1",))
    '442 rows  of [x].'
    """
    return MARKER.sub(lambda marker: "" if marker[1].strip() in passages else marker[0], text)


def _ends(text: str) -> list[int]:
    return [end.end() for end in _END.finditer(text) if end[0] != "." or _closes(text, end.end())]


def _closes(text: str, end: int) -> bool:
    """Whether the point before ``end`` closes a sentence: none does behind a list number, an
    initial or an abbreviation."""
    before = text[max(0, end - 12) : end]
    word = _LAST_WORD.search(before)
    if word is None:
        listed = _LISTED.search(before)
        return listed is None or (listed.start() == 0 < end - 12 and before[0] != "\n")
    return not (word[1].lower() in _ABBREVIATIONS or (len(word[1]) == 1 and word[1].isupper()))


def _cited(piece: str, passages: Container[str]) -> list[str]:
    return [name for m in MARKER.finditer(piece) if (name := m[1].strip()) in passages]


def _leading(piece: str, passages: Container[str]) -> int:
    """Where the markers end with which the piece begins; 0 where it begins with none."""
    at = 0
    while (marker := _FIRST.match(piece, at)) and marker[1].strip() in passages:
        at = marker.end()
    return at
