"""The split: enough units, blocks or points for the folds that the plan asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from pilotbase.catalog.rules.values import plain_text
from pilotbase.kernel.errors import Fault
from pilotbase.kernel.text import Text
from pilotbase.scenario.read import ScenarioFile


def split_faults(file: ScenarioFile, frame: pd.DataFrame) -> Iterator[Fault]:
    rules: dict[str, Callable[[ScenarioFile, pd.DataFrame], Iterator[Fault]]] = {
        "random": _folds,
        "unit": _folds,
        "time": _blocks,
        "rolling": _origins,
        "frozen": _nothing,
    }
    split = file.scenario.split
    for field in ("column", "block"):
        column = getattr(split, field)
        if column in frame and frame[column].isna().any():
            row = int(np.flatnonzero(frame[column].isna())[0]) + 1
            yield file.fault(
                ("split", field),
                "data.missing_time",
                Text(
                    f"{column!r} is missing, first in row {row}",
                    f"{column!r} 有缺失, 首次出现在第 {row} 行",
                ),
                expected=Text("a value in every row", "每行都有取值"),
            )
    yield from rules[split.by](file, frame)


def _nothing(file: ScenarioFile, frame: pd.DataFrame) -> Iterator[Fault]:
    """Nobody learns: one row is enough to be asked."""
    yield from ()


def _folds(file: ScenarioFile, frame: pd.DataFrame) -> Iterator[Fault]:
    scenario = file.scenario
    split = scenario.split
    unit = scenario.unit
    units = frame[unit].nunique() if unit is not None and unit in frame else len(frame)
    kept = units - round(units * split.holdout)
    if kept < 2 * split.folds:
        yield file.fault(
            ("split", "folds"),
            "data.few_rows",
            Text(
                f"{kept} units are too few for {split.folds} folds",
                f"{kept} 个单位不足以分成 {split.folds} 折",
            ),
            expected=Text("at least two units a fold", "每折至少两个单位"),
        )


def strata_faults(file: ScenarioFile, frame: pd.DataFrame) -> Iterator[Fault]:
    scenario = file.scenario
    split = scenario.split
    if not split.stratify or split.by not in ("random", "unit") or scenario.target not in frame:
        return
    if scenario.task not in ("classification", "detection"):
        return
    counts = frame[scenario.target].value_counts()
    for value, count in counts.items():
        kept = int(count) - round(int(count) * split.holdout)
        if kept < split.folds:
            yield file.fault(
                ("split", "folds"),
                "data.small_class",
                Text(
                    f"class {plain_text(value)!r} has {kept} rows beside the hold-out, "
                    f"fewer than {split.folds} folds",
                    f"类别 {plain_text(value)!r} 除留出部分外有 {kept} 行, 少于 {split.folds} 折",
                ),
                expected=Text("one row of each class a fold", "每折每类至少一行"),
            )


def _blocks(file: ScenarioFile, frame: pd.DataFrame) -> Iterator[Fault]:
    split = file.scenario.split
    field = "block" if split.block is not None else "column"
    column = getattr(split, field)
    if column is not None and column in frame and frame[column].nunique() < 2:
        yield file.fault(
            ("split", field),
            "data.few_rows",
            Text(f"{column!r} has a single value", f"{column!r} 只有一个取值"),
            expected=Text(
                "at least two blocks: the first is only learnt from",
                "至少两个时段: 第一个时段仅用于学习",
            ),
        )


def _origins(file: ScenarioFile, frame: pd.DataFrame) -> Iterator[Fault]:
    split = file.scenario.split
    needed = split.origins + split.horizon + 2 * split.season
    if len(frame) < needed:
        yield file.fault(
            ("split", "origins"),
            "data.few_rows",
            Text(
                f"the series has {len(frame)} points, {needed} are needed for {split.origins} "
                "origins and two seasons to learn from",
                f"序列有 {len(frame)} 个点; {split.origins} 个预测起点加两个学习周期至少需要 "
                f"{needed} 个",
            ),
        )
    column = split.column
    if column is not None and column in frame and frame[column].duplicated().any():
        row = int(np.flatnonzero(frame[column].duplicated())[0]) + 1
        yield file.fault(
            ("split", "column"),
            "data.double_time",
            Text(
                f"{column!r} repeats an earlier point in row {row}",
                f"{column!r} 第 {row} 行与之前的时间点重复",
            ),
            expected=Text("one series, one row a point in time", "单一序列, 每个时间点一行"),
        )
