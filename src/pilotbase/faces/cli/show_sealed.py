"""How sealed test sets and exported evidence are printed for a person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.markup import escape

from pilotbase.catalog.verbs import SealedListResponse, SealedResponse
from pilotbase.desk.answers import ExportResponse
from pilotbase.kernel.text import Language, Text

SET = Text(
    "{name}: {rows} rows, lent by {owner}; exposed {exposed} of {exposures} times",
    "{name}: {rows} 行, 提供者 {owner}; 已使用 {exposed} 次, 许可 {exposures} 次",
)
COLUMNS = Text("columns: {columns}", "列: {columns}")
RUNS = Text("runs: {runs}", "试验: {runs}")
NAMES = Text("reports may name single cases", "报告可指明单个案例")
NONE = Text("No test set is kept here.", "此处没有封存的测试集。")


def _sealed(console: Console, found: SealedResponse, language: Language) -> None:
    said = SET.format(
        name=found.name, rows=found.rows, owner=found.owner or "–", exposed=found.exposed,
        exposures=found.exposures,
    )  # fmt: skip
    console.print(f"[bold]{escape(said.in_language(language))}[/]", soft_wrap=True)
    lines = [COLUMNS.format(columns=", ".join(found.columns)), found.meaning]
    if found.runs:
        lines.insert(1, RUNS.format(runs=", ".join(found.runs)))
    if found.names:
        lines.append(NAMES)
    for line in lines:
        console.print("  " + escape(line.in_language(language)), soft_wrap=True)


def _listed(console: Console, found: SealedListResponse, language: Language) -> None:
    for one in found.sets:
        _sealed(console, one, language)
    if not found.sets:
        console.print(NONE.in_language(language))


def _exported(console: Console, found: ExportResponse, language: Language) -> None:
    console.print(str(found.file), markup=False, soft_wrap=True)


SEALED_FORMS: dict[str, Callable[[Console, Any, Language], None]] = {
    "sealed.add": _sealed,
    "sealed.show": _sealed,
    "sealed.list": _listed,
    "evidence.export": _exported,
}
