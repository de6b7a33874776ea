"""A sheet with its faulty words replaced, so that the rest of it can be checked all the same.

Nobody is to mend a sheet in stages: what is wrong with its grammar, and what of the rest does not
hold against the record, is told at once. For the second, something has to stand where the faults
are; what is found there is then not told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

from pilotbase.scenario.finding import Path

_NOTHING = object()


def mended(said: Mapping[str, Any], faulty: Iterable[Path], whole: Mapping[str, Any]) -> Any:
    """The sheet with what stands in ``whole`` at each faulty place; words that it has not go.

    Args:
        faulty: places of words that are missing, unknown or wrong. whole: a sheet without faults;
            of its lists the first entry stands for any.

    >>> whole = {"price": "1 CNY", "steps": [{"by": "x"}]}
    >>> mended({"steps": [{"by": "a"}, {"by": 7}], "prise": 2},
    ...        [("price",), ("prise",), ("steps", 1, "by")], whole)
    {'steps': [{'by': 'a'}, {'by': 'x'}], 'price': '1 CNY'}
    """
    made = deepcopy(dict(said))
    for path in sorted(faulty, key=len):  # what lies within another is replaced with it
        inner = _at(made, path[:-1])
        if path and isinstance(inner, dict | list):
            any_ = tuple(0 if isinstance(part, int) else part for part in path)
            _replace(inner, path[-1], _at(whole, any_))
    return made


def _replace(inner: Any, word: str | int, instead: Any) -> None:
    if instead is not _NOTHING:
        inner[word] = deepcopy(instead)
    elif isinstance(inner, dict):
        inner.pop(word, None)


def within(path: Path, places: Iterable[Path]) -> bool:
    """Whether a place lies at or below one of others.

    >>> within(("tier", "by"), [("tier",)]), within(("tier",), [("tier", "by")])
    (True, False)
    """
    return any(path[: len(place)] == place for place in places)


def _at(said: Any, path: Path) -> Any:
    for part in path:
        there = (isinstance(said, Mapping) and part in said) or (
            isinstance(said, list) and isinstance(part, int) and part < len(said)
        )
        if not there:
            return _NOTHING
        said = said[part]
    return said
