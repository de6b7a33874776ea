"""Events: what happened, declared once, never edited.

An event is a frozen dataclass whose docstring is its public documentation::

    @event("pilot.submitted/1")
    @dataclass(frozen=True)
    class Submitted:
        \"\"\"A need was handed in as a scenario file.\"\"\"
        scenario: str

A new shape gets a new number and a pure upgrader from the old one; old entries stay as they are.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

from pilotbase.kernel.actor import Actor
from pilotbase.kernel.canonical import decode, encode, encode_text, encode_values, plain
from pilotbase.kernel.text import Text
from pilotbase.kernel.time import check_term

E = TypeVar("E")
Upgrade = Callable[[dict[str, Any]], dict[str, Any]]
_KIND = re.compile(r"^[a-z_]+(\.[a-z_]+)+/[1-9][0-9]*$")
_KINDS: dict[str, type[Any]] = {}
_TERMS: dict[str, Mapping[str, str]] = {}
_OPENS: dict[str, tuple[Duty, ...]] = {}
_CLOSES: dict[str, tuple[str, ...]] = {}
_UPGRADERS: dict[str, tuple[str, Upgrade]] = {}


@dataclass(frozen=True, slots=True)
class Duty:
    """A duty that an event opens for its subject: something else has to happen within a term.

    It is data and not code, so that someone without our code can recompute from the entries alone
    which duties were opened and when each was due.

    Attributes:
        name: lower-case with dashes; an event that closes the duty names it.
        term: ISO 8601 duration from the entry's ``at`` (see `kernel.time.end_of_term`).
        text: what has to be done.
        when: the duty arises only if each named field of the event's body has one of these values;
            always, if left empty.
    """

    name: str
    term: str
    text: Text
    when: Mapping[str, tuple[str | int | bool | None, ...]] = field(default_factory=dict)


def event(
    kind: str,
    *,
    retention: str | Mapping[str, str] = "",
    opens: tuple[Duty, ...] = (),
    closes: tuple[str, ...] = (),
) -> Callable[[type[E]], type[E]]:
    """Declare a dataclass as the event ``room.happened/version``.

    Args:
        retention: how long the vault keeps its bodies, as an ISO 8601 duration, or one for each
            name of a body (``"evidence:*"`` stands for all that begin so). Left out: until erased.
        opens: the duties it opens for its subject. closes: the names of those it closes.
    """
    terms = {"*": retention} if isinstance(retention, str) else dict(retention)
    terms = {name: check_term(term) for name, term in terms.items() if term}
    for duty in opens:
        check_term(duty.term)
    if not _KIND.match(kind):
        raise ValueError(f"{kind!r} is no event kind like 'trial.finished/1'")

    def declare(cls: type[E]) -> type[E]:
        if kind in _KINDS:
            raise ValueError(f"the event kind {kind} is declared twice")
        if not cls.__doc__:
            raise ValueError(f"the event {kind} has no docstring; it is its documentation")
        _KINDS[kind] = cls
        _TERMS[kind], _OPENS[kind], _CLOSES[kind] = terms, tuple(opens), tuple(closes)
        cls.kind = kind  # type: ignore[attr-defined]
        return cls

    return declare


def upgrader(old: str, new: str) -> Callable[[Upgrade], Upgrade]:
    """Declare a pure function from the body of ``old`` to the body of ``new``."""

    def declare(function: Upgrade) -> Upgrade:
        _UPGRADERS[old] = (new, function)
        return function

    return declare


def upgraded(kind: str, body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Kind and body after all upgraders that lead on from it."""
    while kind in _UPGRADERS:
        kind, function = _UPGRADERS[kind]
        body = function(body)
    return kind, body


def declared_kinds() -> Mapping[str, type[Any]]:
    return dict(_KINDS)


def declared_terms() -> Mapping[str, Mapping[str, str]]:
    """By kind: how long the bodies of each name are kept, where a term is declared."""
    return {kind: terms for kind, terms in _TERMS.items() if terms}


def declared_duties() -> Mapping[str, tuple[tuple[Duty, ...], tuple[str, ...]]]:
    """By kind: the duties it opens and the names of those it closes, where there are any."""
    both = {kind: (_OPENS[kind], _CLOSES[kind]) for kind in _KINDS}
    return {kind: duties for kind, duties in both.items() if any(duties)}


def kind_of(happened: Any) -> str:
    """The kind of an event object. Raises TypeError when its class was never declared."""
    return _declared(type(happened))


def _declared(happened: type) -> str:
    kind = getattr(happened, "kind", None)
    if not isinstance(kind, str):
        raise TypeError(f"{happened.__name__} is not declared as an event")
    return kind


@dataclass(frozen=True, slots=True)
class Draft:
    """An event on its way into the record.

    Attributes:
        happened: the event object.
        by: who did it, in which role.
        about: the subject, e.g. ``"pilot:3f2a…"``; entries about one subject read as its history.
        bodies: named evidence bodies that go to the vault; the log holds their salted commitments.
        key: the idempotency key: appending the same key again returns the first index. Left empty,
            it is the hash of kind, subject, event and bodies, so that the same fact is kept once.
    """

    happened: Any
    by: Actor
    about: str = ""
    bodies: Mapping[str, bytes] = field(default_factory=dict)
    key: str = ""

    @property
    def kind(self) -> str:
        return kind_of(self.happened)

    def body(self) -> dict[str, Any]:
        happened = self.happened
        kind: type = type(happened)
        return {name: plain(getattr(happened, name)) for name in _members(kind)}

    def idempotency_key(self) -> str:
        return self.key or Fact.of(self).key


class Fact(NamedTuple):
    """What an event says wherever it will stand in the log, encoded once.

    The canonical form of an object is that of its members in the order of their names, so an
    envelope is put together from parts. Callers make their parts at the same time; only counter and
    time are filled in where the order is made.
    """

    draft: Draft
    kind: str
    key: str
    head: str
    """``"body"`` and ``"by"``, between the time and the counter."""

    @classmethod
    def of(cls, draft: Draft) -> Fact:
        """Raises ValueError or TypeError when canonical JSON cannot hold the event."""
        happened, key = draft.happened, draft.key
        of_class: type = type(happened)
        kind, template, values = _shape(of_class)
        body = template % encode_values(values(happened))
        if not key:
            named = "{}"
            if draft.bodies:
                digests = {n: hashlib.sha256(data).hexdigest() for n, data in draft.bodies.items()}
                named = encode(digests).decode()
            said = f"[{_text(kind)},{_text(draft.about)},{body},{named}]"
            key = hashlib.sha256(said.encode()).hexdigest()
        return cls(draft, kind, key, f'"body":{body},"by":{_actor(draft.by)}')

    def envelope(
        self, counter: int, at: str, commitments: Mapping[str, Mapping[str, Any]]
    ) -> bytes:
        """The canonical bytes of the entry; see `envelope`."""
        draft, kind, key, head = self
        vault = encode(commitments).decode() if commitments else "{}"
        return (
            f'{{"about":{_text(draft.about)},"at":{encode_text(at)},{head},"count":{counter},'
            f'"key":{encode_text(key)},"kind":{_text(kind)},"v":1,"vault":{vault}}}'
        ).encode()


@lru_cache(maxsize=1024)
def _members(happened: type) -> tuple[str, ...]:
    """The fields of an event in canonical order."""
    names = [one.name for one in dataclasses.fields(happened)]
    return tuple(sorted(names, key=lambda name: name.encode("utf-16-be")))


@lru_cache(maxsize=1024)
def _shape(happened: type) -> tuple[str, str, Callable[[Any], tuple[Any, ...]]]:
    """An event's kind, its canonical form with places for its values, and what gives these."""
    kind, names = _declared(happened), _members(happened)
    places = ",".join(encode_text(name).replace("%", "%%") + ":%s" for name in names)
    if len(names) > 1:
        return kind, f"{{{places}}}", attrgetter(*names)
    return kind, f"{{{places}}}", lambda one: tuple(getattr(one, name) for name in names)


# Kinds and subjects come again and again.
_text = lru_cache(maxsize=1024)(encode_text)


@lru_cache(maxsize=256)
def _actor(by: Actor) -> str:
    return encode(by.as_dict()).decode()


def envelope(
    draft: Draft, *, counter: int, at: str, commitments: Mapping[str, Mapping[str, Any]]
) -> bytes:
    """The canonical bytes of a log entry: what is hashed into the Merkle tree, from the first day.

    ``v`` is 1. ``count`` numbers the entries of one kind from 0, so that a missing one shows.
    ``vault`` holds a salted commitment, size and nothing else for each body, so that a body can be
    erased while every proof still holds. The rest says what the draft says.
    """
    return Fact.of(draft).envelope(counter, at, commitments)


@dataclass(frozen=True)
class Entry:
    """An entry as read back from the log: its index, its exact bytes, and what they say."""

    index: int
    data: bytes

    @cached_property
    def envelope(self) -> Mapping[str, Any]:
        """What the bytes say. Raises ValueError for bytes that are not JSON."""
        said: Mapping[str, Any] = decode(self.data)
        return said

    @property
    def kind(self) -> str:
        return str(self.envelope["kind"])

    @property
    def about(self) -> str:
        return str(self.envelope["about"])

    @property
    def body(self) -> dict[str, Any]:
        """The event's body, upgraded to its newest declared shape."""
        return upgraded(self.kind, dict(self.envelope["body"]))[1]
