"""How the answers about the vault, duties, backups and questions are printed for a person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.console import Console

from pilotbase.faces.cli.tables import table
from pilotbase.kernel.text import Language, Text
from pilotbase.record.verbs.asking import QueryResponse, SegmentsResponse
from pilotbase.record.verbs.duties import OverdueResponse
from pilotbase.record.verbs.keeping import BackupResponse, MigrateResponse, RestoreResponse
from pilotbase.record.verbs.vault import (
    EncryptResponse,
    EraseResponse,
    ExpireResponse,
    ListResponse,
)

STATES = {
    "kept": Text("kept", "保存中"),
    "erased": Text("erased", "已删除"),
    "lost": Text("LOST", "已丢失"),
    "not met": Text("not met", "未履行"),
    "due": Text("due", "尚未到期"),
    "met late": Text("met late", "逾期履行"),
}
REMAINS = Text(
    "These files of the home still mention it; the vault does not reach into them:",
    "主目录中以下文件仍提及该主体, 保险库无法触及:",
)
BACKUPS = Text("Backups made before still have it.", "此前制作的备份仍含有这些内容。")


def _say(console: Console, text: Text, language: Language, **values: object) -> None:
    said = text.format(**values) if values else text
    console.print(said.in_language(language), markup=False, soft_wrap=True)


def _list(console: Console, found: ListResponse, language: Language) -> None:
    heads = [
        Text("entry", "条目"),
        Text("subject", "主体"),
        Text("body", "正文"),
        Text("bytes", "字节"),
        Text("state", "状态"),
        Text("until", "保存至"),
    ]
    rows = [
        (b["entry"], b["about"], b["name"], b["size"], _state(b, language), b["until"])
        for b in found.bodies
    ]
    table(console, [head.in_language(language) for head in heads], rows)
    if not found.bodies:
        _say(console, Text("No body was found.", "没有找到正文。"), language)
    if found.encrypted:
        key = Text("Encrypted under the key {key}.", "已用密钥 {key} 加密。")
        _say(console, key, language, key=found.encrypted)


def _erased(console: Console, found: EraseResponse, language: Language) -> None:
    said = Text(
        "Erased: {n} bodies; recorded in entry {at}.", "已删除 {n} 份正文; 记录于条目 {at}。"
    )
    at = ", ".join(map(str, found.recorded)) or "–"
    _say(console, said, language, n=len(found.erased), at=at)
    if found.erased:
        _say(console, BACKUPS, language)
    if found.remains:
        _say(console, REMAINS, language)
    for path in found.remains:
        console.print(f"  {path}", markup=False, soft_wrap=True)


def _expired(console: Console, found: ExpireResponse, language: Language) -> None:
    for body in found.erased:
        line = f"  {body['entry']}  {body['name']}  {body['kind']}  {body['term']}"
        console.print(line, markup=False, soft_wrap=True)
    done = Text("Erased, past their term: {n}.", "已过期并删除: {n} 份。")
    due = Text("Past their term by then: {n}; nothing was erased.", "届时过期: {n} 份; 未作删除。")
    _say(console, done if found.recorded else due, language, n=len(found.erased))


def _encrypted(console: Console, found: EncryptResponse, language: Language) -> None:
    said = Text(
        "The vault is encrypted under {key} ({n} bodies rewritten). Keep a copy of {file}: without "
        "it the bodies are lost. Name it with --vault-key or PILOTBASE_VAULT_KEY.",
        "保险库已用 {key} 加密 (改写 {n} 份正文)。请另存 {file} 的副本: 失去它即失去正文。"
        "使用时以 --vault-key 或 PILOTBASE_VAULT_KEY 指定。",
    )
    _say(console, said, language, key=found.key, n=found.rewritten, file=found.key_file)


def _overdue(console: Console, found: OverdueResponse, language: Language) -> None:
    for duty in found.duties:
        said = f"{duty['subject']}: {duty['text'][language]} {_state(duty, language)}"
        dates = f"({duty['opened_at']} → {duty['deadline']}; {duty['closed_at'] or '–'})"
        console.print(f"{said} {dates}", markup=False, soft_wrap=True)
        if duty["proof"]:
            console.print(f"  {duty['proof']}", markup=False, soft_wrap=True)
    said_all = Text("Overdue or met late by {at}: {n}.", "截至 {at} 未履行或逾期履行: {n} 项。")
    due = sum(duty["state"] == "due" for duty in found.duties)
    if due:
        said_all = Text(
            "Overdue or met late by {at}: {n}; of these still to come: {due}.",
            "截至 {at} 未履行或逾期履行: {n} 项, 其中尚未到期 {due} 项。",
        )
    _say(console, said_all, language, at=found.at, n=len(found.duties), due=due)
    if found.notice:
        _say(console, found.notice, language)


def _backup(console: Console, found: BackupResponse, language: Language) -> None:
    said = Text(
        "{file}: {size} entries, {files} files, {bytes} bytes.",
        "{file}: {size} 条记录, {files} 个文件, {bytes} 字节。",
    )
    values = {"file": found.file, "size": found.size, "files": found.files, "bytes": found.bytes}
    _say(console, said, language, **values)
    if found.with_keys:
        keys = Text("The base's secret keys are in it.", "其中含有基地私钥。")
        console.print(f"[yellow]{keys.in_language(language)}[/]")


def _restored(console: Console, found: RestoreResponse, language: Language) -> None:
    said = Text(
        "{home}: {size} entries and {bodies} bodies, audited.",
        "{home}: {size} 条记录与 {bodies} 份正文, 已核验。",
    )
    _say(console, said, language, home=found.home, size=found.size, bodies=found.bodies)
    for notice in found.notices:
        console.print("• " + notice.in_language(language), markup=False, soft_wrap=True)


def _migrated(console: Console, found: MigrateResponse, language: Language) -> None:
    good = Text(
        "{home}: {size} entries and {bodies} bodies, audited.",
        "{home}: {size} 条记录与 {bodies} 份正文, 已核验。",
    )
    bad = Text(
        "{home}: copied as it was, and it does NOT hold; run `record verify`.",
        "{home}: 已原样复制, 但记录有误; 请运行 `record verify`。",
    )
    values = {"home": found.home, "size": found.size, "bodies": found.bodies}
    _say(console, good if found.ok else bad, language, **values)
    console.print("• " + found.notice.in_language(language), markup=False, soft_wrap=True)


def _segments(console: Console, found: SegmentsResponse, language: Language) -> None:
    for segment in found.segments:
        console.print(f"{segment['file']}  {segment['root']}", markup=False, soft_wrap=True)
    said = Text("Roots recorded in entry {n}.", "根哈希记录于条目 {n}。")
    _say(console, said, language, n=found.recorded)


def _query(console: Console, found: QueryResponse, language: Language) -> None:
    table(console, found.columns, found.rows)
    if found.more:
        _say(console, Text("There are more rows: --limit.", "还有更多行: --limit。"), language)
    elif not found.rows:
        _say(console, Text("No row was found.", "没有找到任何行。"), language)


def _state(said: dict[str, Any], language: Language) -> str:
    return STATES[said["state"]].in_language(language)


KEEPING_FORMS: dict[str, Callable[[Console, Any, Language], None]] = {
    "vault.list": _list,
    "vault.erase": _erased,
    "vault.expire": _expired,
    "vault.encrypt": _encrypted,
    "record.overdue": _overdue,
    "record.segments": _segments,
    "record.query": _query,
    "backup": _backup,
    "restore": _restored,
    "migrate": _migrated,
}
