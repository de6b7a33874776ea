"""What the grammar expects at a path, in words: read off the published JSON Schema.

So the schema, the messages and what is accepted cannot come apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pilotbase.kernel.text import Text
from pilotbase.scenario.finding import Path, listed
from pilotbase.scenario.schema import SOURCES, json_schema

Node = Mapping[str, Any]

CHOICES_MAX = 8
SLUG = Text(
    "small letters, digits and hyphens, at most 64, e.g. my-scenario",
    "小写字母、数字和连字符, 最多 64 个, 如 my-scenario",
)
ANYTHING = Text("a value", "一个值")
SCALAR = Text("one text, number, or true or false", "单个文本、数, 或 true / false")


def node_at(path: Path) -> Node | None:
    """The schema of what stands at a path; None where the grammar knows nothing of it."""
    node: Node | None = json_schema()
    for part in path:
        node = _inside(_resolved(node), part) if node is not None else None
    return _resolved(node) if node is not None else None


def words_at(path: Path) -> tuple[str, ...]:
    """The words that a section may hold."""
    node = node_at(path)
    return tuple(node.get("properties", ())) if node else ()


def expected_at(path: Path) -> Text:
    """What belongs at a path, e.g. "a number above 0"."""
    node = node_at(path)
    return _words(node) if node is not None else ANYTHING


def _resolved(node: Node) -> Node:
    """Follow references, and the one alternative that is not "left empty"."""
    while True:
        options = [o for o in node.get("anyOf", ()) if o.get("type") != "null"]
        if "$ref" in node:
            node = json_schema()["$defs"][node["$ref"].rpartition("/")[2]]
        elif len(options) == 1:
            node = options[0]
        else:
            return node


def _inside(node: Node, part: str | int) -> Node | None:
    if isinstance(part, str):
        found = node.get("properties", {}).get(part, node.get("additionalProperties"))
        return found if isinstance(found, Mapping) else None
    first = node.get("prefixItems", ())
    found = first[part] if part < len(first) else node.get("items")
    return found if isinstance(found, Mapping) else None


def _words(node: Node) -> Text:
    if "enum" in node or "const" in node:
        return _choices([str(v) for v in node.get("enum", [node.get("const")])])
    if "anyOf" in node:
        return SCALAR
    kind = node.get("type")
    if kind == "boolean":
        return Text("true or false", "true 或 false")
    if kind in ("integer", "number"):
        return _number(node, whole=kind == "integer")
    if kind == "string":
        return SLUG if "pattern" in node else _text(node)
    if kind == "array":
        return _list(node)
    return _section(node) if kind == "object" else ANYTHING


def _choices(values: list[str]) -> Text:
    if len(values) == 1:
        return Text(values[0], values[0])
    if len(values) > CHOICES_MAX:
        span = f"{values[0]} … {values[-1]}"
        return Text(f"one of {len(values)} items {span}", f"{len(values)} 项之一: {span}")
    return Text(f"one of {listed(values)}", f"{listed(values)} 之一")


def _number(node: Node, *, whole: bool) -> Text:
    low, high = node.get("minimum"), node.get("maximum")
    above, below = node.get("exclusiveMinimum"), node.get("exclusiveMaximum")
    en, zh = ("a whole number", "整数") if whole else ("a number", "数")
    if low is not None and high is not None:
        least, most = _figure(low), _figure(high)
        return Text(f"{en} from {least} to {most}", f"{least} 到 {most} 的{zh}")
    parts = (
        (low, "at least", "不小于"),
        (above, "above", "大于"),
        (high, "at most", "不大于"),
        (below, "below", "小于"),
    )
    given = [(v, e, z) for v, e, z in parts if v is not None]
    said_en = " and ".join(f"{e} {_figure(v)}" for v, e, _ in given)
    said_zh = "且".join(f"{z} {_figure(v)} " for v, _, z in given)
    return Text(f"{en} {said_en}".strip(), f"{said_zh}的{zh}" if given else zh)


def _figure(value: float) -> str:
    """With thousands kept apart, and no idle zero behind a point."""
    return f"{int(value):,}" if float(value).is_integer() else f"{value:g}"


def _text(node: Node) -> Text:
    longest = node.get("maxLength")
    if longest is None:
        return Text("a text", "文本")
    return Text(f"a text of 1 to {longest:,} characters", f"1 到 {longest:,} 个字符的文本")


def _list(node: Node) -> Text:
    if "prefixItems" in node:
        return Text("two numbers, [low, high]", "两个数: [下限, 上限]")
    inner = _words(_resolved(node.get("items", {})))
    most, least = node.get("maxItems"), node.get("minItems")
    en = f"a list, each {inner.en}"
    zh = f"列表, 每项为{inner.zh}"
    if most is not None:
        low, high = least or 0, _figure(most)
        return Text(f"{en}; {low} to {high} entries", f"{zh}; {low} 到 {high} 项")
    return Text(f"{en}; not empty", f"{zh}; 不能为空") if least else Text(en, zh)


def _section(node: Node) -> Text:
    words = node.get("required") or node.get("properties")
    if not words:
        return Text("a section of names and values", "由名称和值组成的小节")
    if {*words} >= {*SOURCES}:
        one = listed(SOURCES)
        return Text(f"a section with exactly one of {one}", f"含 {one} 中恰好一个的小节")
    some = listed(list(words)[:CHOICES_MAX])
    return Text(f"a section with {some}", f"含 {some} 的小节")
