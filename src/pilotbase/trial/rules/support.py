"""Whether a sentence is supported by passages, as far as shared words and numbers can tell.

A sentence is supported where a passage contains it word by word, or where all of this holds:
every number in it stands in the passages, so does every word of negation, and at least
`OVERLAP_MIN` of its informative words do. Informative are words that are no function words and do
not stand in the question; for Chinese, pairs of neighbouring characters. What this cannot see is
said on the page ``rules/language``: who did what to whom, causes, and the same in other words.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pilotbase.trial.rules.numerals import numbers
from pilotbase.trial.rules.wordforms import HAN, joined, tokens

OVERLAP_MIN = 0.75
KEPT_CHARACTERS_MAX = 5_000
_HAN = re.compile(f"[{HAN}]")
_NEGATIONS = frozenset({"not", "no", "never", "none", "without", "nor", "cannot"})
_CHINESE_NEGATIONS = frozenset("不没无未非")
_PLAIN = (
    "a an the of in on at to for from by with as and or but if than that this these those it its "
    "is are was were be been being has have had do does did will would can could may might shall "
    "should there their they them he she his her we our you your i my which who whom whose what "
    "when where how why also so such then thus hence into onto over under about between each all "
    "any some more most other both only just very according answer yes"
)
_FUNCTION_WORDS = frozenset(_PLAIN.split())
_FUNCTION_CHARACTERS = frozenset("的了在是和与及或也就都而被把对为有个之其此该这那中上下等由以从到")


@dataclass(frozen=True)
class Evidence:
    """One passage, read once for all sentences that rest on it."""

    text: str
    words: frozenset[str]
    figures: frozenset[float]

    @classmethod
    def of(cls, passage: str) -> Evidence:
        """What a passage says; short ones, which many answers cite, are read once and kept."""
        return _kept(passage) if len(passage) <= KEPT_CHARACTERS_MAX else _read(passage)


def _read(passage: str) -> Evidence:
    words = tokens(passage)
    figures = frozenset(abs(number.value) for number in numbers(passage))
    return Evidence(joined(words), frozenset(_units(words)), figures)


_kept = lru_cache(maxsize=128)(_read)


def informative(text: str) -> frozenset[str]:
    """The informative words of a text, e.g. of the question."""
    return frozenset(_units(tokens(text)))


def supported(
    sentence: str, evidence: Sequence[Evidence], asked: Collection[str] = frozenset()
) -> bool:
    """Whether the passages bear the sentence out, by the rule above.

    Args:
        asked: the informative words of the question.

    >>> passage = Evidence.of("Number of instances: 442. There are no missing values.")
    >>> supported("There are 442 instances.", [passage])
    True
    >>> supported("There are 443 instances.", [passage])
    False
    """
    said = tokens(sentence)
    if said and any(joined(said) in passage.text for passage in evidence):
        return True
    for number in numbers(sentence):
        if not any(abs(number.value) in passage.figures for passage in evidence):
            return False
    denied = [word for word in said if word in _NEGATIONS or word in _CHINESE_NEGATIONS]
    if not all(_held(word, evidence) for word in denied):
        return False
    words = [unit for unit in dict.fromkeys(_units(said)) if unit not in asked]
    held = sum(_held(unit, evidence) for unit in words)
    return bool(words) and held >= OVERLAP_MIN * len(words)


def _held(word: str, evidence: Sequence[Evidence]) -> bool:
    return any(word in passage.words for passage in evidence)


def _units(words: Sequence[str]) -> list[str]:
    """Informative words without the plural's s, and pairs of neighbouring Chinese characters;
    negations as they are."""
    found: list[str] = []
    before = ""
    for word in words:
        if word in _NEGATIONS or word in _CHINESE_NEGATIONS:
            found.append(word)
        if not _HAN.match(word):
            if word not in _FUNCTION_WORDS and word not in _NEGATIONS:
                found.append(word[:-1] if len(word) > 3 and word.endswith("s") else word)
            before = ""
        elif word in _FUNCTION_CHARACTERS:
            before = ""
        else:
            if before:
                found.append(before + word)
            before = word
    return found
