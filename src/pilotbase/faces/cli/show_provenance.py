"""How answers about provenance are printed for a person."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from rich.console import Console

from pilotbase.desk.data.verbs import SynthesiseResponse
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
            "Not carried over, because nearly every value is another one: {names}",
            "以下各列几乎每值各异, 未予沿用: {names}",
        )
        _say(console, withheld, language, names=", ".join(found.withheld))


PROVENANCE_FORMS: dict[str, Callable[[Console, Any, Language], None]] = {
    "catalog.bom": _bom,
    "catalog.lineage": _lineage,
    "catalog.synthesise": _synthesised,
}
