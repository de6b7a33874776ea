"""The decisions file as a table: who decided what about which case, having seen what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pilotbase.kernel.errors import DataError
from pilotbase.kernel.text import Text

COLUMNS = ("case", "who", "saw", "decision", "truth", "ai")
SAW = ("nothing", "ai")
SHOWN_MOST = 5  # faults told one by one

PUT_RIGHT = Text(
    "Correct the rows named; the page rules/arms shows a decisions file.",
    "请更正所列各行; 决策文件的写法见 rules/arms 页。",
)


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision of one person about one case.

    Attributes:
        who: the decider's pseudonym. saw_ai: whether the AI's answer was seen before deciding.
        truth: what was right. ai: the AI's answer to the case; None where there is none.
    """

    case: str
    who: str
    saw_ai: bool
    decision: str
    truth: str
    ai: str | None


def decisions_of(columns: Mapping[str, Sequence[Any]]) -> tuple[Decision, ...]:
    """The rows of a decisions table, truth and the AI's answer joined by case.

    Text is compared without blanks around it, and the number 1.0 is the text 1. A row without a
    decision is refused: who did not decide has to say so with an answer of its own (e.g. "none"),
    which is then wrong.

    Raises:
        DataError: a column is missing or shorter; an empty case, who or decision; ``saw`` neither
            nothing nor ai; a case without truth, or with several truths or AI answers; a decision
            that saw the AI of a case that has none; the same person on the same case twice.
    """
    missing = [name for name in COLUMNS if name not in columns]
    if missing:
        raise _error(Text(f"no column {', '.join(missing)}", f"缺少列 {', '.join(missing)}"))
    table = {name: [_text(value) for value in columns[name]] for name in COLUMNS}
    lengths = {name: len(values) for name, values in table.items()}
    if len(set(lengths.values())) != 1:
        raise _error(Text(f"columns of different length: {lengths}", f"各列长度不一: {lengths}"))
    faults = list(_faults(table))
    if faults:
        raise _error(_listed(faults))
    truth, ai = _by_case(table, "truth"), _by_case(table, "ai")
    return tuple(
        Decision(case, who, saw == "ai", said, truth[case], ai.get(case))
        for case, who, saw, said in zip(
            *(table[name] for name in ("case", "who", "saw", "decision")), strict=True
        )
    )


def _text(value: Any) -> str:
    """Empty for none. A column of whole numbers with gaps was read as floats: 1.0 is 1."""
    if pd.isna(value):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _by_case(table: Mapping[str, list[str]], name: str) -> dict[str, str]:
    return {case: value for case, value in zip(table["case"], table[name], strict=True) if value}


def _faults(table: Mapping[str, list[str]]) -> Iterator[Text]:
    seen: dict[tuple[str, str, str], int] = {}
    ai = _by_case(table, "ai")
    for row, saw in enumerate(table["saw"]):
        place = row + 1
        for name in ("case", "who", "decision"):
            if not table[name][row]:
                yield Text(f"row {place}: {name} is empty", f"第 {place} 行: {name} 为空")
        if saw not in SAW:
            yield Text(
                f'row {place}: saw is {saw!r}, neither "nothing" nor "ai"',
                f"第 {place} 行: saw 为 {saw!r}, 应为 nothing 或 ai",
            )
        case = table["case"][row]
        if saw == "ai" and case not in ai:
            yield Text(
                f"row {place}: case {case!r} has no answer of the AI to be seen",
                f"第 {place} 行: 案例 {case!r} 没有可供查看的 AI 回答",
            )
        key = (case, table["who"][row], saw)
        before = seen.setdefault(key, place)
        if before != place:
            yield Text(
                f"row {place}: the same person, case and view as row {before}",
                f"第 {place} 行: 与第 {before} 行同人、同案例、同所见",
            )
    yield from _unsettled(table)


def _unsettled(table: Mapping[str, list[str]]) -> Iterator[Text]:
    for name in ("truth", "ai"):
        values: dict[str, set[str]] = {case: set() for case in table["case"]}
        for case, value in zip(table["case"], table[name], strict=True):
            values[case] |= {value} - {""}
        for case, found in values.items():
            if len(found) > 1:
                yield Text(
                    f"case {case!r} has several values of {name}: {', '.join(sorted(found))}",
                    f"案例 {case!r} 的 {name} 有多个取值: {', '.join(sorted(found))}",
                )
            if name == "truth" and not found:
                yield Text(f"case {case!r} has no truth", f"案例 {case!r} 没有 truth")


def _listed(faults: Sequence[Text]) -> Text:
    shown, more = faults[:SHOWN_MOST], len(faults) - SHOWN_MOST
    rest = Text(f"; and {more} more", f"; 另有 {more} 处") if more > 0 else Text("", "")
    return Text("; ".join(f.en for f in shown) + rest.en, "; ".join(f.zh for f in shown) + rest.zh)


def _error(said: Text) -> DataError:
    return DataError("data.decisions", said, where="decisions", next_step=PUT_RIGHT)
