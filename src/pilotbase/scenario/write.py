"""Write a first scenario file from a few answers.

It is valid as it stands and has comments that say what to think about; what it proposes is a
proposal, and the owner decides.
"""

from __future__ import annotations

from pathlib import Path

from pilotbase.kernel.errors import InputError
from pilotbase.kernel.text import Language, Text
from pilotbase.scenario.decode import HIDDEN
from pilotbase.scenario.finding import listed, shown
from pilotbase.scenario.peek import Peek
from pilotbase.scenario.starter import (
    Answers,
    criteria_of,
    note,
    offers_of,
    quoted,
    scalar,
    split_of,
)
from pilotbase.scenario.taxonomy import item

COLUMNS_SHOWN = 50
HEAD = Text(
    "A scenario: a need, its data, what would be good enough, and who offers to meet it.",
    "场景文件: 需求、数据、达到什么程度算合格、由谁来满足。",
)
NEXT = Text(
    "Check it with `pilotbase scenario check`, then `pilotbase run`.",
    "用 `pilotbase scenario check` 检查, 再用 `pilotbase run` 运行。",
)
TRANSLATE = Text("both languages hold the same text: translate", "两种语言目前相同, 请补上译文")
TIER = Text(
    "minimal, limited or high: the risk to people where it is wrong",
    "minimal 低, limited 中, high 高: 出错时对人的风险等级",
)
COLUMNS = Text("Columns of the table:", "数据表的列:")
BARRED = Text(
    "barred: columns no candidate may use, e.g. what is known only afterwards",
    "barred: 任何候选方案都不得使用的列, 如事后才知道的信息",
)
FIXED = Text(
    "fixed looks once, at the end; sequential stops early where each unit costs something",
    "fixed 只在最后判定一次; 若每个单元都有成本, 可用 sequential 提前停止",
)


def new_scenario(answers: Answers, table: Peek, language: Language) -> str:
    """The text of a scenario file (YAML).

    Raises:
        InputError: a column that the table does not have; a forecast without a column of time; a
            detection whose positive value is not named and cannot be told from the table.
    """
    for column, option in (
        (answers.target, "--target"),
        (answers.unit, "--unit"),
        (answers.group, "--group"),
        (answers.time, "--time"),
    ):
        table.check(column, option)
    if answers.task == "forecast" and answers.time is None:
        raise needs(("--time",))
    lines = [
        *_head(answers, language),
        *_need(answers, language),
        "",
        *_data(answers, table, language),
        *split_of(answers, table, language),
        "",
        *criteria_of(answers, table, language),
        *_plan(answers, language),
        "",
        *offers_of(answers, language),
    ]
    return "\n".join(lines) + "\n"


def needs(options: tuple[str, ...]) -> InputError:
    """The error that lists all answers that are still missing."""
    count = len(options)
    return InputError(
        "scenario.answers_missing",
        Text(
            f"{count} answer{'s are' if count != 1 else ' is'} missing",
            f"还缺少 {count} 项回答",
        ),
        where=listed(options),
        next_step=Text(
            f"Add {listed(options)}; `pilotbase scenario new --help` explains each.",
            f"请补充 {listed(options)}; 说明见 `pilotbase scenario new --help`。",
        ),
    )


def save(text: str, path: Path) -> None:
    """Write a new file. Raises InputError where one is there already: it is never overwritten."""
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError as error:
        raise InputError(
            "scenario.exists",
            Text("there is a file of this name already", "同名文件已存在"),
            where=str(path),
            next_step=Text(
                "Choose another name; it stays as it is.", "请另取文件名; 原文件未改动。"
            ),
        ) from error
    except OSError as error:
        said = Text(f"cannot write: {error.strerror}", f"无法写入: {error.strerror}")
        raise InputError("scenario.cannot_write", said, where=str(path)) from error


def _head(answers: Answers, language: Language) -> list[str]:
    return [note(HEAD, language), note(NEXT, language), "pilotbase: 1", f"id: {answers.id}"]


def _need(answers: Answers, language: Language) -> list[str]:
    lines = []
    for word, text in (("title", answers.title), ("need", answers.need)):
        lines.append(f"{word}:")
        if text.en == text.zh:
            lines.append(note(TRANSLATE, language, "  "))
        lines += [f"  en: {quoted(text.en)}", f"  zh: {quoted(text.zh)}"]
    about = item(answers.item).title.in_language(language)
    return [
        *lines,
        f"item: {answers.item}  # {about}",
        f"tier: {'limited' if answers.affects_people else 'minimal'}"
        f"  # {TIER.in_language(language)}",
        "owner:",
        f"  name: {quoted(answers.owner)}",
        f"  principal: {quoted(answers.principal)}",
        f"affects_people: {'true' if answers.affects_people else 'false'}",
        f"task: {answers.task}",
        "estimand: these cases",
    ]


def _data(answers: Answers, table: Peek, language: Language) -> list[str]:
    readable = [name for name in table.columns if not HIDDEN.search(name)]
    names = listed(quoted(shown(name)) for name in readable[:COLUMNS_SHOWN])
    lines = ["data:", f"  csv: {quoted(answers.csv)}"]
    if table.encoding != "utf-8":
        lines.append(f"  encoding: {table.encoding}")
    lines += [f"# {COLUMNS.in_language(language)} {names}", f"target: {quoted(answers.target)}"]
    if answers.task == "detection":
        lines.append(f"positive: {scalar(_positive(answers, table))}")
    if answers.unit:
        lines.append(f"unit: {quoted(answers.unit)}")
    lines.append(note(BARRED, language))
    if answers.group:
        lines += ["groups:", "  by-group:", f"    column: {quoted(answers.group)}"]
    return lines


def _positive(answers: Answers, table: Peek) -> str:
    """The value that was named, or the rarer of two: what one looks for is seldom the rule."""
    if answers.positive is not None:
        return answers.positive
    classes = table.classes(answers.target)
    if len(classes) == 2:
        return classes[0][0]
    raise needs(("--positive",))


def _plan(answers: Answers, language: Language) -> list[str]:
    metric = {"classification": "accuracy", "detection": "recall"}.get(answers.task, "mae")
    return ["plan:", note(FIXED, language, "  "), "  evidence: fixed", f"  choose: {metric}"]
