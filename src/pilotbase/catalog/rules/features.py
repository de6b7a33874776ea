"""Features: something is left to learn from, and a reader knows what is odd about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from pilotbase.catalog.rules.columns import feature_columns
from pilotbase.catalog.rules.values import Path
from pilotbase.kernel.errors import Fault
from pilotbase.kernel.text import Text
from pilotbase.scenario.finding import nearest
from pilotbase.scenario.read import ScenarioFile
from pilotbase.scenario.schema import LANGUAGE_TASKS

NUMBERS_SHARE_MIN = 0.9  # a text column with this share of numbers most likely has a typing error


def feature_faults(file: ScenarioFile, frame: pd.DataFrame) -> Iterator[Fault]:
    scenario = file.scenario
    if scenario.task == "forecast" or scenario.task in LANGUAGE_TASKS:
        return  # a forecast learns from the series itself, and a question is enough to be asked
    seen = feature_columns(scenario, frame.columns.tolist())
    if not seen:
        yield file.fault(
            ("features",),
            "data.no_feature",
            Text("no feature is left for a candidate", "没有可供候选方案使用的特征"),
            expected=Text("a column beside target, unit and barred", "目标、单位和禁用列以外的列"),
        )
    for column in seen:
        values = frame[column]
        if values.dtype.kind == "f" and np.isinf(values).any():
            row = int(np.flatnonzero(np.isinf(values))[0]) + 1
            yield file.fault(
                ("features",),
                "data.infinite_feature",
                Text(f"{column!r} is infinite in row {row}", f"{column!r} 第 {row} 行为无穷大"),
                expected=Text("finite numbers, or an empty cell", "有限数值, 或留空"),
            )


def candidate_faults(file: ScenarioFile, frame: pd.DataFrame) -> Iterator[Fault]:
    scenario = file.scenario
    seen = feature_columns(scenario, frame.columns.tolist())
    for at, candidate in enumerate(scenario.candidates):
        here: Path = ("candidates", at)
        for number, column in enumerate(candidate.columns or ()):
            if column in frame and column not in seen:
                yield file.fault(
                    (*here, "columns", number),
                    "data.not_a_feature",
                    Text(
                        f"{column!r} is no feature of this scenario",
                        f"{column!r} 不是本场景的特征",
                    ),
                    expected=Text(
                        "a feature; barred ones under uses_barred",
                        "特征列; 禁用列写在 uses_barred 下",
                    ),
                    nearest=nearest(column, list(seen)),
                )
        kept = set(candidate.columns if candidate.columns is not None else seen)
        kept = (kept & set(seen)) - set(candidate.drop) | set(candidate.uses_barred)
        needed = scenario.task != "forecast" and scenario.task not in LANGUAGE_TASKS
        if seen and not kept and needed:
            yield file.fault(
                (*here, "drop" if candidate.drop else "columns"),
                "data.no_feature",
                Text(
                    f"no feature is left for {candidate.id!r}",
                    f"候选方案 {candidate.id!r} 没有可用的特征",
                ),
            )


def feature_remark(file: ScenarioFile, frame: pd.DataFrame, column: str) -> Fault | None:
    values = frame[column]
    gaps, distinct = int(values.isna().sum()), values.nunique()
    if distinct == 0:
        said = Text(f"{column!r} is empty in every row", f"{column!r} 全部缺失")
    elif distinct == 1 and not gaps:
        said = Text(f"{column!r} is the same in every row", f"{column!r} 各行取值相同")
    elif (stray := _stray_text(values)) is not None:
        said = Text(
            f"{column!r} is taken as text because of row {stray + 1}: "
            f"{str(values.iloc[stray])[:40]!r}",
            f"{column!r} 因第 {stray + 1} 行 {str(values.iloc[stray])[:40]!r} 而被视为文本",
        )
    elif gaps:
        said = Text(
            f"{column!r} is missing in {gaps} of {len(values)} rows: a candidate has to fill gaps, "
            "e.g. with a step sklearn.impute.SimpleImputer",
            f"{column!r} 在 {len(values)} 行中有 {gaps} 行缺失: 候选方案须自行填补, "
            "如使用 sklearn.impute.SimpleImputer 步骤",
        )
    else:
        return None
    return file.fault(("features",), "data.feature", said)


def _stray_text(values: pd.Series[Any]) -> int | None:
    """The first cell that is no number in a text column that nearly is one, else None."""
    if values.dtype != object:
        return None
    numbers = pd.to_numeric(values, errors="coerce").notna()
    known = values.notna()
    stray = np.flatnonzero(known & ~numbers)
    if len(stray) and numbers.sum() >= NUMBERS_SHARE_MIN * known.sum():
        return int(stray[0])
    return None
