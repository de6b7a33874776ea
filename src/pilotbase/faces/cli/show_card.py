"""How a party or an asset of the catalog is printed for a person, with all that is known of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape

from pilotbase.catalog.assets.verbs import ShowResponse
from pilotbase.faces.cli.show_keeping import _say
from pilotbase.faces.cli.tables import table
from pilotbase.kernel.text import Language, Text

KINDS = {
    "person": Text("person", "自然人"),
    "body": Text("body", "组织"),
    "agent": Text("agent", "智能体"),
    "model": Text("model", "模型"),
    "dataset": Text("data set", "数据集"),
    "tool": Text("tool", "工具"),
    "knowledge": Text("knowledge", "知识"),
    "compute": Text("compute", "算力"),
}
PARTS = {
    **KINDS,
    "asset": Text("asset", "资产"),
    "software": Text("software", "软件"),
    "endpoint": Text("endpoint", "端点"),
}
ERASED = Text("(erased)", "(已删除)")
HEAD = Text("{id} · {kind} · version {number}", "{id} · {kind} · 第 {number} 版")
PARTY_LINES = (
    ("contact", Text("contact", "联系方式")),
    ("principal", Text("answers for it", "负责人")),
    ("asset", Text("runs", "运行的智能体")),
)
ASSET_LINES = (
    ("provider", Text("provider", "供给方")),
    ("label", Text("provider's version", "供给方版本号")),
    ("licence", Text("licence", "许可")),
    ("terms", Text("terms", "使用条款")),
    ("url", Text("more", "更多信息")),
    ("file", Text("file", "文件")),
    ("digest", Text("hash of the content", "内容哈希")),
)
NEEDS = Text("cannot do without", "不可缺少")
SUPPLIER, INSTEAD = Text("from", "来自"), Text("or in its place", "可替代")
PROPERTIES, VERSIONS = Text("properties", "属性"), Text("versions", "版本")
GIVEN, TAKEN = Text("may act for it", "可代其行事"), Text("it may act for", "其可代")
DELEGATIONS = (
    Text("id", "编号"), Text("party", "主体"), Text("scopes", "范围"), Text("since", "自"),
    Text("until", "至"), Text("ended", "终止"),
)  # fmt: skip


def show_card(console: Console, found: ShowResponse, language: Language) -> None:
    """Print the one that it is."""
    if found.party is not None:
        _party(console, found.party, language)
    if found.asset is not None:
        _asset(console, found.asset, language)


def _party(console: Console, party: Mapping[str, Any], language: Language) -> None:
    _head(console, {**party, "id": party["party"]}, language)
    name = party["name"]
    said = ERASED.in_language(language) if name is None else name[language]
    console.print(said, markup=False, soft_wrap=True)
    _lines(console, party, PARTY_LINES, language)
    for word, head, other in (("given", GIVEN, "taker"), ("taken", TAKEN, "giver")):
        if party[word]:
            _say(console, head, language)
            rows = [
                (d["delegation"], d[other], ", ".join(d["scopes"]), d["since"], d["until"],
                 d["ended"])
                for d in party[word]
            ]  # fmt: skip
            table(console, [one.in_language(language) for one in DELEGATIONS], rows)


def _asset(console: Console, asset: Mapping[str, Any], language: Language) -> None:
    card = asset["card"]
    _head(console, asset, language)
    for text in (card["title"], card.get("text")):
        if text:
            console.print(text[language], markup=False, soft_wrap=True)
    _lines(console, card, ASSET_LINES, language)
    parts = [_part(part, language) for part in card.get("parts", ())]
    _listed(console, NEEDS, parts, language)
    properties = card.get("properties", {})
    _listed(console, PROPERTIES, [f"{name}: {properties[name]}" for name in properties], language)
    entry = Text("entry {n} of the record", "记录第 {n} 条")
    told = [
        f"{number} · {one['version']} · {entry.format(n=one['entry']).in_language(language)}"
        for number, one in enumerate(asset["versions"], 1)
    ]
    _listed(console, VERSIONS, told, language)


def _head(console: Console, said: Mapping[str, Any], language: Language) -> None:
    kind = KINDS[said["what"]].in_language(language)
    head = HEAD.format(id=said["id"], kind=kind, number=said["number"]).in_language(language)
    console.print(f"[bold]{escape(head)}[/]", soft_wrap=True)


def _lines(
    console: Console,
    said: Mapping[str, Any],
    lines: Sequence[tuple[str, Text]],
    language: Language,
) -> None:
    for word, head in lines:
        if said.get(word):
            line = f"{head.in_language(language)}: {said[word]}"
            console.print(line, markup=False, soft_wrap=True)


def _part(part: Mapping[str, Any], language: Language) -> str:
    return "; ".join(_said_of(part, language))


def _said_of(part: Mapping[str, Any], language: Language) -> Iterator[str]:
    kind = PARTS[part.get("kind", "asset")].in_language(language)
    yield f"{part['name']} ({kind})"
    if part.get("supplier"):
        yield f"{SUPPLIER.in_language(language)} {part['supplier']}"
    if part.get("substitutes"):
        yield f"{INSTEAD.in_language(language)} {', '.join(part['substitutes'])}"


def _listed(console: Console, head: Text, lines: Sequence[str], language: Language) -> None:
    if lines:
        _say(console, Text(f"{head.en}:", f"{head.zh}:"), language)
    for line in lines:
        console.print(f"  {line}", markup=False, soft_wrap=True)
