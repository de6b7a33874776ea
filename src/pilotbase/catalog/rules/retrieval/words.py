"""Words of English and Chinese text as terms to search by. Pure.

English words are folded and lightly stemmed; Chinese has no spaces, so its terms are pairs of
neighbouring characters. A glossary carries a Chinese question over to English documents.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from importlib.resources import files
from itertools import groupby

# Numbers keep their decimals and thousands; words and numbers that touch stay together (s6, 10k).
_LATIN = re.compile(r"\d+(?:[.,]\d+)+|[^\W_一-鿿]+")
_HAN = re.compile(r"[一-鿿]+")

Group = tuple[str, ...]
"""Terms any of which stands for one word of a question."""


def terms(text: str) -> list[str]:
    """The terms of a text, in its order: stems of words, numbers, and Chinese character pairs.

    >>> terms("Iris plants: 4.3 cm; 鸢尾花")
    ['iris', 'plant', '4.3', 'cm', '鸢尾', '尾花']
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    latin = [stem(word) for word in _LATIN.findall(folded) if word not in empty()]
    return latin + [pair for run in _HAN.findall(folded) for pair in _pairs(run)]


def found(text: str, held: Collection[str]) -> list[str]:
    """The words of a text whose terms are held, each term once, as they stand there.

    Chinese pairs that follow one another are one word.

    >>> found("Iris plants and a plant: 鸢尾花的数据", {"plant", "鸢尾", "尾花"})
    ['plants', '鸢尾花']
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    latin = [(stem(word), word) for word in _LATIN.findall(folded) if word not in empty()]
    words = {term: word for term, word in reversed(latin) if term in held}
    ordered = [words[term] for term in dict.fromkeys(term for term, _ in latin) if term in words]
    runs = [run for whole in _HAN.findall(folded) for run in _joined(_pairs(whole), held)]
    return ordered + list(dict.fromkeys(runs))


def _joined(pairs: list[str], held: Collection[str]) -> Iterator[str]:
    for is_held, some in groupby(pairs, key=lambda pair: pair in held):
        run = list(some)
        if is_held:
            yield run[0] + "".join(pair[1:] for pair in run[1:])


def stem(word: str) -> str:
    """A word without the endings of number and tense, and cut after seven letters.

    >>> [stem(word) for word in ("countries", "classes", "running", "glass", "dimensionality")]
    ['country', 'class', 'run', 'glass', 'dimensi']
    """
    return _ended(word)[:_LETTERS] if word.isalpha() else word


_LETTERS = 7  # of a stem: unemployed and unemployment become one


def _ended(word: str) -> str:
    if len(word) < 4:
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    for ending in ("sses", "xes", "ches", "shes"):
        if word.endswith(ending):
            return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            word = word.removesuffix(ending)
            return word[:-1] if len(word) > 2 and word[-1] == word[-2] != "s" else word
    return word.removesuffix("e") if len(word) > 4 else word


@cache
def empty() -> frozenset[str]:
    """Words of both languages that carry the form of a sentence and nothing of its subject."""
    return frozenset(files(__package__).joinpath("empty.txt").read_text(encoding="utf-8").split())


@cache
def synonyms() -> Mapping[str, Group]:
    """English word → stems of other words by which the documents may say it."""
    return _table("synonyms.csv", "word", "also")


@cache
def glossary() -> Mapping[str, Group]:
    """Chinese word → stems of the English words that stand for it in the documents."""
    return _table("glossary.csv", "zh", "en")


def _table(name: str, word: str, others: str) -> dict[str, Group]:
    path = files(__package__).joinpath(name)
    with path.open(encoding="utf-8") as file:
        return {row[word]: tuple(map(stem, row[others].split())) for row in csv.DictReader(file)}


def subject(question: str) -> list[Group]:
    """What a question is about: one group a word, of terms any of which stands for the word.

    A Latin word or number is a group with its synonyms. Chinese is read from the left, the longest
    word of the glossary or of the empty words first; what neither knows is a group of its
    character pairs, and is likely to be found in no document.

    >>> subject("糖尿病数据中的 s6 表示什么?")
    [('diabet',), ('s6',)]
    """
    folded = unicodedata.normalize("NFKC", question).casefold()
    groups: list[Group] = []
    for run in re.findall(rf"{_HAN.pattern}|{_LATIN.pattern}", folded):
        if _HAN.match(run):
            groups += _read(run)
        elif run not in empty():
            groups.append((stem(run), *synonyms().get(run, ())))
    return list(dict.fromkeys(groups))


def _read(run: str) -> Iterator[Group]:
    known, skipped = glossary(), empty()
    unknown, place = "", 0
    while place < len(run):
        word = next(
            (
                run[place : place + size]
                for size in range(min(_LONGEST, len(run) - place), 0, -1)
                if run[place : place + size] in known or run[place : place + size] in skipped
            ),
            "",
        )
        if not word:
            unknown += run[place]
            place += 1
            continue
        if unknown:
            yield tuple(_pairs(unknown))
            unknown = ""
        if word not in skipped:
            yield known[word]
        place += len(word)
    if unknown:
        yield tuple(_pairs(unknown))


_LONGEST = 8  # characters of the longest word that is looked up


def _pairs(run: str) -> list[str]:
    """Neighbouring characters two by two; a single character stays single."""
    return [run[i : i + 2] for i in range(len(run) - 1)] or [run]
