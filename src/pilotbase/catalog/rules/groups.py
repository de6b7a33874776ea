"""Groups and units: every case belongs to a unit, and a grouping has values to compare."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from pilotbase.catalog.rules.values import Path, plain_text, same_value
from pilotbase.kernel.errors import Fault
from pilotbase.kernel.text import Text
from pilotbase.scenario.finding import nearest
from pilotbase.scenario.read import ScenarioFile

GROUP_VALUES_MAX = 50


def group_faults(file: ScenarioFile, frame: pd.DataFrame) -> Iterator[Fault]:
    for name, group in file.scenario.groups.items():
        if group.column not in frame:
            continue
        path: Path = ("groups", name, "column")
        values = frame[group.column]
        count = values.nunique()
        if count == 0:
            yield file.fault(
                path,
                "data.empty_group",
                Text(f"{group.column!r} is empty in every row", f"{group.column!r} 全部缺失"),
                expected=Text("a column with values", "有取值的列"),
            )
        elif count > GROUP_VALUES_MAX:
            yield file.fault(
                path,
                "data.many_groups",
                Text(
                    f"{group.column!r} has {count} different values: too many to compare",
                    f"{group.column!r} 有 {count} 个不同取值, 过多而无法比较",
                ),
                expected=Text(
                    f"at most {GROUP_VALUES_MAX}; form bands in `prepare`",
                    f"至多 {GROUP_VALUES_MAX} 个; 可在 `prepare` 中分档",
                ),
            )
        for label in group.labels:
            if 0 < count <= GROUP_VALUES_MAX and not any(
                same_value(value, label) for value in values.dropna().unique().tolist()
            ):
                known = sorted(plain_text(value) for value in values.dropna().unique().tolist())
                yield file.fault(
                    ("groups", name, "labels", label),
                    "data.unknown_label",
                    Text(f"no row has the value {label!r}", f"没有取值为 {label!r} 的行"),
                    expected=Text(f"one of {', '.join(known)}", f"以下之一: {', '.join(known)}"),
                    nearest=nearest(label, known),
                )


def unit_faults(file: ScenarioFile, frame: pd.DataFrame) -> Iterator[Fault]:
    unit = file.scenario.unit
    if unit is None or unit not in frame:
        return
    gaps = frame[unit].isna()
    if gaps.any():
        row = int(np.flatnonzero(gaps)[0]) + 1
        yield file.fault(
            ("unit",),
            "data.missing_unit",
            Text(
                f"{int(gaps.sum())} rows have no {unit!r}, first row {row}",
                f"有 {int(gaps.sum())} 行缺少 {unit!r}, 首次出现在第 {row} 行",
            ),
            expected=Text("the unit of every row", "每行所属的单位"),
        )
