"""How answers about provenance are printed for a person."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from rich.console import Console

from pilotbase.desk.data.verbs import (
    LabelFinishResponse,
    LabelGiveResponse,
    SynthesiseResponse,
    TaskResponse,
)
from pilotbase.desk.provenance.verbs import BomResponse, LineageResponse
from pilotbase.faces.cli.show_keeping import _say
from pilotbase.kernel.text import Language, Text


def _bom(console: Console, found: BomResponse, language: Language) -> None:
    if found.file is None:
        console.print_json(json.dumps(found.bom, ensure_ascii=False))
        return
    said = Text("CycloneDX {spec}, {n} components: {file}", "CycloneDX {spec}, {n} 个组件: {file}")
    _say(console, said, language, spec=found.spec, n=len(found.bom["components"]), file=found.file)


def _lineage(console: Console, found: LineageResponse, language: Language) -> None:
    if not found.files:
        console.print_json(json.dumps(found.prov, ensure_ascii=False))
    for file in found.files:
        console.print(str(file), markup=False, soft_wrap=True)


def _synthesised(console: Console, found: SynthesiseResponse, language: Language) -> None:
    said = Text(
        "{n} synthetic rows as {asset}, marked for ever as such: {file}",
        "{n} 行合成数据, 编号 {asset}, 永久标记为合成: {file}",
    )
    _say(console, said, language, n=found.rows, asset=found.asset, file=found.file)
    if found.withheld:
        withheld = Text(
            "Not carried over, because they may tell who somebody is, or nearly every value is "
            "another one: {names}",
            "以下各列可能识别个人, 或几乎每值各异, 未予沿用: {names}",
        )
        _say(console, withheld, language, names=", ".join(found.withheld))


def _task(console: Console, found: TaskResponse, language: Language) -> None:
    said = Text(
        "{task} ({asset}), {state}: {items} different rows, {raters} people each; {given} labels "
        "given, {wanted} wanted.",
        "{task} ({asset}), {state}: 共 {items} 个不同的行, 每行 {raters} 人; 已标 {given}, "
        "尚缺 {wanted}。",
    )
    state = STATES[found.state]
    counts = {"items": found.items, "raters": found.raters, "wanted": found.wanted}
    named = {"task": found.task, "asset": found.asset, "state": state, "given": found.given}
    _say(console, said, language, **named, **counts)
    _agreed(console, found.agreement["alpha"], found.agreement["interval"], language)


STATES = {"open": Text("open", "进行中"), "finished": Text("finished", "已完成")}


def _agreed(console: Console, alpha: float | None, interval: Any, language: Language) -> None:
    said = Text("Krippendorff's alpha: {alpha}{range}", "Krippendorff α 系数: {alpha}{range}")
    between = f" ({interval[0]:.2f} … {interval[1]:.2f})" if interval else ""
    _say(console, said, language, alpha="–" if alpha is None else f"{alpha:.2f}", range=between)


def _given(console: Console, found: LabelGiveResponse, language: Language) -> None:
    said = Text("{given} labels recorded; {left} rows left for {rater}.",
                "已记录 {given} 个标签; {rater} 尚有 {left} 行待标。")  # fmt: skip
    _say(console, said, language, given=found.given, left=found.left, rater=found.rater)


def _labelled(console: Console, found: LabelFinishResponse, language: Language) -> None:
    said = Text(
        "{asset} has a new version, {number}, with labels by {raters} people; {left} of {rows} "
        "rows stay without: {file}",
        "{asset} 有了第 {number} 版, 由 {raters} 人标注; {rows} 行中有 {left} 行无标签: {file}",
    )
    _say(console, said, language, asset=found.asset, number=found.number, raters=found.raters,
         left=found.left, rows=found.rows, file=found.file)  # fmt: skip
    _agreed(console, found.alpha, found.interval, language)


PROVENANCE_FORMS: dict[str, Callable[[Console, Any, Language], None]] = {
    "catalog.bom": _bom,
    "catalog.lineage": _lineage,
    "catalog.synthesise": _synthesised,
    "catalog.label.start": _task,
    "catalog.label.show": _task,
    "catalog.label.give": _given,
    "catalog.label.finish": _labelled,
}
