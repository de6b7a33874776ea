"""How the answers about descriptions and profiles of data sets are printed for a person."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console

from pilotbase.catalog.croissant.verbs import ReadResponse, WriteResponse
from pilotbase.catalog.profile.drawing import spark
from pilotbase.catalog.profile.rules.sensitive import KINDS
from pilotbase.catalog.profile.verbs import ProfileResponse
from pilotbase.catalog.profile.words import GUESSED, MADE, PARTS, TYPES, number
from pilotbase.desk.handed_over import EvidenceCheckResponse
from pilotbase.faces.cli.show_keeping import _say
from pilotbase.faces.cli.tables import table
from pilotbase.kernel.text import Language, Text

HIDDEN = Text("left out", "不显示")
WIDE = 110
"""Columns of a terminal that has room for drawings."""
NEARLY = Text("{n} nearly", "{n} 行近似重复")
NOT_COMPARED = Text(
    "nearly: not counted, fewer than 4 columns vary", "近似重复未统计 (有变化的列不足 4 列)"
)
CONFIRMED = Text("confirmed by {who}", "{who} 已确认")
HEADS = (
    Text("column", "列"), Text("type", "类型"), Text("missing", "缺失"), Text("values", "取值数"),
    Text("range", "范围"), Text("personal or sensitive", "个人或敏感信息"),
)  # fmt: skip


def _profile(console: Console, found: ProfileResponse, language: Language) -> None:
    profile = found.profile
    said = Text(
        "{name}: {rows} rows, {missing} cells missing, {duplicates} rows repeat another, "
        "{near}; {made}.",
        "{name}: {rows} 行, {missing} 个单元格缺失, {duplicates} 行重复, {near}; {made}。",
    )
    found_near = profile["near"]["rows"]
    near = NOT_COMPARED if found_near is None else NEARLY.format(n=f"{found_near:,}")
    _say(console, said, language, name=found.asset or profile["source"]["name"],
         rows=f"{profile['rows']:,}", missing=f"{profile['missing']:,}",
         duplicates=f"{profile['duplicates']:,}", near=near,
         made=MADE[found.made])  # fmt: skip
    rows = [
        (c["name"], TYPES[c["type"]].in_language(language), _share(c, profile),
         f"{c['distinct']:,}", _range(c, language, console.width), _sensitive(c, found, language))
        for c in profile["columns"]
    ]  # fmt: skip
    table(console, [head.in_language(language) for head in HEADS], rows)
    parts = ", ".join(
        f"{said.in_language(language)} {profile['quality']['parts'][name]:.3f}"
        for name, said in PARTS.items()
    )
    score = Text("Quality {score} of 100 ({parts}).", "质量 {score} / 100 ({parts})。")
    _say(console, score, language, score=profile["quality"]["score"], parts=parts)
    for path in (found.html, found.json):
        if path is not None:
            console.print(str(path), markup=False, soft_wrap=True)


def _share(column: Mapping[str, Any], profile: Mapping[str, Any]) -> str:
    return f"{100 * column['missing'] / profile['rows']:.1f} %"


def _range(column: Mapping[str, Any], language: Language, width: int) -> str:
    said = column["range"]
    if column["hidden"]:
        return HIDDEN.in_language(language)
    if said is None:
        return "–"
    if said.get("low") is not None:
        drawn = spark(said.get("bins") or []) if width >= WIDE else ""
        return f"{number(said['low'])} … {number(said['high'])} {drawn}".rstrip()
    if said.get("shortest") is None:
        return "–"
    count = Text("{a} characters", "{a} 个字符")
    ends = dict.fromkeys((said["shortest"], said["longest"]))
    if list(ends) == [1]:
        return Text("1 character", "1 个字符").in_language(language)
    return count.format(a=" … ".join(map(str, ends))).in_language(language)


def _sensitive(column: Mapping[str, Any], found: ProfileResponse, language: Language) -> str:
    """A guess is never printed as more than a guess."""
    known = found.confirmed.get(column["name"])
    if known is not None:
        who = CONFIRMED.format(who=known["person"]).in_language(language)
        return f"{KINDS[known['kind']].in_language(language)} ({who})"
    if column["guess"]:
        kind = KINDS[column["guess"]["kind"]].in_language(language)
        return f"{kind}? ({GUESSED.in_language(language)})"
    return "–"


def _written(console: Console, found: WriteResponse, language: Language) -> None:
    if found.file is None:
        console.print_json(data=found.document)
    for path in (found.file, found.rows):
        if path is not None:
            console.print(str(path), markup=False, soft_wrap=True)


def _read(console: Console, found: ReadResponse, language: Language) -> None:
    for one in found.datasets:
        said = Text(
            "{id}: {title}; Croissant {version}, {columns} columns, {files} files; {licence}",
            "{id}: {title}; Croissant {version}, {columns} 列, {files} 个文件; {licence}",
        )
        card, described = one["card"], one["described"]
        _say(console, said, language, id=card["id"], title=card["title"][language],
             version=described["conforms"], columns=len(described["columns"]),
             files=len(described["files"]), licence=card.get("licence", "–"))  # fmt: skip
        rows = [(c["name"], c["type"], c["text"]) for c in described["columns"][:50]]
        heads = (Text("column", "列"), Text("type", "类型"), Text("about", "说明"))
        if rows:
            table(console, [head.in_language(language) for head in heads], rows)
    for remark in found.remarks:
        console.print("• " + remark.render(language), markup=False, soft_wrap=True)


def _checked(console: Console, found: EvidenceCheckResponse, language: Language) -> None:
    holds = Text("The signature of {who} holds.", "{who} 的签名有效。")
    _say(console, holds, language, who=found.signer)
    verdict = Text("{candidate}: {verdict}; {witness}.", "{candidate}: {verdict}; {witness}。")
    _say(console, verdict, language, candidate=found.candidate, verdict=found.verdict,
         witness=found.witness)  # fmt: skip
    for name, tests in found.tests.items():
        for test in tests:
            console.print(f"  {name}: {test}", markup=False, soft_wrap=True)
    same = {
        True: Text("It is of the plan you gave: {plan}", "属于所给的计划: {plan}"),
        False: Text("It is of ANOTHER plan: {plan}", "属于另一份计划: {plan}"),
        None: Text("Its plan: {plan}", "其计划: {plan}"),
    }[found.same_plan]
    _say(console, same, language, plan=found.plan)
    if found.same_scenario is not None:
        scenario = {
            True: Text("It is of the scenario file you gave.", "属于所给的场景文件。"),
            False: Text("It is of ANOTHER scenario file.", "属于另一份场景文件。"),
        }[found.same_scenario]
        _say(console, scenario, language)


DATASET_FORMS: dict[str, Callable[[Console, Any, Language], None]] = {
    "catalog.profile": _profile,
    "catalog.croissant.write": _written,
    "catalog.croissant.read": _read,
    "evidence.check": _checked,
}
