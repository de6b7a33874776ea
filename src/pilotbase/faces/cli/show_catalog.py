"""How the answers about parties, delegations, keys and assets are printed for a person."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console

from pilotbase.catalog.assets.verbs import (
    AddResponse,
    ExportResponse,
    HistoryResponse,
    ListResponse,
)
from pilotbase.catalog.parties.verbs import (
    DelegationResponse,
    KeyCreateResponse,
    KeyListResponse,
    RevokedResponse,
    WhoResponse,
)
from pilotbase.faces.cli.show_card import ERASED, KINDS, show_card
from pilotbase.faces.cli.show_keeping import _say
from pilotbase.faces.cli.tables import table
from pilotbase.kernel.text import Language, Text

WORDS = {
    **KINDS,
    "new": Text("new", "新增"),
    "changed": Text("changed", "变更"),
    "unchanged": Text("unchanged", "未变"),
    "holds": Text("holds", "有效"),
}


def word(key: str, language: Language) -> str:
    return WORDS[key].in_language(language) if key in WORDS else key


def _name(name: Mapping[str, str] | None, language: Language) -> str:
    return ERASED.in_language(language) if name is None else name[language]


def _heads(language: Language, *heads: Text) -> list[str]:
    return [head.in_language(language) for head in heads]


ID, KIND, NAME = Text("id", "编号"), Text("kind", "类别"), Text("name", "名称")
VERSION, STATE, UNTIL = Text("version", "版本"), Text("state", "状态"), Text("until", "到期")
SCOPES, HOLDER = Text("scopes", "范围"), Text("holder", "持有方")


def _added(console: Console, found: AddResponse, language: Language) -> None:
    rows = [
        (a["id"], word(a["what"], language), word(a["state"], language), a["number"],
         a["version"][7:19] or None)
        for a in found.added
    ]  # fmt: skip
    heads = _heads(language, ID, KIND, STATE, VERSION, Text("content hash", "内容哈希"))
    table(console, heads, rows)


def _list(console: Console, found: ListResponse, language: Language) -> None:
    if found.parties:
        rows = [
            (p["id"], word(p["what"], language), _name(p["name"], language), p["principal"] or None)
            for p in found.parties
        ]
        table(console, _heads(language, ID, KIND, NAME, Text("answers", "负责人")), rows)
    if found.assets:
        assets = [
            (a["id"], word(a["what"], language), a["title"][language], a["provider"] or None,
             f"{a['number']} ({a['version'][7:19]})")
            for a in found.assets
        ]  # fmt: skip
        heads = _heads(language, ID, KIND, NAME, Text("provider", "供给方"), VERSION)
        table(console, heads, assets)
    if not found.parties and not found.assets:
        _say(console, Text("Nothing here yet.", "尚无内容。"), language)


def _history(console: Console, found: HistoryResponse, language: Language) -> None:
    rows = [
        (h["entry"], h["at"], h["kind"], f"{h['by']} ({h['role']})", h["number"],
         ", ".join(h["changed"]))
        for h in found.history
    ]  # fmt: skip
    heads = _heads(
        language, Text("entry", "条目"), Text("at", "时间"), Text("event", "事件"),
        Text("by", "经手"), VERSION, Text("changed", "变更字段"),
    )  # fmt: skip
    table(console, heads, rows)


def _export(console: Console, found: ExportResponse, language: Language) -> None:
    console.print(str(found.file) if found.file else found.list, markup=False, soft_wrap=True)
    if found.left_out:
        said = Text(
            "Left out, for want of names (--people takes them along): {ids}",
            "因不含姓名而未导出 (加 --people 可一并导出): {ids}",
        )
        _say(console, said, language, ids=", ".join(found.left_out))


def _delegated(console: Console, found: DelegationResponse, language: Language) -> None:
    said = Text(
        "{id}: {taker} may act for {giver}: {scopes}; until {until}.",
        "{id}: {taker} 可代 {giver} 行事: {scopes}; 至 {until}。",
    )
    scopes = ", ".join(found.scopes)
    _say(console, said, language, id=found.delegation, taker=found.taker, giver=found.giver,
         scopes=scopes, until=found.until)  # fmt: skip


def _revoked(console: Console, found: RevokedResponse, language: Language) -> None:
    said = Text("{id}: revoked at {at}.", "{id}: 已于 {at} 撤销。")
    _say(console, said, language, id=found.id, at=found.at)
    if found.with_it:
        ended = Text("Ended with it: {ids}.", "同时终止: {ids}。")
        _say(console, ended, language, ids=", ".join(found.with_it))


def _key(console: Console, found: KeyCreateResponse, language: Language) -> None:
    said = Text(
        "Keep this key; it is shown this once and stored nowhere:",
        "请妥善保存此密钥; 仅显示一次, 不作任何存储:",
    )
    _say(console, said, language)
    console.print(found.text, markup=False, soft_wrap=True)
    until = Text(
        "For {holder}: {scopes}; until {until}.", "供 {holder} 使用: {scopes}; 至 {until}。"
    )
    scopes = ", ".join(found.scopes)
    _say(console, until, language, holder=found.holder, scopes=scopes, until=found.until)


def _keys(console: Console, found: KeyListResponse, language: Language) -> None:
    rows = [
        (k["key"], k["holder"], ", ".join(k["scopes"]), k["until"],
         k["why_not"][language] if k["why_not"] else word(k["state"], language))
        for k in found.keys
    ]  # fmt: skip
    table(console, _heads(language, ID, HOLDER, SCOPES, UNTIL, STATE), rows)
    if not rows:
        _say(console, Text("No key was found.", "没有找到密钥。"), language)


def _who(console: Console, found: WhoResponse, language: Language) -> None:
    head = Text("The key {key} holds.", "密钥 {key} 有效。")
    if found.why_not is not None:
        head = Text("The key {key} does NOT hold: {why}.", "密钥 {key} 无效: {why}。")
    _say(console, head, language, key=found.key, why=found.why_not or "")
    for step, link in enumerate(found.chain):
        kind = word(link["what"], language)
        line = f"{'   ' * step}{link['party']} ({kind}): {_name(link['name'], language)}"
        console.print(line, markup=False, soft_wrap=True)
        if link["delegation"]:
            said = Text(
                "acts by {id} ({scopes}; until {until}) for",
                "依 {id} ({scopes}; 至 {until}) 代以下一方行事",
            )
            text = said.format(id=link["delegation"], scopes=", ".join(link["scopes"]),
                               until=link["until"])  # fmt: skip
            indent = "   " * step
            console.print(f"{indent}└─ {text.in_language(language)}", markup=False, soft_wrap=True)
        elif step + 1 < len(found.chain):
            by = Text("└─ answered for by", "└─ 负责人").in_language(language)
            console.print(f"{'   ' * step}{by}", markup=False, soft_wrap=True)


CATALOG_FORMS: dict[str, Callable[[Console, Any, Language], None]] = {
    "catalog.add": _added,
    "catalog.list": _list,
    "catalog.show": show_card,
    "catalog.history": _history,
    "catalog.export": _export,
    "catalog.delegate": _delegated,
    "catalog.undelegate": _revoked,
    "catalog.who": _who,
    "catalog.key.create": _key,
    "catalog.key.revoke": _revoked,
    "catalog.key.list": _keys,
}
