"""Which JSON Schemas may be the form of an answer: draft 2020-12 without what reaches outside.

The schema comes with a scenario file that anyone may have written, and is held against answers that
anyone may have given. So it loads nothing (`$ref` stays inside the schema), and its patterns are
those of Rust's ``regex`` crate, which match in linear time and have no look-around and no
back-references.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from pilotbase.kernel.text import Text
from pilotbase.scenario.finding import Path, shown

DIALECT = "https://json-schema.org/draft/2020-12/schema"
DEPTH_MAX = 20
PATTERN_MAX = 1000  # characters
# Words that would change what a reference means, match names by pattern, or take time that grows
# faster than the answer.
REFUSED = (
    "$id", "$anchor", "$dynamicRef", "$dynamicAnchor", "$vocabulary", "patternProperties",
    "unevaluatedProperties", "unevaluatedItems",
)  # fmt: skip
_VALUES = ("const", "enum", "default", "examples")  # what stands below them is no schema


def form_faults(form: dict[str, Any]) -> Iterator[tuple[Path, Text]]:
    """What keeps a schema from being used, each with its path inside it; nothing if all is well."""
    found = list(_walked(form, form, ()))
    yield from found
    if not found:
        yield from _invalid(form)


def matcher(pattern: str) -> Callable[[str], bool]:
    """Whether a text has a match of the pattern somewhere in it, in linear time.

    Raises:
        ValueError: no pattern of Rust's ``regex``, or too large a one.
    """
    from pydantic_core import SchemaError, SchemaValidator, core_schema

    if len(pattern) > PATTERN_MAX:
        raise ValueError(f"longer than {PATTERN_MAX} characters")
    try:
        validator = SchemaValidator(core_schema.str_schema(pattern=pattern, strict=True))
    except SchemaError as error:
        raise ValueError(str(error).rpartition("error: ")[2].strip()) from None
    return validator.isinstance_python


def _walked(node: Any, root: dict[str, Any], path: Path) -> Iterator[tuple[Path, Text]]:
    if len(path) > DEPTH_MAX:
        yield path, Text(f"deeper than {DEPTH_MAX} levels", f"嵌套超过 {DEPTH_MAX} 层")
        return
    for word, inner in _below(node):
        here = (*path, word)
        named = isinstance(node, dict) and not _names(path)
        if named and word in REFUSED:
            yield here, Text(f"`{word}` is not used here", f"此处不使用 `{word}`")
        elif named and word in ("$ref", "pattern", "$schema"):
            yield from _checked(str(word), inner, root, here)
        elif not (named and word in _VALUES):
            yield from _walked(inner, root, here)


def _below(node: Any) -> Iterator[tuple[str | int, Any]]:
    if isinstance(node, dict):
        yield from node.items()
    elif isinstance(node, list):
        yield from enumerate(node)


def _names(path: Path) -> bool:
    """Whether the words below a path are names of properties or definitions, no keywords."""
    below = False
    for word in path:
        below = not below and word in ("properties", "$defs", "definitions", "dependentSchemas")
    return below


def _checked(
    word: str, value: Any, root: dict[str, Any], path: Path
) -> Iterator[tuple[Path, Text]]:
    if word == "$schema":
        if value != DIALECT:
            yield path, Text(f"only {DIALECT}", f"只支持 {DIALECT}")
    elif word == "$ref":
        if not isinstance(value, str) or not _resolves(value, root):
            said = shown(value)
            yield (
                path,
                Text(
                    f"“{said}” is no place inside the form: nothing is loaded from elsewhere",
                    f"“{said}” 不在该模式之内: 不从别处加载任何内容",
                ),
            )
    elif isinstance(value, str):
        try:
            matcher(value)
        except ValueError as error:
            yield path, Text(f"the pattern cannot be used: {error}", f"该正则表达式不可用: {error}")


def _resolves(reference: str, root: dict[str, Any]) -> bool:
    pointer = reference.removeprefix("#")
    if reference[:1] != "#" or (pointer and pointer[0] != "/"):
        return False
    node: Any = root
    for part in pointer.split("/")[1:]:
        part = part.replace("~1", "/").replace("~0", "~")
        if isinstance(node, dict) and part in node:
            node = node[part]
        elif isinstance(node, list) and part.isdecimal() and int(part) < len(node):
            node = node[int(part)]
        else:
            return False
    return isinstance(node, (dict, bool))


def _invalid(form: dict[str, Any]) -> Iterator[tuple[Path, Text]]:
    """What the schema of schemas says."""
    from jsonschema import Draft202012Validator

    checker = Draft202012Validator(Draft202012Validator.META_SCHEMA)
    for error in list(checker.iter_errors(form))[:5]:
        path = tuple(error.absolute_path)
        said = shown(error.instance)
        yield (
            path,
            Text(
                f"“{said}” does not belong here in a JSON Schema",
                f"“{said}” 不符合 JSON Schema 的写法",
            ),
        )
