"""How a verb's answer reads on a terminal. Verbs without a form of their own print JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.text import Text as RichText

from pilotbase.desk.answers import CheckResponse as ScenarioCheckResponse
from pilotbase.desk.answers import (
    ExitResponse,
    RebuildResponse,
    ReportResponse,
    WitnessKeyResponse,
    WitnessSignResponse,
)
from pilotbase.faces.cli.show_catalog import CATALOG_FORMS
from pilotbase.faces.cli.show_datasets import DATASET_FORMS
from pilotbase.faces.cli.show_gateway import GATEWAY_FORMS
from pilotbase.faces.cli.show_keeping import KEEPING_FORMS
from pilotbase.faces.cli.show_match import MATCH_FORMS
from pilotbase.faces.cli.show_people import PEOPLE_FORMS
from pilotbase.faces.cli.show_provenance import PROVENANCE_FORMS
from pilotbase.faces.cli.show_record import RECORD_FORMS
from pilotbase.faces.cli.show_register import REGISTER_FORMS
from pilotbase.faces.cli.show_rights import RIGHTS_FORMS
from pilotbase.faces.cli.show_sealed import SEALED_FORMS
from pilotbase.faces.cli.show_tour import show_tour
from pilotbase.faces.cli.show_usage import USAGE_FORMS
from pilotbase.faces.cli.show_verdict import VERDICT_FORMS
from pilotbase.kernel.text import Language, Text
from pilotbase.kernel.verb import as_data
from pilotbase.scenario.decode import HIDDEN
from pilotbase.scenario.verbs import NewResponse, PacksResponse


class Harmless(Console):
    """A terminal that what is printed cannot steer: names of columns, files and services are
    others' words."""

    def render_str(self, text: str, **said: Any) -> RichText:
        return super().render_str(HIDDEN.sub("\N{REPLACEMENT CHARACTER}", text), **said)


def show(verb: str, response: Any, language: Language) -> None:
    """Print an answer for a person."""
    console = Harmless(highlight=False)
    form: Callable[[Console, Any, Language], None] | None = FORMS.get(verb)
    if form is None:
        console.print_json(json.dumps(as_data(response), ensure_ascii=False))
    else:
        form(console, response, language)


def _report(console: Console, report: ReportResponse, language: Language) -> None:
    console.print(str(report.html), soft_wrap=True, markup=False)
    console.print(str(report.json), soft_wrap=True, markup=False)


def _exit(console: Console, found: ExitResponse, language: Language) -> None:
    said = Text(
        "Pilot {run} has exited: its report is recorded in entry {entry}, {report}.",
        "试点 {run} 已退出: 其报告记录于第 {entry} 条, {report}。",
    ).format(run=found.run, entry=found.entry, report=found.report)
    console.print(said.in_language(language), markup=False, soft_wrap=True)


def _check(console: Console, check: ScenarioCheckResponse, language: Language) -> None:
    for fault in check.faults:
        console.print(fault.render(language, str(check.file)), markup=False, soft_wrap=True)
    for remark in check.remarks:
        said = remark.render(language, str(check.file))
        console.print("• " + said, markup=False, soft_wrap=True)
    if not check.faults:
        good = Text("{file} is good: {rows} rows of data.", "{file} 无误: 共 {rows} 行数据。")
        said = good.format(file=check.file, rows=check.rows).in_language(language)
        console.print(said, markup=False, soft_wrap=True)


def _packs(console: Console, found: PacksResponse, language: Language) -> None:
    exercise = Text("exercise", "练习").in_language(language)
    for pack in found.packs:
        console.print(f"[bold]{escape(pack.name)}[/] {escape(str(pack.folder))}", soft_wrap=True)
        for one in pack.files:
            mark = f" ({exercise})" if one.exercise else ""
            title = escape(one.title.in_language(language))
            console.print(
                f"  {one.item}  {title}{mark}\n        [dim]{escape(str(one.file))}[/]",
                soft_wrap=True,
            )


def _new(console: Console, found: NewResponse, language: Language) -> None:
    console.print(str(found.file), markup=False, soft_wrap=True)
    console.print(found.next.in_language(language), markup=False, soft_wrap=True)


def _witness_key(console: Console, found: WitnessKeyResponse, language: Language) -> None:
    said = Text(
        "The private key lies in {file}; keep it. For scenario files (plan.witness):",
        "私钥在 {file}, 请妥善保管。供场景文件使用 (plan.witness):",
    )
    console.print(said.format(file=found.key_file).in_language(language), markup=False)
    console.print(found.vkey, markup=False, soft_wrap=True)


def _witness_sign(console: Console, found: WitnessSignResponse, language: Language) -> None:
    console.print(str(found.file) if found.file else found.receipt, markup=False, soft_wrap=True)


def _rebuild(console: Console, found: RebuildResponse, language: Language) -> None:
    words = {
        True: Text("the same bytes", "逐字节相同"),
        False: Text("DIFFERENT bytes; written anew", "字节不同; 已重写"),
        None: Text("was missing; written anew", "原先缺失; 已重写"),
    }
    for name, same in found.views.items():
        console.print(f"{name}: {words[same].in_language(language)}", markup=False)


FORMS: dict[str, Callable[[Console, Any, Language], None]] = {
    **VERDICT_FORMS,
    "tour": show_tour,
    "report": _report,
    "exit": _exit,
    "scenario.check": _check,
    "scenario.new": _new,
    "packs": _packs,
    **PEOPLE_FORMS,
    **MATCH_FORMS,
    **RECORD_FORMS,
    **SEALED_FORMS,
    **KEEPING_FORMS,
    **CATALOG_FORMS,
    **DATASET_FORMS,
    **RIGHTS_FORMS,
    **PROVENANCE_FORMS,
    **REGISTER_FORMS,
    **GATEWAY_FORMS,
    **USAGE_FORMS,
    "rebuild": _rebuild,
    "witness.key": _witness_key,
    "witness.sign": _witness_sign,
}
