"""An answer in server-sent events on its way through the guards (`ports.Pieces`).

Each text that grows over events (by choice and place, e.g. choice 0's ``delta.content``) goes
through a window of its own, so that what is split over events is seen whole. Where a guard needs
the whole answer, all events are kept until its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, ParamSpec, TypeVar

from pilotbase.serve.call import Refused
from pilotbase.serve.guards import bodies
from pilotbase.serve.guards.looking import Looking, Step
from pilotbase.serve.guards.saying import found, unread
from pilotbase.serve.ports import Seen

GROWING_MAX = 256
"""Texts that may grow at the same time in one answer."""

_ITEM = ("item_id", "output_index", "content_index", "summary_index", "type")

P = ParamSpec("P")
T = TypeVar("T")
Key = tuple[Any, ...]
"""Which growing text: choice's index and path in it, or a response's item and part."""


class _Growing:
    """One text that grows: its windows, one after the other, and where its pieces stand."""

    def __init__(self, looking: Looking, steps: Sequence[Step], seen: Seen) -> None:
        made = [(step, told(looking, step, step.arranged.guard.window, seen)) for step in steps]
        self._windows = [(step, window) for step, window in made if window is not None]
        self._looking = looking
        self.slots: list[bodies.Place] = []
        self.head: dict[str, Any] = {}

    def feed(self, text: str) -> str:
        for step, window in self._windows:
            text = told(self._looking, step, window.feed, text)
        return text

    def finish(self) -> str:
        text = ""
        for step, window in self._windows:
            fed = told(self._looking, step, window.feed, text) if text else ""
            text = fed + told(self._looking, step, window.finish)
        return text

    @property
    def flags(self) -> tuple[str, ...]:
        return tuple(flag for _, window in self._windows for flag in window.flags)


def told(looking: Looking, step: Step, ask: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What a guard's window says. With one that raises, what it held back is lost, so that the
    answer cannot go on. Raises Refused."""
    try:
        return ask(*args, **kwargs)
    except Refused:
        raise
    except Exception:  # a plug-in may fail in any way
        refused = looking.failed(step, "answer")
    raise refused


class GuardedPieces:
    """See `ports.Pieces`."""

    def __init__(self, looking: Looking, steps: Sequence[Step]) -> None:
        self._looking, self._seen = looking, looking.seen("answer", None)
        self._first = [step for step in steps if not step.waits]
        self._last = [step for step in steps if step.waits]
        self._growing: dict[Key, _Growing] = {}
        self._kept: list[Any] = []
        for step in self._first:
            held = step.arranged.guard.held
            looking.note(step.name, f"answer (held {held} chars)" if held else "answer")

    def feed(self, data: bytes) -> list[bytes]:
        if data.strip() == b"[DONE]":
            return [data]
        try:
            event = bodies.read(data)
            if not isinstance(event, dict):
                raise ValueError("no object")
            spots, _ = bodies.places(event, "answer")
        except ValueError as error:
            raise unread("answer") from error
        closed = ended(event)
        events = [*self._released(event, closed), event]
        grown = self._grow(event, closed)
        for node, key in spots:
            if (id(node), key) not in grown:
                self._look(node, key)
        self._flag()
        if self._last:
            self._kept += events
            return []
        return [bodies.write(one) for one in events]

    def finish(self, then: Callable[[list[bytes] | Refused], None]) -> None:
        try:
            rest = self._released({}, None)
        except Refused as refused:
            then(refused)
            return
        self._flag()
        if not self._last:
            then([bodies.write(one) for one in rest])
            return
        self._kept += rest
        growing = list(self._growing.values())
        texts = ["".join(node[key] for node, key in one.slots) for one in growing]
        spots = [(texts, number) for number in range(len(texts))]
        before = list(texts)

        def done(refused: Refused | None) -> None:
            if refused is not None:
                then(refused)
                return
            for one, old, new in zip(growing, before, texts, strict=True):
                if old != new:
                    for node, key in one.slots:
                        node[key] = ""
                    node, key = one.slots[0]
                    node[key] = new
            then([bodies.write(one) for one in self._kept])

        self._looking.run(self._last, "answer", {"texts": texts}, spots, done)

    def _look(self, node: Any, key: Any) -> None:
        """A text that stands whole in an event."""
        for step in self._first:
            if refused := self._looking.looked(step, self._seen, [(node, key)]):
                raise refused

    def _grow(self, event: dict[str, Any], closed: set[Any]) -> set[tuple[int, Any]]:
        """Let the growing texts of an event through their windows; which places they are."""
        grown = set[tuple[int, Any]]()
        without_logprobs(event)
        for key, node, name, head in growing_texts(event):
            one = self._growing.get(key)
            if one is None:
                if len(self._growing) >= GROWING_MAX:
                    raise found("size", "too-long", self._seen)
                one = self._growing[key] = _Growing(self._looking, self._first, self._seen)
            one.head = head
            node[name] = one.feed(node[name])
            if key[0] in closed:
                node[name] += one.finish()
            self._slot(one, node, name)
            grown.add((id(node), name))
        return grown

    def _released(self, event: dict[str, Any], closed: set[Any] | None) -> list[Any]:
        """Events with what is still held of the texts that this event closes; None closes all."""
        if closed is not None and not closed:
            return []
        # What the closing event itself brings belongs to the text as well.
        own = {key for key, *_ in growing_texts(event)}
        found_ = []
        for key, one in self._growing.items():
            if key in own or not (closed is None or key[0] in closed):
                continue
            rest = one.finish()
            if rest:
                made, node, name = rebuilt(one.head, key, rest)
                self._slot(one, node, name)
                found_.append(made)
        return found_

    def _slot(self, one: _Growing, node: Any, name: Any) -> None:
        if self._last:
            one.slots.append((node, name))

    def _flag(self) -> None:
        for one in self._growing.values():
            if one.flags:
                self._looking.flag(one.flags)


def growing_texts(event: dict[str, Any]) -> list[tuple[Key, Any, Any, dict[str, Any]]]:
    """The texts of an event that go on in later ones: key, place, and what the event says besides.

    >>> event = {"choices": [{"index": 1, "delta": {"role": "assistant", "content": "4"}}]}
    >>> [(key, node[name]) for key, node, name, head in growing_texts(event)]
    [((1, 'delta', 'content'), '4')]
    """
    if isinstance(event.get("delta"), str):
        head = {name: value for name, value in event.items() if name != "delta"}
        key = tuple(str(event.get(name)) for name in _ITEM)
        return [(("item", *key), event, "delta", head)]
    found_ = list[tuple[Key, Any, Any, dict[str, Any]]]()
    head = {name: value for name, value in event.items() if name not in ("choices", "usage")}
    for index, choice in _choices(event):
        for place in ("delta", "text"):
            if place in choice:
                found_ += [(k, n, m, head) for k, n, m in _below(choice, place, (index,))]
    return found_


def _below(node: Any, name: Any, key: Key) -> list[tuple[Key, Any, Any]]:
    value = node[name]
    at = _index(value, name) if isinstance(node, list) and isinstance(value, dict) else name
    here = (*key, at)
    if isinstance(value, str):
        return [] if name in bodies.OWN or name == "name" else [(here, node, name)]
    if len(here) > 8 or not isinstance(value, (dict, list)):
        return []
    names = list(value) if isinstance(value, dict) else range(len(value))
    return [one for inner in names for one in _below(value, inner, here)]


def _choices(event: dict[str, Any]) -> Iterator[tuple[Any, dict[str, Any]]]:
    """The choices of an event, each with its index."""
    given = event.get("choices")
    for number, choice in enumerate(given if isinstance(given, list) else ()):
        if isinstance(choice, dict):
            yield _index(choice, number), choice


def without_logprobs(body: Any) -> None:
    """Take out of choices what would say the same words once more, token by token."""
    for _, choice in _choices(body) if isinstance(body, dict) else ():
        if choice.get("logprobs") is not None:
            choice["logprobs"] = None


def _index(value: dict[str, Any], place: Any) -> Any:
    """What a member of a list calls itself, else its place."""
    said = value.get("index", place)
    return said if isinstance(said, int) else place


def ended(event: dict[str, Any]) -> set[Any]:
    """Which texts an event closes: indexes of choices, or ``item`` for those of a response."""
    closed = {index for index, choice in _choices(event) if choice.get("finish_reason") is not None}
    kind = event.get("type")
    if isinstance(kind, str) and kind.endswith((".done", ".completed", ".incomplete", ".failed")):
        closed.add("item")
    return closed


def rebuilt(head: dict[str, Any], key: Key, text: str) -> tuple[dict[str, Any], Any, Any]:
    """An event that carries more of a growing text, and where in it the text stands."""
    if key[0] == "item":
        event = {**head, "delta": text}
        return event, event, "delta"
    index, *path = key
    choice: dict[str, Any] = {"index": index, "finish_reason": None}
    node: Any = choice
    for place, after in pairwise(path):
        inner: Any = [] if isinstance(after, int) else {}
        if isinstance(node, list):
            inner = {"index": place}
            node.append(inner)
        else:
            node[place] = inner
        node = inner
    node[path[-1]] = text
    return {**head, "choices": [choice]}, node, path[-1]
