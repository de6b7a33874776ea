"""Declared perturbations: the same units, seen worse. Seeded per unit, so the same everywhere.

The candidate is fitted on what is clean and asked about what is perturbed. Barred columns stay as
they are: no criterion speaks of them.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from pilotbase.kernel.errors import DataError
from pilotbase.kernel.text import Text
from pilotbase.scenario.schema import Under
from pilotbase.trial.cases import Cases, Floats
from pilotbase.trial.rules.draws import normals, uniforms
from pilotbase.trial.rules.encoding import is_indicator, source_of

SERIES = "series"


def perturbed_features(cases: Cases, under: Under, seed: int) -> pd.DataFrame:
    """(rows, columns) the features under a perturbation, in the unit of each column.

    Noise and shift concern numeric features. Missing values concern whole columns of the table:
    all indicators of a text become NaN together. A value that was missing stays missing.

    Args:
        under: exactly one of noise, missing, shift; ``columns`` names columns of the table.

    Raises:
        DataError: a column that is no feature, or noise and shift on a text column.
    """
    chosen = _chosen(cases.features, under)
    perturbed = cases.features.copy()
    if not chosen:
        return perturbed
    draws = _draws(cases, under, seed, len(chosen))
    for place, members in enumerate(chosen.values()):
        for name in members:
            values = cases.features[name].to_numpy()
            perturbed[name] = _changed(values, draws[:, place], under)
    return perturbed


def perturbed_series(cases: Cases, under: Under, seed: int) -> Floats:
    """(rows,) the target of a rolling forecast as a perturbed history.

    What a forecast sees of a series is its past; only that is perturbed, never the value that it is
    compared with.
    """
    draws = _draws(cases, under, seed, 1, SERIES)[:, 0]
    return _changed(cases.target.astype(np.float64), draws, under)


def _changed(values: Floats, draws: Floats, under: Under) -> Floats:
    if under.missing is not None:
        return np.where(draws < under.missing, np.nan, values)
    if under.noise is not None:
        return values + under.noise * draws
    return values + (under.shift or 0.0)


def _draws(cases: Cases, under: Under, seed: int, columns: int, about: str = "features") -> Floats:
    """(rows, columns) one number a value; a unit's rows are numbered within the unit."""
    if under.shift is not None:
        return np.zeros((cases.rows, columns))
    draw = uniforms if under.missing is not None else normals
    purpose = f"perturb/{'missing' if under.missing is not None else 'noise'}/{about}"
    seen = np.zeros(cases.units, np.int64)
    numbers = np.empty((cases.rows, columns))
    for row, unit in enumerate(cases.unit):
        key = f"{cases.unit_ids[unit]}\x00{seen[unit]}"
        numbers[row] = draw(seed, purpose, key, columns)
        seen[unit] += 1
    return numbers


def _chosen(features: pd.DataFrame, under: Under) -> dict[str, list[str]]:
    """Features to change, by the table's column they come from."""
    by_source: dict[str, list[str]] = {}
    for name in features.columns:
        by_source.setdefault(source_of(name), []).append(name)
    if not under.columns:
        return {s: names for s, names in by_source.items() if not is_indicator(names[0])}
    for source in under.columns:
        if source not in by_source:
            raise _refused(source, "is no feature", "不是特征")
        if under.missing is None and is_indicator(by_source[source][0]):
            raise _refused(source, "is text; only values can be left out", "是文本列, 只能设缺失")
    return {source: by_source[source] for source in under.columns}


def _refused(column: str, en: str, zh: str) -> DataError:
    return DataError(
        "data.perturbation", Text(f"{column!r} {en}", f"{column!r} {zh}"), where="under.columns"
    )
