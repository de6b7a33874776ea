"""The columns of a case, as the tried data had them: what is missing or of the wrong kind is told.

A value may be missing only where the tried data had a missing one in that column: elsewhere nobody
has tried how the candidate answers without it. Left out and null are the same. Pure.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pilotbase.serve.rules.unfit import Unfit
from pilotbase.trial.rules.encoding import is_indicator, source_of

TOLD_MAX = 12
"""Columns that one message names; of the rest it says how many they are."""
Case = Mapping[str, Any]
Fault = tuple[str, str]


@dataclass(frozen=True)
class Column:
    """A column of the table.

    Attributes:
        words: the texts that were tried; empty for numbers.
        truth: its tried numbers were 0 and 1 only, which true and false stand for.
        missing: some of its tried values were missing.
    """

    name: str
    words: tuple[str, ...] = ()
    truth: bool = False
    missing: bool = False

    @property
    def datatype(self) -> str:
        """Its tensor's."""
        return "BYTES" if self.words else "FP64"

    def fault(self, value: Any) -> Fault | None:
        """What is wrong with a value that is there."""
        said, name = json.dumps(value, ensure_ascii=False)[:40], self.name[:60]
        if self.words:
            if isinstance(value, str) and value in self.words:
                return None
            known = ", ".join(repr(one[:40]) for one in self.words[:TOLD_MAX])
            more = " …" if len(self.words) > TOLD_MAX else ""
            return (f"{name} holds {said}; tried were {known}{more}",
                    f"{name} 的值为 {said}; 试验过的取值有 {known}{more}")  # fmt: skip
        if isinstance(value, bool) and self.truth:
            return None
        if isinstance(value, bool) or number_of(value) is None:
            return f"{name} holds {said}, which is no number", f"{name} 的值 {said} 不是数值"
        return None


def number_of(value: Any) -> float | None:
    """A finite number as a float; None where it is none, or truth."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


class Columns:
    """All columns of a case.

    Args:
        features: (rows, features) of the tried data in numbers; a text column is there as one
            indicator a value (`trial.rules.encoding`).
    """

    def __init__(self, features: pd.DataFrame) -> None:
        self.features = tuple(map(str, features.columns))
        self._each = {one.name: one for one in _read(features)}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._each)

    @property
    def datatypes(self) -> dict[str, str]:
        return {one.name: one.datatype for one in self._each.values()}

    @property
    def optional(self) -> tuple[str, ...]:
        """Those whose value may be missing."""
        return tuple(one.name for one in self._each.values() if one.missing)

    def row(self, case: Case, number: int = 0) -> list[float]:
        """A case's features; NaN where a value is missing.

        Args:
            number: of the case among several, from 1; 0 where it is the only one.

        Raises:
            Unfit: everything that is wrong with it, at once.
        """
        faults = self._faults(case)
        if faults:
            told = faults[:TOLD_MAX]
            before = (f"case {number}: ", f"第 {number} 个案例: ") if number else ("", "")
            raise Unfit(before[0] + "; ".join(en for en, _ in told),
                        before[1] + "; ".join(zh for _, zh in told))  # fmt: skip
        return [_feature(name, case.get(source_of(name))) for name in self.features]

    def _faults(self, case: Case) -> list[Fault]:
        absent = [name for name in self._each if case.get(name) is None]
        lacking = [name for name in absent if not self._each[name].missing]
        if len(absent) == len(self._each):  # a case of nothing is none, whatever was tried
            lacking = absent
        found = [_named(lacking, "missing", "缺少列")] if lacking else []
        if unknown := sorted(case.keys() - self._each.keys()):
            found.append(_named(unknown, "no such column", "没有这样的列"))
        given = (one.fault(case[name]) for name, one in self._each.items() if name not in absent)
        return [*found, *(one for one in given if one is not None)]


def _named(names: Sequence[str], en: str, zh: str) -> Fault:
    told = [name[:60] for name in names[:TOLD_MAX]]
    rest = len(names) - len(told)
    return (
        f"{en}: {', '.join(told)}" + (f" and {rest} more" if rest else ""),
        f"{zh}: {'、'.join(told)}" + (f" 等 {len(names)} 列" if rest else ""),
    )


def _read(features: pd.DataFrame) -> list[Column]:
    words, numbers = dict[str, list[str]](), dict[str, Column]()
    for name in map(str, features.columns):
        values, source = features[name].to_numpy(np.float64), source_of(name)
        unknown = np.isnan(values)
        if is_indicator(name):
            words.setdefault(source, []).append(name.partition("=")[2])
        known = values[~unknown]
        truth = len(known) > 0 and bool(np.isin(known, (0.0, 1.0)).all())
        numbers[source] = Column(source, (), truth, bool(unknown.any()))
    return [
        Column(name, tuple(words.get(name, ())), one.truth, one.missing)
        for name, one in numbers.items()
    ]


def _feature(feature: str, value: Any) -> float:
    """A feature of a value: a number, or whether a text column has the indicator's value."""
    if value is None:
        return math.nan
    if is_indicator(feature):
        return float(value == feature.partition("=")[2])
    return float(value)
