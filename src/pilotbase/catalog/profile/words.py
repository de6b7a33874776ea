"""What the parts of a profile are called."""

from __future__ import annotations

from typing import Any

from pilotbase.kernel.text import Text

TYPES = {
    "empty": Text("empty", "空"),
    "integer": Text("whole number", "整数"),
    "float": Text("number", "数值"),
    "truth": Text("true or false", "真假值"),
    "date": Text("date", "日期"),
    "text": Text("text", "文本"),
}
PARTS = {
    "completeness": Text("completeness", "完整性"),
    "uniqueness": Text("uniqueness", "唯一性"),
    "consistency": Text("consistency", "一致性"),
    "information": Text("information", "信息量"),
}
MADE = {
    "here": Text("measured here", "由本基地测量"),
    "by the owner": Text(
        "measured by the owner; the base has seen no row", "由数据所有者测量; 本基地未见任何数据行"
    ),
}
GUESSED = Text("guessed, not confirmed", "推测, 未经确认")


def number(value: Any) -> str:
    """A number as a reader takes it in: four significant places; dates as they are."""
    if isinstance(value, str):
        return value
    if value is None:
        return "–"
    if float(value).is_integer():
        # A thousand of what may be a year is written without a comma.
        return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.0f}"
    return f"{value:.4g}"
