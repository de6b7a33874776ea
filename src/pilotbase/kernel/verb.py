"""Verbs: what one can ask of Pilotbase, declared once; command line, Python and HTTP project them.

A verb is a function ``(Context, Request) -> Response`` whose request and response are dataclasses.
Requests are plain dataclasses and functions import heavy rooms when called, because the command
line's help has to list every verb without loading numpy.
"""

from __future__ import annotations

import dataclasses
import secrets
import typing
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from pilotbase.kernel.actor import Actor, Role
from pilotbase.kernel.canonical import plain
from pilotbase.kernel.text import Language, Text
from pilotbase.kernel.time import Clock, system_clock

Q = TypeVar("Q")
R = TypeVar("R")


class Progress(Protocol):
    """How long work shows how far it is."""

    def task(self, label: Text, total: int) -> AbstractContextManager[Callable[[int], None]]:
        """A bar; call what it yields with the number of units finished since the last call."""
        ...


class Silent:
    """No progress shown."""

    @contextmanager
    def task(self, label: Text, total: int) -> Iterator[Callable[[int], None]]:
        yield lambda done: None


def unsaid(text: Text) -> None:
    """Say nothing beside the answer."""


@dataclass(frozen=True)
class Context:
    """What every verb gets: the home, the clock, randomness, who acts, and how to show progress.

    ``vault_key`` names the key file of an encrypted vault; ``remark`` takes what is to be said
    beside an answer that is given all the same.
    """

    home: Path
    operator: str = "single operator"
    clock: Clock = system_clock
    entropy: Callable[[int], bytes] = secrets.token_bytes
    language: Language = "en"
    progress: Progress = field(default_factory=Silent)
    vault_key: Path | None = None
    remark: Callable[[Text], None] = unsaid

    def actor(self, role: Role) -> Actor:
        """The one operator of this machine, acting in a role and saying so."""
        return Actor(self.operator, role, single_operator=True)


def asked(
    en: str,
    zh: str,
    *,
    default: Any = dataclasses.MISSING,
    short: str = "",
    many: bool = False,
    word: bool = False,
) -> Any:
    """A field of a request with its bilingual help.

    A field without a default is a positional argument on the command line, one with a default an
    option; ``many`` takes any number of words (its default is the empty tuple), ``word`` is an
    argument that may be left out.
    """
    metadata = {"help": Text(en, zh), "short": short, "many": many, "word": word}
    if default is dataclasses.MISSING:
        return field(metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Verb(Generic[Q, R]):
    """A declared verb; calling it runs it."""

    name: str
    summary: Text
    changes: bool
    roles: tuple[Role, ...]
    run: Callable[[Context, Q], R]

    def __call__(self, context: Context, request: Q) -> R:
        return self.run(context, request)

    @property
    def request(self) -> type[Q]:
        return typing.cast("type[Q]", list(self._hints().values())[1])

    @property
    def response(self) -> type[R]:
        return typing.cast("type[R]", self._hints()["return"])

    def _hints(self) -> dict[str, Any]:
        return typing.get_type_hints(self.run)


def verb(
    name: str, *, summary: Text, changes: bool, roles: tuple[Role, ...]
) -> Callable[[Callable[[Context, Q], R]], Verb[Q, R]]:
    """Declare ``room.verb`` (or a bare verb): who may ask and whether it changes anything."""

    def declare(function: Callable[[Context, Q], R]) -> Verb[Q, R]:
        return Verb(name, summary, changes, roles, function)

    return declare


def verbs_of(module: Any) -> list[Verb[Any, Any]]:
    """The verbs a module declares, in the order of its text."""
    return [value for value in vars(module).values() if isinstance(value, Verb)]


def as_data(response: Any) -> Any:
    """A response as JSON data: what ``--json`` prints and what ``.json`` twins hold.

    A response that keeps a published shape of its own offers it as ``as_dict()``.
    """
    if hasattr(response, "as_dict"):
        return plain(response.as_dict())
    if dataclasses.is_dataclass(response) and not isinstance(response, type):
        fields = dataclasses.fields(response)
        return {f.name: as_data(getattr(response, f.name)) for f in fields}
    if isinstance(response, (list, tuple)):
        return [as_data(item) for item in response]
    if isinstance(response, dict):
        return {str(key): as_data(item) for key, item in response.items()}
    return str(response) if isinstance(response, Path) else plain(response)
