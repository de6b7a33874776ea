"""How entries of the record are printed for a person: several as a table, one of them whole."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape

from pilotbase.faces.cli.tables import table
from pilotbase.kernel.text import Language, Text
from pilotbase.record.verbs.reading import ShowResponse
from pilotbase.register.rules import words

INDEX, AT = Text("entry", "条目"), Text("time", "时间")
KIND, ABOUT, BY = Text("kind", "类别"), Text("about", "主体"), Text("by", "经手")
BODY, EMPTY = Text("body", "条目内容"), Text("nothing", "无")
VAULT = Text("bodies in the vault, by their commitments", "保险库中的正文及其承诺值")
KEPT = (Text("name", "名称"), Text("bytes", "字节"), Text("commitment", "承诺值"))
COUNT = Text("number of its kind, from 0", "同类序号 (从 0 起)")
KEY, FORM = Text("idempotency key", "幂等键"), Text("form", "格式版本")
LONE = Text("one person holds every role", "一人兼任全部角色")
SHOWN = Text(
    "{n} of {size} entries. `pilotbase record show INDEX` shows one of them whole.",
    "显示 {n} 条, 记录共 {size} 条。`pilotbase record show 序号` 可完整显示其中一条。",
)
NONE = Text("No entry matches; the record has {size}.", "没有符合条件的条目; 记录共 {size} 条。")
DEPTH_MAX = 12
"""Levels of a body that have lines of their own; what lies deeper stands on one."""


def show_entries(console: Console, found: ShowResponse, language: Language) -> None:
    """Print a table of entries, or the only one with all that it says."""
    if len(found.entries) == 1:
        _entry(console, found.entries[0], language)
        return
    if found.entries:
        rows = [
            (one["index"], *(_cell(one.get(name)) for name in ("at", "kind", "about")),
             _by(one.get("by"), language))
            for one in found.entries
        ]  # fmt: skip
        heads = [head.in_language(language) for head in (INDEX, AT, KIND, ABOUT, BY)]
        table(console, heads, rows)
    said = SHOWN if found.entries else NONE
    said = said.format(n=len(found.entries), size=found.size)
    console.print(said.in_language(language), markup=False, soft_wrap=True)


def _entry(console: Console, one: Mapping[str, Any], language: Language) -> None:
    head = f"{INDEX.in_language(language)} {one['index']}"
    kind = escape(_cell(one.get("kind")))
    console.print(f"[bold]{head}[/] · {kind}", soft_wrap=True)
    by = one.get("by")
    alone = isinstance(by, Mapping) and by.get("single_operator") is True
    lone = f" · {LONE.in_language(language)}" if alone else ""
    lines = (
        (AT, one.get("at")), (BY, _by(by, language) + lone), (ABOUT, one.get("about")),
        (COUNT, one.get("count")), (KEY, one.get("key")), (FORM, one.get("v")),
    )  # fmt: skip
    for name, value in lines:
        line = f"{name.in_language(language)}: {_cell(value)}"
        console.print(line, markup=False, soft_wrap=True)
    body = one.get("body")
    console.print(f"[bold]{BODY.in_language(language)}[/]", soft_wrap=True)
    for line in _lines(body, "  ") if body else (f"  {EMPTY.in_language(language)}",):
        console.print(line, markup=False, soft_wrap=True)
    _vault(console, one.get("vault"), language)


def _vault(console: Console, vault: Any, language: Language) -> None:
    console.print(f"[bold]{VAULT.in_language(language)}[/]", soft_wrap=True)
    if not isinstance(vault, Mapping) or not vault:
        console.print(f"  {EMPTY.in_language(language)}", soft_wrap=True)
        return
    rows = [
        (_one_line(name), *(_cell(item.get(what)) for what in ("size", "commitment")))
        for name, item in vault.items()
        if isinstance(item, Mapping)
    ]
    table(console, [head.in_language(language) for head in KEPT], rows)


def _by(by: Any, language: Language) -> str:
    if not isinstance(by, Mapping):
        return "–"
    role = words.role(str(by.get("role")), language)
    return _one_line(f"{by.get('name')} ({role})")


def _lines(value: Any, pad: str) -> Iterator[str]:
    """What a body says, a line for each thing; no text in it can look like another line."""
    pairs: Iterator[tuple[str, Any]]
    if isinstance(value, Mapping):
        pairs = ((f"{_one_line(name)}:", item) for name, item in value.items())
    else:
        pairs = (("-", item) for item in value)
    for head, item in pairs:
        if isinstance(item, str) and len(parts := item.splitlines()) > 1:
            yield f"{pad}{head}"
            yield from (f"{pad}  | {part}" for part in parts)
        elif _is_nested(item) and len(pad) < 2 * DEPTH_MAX:
            yield f"{pad}{head}"
            yield from _lines(item, f"{pad}  ")
        else:
            yield f"{pad}{head} {_plain(item)}"


def _is_nested(item: Any) -> bool:
    """Whether it has lines of its own: numbers stand side by side."""
    if isinstance(item, list):
        return any(isinstance(one, (str, list, Mapping)) for one in item)
    return isinstance(item, Mapping) and bool(item)


def _cell(value: Any) -> str:
    return "–" if value is None or value == "" else _one_line(str(value))


def _plain(item: Any) -> str:
    if isinstance(item, str):
        return _one_line(item) or '""'
    return json.dumps(item, ensure_ascii=False)


def _one_line(text: str) -> str:
    return " ".join(text.splitlines())
