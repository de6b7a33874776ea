"""One cell of a list, from text or a plain value; what is wrong with it in both languages."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from pilotbase.kernel.text import Text
from pilotbase.match.lists import FILINGS
from pilotbase.scenario.taxonomy import ITEM_IDS

WORDS_MAX = 50
CHARACTERS_MAX = 4_000
COUNT_MAX = 10**12
_SEPARATORS = re.compile(r"[;；、|,，\n]")
_ID = re.compile(r"[^\s;；、|,，=\x00-\x1f\x7f‪-‮⁦-⁩]{1,100}")
_REGION = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_PARTIES = {
    "organisation": "organisation", "organization": "organisation", "body": "organisation",
    "机构": "organisation", "单位": "organisation", "企业": "organisation", "组织": "organisation",
    "person": "person", "individual": "person", "个人": "person", "自然人": "person",
}  # fmt: skip
_FILINGS = {name: name for name in FILINGS} | {
    "无": "none", "未备案": "none", "登记": "registered", "已登记": "registered",
    "备案": "filed", "已备案": "filed",
}  # fmt: skip


class Unfit(Exception):
    """A cell that is not what its column holds."""

    def __init__(self, expected: Text) -> None:
        super().__init__(expected.en)
        self.expected = expected


def cell(kind: str, value: Any) -> Any:
    """The value of a cell, None where it is empty.

    Raises:
        Unfit: with what was expected.
    """
    if value is None or value == "" or value == []:
        return None
    if kind in ("words", "regions", "items"):
        return _many(kind, value)
    if isinstance(value, (list, dict)):
        raise Unfit(Text("a single value", "单个值"))
    said = _plain(value)
    return None if not said else READERS[kind](said)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    said = str(value).strip()
    if len(said) > CHARACTERS_MAX:
        raise Unfit(
            Text(f"at most {CHARACTERS_MAX:,} characters", f"最多 {CHARACTERS_MAX:,} 个字符")
        )
    if _HIDDEN.search(said):
        raise Unfit(Text("text without invisible control characters", "不含不可见控制字符的文本"))
    return said


def _many(kind: str, value: Any) -> tuple[str, ...]:
    parts = value if isinstance(value, list) else _SEPARATORS.split(_plain(value))
    words = [_plain(part) for part in parts if not isinstance(part, (list, dict))]
    words = list(dict.fromkeys(word for word in words if word))
    if len(words) > WORDS_MAX or any(isinstance(part, (list, dict)) for part in parts):
        raise Unfit(Text(f"at most {WORDS_MAX} words", f"最多 {WORDS_MAX} 个词"))
    if kind == "words":
        return tuple(word.casefold() for word in words)
    return tuple(READERS[kind[:-1]](word) for word in words)


def _id(said: str) -> str:
    if not _ID.fullmatch(said):
        raise Unfit(
            Text(
                "an id of 1 to 100 characters without spaces, commas, semicolons and “=”",
                "1 至 100 个字符的编号, 不含空格、逗号、分号、顿号与 “=”",
            )
        )
    return said


def _item(said: str) -> str:
    if said.upper() not in ITEM_IDS:
        raise Unfit(Text(f"one of {', '.join(ITEM_IDS)}", f"应为 {'、'.join(ITEM_IDS)} 之一"))
    return said.upper()


def _region(said: str) -> str:
    if not _REGION.fullmatch(said.upper()):
        raise Unfit(
            Text(
                "a country or region by ISO 3166, e.g. CN or CN-BJ", "ISO 3166 代码, 如 CN 或 CN-BJ"
            )
        )
    return said.upper()


def _count(said: str) -> int:
    if not (said.isascii() and said.isdigit()) or len(said) > 13 or int(said) > COUNT_MAX:
        raise Unfit(Text("a whole number from 0", "不小于 0 的整数"))
    return int(said)


def _party(said: str) -> str:
    if said.casefold() not in _PARTIES:
        raise Unfit(Text("organisation or person", "机构或个人"))
    return _PARTIES[said.casefold()]


def _filing(said: str) -> str:
    if said.casefold() not in _FILINGS:
        raise Unfit(Text("none, registered or filed", "无、登记或备案"))
    return _FILINGS[said.casefold()]


READERS: dict[str, Callable[[str], Any]] = {
    "text": str,
    "id": _id,
    "item": _item,
    "region": _region,
    "count": _count,
    "party": _party,
    "filing": _filing,
}
