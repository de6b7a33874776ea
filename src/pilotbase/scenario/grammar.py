"""The grammar's own check: which words, which kinds of values, which ranges.

pydantic decides (`pilotbase.scenario.schema`); here its findings become sentences a person can act
on. The file is read strictly, as JSON would be: ``"5"`` is no number and ``yes`` is no ``true``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from pilotbase.kernel.text import Text
from pilotbase.scenario.expected import expected_at, node_at, words_at
from pilotbase.scenario.finding import Finding, Path, listed, nearest, shown
from pilotbase.scenario.schema import Scenario

DETAILS_MAX = 2_000  # far beyond the faults that are told, and quick to put into words

_RANGE = ("greater_than", "greater_than_equal", "less_than", "less_than_equal", "finite_number")
_LENGTH = ("string_too_short", "string_too_long", "too_short", "too_long")
_KINDS: tuple[tuple[type, Text], ...] = (
    (bool, Text("a yes-or-no value", "真假值")),
    (int, Text("a number", "数")),
    (float, Text("a number", "数")),
    (str, Text("a text", "文本")),
    (list, Text("a list", "列表")),
    (dict, Text("a section", "小节")),
)
_BOOLS = {"yes": "true", "on": "true", "是": "true", "no": "false", "off": "false", "否": "false"}
NOT_A_SECTION = Finding(
    (),
    "scenario.not_a_section",
    Text("the file holds no words and values", "文件中没有字段与值"),
    Text("lines such as `task: regression`", "形如 `task: regression` 的行"),
)


def strictly(model: type[BaseModel], data: Any) -> Any:
    """The model of plain data. Raises pydantic.ValidationError."""
    return model.model_validate_json(json.dumps(data), strict=True)


def grammar_findings(data: Any) -> tuple[Scenario | None, list[Finding]]:
    """The scenario when its grammar is right, else None and all that is wrong with it."""
    if not isinstance(data, dict):
        return None, [NOT_A_SECTION]
    try:
        return strictly(Scenario, data), []
    except ValidationError as error:
        found: dict[tuple[Path, str], Finding] = {}
        for detail in error.errors(include_url=False)[:DETAILS_MAX]:
            finding = _finding(detail, data)
            if finding is not None:
                found.setdefault((finding.path, _topic(finding)), finding)
        return None, _without_echo(list(found.values()))


def _without_echo(found: list[Finding]) -> list[Finding]:
    """Without the words that are missing because they are misspelt beside."""
    meant = {(*f.path[:-1], f.nearest) for f in found if f.code == "scenario.unknown_key"}
    return [f for f in found if f.code != "scenario.missing_key" or f.about[0] not in meant]


def _topic(finding: Finding) -> str:
    """One value is told once, however many alternatives it fails; each missing word by itself."""
    return finding.message.en if finding.code == "scenario.missing_key" else ""


def _finding(detail: ErrorDetails, data: Mapping[str, Any]) -> Finding | None:
    kind = detail["type"]
    if kind == "extra_forbidden":
        return _unknown(detail["loc"])
    path, value, rest = _walk(detail["loc"], data)
    if kind == "missing" and len(rest) == 1 and isinstance(rest[0], str):
        return _missing(path, rest[0])
    if rest[:1] == ("[key]",):
        return _named_badly(path)
    if kind == "too_short" and value:
        return None  # pydantic counts only the entries that are right; those that are not are told
    return _wrong(path, value, kind)


def _walk(location: tuple[str | int, ...], data: Any) -> tuple[Path, Any, tuple[str | int, ...]]:
    """Split pydantic's location into what is in the file and its own tail (alternatives, keys)."""
    value = data
    for depth, part in enumerate(location):
        inside = part in value if isinstance(value, dict) else _has(value, part)
        if not inside or node_at(location[: depth + 1]) is None:
            return location[:depth], value, location[depth:]
        value = value[part]
    return location, value, ()


def _has(value: Any, part: str | int) -> bool:
    return isinstance(value, list) and isinstance(part, int) and part < len(value)


def _missing(path: Path, word: str) -> Finding:
    return Finding(
        path,
        "scenario.missing_key",
        Text(f"“{word}” is missing", f"缺少 “{word}”"),
        expected_at((*path, word)),
        at_key=True,
        about=((*path, word),),
    )


def _unknown(path: Path) -> Finding:
    words = words_at(path[:-1])
    meant = nearest(path[-1], words)
    section = Text(f"one of {listed(words)}", f"{listed(words)} 之一")
    return Finding(
        path,
        "scenario.unknown_key",
        Text(f"unknown word “{shown(path[-1])}”", f"未知的字段 “{shown(path[-1])}”"),
        None if meant else section,
        meant,
        at_key=True,
    )


def _named_badly(path: Path) -> Finding:
    return Finding(
        path,
        "scenario.length",
        Text("this name is empty or too long", "名称为空或过长"),
        Text("a text of 1 to 200 characters", "1 到 200 个字符的文本"),
        at_key=True,
    )


def _wrong(path: Path, value: Any, kind: str) -> Finding:
    node = node_at(path) or {}
    if "enum" in node or "const" in node:
        choices = [str(v) for v in node.get("enum", [node.get("const")])]
        said = Text(f"“{shown(value)}” is no choice here", f"“{shown(value)}” 不是可选项")
        return _at(path, "choice", said, nearest(value, choices))
    if kind in _RANGE:
        return _at(path, "range", Text(f"{value} is out of range", f"{value} 超出范围"))
    if kind in _LENGTH:
        return _at(path, "length", _length(value))
    if kind == "string_pattern_mismatch":
        said = Text(f"“{shown(value)}” is no short name", f"“{shown(value)}” 不是合格的短名")
        return _at(path, "pattern", said, slug_of(str(value)))
    return _at(path, "type", _unfit(path, value), _retyped(value, node.get("type")))


def _at(path: Path, code: str, message: Text, meant: str | None = None) -> Finding:
    return Finding(path, f"scenario.{code}", message, expected_at(path), meant)


def _length(value: Any) -> Text:
    if not value:
        return Text("this is empty", "此处为空")
    count = len(value)
    if isinstance(value, str):
        return Text(f"the text has {count} characters", f"文本有 {count} 个字符")
    return Text(f"the list has {count} entries", f"列表有 {count} 项")


def _unfit(path: Path, value: Any) -> Text:
    if "key" in path:  # what stands where a secret lies may be the secret itself
        return Text("this does not fit here", "此处不能这样写")
    if value is None:
        return Text("this is left empty", "此处未填写")
    kind = next(text for cls, text in _KINDS if isinstance(value, cls))
    if isinstance(value, (list, dict)):
        return Text(f"{kind.en} does not fit here", f"此处不能是{kind.zh}")
    return Text(
        f"{kind.en}, {shown(value)}, does not fit here",
        f"此处不能是{kind.zh} ({shown(value)})",
    )


def _retyped(value: Any, wanted: Any) -> str | None:
    """The same value as the kind that is wanted, where a person evidently meant it."""
    if wanted == "string" and isinstance(value, (bool, int, float)):
        return f'"{shown(value)}"'
    if not isinstance(value, str):
        return None
    if wanted == "boolean":
        return _BOOLS.get(value.strip().lower()) or nearest(value, ("true", "false"))
    if wanted in ("number", "integer"):
        return _as_number(value.strip(), whole=wanted == "integer")
    return None


def _as_number(text: str, *, whole: bool) -> str | None:
    share = text.endswith(("%", "%"))
    try:
        number = float(text[:-1]) / 100 if share else float(text)
    except ValueError:
        return None
    fits = number.is_integer() if whole else math.isfinite(number)
    return f"{number:g}" if fits else None


def slug_of(text: str) -> str | None:
    """A short name made of a text's letters and digits; None where there are none."""
    slug = "-".join("".join(c if c.isascii() and c.isalnum() else " " for c in text).split())
    return slug.lower()[:64].strip("-") or None
