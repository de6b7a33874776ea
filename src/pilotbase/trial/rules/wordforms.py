"""Words as they are compared: one form for each way of writing the same, and how much two share.

Token F1 and the removal of articles and punctuation are those of the SQuAD evaluation (Rajpurkar et
al., EMNLP 2016, section 6.1); that Chinese counts by characters is the mixed segmentation of CMRC
2018 (Cui et al., EMNLP 2019). Unlike SQuAD's, the form keeps what tells two numbers apart: decimal
points, minus and percent signs. Everything here is linear in the length of the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from pilotbase.catalog.rules.folding import folded

HAN = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
"""Scripts written without blanks between words, as the inside of a character class."""

_ARTICLES = frozenset({"a", "an", "the"})
_THOUSANDS = re.compile(r"(?<=[0-9]),(?=[0-9]{3}(?![0-9]))")
# What a text is cut into: numbers, words, single characters of Han and Kana, and symbols; other
# punctuation is dropped, and within a word (don't, U.S.) it is dropped without parting it.
_KEPT = re.compile(r"(?<=[0-9])\.(?=[0-9])|(?<![\w.])-(?=[0-9])|[%#&@*‰]")
_PARTS = re.compile(f"[{HAN}]|[^\\s{HAN}]+")
_MINUS, _POINT = "\ue000", "\ue001"  # stand for what stays; a private use character is dropped


def tokens(text: str) -> list[str]:
    """The words of a text, articles and all; Chinese and Japanese by characters.

    >>> tokens("The U.S. has 1,234.5 km (3%) — 共三类。")
    ['the', 'us', 'has', '1234.5', 'km', '3%', '共', '三', '类']
    """
    plain = _THOUSANDS.sub("", folded(text)).replace("\u2212", "-")
    plain = plain.replace(_MINUS, "").replace(_POINT, "")
    plain = _KEPT.sub(lambda kept: {"-": _MINUS, ".": _POINT}.get(kept[0], kept[0]), plain)
    words = _PARTS.findall(plain.translate(_table(plain)))
    return [word.replace(_MINUS, "-").replace(_POINT, ".") for word in words]


def compared(text: str) -> tuple[str, ...]:
    """The words by which two answers are the same or not: without articles, if others are left.

    >>> compared("The  Cat.") == compared("cat")
    True
    """
    words = tokens(text)
    return tuple([word for word in words if word not in _ARTICLES] or words)


def token_f1(said: Sequence[str], expected: Sequence[str]) -> float:
    """Harmonic mean of precision and recall over the words, counted as often as they occur.

    Two empty texts are the same: 1; one of them empty: 0.

    >>> token_f1(compared("in the year 1905"), compared("the year 1905"))
    0.8
    """
    if not said or not expected:
        return float(not said and not expected)
    shared = sum((Counter(said) & Counter(expected)).values())
    return 2.0 * shared / (len(said) + len(expected))


def contains(whole: Sequence[str], part: Sequence[str]) -> bool:
    """Whether the words of ``part`` stand in ``whole`` next to each other; an empty part does not.

    >>> contains(tokens("There are 1442 rows"), tokens("442 rows"))
    False
    """
    return bool(part) and joined(part) in joined(whole)


def joined(words: Sequence[str]) -> str:
    """Words as one text in which only whole words are found."""
    return "\n".join(["", *words, ""])


def _table(text: str) -> dict[int, str | None]:
    """Dashes, slashes and controls part words; other punctuation vanishes; symbols stay."""
    table: dict[int, str | None] = {}
    for character in set(text):
        kind = unicodedata.category(character)
        if kind in ("Pd", "Cc") or character in "/\\_":
            table[ord(character)] = " "
        elif (kind[0] == "P" and character not in "%#&@*‰") or kind in ("Cf", "Cs"):
            table[ord(character)] = None
    return table
