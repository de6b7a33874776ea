"""Numbers in a text: figures and Chinese numerals, with percent and with units of measure.

Read are 1,234.5, -3, 2.5e3, 12%, 12 percent, 3 million, 1.2万, 一百二十, 十二亿, 三点五, 二〇二四,
百分之十; numbers spelt out in English words are not. A figure that is part of a name (x86, CO2) is
no number, nor is a lone 一 inside a sentence, which mostly means "a". Linear in the length of the
text: every repetition has a limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from pilotbase.catalog.rules.folding import folded

Dimension = Literal["share", "length", "mass", "time", "volume"]
_DIGITS = dict(zip("零〇一二两三四五六七八九", (0, 0, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9), strict=True))
_TENS = {"十": 10, "百": 100, "千": 1000}
_MYRIADS = {"万": 10**4, "亿": 10**8}
_MULTIPLES = {
    "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12,
    "千": 1e3, "百万": 1e6, "千万": 1e7, "万": 1e4, "亿": 1e8, "万亿": 1e12,
}  # fmt: skip
UNITS: dict[str, tuple[Dimension, float]] = {
    **dict.fromkeys(("%", "percent", "per cent"), ("share", 0.01)),
    **dict.fromkeys(("‰", "per mille"), ("share", 0.001)),
    **dict.fromkeys(("mm", "毫米"), ("length", 0.001)),
    **dict.fromkeys(("cm", "厘米"), ("length", 0.01)),
    **dict.fromkeys(("m", "metre", "metres", "meter", "meters", "米"), ("length", 1.0)),
    **dict.fromkeys(("km", "kilometres", "kilometers", "公里", "千米"), ("length", 1000.0)),
    **dict.fromkeys(("mile", "miles", "英里"), ("length", 1609.344)),
    **dict.fromkeys(("mg", "毫克"), ("mass", 1e-6)),
    **dict.fromkeys(("g", "gram", "grams", "克"), ("mass", 0.001)),
    **dict.fromkeys(("kg", "kilogram", "kilograms", "公斤", "千克"), ("mass", 1.0)),
    **dict.fromkeys(("tonne", "tonnes", "吨"), ("mass", 1000.0)),
    **dict.fromkeys(("ms", "毫秒"), ("time", 0.001)),
    **dict.fromkeys(("s", "second", "seconds", "秒"), ("time", 1.0)),
    **dict.fromkeys(("min", "minute", "minutes", "分钟"), ("time", 60.0)),
    **dict.fromkeys(("h", "hour", "hours", "小时"), ("time", 3600.0)),
    **dict.fromkeys(("day", "days", "天"), ("time", 86400.0)),
    **dict.fromkeys(("ml", "毫升"), ("volume", 0.001)),
    **dict.fromkeys(("l", "litre", "litres", "liter", "liters", "升"), ("volume", 1.0)),
}
"""Unit → what it measures and how many of the dimension's base unit it is."""


def _either(words: Iterable[str]) -> str:
    """Longest first; a word in Latin letters has to end there, and 千克 is no thousand."""
    listed = sorted(words, key=len, reverse=True)
    ends = {"千": "(?![克米])"}
    return "|".join(w + ("(?![a-z])" if w[-1].isascii() and w[-1].isalpha() else ends.get(w, ""))
                    for w in listed)  # fmt: skip


_CHINESE = "[零〇一二两三四五六七八九十百千万亿]"
_NUMBER = re.compile(
    r"(?:(?P<before>百分之|千分之) {0,2})?"
    r"(?:(?P<minus>(?<![\w.)])[-\u2212]|负) {0,1})?"
    r"(?:(?<![A-Za-z0-9_.])"
    r"(?P<figure>[0-9]{1,3}(?:,[0-9]{3}){1,10}(?![0-9])(?:\.[0-9]{1,30})?"
    r"|[0-9]{1,30}(?![0-9])(?:\.[0-9]{1,30}(?![0-9]))?(?:e[-+]?[0-9]{1,3}(?![0-9a-z]))?)"
    rf"|(?P<numeral>{_CHINESE}{{1,30}}(?:点[零〇一二三四五六七八九]{{1,30}})?))"
    rf"(?: {{0,2}}(?P<multiple>{_either(_MULTIPLES)}))?"
    rf"(?: {{0,2}}(?P<unit>{_either(UNITS)}))?"
)


@dataclass(frozen=True, slots=True)
class Number:
    """A number as written, and its unit where that is one of `UNITS`."""

    value: float
    unit: str = ""

    def within(self, other: Number, tolerance: float) -> bool:
        """Whether ``other`` is this number, give or take ``tolerance`` in the unit of this one.

        Units of one dimension are converted, a number without unit is taken to be in the unit of
        the other, and a share without a sign is a share of one: 0.12 is 12 %.
        """
        value = other.value
        if self.unit != other.unit:
            mine, its = UNITS.get(self.unit), UNITS.get(other.unit)
            share = ("share", 1.0)
            if (mine or share)[0] == "share" and (its or share)[0] == "share":
                value *= (its or share)[1] / (mine or share)[1]
            elif mine is not None and its is not None:
                if mine[0] != its[0]:
                    return False
                value *= its[1] / mine[1]
        # One part in a billion is what conversion and binary fractions may cost.
        slack = 1e-9 * max(abs(self.value), abs(value))
        return abs(value - self.value) <= tolerance + slack


def numbers(text: str) -> list[Number]:
    """The numbers of a text in their order.

    >>> [number.value for number in numbers("about 1,234.5 km, 一百二十 of 3.2万, 百分之十")]
    [1234.5, 120.0, 32000.0, 10.0]
    """
    plain = folded(text)
    found = []
    for match in _NUMBER.finditer(plain):
        value = _value(match, plain)
        if value is not None:
            unit = {"百分之": "%", "千分之": "‰"}.get(match["before"] or "", match["unit"] or "")
            sign = -1.0 if match["minus"] else 1.0
            found.append(Number(sign * value * _multiple(match["multiple"]), unit))
    return found


def numeral(text: str) -> float | None:
    """A Chinese numeral as a number; None where the characters form none.

    >>> numeral("十二万三千零五"), numeral("三点一四"), numeral("二〇二四"), numeral("一千二")
    (123005.0, 3.14, 2024.0, 1200.0)
    """
    whole, _, fraction = text.partition("点")
    if all(character in _DIGITS for character in whole):
        value = float("".join(str(_DIGITS[c]) for c in whole)) if whole else None
    else:
        value = _grouped(whole)
    if value is None or not fraction:
        return value
    return value + float("0." + "".join(str(_DIGITS[c]) for c in fraction))


def _grouped(text: str) -> float | None:
    """Digits with 十百千 in groups of 万 and 亿; a last digit alone is of the next lower unit."""
    if not any(c in _DIGITS or c == "十" for c in text):
        return None  # 千万, 百: words rather than numbers
    total, group, digit, last = 0, 0, None, 0
    for character in text:
        if character in _DIGITS:
            if digit:
                return None  # two digits in a row beside units are no numeral
            digit = _DIGITS[character]
            last = 0 if digit == 0 else last
        elif character in _TENS:
            group += (1 if digit is None else digit) * _TENS[character]
            digit, last = None, _TENS[character]
        else:
            group, digit = group + (digit or 0), None
            last = _MYRIADS[character]
            total = (total + group) * last if character == "亿" else total + group * last
            group = 0
    if digit:
        group += digit * (last // 10 if last >= 100 else 1)
    return float(total + group)


def _multiple(word: str | None) -> float:
    return 1.0 if word is None else _MULTIPLES[word]


def _value(match: re.Match[str], plain: str) -> float | None:
    if match["figure"] is not None:
        return float(match["figure"].replace(",", ""))
    said = match["numeral"]
    if said == "一" and not match["unit"] and len(plain.strip()) > 1 and not match["before"]:
        return None
    return numeral(said)
