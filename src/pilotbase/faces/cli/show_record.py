"""How the record's answers are printed for a person."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from pilotbase.faces.cli.show_entries import show_entries
from pilotbase.kernel.text import Language, Text
from pilotbase.kernel.verb import as_data
from pilotbase.record.verbs.auditing import VerifyResponse
from pilotbase.record.verbs.proving import CheckResponse, ProveResponse
from pilotbase.record.verbs.publishing import FetchResponse, PublishResponse
from pilotbase.record.verbs.signing import CheckpointResponse, RotateKeyResponse
from pilotbase.record.verbs.witnessing import AcceptResponse, AskResponse, WitnessResponse

BAD = Text("The record does NOT hold; first bad entry: {bad}.", "记录有误; 最先出错的条目: {bad}。")
PUBLISHED_BAD = Text(
    "The record itself holds; the published files do NOT; first bad entry in them: {bad}.",
    "记录本身无误; 已发布的文件有误, 其中最先出错的条目: {bad}。",
)
COSIGNED = Text("cosigned by {name}", "见证人 {name} 已共同签名")
FINAL = Text(
    "final: {n} witnesses have cosigned it; the policy asks for {quorum}",
    "已终局: {n} 名见证人共同签名; 策略要求 {quorum}",
)
OPEN = Text(
    "NOT final: {n} witnesses have cosigned it; the policy asks for {quorum}",
    "尚未终局: {n} 名见证人共同签名; 策略要求 {quorum}",
)


UNSIGNED = Text(
    "Entries after the newest signed checkpoint: {n}. `pilotbase record checkpoint` signs them.",
    "最新已签名检查点之后的条目: {n} 条。`pilotbase record checkpoint` 可签名。",
)
_TILES = Text(", {n} published files", ", {n} 个已发布文件")


def _verify(console: Console, found: VerifyResponse, language: Language) -> None:
    _findings(console, found.findings, language)
    good = Text(
        "The record holds: {size} entries, {bodies} bodies, {checkpoints} checkpoints, "
        "{views} views{tiles}.",
        "记录无误: {size} 条目, {bodies} 份正文, {checkpoints} 个检查点, {views} 个视图{tiles}。",
    )
    said_all = (good if found.ok else PUBLISHED_BAD if found.record_ok else BAD).format(
        size=found.size, bodies=found.bodies, checkpoints=found.checkpoints,
        views=found.views, tiles=_TILES.format(n=found.tiles) if found.tiles else "",
        bad="–" if found.first_bad_index is None else found.first_bad_index,
    )  # fmt: skip
    console.print(f"[{'green' if found.ok else 'bold red'}]{said_all.in_language(language)}[/]")
    if found.unsigned:
        said = UNSIGNED.format(n=found.unsigned)
        console.print(said.in_language(language), soft_wrap=True)
    console.print(f"[dim]root {found.root}\nkey  {found.vkey}[/]", soft_wrap=True)


def _proved(console: Console, found: ProveResponse, language: Language) -> None:
    if found.file is None:
        console.print_json(json.dumps(as_data(found), ensure_ascii=False))
        return
    said = Text(
        "The proof is in {file}; anyone checks it with `pilotbase record check`.",
        "证明已写入 {file}; 任何人可用 `pilotbase record check` 核验。",
    )
    said = said.format(file=found.file)
    console.print(said.in_language(language), markup=False, soft_wrap=True)


def _proof(console: Console, found: CheckResponse, language: Language) -> None:
    style = "green" if found.ok else "bold red"
    said = _shown(found) if found.problem is None else found.problem
    console.print(f"[{style}]{escape(said.in_language(language))}[/]", soft_wrap=True)
    console.print(escape(found.trust.in_language(language)), soft_wrap=True)
    console.print(f"[dim]{escape(found.vkey)}[/]", soft_wrap=True)
    for witness in found.witnesses:
        cosigned = COSIGNED.format(name=witness).in_language(language)
        console.print(escape(cosigned), soft_wrap=True)


def _absence(claim: dict[str, Any]) -> Text:
    late = Text(
        "The proof holds: {subject} met its duty {duty} late, at {closed}; due before {due}.",
        "证明成立: {subject} 逾期履行义务 {duty}, 时间为 {closed}; 期限至 {due}。",
    )
    unmet = Text(
        "The proof holds: {subject} had not met its duty {duty} by {until}; due before {due}.",
        "证明成立: 截至 {until}, {subject} 未履行义务 {duty}; 期限至 {due}。",
    )
    return (late if claim["state"] == "met late" else unmet).format(
        subject=claim["subject"],
        duty=claim["duty"]["name"],
        closed=claim["closed_at"],
        until=claim["until"],
        due=claim["deadline"],
    )


def _shown(found: CheckResponse) -> Text:
    if found.entry is not None and found.entry.keys() >= {"duty", "state", "deadline"}:
        return _absence(found.entry)
    if found.index is not None:
        return Text("The proof holds for entry {index}.", "证明成立: 条目 {index}。").format(
            index=found.index
        )
    if found.from_size is not None:
        grown = Text(
            "The proof holds: the log only grew from {one} to {two} entries.",
            "证明成立: 日志从 {one} 条增至 {two} 条, 只增不改。",
        )
        return grown.format(one=found.from_size, two=found.size)
    signed = Text("The checkpoint is signed: {size} entries.", "检查点签名有效: 共 {size} 条。")
    return signed.format(size=found.size)


def _checkpoint(console: Console, found: CheckpointResponse, language: Language) -> None:
    console.print(found.checkpoint, markup=False, soft_wrap=True, end="")
    if found.policy is not None:
        # Not among the note's lines, so that what is printed can still be kept as a file.
        said = (FINAL if found.final else OPEN).format(n=len(found.witnesses), quorum=found.policy)
        click.echo(said.in_language(language), err=True)


def _rotated(console: Console, found: RotateKeyResponse, language: Language) -> None:
    said = Text(
        "The base signs with a new key from entry {index} on; give it to those who check:",
        "自第 {index} 条起, 基地以新密钥签署; 请将其告知核验者:",
    )
    console.print(said.format(index=found.index).in_language(language), soft_wrap=True)
    console.print(found.vkey, markup=False, soft_wrap=True)


def _witness(console: Console, found: WitnessResponse, language: Language) -> None:
    if found.cosignature is not None:
        console.print(found.cosignature, markup=False, soft_wrap=True, end="")
        return
    if found.log:
        said = Text("Known from now on: {log}", "已登记日志: {log}").format(log=found.log)
        console.print(said.in_language(language), markup=False, soft_wrap=True)
    said = Text("This witness's key, for a policy:", "本见证人的密钥, 供写入策略:")
    console.print(said.in_language(language), soft_wrap=True)
    console.print(found.vkey, markup=False, soft_wrap=True)


def _asked(console: Console, found: AskResponse, language: Language) -> None:
    console.print(found.request, markup=False, soft_wrap=True, end="")


def _accepted(console: Console, found: AcceptResponse, language: Language) -> None:
    for witness in found.witnesses:
        cosigned = COSIGNED.format(name=witness).in_language(language)
        console.print(cosigned, markup=False, soft_wrap=True)
    said = Text("checkpoint of {size} entries: final", "大小为 {size} 的检查点: 已终局")
    if not found.final:
        said = Text("checkpoint of {size} entries: not final", "大小为 {size} 的检查点: 尚未终局")
    console.print(said.format(size=found.size).in_language(language), soft_wrap=True)


def _published(console: Console, found: PublishResponse, language: Language) -> None:
    said = Text(
        "{size} entries published, {files} files written: {folder}",
        "已发布 {size} 条, 写入 {files} 个文件: {folder}",
    )
    said = said.format(size=found.size, files=found.files, folder=found.folder)
    console.print(said.in_language(language), markup=False, soft_wrap=True)


def _fetched(console: Console, found: FetchResponse, language: Language) -> None:
    _findings(console, found.findings, language)
    good = Text("The log holds: {size} entries.", "日志无误: 共 {size} 条。")
    said = (good if found.ok else BAD).format(
        size=found.size, bad="–" if found.first_bad_index is None else found.first_bad_index
    )
    console.print(f"[{'green' if found.ok else 'bold red'}]{said.in_language(language)}[/]")
    console.print(f"[dim]root {found.root}\nkey  {found.vkey}[/]", soft_wrap=True)


def _findings(console: Console, findings: Iterable[dict[str, Any]], language: Language) -> None:
    for finding in findings:
        place, said = finding["where"][language], finding["message"][language]
        console.print(f"{finding['severity']}: {place}: {said}", markup=False, soft_wrap=True)


RECORD_FORMS: dict[str, Callable[[Console, Any, Language], None]] = {
    "record.verify": _verify,
    "record.show": show_entries,
    "record.prove": _proved,
    "record.check": _proof,
    "record.checkpoint": _checkpoint,
    "record.rotate-key": _rotated,
    "record.publish": _published,
    "record.fetch": _fetched,
    "record.witness": _witness,
    "record.request": _asked,
    "record.accept": _accepted,
}
