"""From a table's columns (plain types, see catalog) to numbers and texts, the same everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from pilotbase.kernel.errors import DataError
from pilotbase.kernel.text import Text
from pilotbase.trial.cases import Floats, Labels

CATEGORIES_MAX = 200
FEATURES_MAX = 10_000


def as_text(value: Any) -> str:
    """A cell as text: whole numbers without a decimal point, truth as true/false, "" if missing.

    >>> as_text(3.0), as_text(True), as_text(None), as_text("3")
    ('3', 'true', '', '3')
    """
    if value is None:
        return ""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (float, np.floating)):
        number = float(value)
        if np.isnan(number):
            return ""
        return str(int(number)) if number.is_integer() else repr(number)
    return str(value)


def text_column(column: pd.Series[Any]) -> Labels:
    """(rows,) the column as text, "" where missing; each distinct value is converted once."""
    codes, values = pd.factorize(column)
    words = np.array([*(as_text(value) for value in values), ""], dtype=object)
    return np.asarray(words[codes], dtype=object)  # a missing value has code -1: the last word


def number_column(column: pd.Series[Any]) -> Floats | None:
    """(rows,) the column as numbers (NaN where missing, truth as 0 and 1), or None for texts."""
    if column.dtype.kind in "bif":
        return np.asarray(column.to_numpy(np.float64))
    cells = column.tolist()
    if all(cell is None or isinstance(cell, bool) for cell in cells):
        return np.array([np.nan if cell is None else float(cell) for cell in cells], np.float64)
    return None


def source_of(feature: str) -> str:
    """The table's column a feature comes from: ``sex=female`` comes from ``sex``."""
    return feature.split("=", 1)[0]


def is_indicator(feature: str) -> bool:
    """Whether the feature is one value of a text column (one-hot)."""
    return "=" in feature


def numeric_form(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame in numbers: a text column becomes one indicator a value, named ``column=value``.

    A missing text leaves all its indicators NaN, so that "not known" is never read as "none".

    Raises:
        DataError: a text column with too many values, a name with ``=``, too many features.
    """
    columns: dict[str, Floats] = {}
    for name in frame.columns:
        if "=" in str(name):
            raise _bad_name(str(name))
        numbers = number_column(frame[name])
        columns.update({str(name): numbers} if numbers is not None else _indicators(frame[name]))
    if len(columns) > FEATURES_MAX:
        raise DataError(
            "data.too_many_features",
            Text(
                f"{len(columns)} features; at most {FEATURES_MAX} are taken",
                f"共 {len(columns)} 个特征, 最多 {FEATURES_MAX} 个",
            ),
            where="features",
        )
    return pd.DataFrame(columns, index=pd.RangeIndex(len(frame)), dtype=np.float64)


def _indicators(column: pd.Series) -> Mapping[str, Floats]:
    words = text_column(column)
    values = sorted(set(words.tolist()) - {""})
    if len(values) > CATEGORIES_MAX:
        raise DataError(
            "data.too_many_values",
            Text(
                f"the text column has {len(values)} different values; at most {CATEGORIES_MAX} "
                "can be made into features",
                f"该文本列有 {len(values)} 个不同取值, 转换为特征时最多 {CATEGORIES_MAX} 个",
            ),
            where=str(column.name),
            next_step=Text(
                "Name it as unit or label, leave it out of features, or group its values in "
                "prepare.",
                "请将其设为 unit 或 label, 或不列入 features, 或在 prepare 中归并其取值。",
            ),
        )
    missing = words == ""
    return {f"{column.name}={v}": np.where(missing, np.nan, words == v) for v in values}


def _bad_name(name: str) -> DataError:
    return DataError(
        "data.feature_name",
        Text(
            'a feature\'s column must not have "=" in its name', '作为特征的列, 其列名不能含有 "="'
        ),
        where=name,
        next_step=Text("Rename the column in prepare.", "请在 prepare 中为该列改名。"),
    )
