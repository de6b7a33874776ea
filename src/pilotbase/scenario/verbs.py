"""What one can ask about scenario files. Heavy imports wait until a verb is called: see ADR 2."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pilotbase.kernel.errors import InputError
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context, asked, verb

if TYPE_CHECKING:
    from pilotbase.scenario.library import Pack
    from pilotbase.scenario.starter import Answers


@dataclass(frozen=True)
class SchemaRequest:
    """Nothing to say."""


@dataclass(frozen=True)
class SchemaResponse:
    """The grammar of scenario files as JSON Schema (2020-12)."""

    schema: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        return self.schema


@verb(
    "scenario.schema",
    summary=Text(
        "Print the grammar of scenario files as JSON Schema.", "以 JSON Schema 输出场景文件的语法。"
    ),
    changes=False,
    roles=("public",),
)
def schema(context: Context, request: SchemaRequest) -> SchemaResponse:
    from pilotbase.scenario.schema import json_schema

    return SchemaResponse(json_schema())


@dataclass(frozen=True)
class NewRequest:
    """The answers a first scenario file is made of; `still_needed` says which are missing."""

    file: Path = asked("The scenario file to write (YAML).", "要写入的场景文件 (YAML)。")
    csv: Path | None = asked(
        "The table: a CSV file beside the scenario file or below it.",
        "数据表: 与场景文件同目录或其下级目录中的 CSV 文件。",
        default=None,
    )
    target: str | None = asked(
        "Column that is to be answered.", "要预测或判断的目标列。", default=None
    )
    task: Literal["classification", "detection", "regression", "forecast"] | None = asked(
        "classification: one of several labels; detection: yes or no; regression: a number; "
        "forecast: a number of the future.",
        "classification: 分类; detection: 检测 (是或否); regression: 回归 (数值); "
        "forecast: 预测 (未来数值)。",
        default=None,
    )
    item: str | None = asked(
        "Which of the 17 items of the AI+ Opinions, e.g. A4.3.",
        "属于“人工智能+”行动意见 17 项中的哪一项, 如 A4.3。",
        default=None,
    )
    owner: str | None = asked("Organisation that has the need.", "提出需求的单位。", default=None)
    principal: str | None = asked(
        "Named person who answers for it.", "对此负责的具名自然人。", default=None
    )
    affects_people: Literal["yes", "no"] | None = asked(
        "Whether people are affected by the answers.", "结果是否影响个人。", default=None
    )
    title: str | None = asked("Title in English.", "英文标题。", default=None)
    title_zh: str | None = asked("Title in Chinese.", "中文标题。", default=None)
    need: str | None = asked(
        "What is needed and why, in English.", "需要什么、为什么 (英文)。", default=None
    )
    need_zh: str | None = asked(
        "What is needed and why, in Chinese.", "需要什么、为什么 (中文)。", default=None
    )
    positive: str | None = asked(
        "Detection: the value of the target that is to be detected; the rarer of two if left out.",
        "检测任务: 目标列中要检出的取值; 不写则取两个取值中较少的一个。",
        default=None,
    )
    time: str | None = asked(
        "Column of time; a forecast needs it.", "时间列; 预测任务必填。", default=None
    )
    season: int = asked("Forecast: rows in a season.", "预测任务: 一个季节周期的行数。", default=1)
    unit: str | None = asked(
        "Column of the unit (person, item) where it owns several rows.",
        "单元 (人、物) 所在列, 若同一单元占多行。",
        default=None,
    )
    group: str | None = asked(
        "Column of groups that have to be served alike.", "需要同等对待的群体所在列。", default=None
    )


@dataclass(frozen=True)
class NewResponse:
    """A scenario file was written."""

    file: Path
    id: str
    next: Text


def still_needed(request: NewRequest) -> tuple[str, ...]:
    """Names of the request's fields that have to be answered before a file can be written.

    Of a title (and a need) in two languages one is enough to begin with.
    """
    wanted = ["csv", "target", "task", "item", "owner", "principal", "affects_people"]
    missing = [name for name in wanted if getattr(request, name) is None]
    for name in ("title", "need"):
        if getattr(request, name) is None and getattr(request, f"{name}_zh") is None:
            missing.append(name)
    if request.task == "forecast" and request.time is None:
        missing.append("time")
    return tuple(missing)


@verb(
    "scenario.new",
    summary=Text(
        "Write a first scenario file for a CSV table.", "为一个 CSV 数据表写出初始场景文件。"
    ),
    changes=True,
    roles=("scenario owner",),
)
def new(context: Context, request: NewRequest) -> NewResponse:
    from pilotbase.scenario.peek import peek
    from pilotbase.scenario.read import scenario_of
    from pilotbase.scenario.write import needs, new_scenario, save

    missing = still_needed(request)
    if missing:
        raise needs(tuple(f"--{name.replace('_', '-')}" for name in missing))
    answers = _answers(request)
    text = new_scenario(answers, peek(request.csv or Path()), context.language)
    # An answer may still break a rule of the file, e.g. a target that is also the unit.
    scenario_of(text, request.file)
    save(text, request.file)
    return NewResponse(
        request.file,
        answers.id,
        Text(
            f"Look through the file, then: pilotbase scenario check {request.file}",
            f"请通读文件, 然后运行: pilotbase scenario check {request.file}",
        ),
    )


def _answers(request: NewRequest) -> Answers:
    from pilotbase.scenario.grammar import slug_of
    from pilotbase.scenario.starter import Answers

    return Answers(
        id=slug_of(request.file.stem) or "scenario",
        csv=_beside(request.csv or Path(), request.file),
        target=request.target or "",
        task=request.task or "",
        item=_item(request.item or ""),
        owner=request.owner or "",
        principal=request.principal or "",
        affects_people=request.affects_people == "yes",
        title=_text(request.title, request.title_zh),
        need=_text(request.need, request.need_zh),
        positive=request.positive,
        unit=request.unit,
        group=request.group,
        time=request.time,
        season=request.season,
    )


def _text(en: str | None, zh: str | None) -> Text:
    return Text(en or zh or "", zh or en or "")


def _item(name: str) -> str:
    from pilotbase.scenario.finding import nearest
    from pilotbase.scenario.taxonomy import ITEM_IDS, ITEMS

    if name in ITEM_IDS:
        return name
    meant = nearest(name, ITEM_IDS)
    en = "; ".join(f"{one.id} {one.title.en}" for one in ITEMS)
    zh = "; ".join(f"{one.id} {one.title.zh}" for one in ITEMS)
    raise InputError(
        "scenario.choice",
        Text(f"“{name}” is not one of the 17 items", f"“{name}” 不是 17 项之一"),
        where="--item",
        next_step=Text(
            f"Did you mean {meant}? The items: {en}." if meant else f"The items: {en}.",
            f"是否想写 {meant}? 各项为: {zh}。" if meant else f"各项为: {zh}。",
        ),
    )


def _beside(table: Path, file: Path) -> str:
    """The table's path as the scenario file names it: relative, with slashes, below its folder."""
    folder = file.absolute().parent
    relative = os.path.relpath(table.absolute(), folder)
    if relative.startswith("..") or os.path.isabs(relative):
        raise InputError(
            "scenario.path_outside",
            Text(
                "the table lies outside the scenario file's folder",
                "数据表不在场景文件所在目录之内",
            ),
            where=str(table),
            next_step=Text(
                f"Write the scenario file beside the table, e.g. {table.with_suffix('.yaml')}.",
                f"请将场景文件写在数据表旁, 如 {table.with_suffix('.yaml')}。",
            ),
        )
    return relative.replace(os.sep, "/")


@dataclass(frozen=True)
class PacksRequest:
    """Nothing to say."""


@dataclass(frozen=True)
class PackFile:
    """One scenario file of a pack; ``exercise`` for one that a new user is to finish."""

    file: Path
    id: str
    item: str
    title: Text
    exercise: bool


@dataclass(frozen=True)
class PackListing:
    """A pack with its files."""

    name: str
    folder: Path
    files: tuple[PackFile, ...]


@dataclass(frozen=True)
class PacksResponse:
    """All installed packs."""

    packs: tuple[PackListing, ...]


@verb(
    "packs",
    summary=Text("List the packs of scenarios and their files.", "列出场景包及其文件。"),
    changes=False,
    roles=("public",),
)
def packs(context: Context, request: PacksRequest) -> PacksResponse:
    from pilotbase.scenario.library import packs as installed

    return PacksResponse(tuple(_listing(pack) for pack in installed()))


def _listing(pack: Pack) -> PackListing:
    from pilotbase.scenario.library import head_of

    files = [(path, False) for path in pack.files] + [(path, True) for path in pack.exercises]
    heads = [(path, head_of(path), exercise) for path, exercise in files]
    return PackListing(
        pack.name,
        pack.folder,
        tuple(PackFile(path, h.id, h.item, h.title, exercise) for path, h, exercise in heads),
    )
