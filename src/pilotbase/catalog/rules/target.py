"""The target: present, of the right type, with classes to tell apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from pilotbase.catalog.rules.values import plain_text, same_value
from pilotbase.kernel.errors import Fault
from pilotbase.kernel.text import Text
from pilotbase.scenario.finding import nearest
from pilotbase.scenario.read import ScenarioFile
from pilotbase.scenario.schema import LANGUAGE_TASKS

CLASSES_MAX = 100


def target_faults(file: ScenarioFile, frame: pd.DataFrame) -> Iterator[Fault]:
    scenario = file.scenario
    if scenario.target not in frame or scenario.task in LANGUAGE_TASKS:
        return  # out of scope there is no answer; what is needed is told by rules.language
    values = frame[scenario.target]
    gaps = int(values.isna().sum())
    if gaps == len(values):
        yield file.fault(
            ("target",),
            "data.empty_target",
            Text("the target is missing in every row", "目标列全部缺失"),
        )
        return
    if gaps and scenario.task != "forecast":
        first = int(np.flatnonzero(values.isna())[0]) + 1
        yield file.fault(
            ("target",),
            "data.missing_target",
            Text(
                f"the target is missing in {gaps} of {len(values)} rows, first in row {first}",
                f"目标列在 {len(values)} 行中有 {gaps} 行缺失, 首次出现在第 {first} 行",
            ),
            expected=Text(
                "a value in every row; leave rows out in `prepare` and say so in `notes`",
                "每行都有取值; 可在 `prepare` 中剔除缺失行, 并在 `notes` 中说明",
            ),
        )
    if scenario.task in ("regression", "forecast"):
        yield from _numeric_faults(file, values)


def _numeric_faults(file: ScenarioFile, values: pd.Series[Any]) -> Iterator[Fault]:
    if values.dtype.kind not in "if":
        example = next(str(value) for value in values if value is not None)[:40]
        yield file.fault(
            ("target",),
            "data.target_type",
            Text(f"the target is no number, e.g. {example!r}", f"目标列不是数值, 如 {example!r}"),
            expected=Text("a column of numbers", "数值列"),
        )
    elif np.isinf(values).any():
        row = int(np.flatnonzero(np.isinf(values))[0]) + 1
        yield file.fault(
            ("target",),
            "data.infinite_target",
            Text(f"the target is infinite in row {row}", f"目标列第 {row} 行为无穷大"),
        )


def class_faults(file: ScenarioFile, frame: pd.DataFrame) -> Iterator[Fault]:
    scenario = file.scenario
    if scenario.task not in ("classification", "detection") or scenario.target not in frame:
        return
    present: list[Any] = frame[scenario.target].dropna().unique().tolist()
    shown = ", ".join(sorted(plain_text(value) for value in present)[:12])
    if len(present) == 1:
        yield file.fault(
            ("target",),
            "data.one_class",
            Text(f"the target has one class only: {shown}", f"目标列只有一个类别: {shown}"),
            expected=Text("at least two classes", "至少两个类别"),
        )
    if scenario.task == "classification" and len(present) > CLASSES_MAX:
        yield file.fault(
            ("target",),
            "data.many_classes",
            Text(f"the target has {len(present)} classes", f"目标列有 {len(present)} 个类别"),
            expected=Text(
                f"at most {CLASSES_MAX}; for numbers use the task regression",
                f"至多 {CLASSES_MAX} 个; 若为数值请用 regression 任务",
            ),
        )
    if scenario.task == "detection" and len(present) > 1:
        yield from _positive_faults(file, present)


def _positive_faults(file: ScenarioFile, present: list[Any]) -> Iterator[Fault]:
    """Left out, the positive value is 1 or true; else it has to occur."""
    positive = file.scenario.positive
    if positive is None:
        found = any(same_value(value, 1) or same_value(value, "true") for value in present)
    else:
        found = any(same_value(value, positive) for value in present)
    if not found:
        shown = ", ".join(sorted(plain_text(value) for value in present)[:12])
        yield file.fault(
            ("positive",),
            "data.no_positive",
            Text(f"no row has the value {positive!r}", f"没有取值为 {positive!r} 的行")
            if positive is not None
            else Text("which value counts as positive?", "未指明哪个取值为阳性"),
            expected=Text(f"one of {shown}", f"以下之一: {shown}"),
            nearest=nearest(positive, [plain_text(value) for value in present]),
        )
