"""Whether an answer is JSON of a declared form: JSON Schema 2020-12, within limits.

Answers are hostile until shown otherwise: length, depth, number of values and steps of the check
are limited, patterns match in linear time (`pilotbase.scenario.form`), and nothing is loaded. An
answer beyond a limit is no answer of that form. ``format`` and ``content…`` are notes and are not
checked, as the standard says by default (JSON Schema Validation 2020-12, section 7.2.1).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from functools import cache, lru_cache
from typing import Any

from pilotbase.scenario.form import matcher

LENGTH_MAX = 200_000  # characters
DEPTH_MAX = 40
VALUES_MAX = 20_000
COST_MAX = 1_000_000
STEP_COST = 10  # of holding one value against one word of the schema
_FENCE = re.compile(r"```(?:json)?[ \t]*\n(.*)\n[ \t]*```", re.DOTALL)


_left: ContextVar[list[int]] = ContextVar("cost left")


class _TooMuch(Exception):
    """The check cost more than it may."""


def parsed(text: str) -> Any:
    """The JSON of a text, which may stand in one fenced block and nothing beside it.

    Raises:
        ValueError: no JSON (NaN and Infinity are none, nor is a name twice), or beyond a limit.
    """
    if len(text) > LENGTH_MAX:
        raise ValueError("too long")
    bare = text.strip()
    if bare.startswith("```"):
        fenced = _FENCE.fullmatch(bare)
        bare = fenced[1] if fenced else bare
    try:
        value = json.loads(bare, parse_constant=_refuse, object_pairs_hook=_once)
    except RecursionError:
        raise ValueError("too deep") from None
    return value


def valid(value: Any, form: Mapping[str, Any]) -> bool:
    """Whether a value has the form; at a cost of at most `COST_MAX`.

    >>> valid({"n": 3}, {"type": "object", "properties": {"n": {"type": "integer"}}})
    True
    """
    if not within_limits(value):
        return False
    from referencing.exceptions import Unresolvable

    _left.set([COST_MAX])
    try:
        return bool(_validator(json.dumps(form, sort_keys=True)).is_valid(value))
    except (_TooMuch, RecursionError, Unresolvable):
        return False


def within_limits(value: Any) -> bool:
    """Whether a value is plain JSON of few enough values, not too deep."""
    waiting: list[tuple[Any, int]] = [(value, 0)]
    seen = 0
    while waiting:
        node, depth = waiting.pop()
        seen += 1
        inner = _inside(node)
        if inner is None or depth > DEPTH_MAX or seen + len(waiting) + len(inner) > VALUES_MAX:
            return False
        waiting += [(part, depth + 1) for part in inner]
    return True


def _inside(node: Any) -> list[Any] | None:
    """What stands inside a JSON value; None where it is none."""
    if isinstance(node, dict):
        return list(node.values()) if all(isinstance(name, str) for name in node) else None
    if isinstance(node, (list, tuple)):
        return list(node)
    plain = node is None or isinstance(node, (bool, int, float, str))
    return [] if plain and not (isinstance(node, float) and node - node != 0.0) else None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name twice")
    return found


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


@lru_cache(maxsize=64)
def _validator(form: str) -> Any:
    from referencing.jsonschema import EMPTY_REGISTRY

    return _dialect()(json.loads(form), registry=EMPTY_REGISTRY)


@cache
def _dialect() -> Any:
    """Draft 2020-12 whose every word is paid for, with patterns and uniqueness in linear time."""
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    words: dict[str, Any] = dict(Draft202012Validator.VALIDATORS)
    words |= {"pattern": _pattern, "uniqueItems": _unique}
    return extend(Draft202012Validator, {word: _paid(check) for word, check in words.items()})


def _paid(check: Callable[..., Any]) -> Callable[..., Iterator[Any]]:
    def paid(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
        _pay(STEP_COST * (1 + (len(value) if isinstance(value, list) else 0)))
        for error in check(validator, value, instance, schema) or ():
            # The library writes the whole value into the message of each error.
            _pay(len(error.message))
            yield error

    return paid


def _pay(cost: int) -> None:
    left = _left.get()
    left[0] -= cost
    if left[0] < 0:
        raise _TooMuch


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[Any]:
    from jsonschema.exceptions import ValidationError

    if isinstance(instance, str) and not _matcher(pattern)(instance):
        yield ValidationError("no match")


def _unique(validator: Any, wanted: bool, instance: Any, schema: Any) -> Iterator[Any]:
    from jsonschema.exceptions import ValidationError

    if wanted and isinstance(instance, (list, tuple)):
        _pay(STEP_COST * len(instance))
        if len({_canonical(item) for item in instance}) < len(instance):
            yield ValidationError("twice the same")


def _canonical(value: Any) -> str:
    """Equal for equal JSON: 1 and 1.0 are the same number, 1 and true are not the same."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, dict):
        inner = ",".join(f"{name!r}:{_canonical(value[name])}" for name in sorted(value))
        return f"{{{inner}}}"
    if isinstance(value, (list, tuple)):
        return f"[{','.join(map(_canonical, value))}]"
    return repr(value)


_matcher = lru_cache(maxsize=256)(matcher)
