"""YAML text as plain data that knows the place of every word and value.

The text is read as a stream of YAML 1.2 events (ruamel.yaml), and nothing in it is executed or
multiplied: tags and aliases are refused, sizes and depths are limited. Values are told apart by the
core schema of YAML 1.2.2 (section 10.3.2), so ``no`` and ``2024-01-01`` are text; words before a
colon are always text, as they are written.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)

from pilotbase.scenario import syntax
from pilotbase.scenario.decode import HIDDEN, hidden_character
from pilotbase.scenario.finding import Finding, Path, Place, Unreadable

NUMBER_CHARACTERS_MAX = 40

_NULL = ("", "~", "null", "Null", "NULL")
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INF = re.compile(r"([-+]?)\.(inf|Inf|INF)")
_NAN = (".nan", ".NaN", ".NAN")


@dataclass(frozen=True)
class Tree:
    """Plain data (dict, list, str, int, float, bool, None) and where it stands.

    Attributes:
        values, keys: 1-based line and column of each value, and of the word before its colon.
        findings: faults of the YAML itself that let the rest be read, each with its place.
    """

    data: Any
    values: dict[Path, Place]
    keys: dict[Path, Place]
    findings: tuple[tuple[Finding, Place], ...]

    def place(self, path: Path, *, at_key: bool = False) -> Place:
        """Where a fault in ``path`` is shown: at a single value, else at its word or list item.

        A path that is not in the file has the place of the part that contains it.
        """
        while path not in self.values and path:
            path = path[:-1]
        own = self.values.get(path, (1, 1))
        wide = at_key or isinstance(self.at(path), (dict, list)) or self.at(path) is None
        return self.keys.get(path, own) if wide else own

    def at(self, path: Path) -> Any:
        """The data at a path, None where there is nothing."""
        value = self.data
        for part in path:
            if isinstance(value, dict):
                value = value.get(part)
            elif isinstance(value, list) and isinstance(part, int) and part < len(value):
                value = value[part]
            else:
                return None
        return value


def tree_of(text: str) -> Tree:
    """Read a text whose line ends are ``\\n``.

    Raises:
        Unreadable: for a syntax error, a limit that is passed, or more than one document.
    """
    builder = _Builder(text)
    try:
        return builder.tree()
    except MarkedYAMLError as error:
        said = f"{error.problem or ''} {error.context or ''}"
        # What has no end (a quotation) or no colon (a word) is shown where it begins.
        begins = "end of stream" in said or "expected ':'" in said
        mark = (error.context_mark if begins else None) or error.problem_mark
        place = (mark.line + 1, mark.column + 1) if mark else builder.here
        raise Unreadable(syntax.syntax_error(said), place) from error
    except (YAMLError, ValueError, IndexError, OverflowError, AssertionError) as error:
        # Escapes such as "\UFFFFFFFF" and broken %directives fail inside the parser like this.
        raise Unreadable(syntax.syntax_error(str(error)), builder.here) from error


class _Builder:
    """Events → data; collects the faults that can be read past and stops at the others."""

    def __init__(self, text: str) -> None:
        self._events: Iterator[Event] = iter(YAML(typ="safe", pure=True).parse(text))
        self._values: dict[Path, Place] = {}
        self._keys: dict[Path, Place] = {}
        self._found: list[tuple[Finding, Place]] = []
        self._nodes = 0
        self.here: Place = (1, 1)

    def tree(self) -> Tree:
        data, documents = None, 0
        while not isinstance(event := self._next(), StreamEndEvent):
            if isinstance(event, NodeEvent):
                documents += 1
                if documents > 1:
                    self._stop(syntax.SEVERAL)
                data = self._node(event, ())
        return Tree(data, self._values, self._keys, tuple(self._found))

    def _next(self) -> Event:
        event = next(self._events)
        self.here = (event.start_mark.line + 1, event.start_mark.column + 1)
        if isinstance(event, NodeEvent):
            self._nodes += 1
            if self._nodes > syntax.NODES_MAX:
                self._stop(syntax.TOO_MANY)
        return event

    def _stop(self, finding: Finding) -> NoReturn:
        raise Unreadable(finding, self.here)

    def _tell(self, finding: Finding) -> None:
        self._found.append((finding, self.here))

    def _node(self, event: Event, path: Path) -> Any:
        if len(path) > syntax.DEPTH_MAX:
            self._stop(syntax.TOO_DEEP)
        self._values[path] = self.here
        if isinstance(event, AliasEvent):
            return self._tell(syntax.alias(path, event.anchor))
        tag = getattr(event, "ctag", None)
        if tag is not None:
            self._tell(syntax.tag(path, str(tag)))
        if isinstance(event, ScalarEvent):
            return self._scalar(event, path)
        return self._mapping(path) if isinstance(event, MappingStartEvent) else self._list(path)

    def _mapping(self, path: Path) -> dict[str, Any]:
        data: dict[str, Any] = {}
        while not isinstance(event := self._next(), MappingEndEvent):
            if not isinstance(event, ScalarEvent):
                self._stop(syntax.NO_WORD)
            inner = (*path, event.value)
            if HIDDEN.search(event.value):
                self._stop(hidden_character(path, HIDDEN.findall(event.value)[0]))
            if event.value in data:
                self._tell(syntax.duplicate(inner, event.value, self._keys[inner][0]))
                self._skip()
                continue
            self._keys[inner] = self.here
            data[event.value] = self._node(self._next(), inner)
        return data

    def _list(self, path: Path) -> list[Any]:
        data: list[Any] = []
        while not isinstance(event := self._next(), SequenceEndEvent):
            data.append(self._node(event, (*path, len(data))))
        return data

    def _skip(self) -> None:
        depth = 0
        while True:
            event = self._next()
            depth += isinstance(event, CollectionStartEvent)
            depth -= isinstance(event, CollectionEndEvent)
            if depth == 0:
                return

    def _scalar(self, event: ScalarEvent, path: Path) -> Any:
        text = event.value
        if HIDDEN.search(text):
            self._tell(hidden_character(path, HIDDEN.findall(text)[0]))
            return None
        if event.style or not event.implicit[0]:
            return text
        try:
            return scalar(text)
        except ValueError:
            return self._tell(syntax.bad_number(path, text))


def scalar(text: str) -> Any:
    """An unquoted word by YAML's core schema.

    Raises:
        ValueError: for NaN, a number beyond a double, or of more than 40 characters.
    """
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    infinite = _INF.fullmatch(text)
    if infinite:
        return float(infinite.group(1) + "inf")
    is_int, is_float = _INT.fullmatch(text), _FLOAT.fullmatch(text)
    if not is_int and not is_float and text not in _NAN:
        return text
    if text in _NAN or len(text) > NUMBER_CHARACTERS_MAX:
        raise ValueError(text)
    if is_int:
        base = {"0o": 8, "0x": 16}.get(text[:2])
        return int(text, base) if base else int(text)
    if math.isinf(value := float(text)):
        raise ValueError(text)
    return value
