"""Views: what the log says, folded into a state that is quick to read. Pure: no I/O, no clock.

Rooms above declare theirs, as they declare their events, so that the record can fold them again
without knowing what they mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pilotbase.kernel.canonical import decode, encode
from pilotbase.kernel.event import Entry

_VIEWS: dict[str, View] = {}


@dataclass(frozen=True)
class View:
    """A fold over the log.

    Attributes:
        name: lower-case with dashes; names the file.
        initial: the state before the first entry.
        fold: from a state and the next entry to the next state. It may change the state it is given
            and return it, and must depend on nothing else: no clock, no file, no order of keys.
        version: raised when the fold gives another state than before, or one of another form: what
            an older or a newer program left is then folded again.

    States are JSON: dicts with string keys, lists, strings, numbers, booleans, None.
    """

    name: str
    initial: Any
    fold: Callable[[Any, Entry], Any]
    version: int = 1


def declare(view: View) -> View:
    """Make a view known to audits. Raises ValueError when its name is taken."""
    if _VIEWS.setdefault(view.name, view) is not view:
        raise ValueError(f"the view {view.name} is declared twice")
    return view


def declared_views() -> tuple[View, ...]:
    return tuple(_VIEWS.values())


class Folding:
    """A view on its way through the log: the state after the first ``size`` entries."""

    def __init__(self, view: View, size: int = 0, state: Any = None) -> None:
        self.view = view
        self.size = size
        self.new = not size
        # A copy: a fold may change the state it is given.
        self.state = state if size else decode(encode(view.initial))

    def take(self, entry: Entry) -> None:
        self.state = self.view.fold(self.state, entry)
        self.size, self.new = entry.index + 1, True

    def bytes(self) -> bytes:
        """What its file holds. Raises TypeError when JSON does not give the state back."""
        name, version = self.view.name, self.view.version
        data = encode({"name": name, "size": self.size, "state": self.state, "version": version})
        if decode(data)["state"] != self.state:
            raise TypeError(f"the state of the view {name!r} is not plain JSON")
        return data


def first_difference(one: Any, other: Any) -> str:
    """Where two states first differ, as a path of keys; empty where they do not.

    >>> first_difference({"a": {"n": [1, 2]}}, {"a": {"n": [1, 3]}})
    'a / n / 1'
    """
    return " / ".join(_path(one, other))


def _path(one: Any, other: Any) -> Iterator[str]:
    while one != other:
        if isinstance(one, dict) and isinstance(other, dict):
            keys = sorted(one.keys() | other.keys(), key=str)
            at: Any = next(k for k in keys if k not in one or k not in other or one[k] != other[k])
            yield str(at)
            if at not in one or at not in other:
                return
        elif isinstance(one, list) and isinstance(other, list):
            pairs = enumerate(zip(one, other, strict=False))
            at = next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))
            yield str(at)
            if at >= min(len(one), len(other)):
                return
        else:
            return
        one, other = one[at], other[at]
