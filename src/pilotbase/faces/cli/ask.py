"""Ask on a terminal for what a request still needs; elsewhere the verb says what is missing."""

from __future__ import annotations

import dataclasses
import sys
import typing
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar

import click

from pilotbase.kernel.text import Language
from pilotbase.scenario.verbs import still_needed

Q = TypeVar("Q")

# Which verbs ask, and what tells them what is missing.
ASKING: dict[str, Callable[[Any], Sequence[str]]] = {"scenario.new": still_needed}


def completed(verb: str, request: Q, language: Language, as_json: bool) -> Q:
    """The request with answers from the terminal for each field that is still needed."""
    missing = ASKING.get(verb)
    if missing is None or as_json or not sys.stdin.isatty():
        return request
    hints = typing.get_type_hints(type(request))
    while names := missing(request):
        answer = _asked(type(request), names[0], hints[names[0]], language)
        request = dataclasses.replace(request, **{names[0]: answer})  # type: ignore[type-var]
    return request


def _asked(cls: type[Any], name: str, hint: Any, language: Language) -> Any:
    field = next(f for f in dataclasses.fields(cls) if f.name == name)
    kinds = [kind for kind in typing.get_args(hint) if kind is not type(None)]
    choices = [c for kind in kinds if typing.get_origin(kind) is Literal for c in kind.__args__]
    kind = click.Choice(choices) if choices else click.STRING
    said = click.prompt(field.metadata["help"].in_language(language), type=kind)
    return said if choices or kinds[0] is str else kinds[0](said)
