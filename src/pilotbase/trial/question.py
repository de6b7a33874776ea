"""From a prepared table to the frozen question: features, target, units, groups and folds."""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pilotbase.catalog.rules.columns import feature_columns
from pilotbase.catalog.table import Table
from pilotbase.kernel import canonical
from pilotbase.kernel.errors import CHECK_INPUT, DataError
from pilotbase.kernel.text import Text
from pilotbase.scenario.schema import LANGUAGE_TASKS, Scenario
from pilotbase.trial.cases import Cases, Ints, Labels
from pilotbase.trial.language import language_of, language_words
from pilotbase.trial.rules import folds
from pilotbase.trial.rules.encoding import as_text, number_column, numeric_form, text_column

ROW = "_row"  # the loader's row number, which a prepare step may carry along


def cases_of(scenario: Scenario, table: Table, documents: Table | None = None) -> Cases:
    """The question that a scenario asks of its prepared table, folds included.

    Features are all columns that are not target, unit, label, time, block or barred, unless the
    scenario lists them. Text columns become indicators (`rules.encoding.numeric_form`), except for
    tasks of language, which see them as they are.

    Args:
        documents: the passages that may be cited, for tasks of language.

    Raises:
        DataError: a column that is missing or of the wrong kind, a target with gaps or one class,
            folds that the data cannot fill.
    """
    frame = table.frame
    if frame.empty:
        raise _error("empty", "the prepared table has no rows", "准备后的数据表没有任何行", "data")
    _require(frame, _named_columns(scenario))
    target, classes = _target(scenario, frame[scenario.target])
    unit, unit_ids = _units(scenario, frame)
    time = _time(scenario, frame)
    fold, scored = _folds(scenario, frame, target, unit, unit_ids, time)
    names = (
        text_column(frame[scenario.label]).tolist()
        if scenario.label
        else [unit_ids[u] for u in unit]
    )
    in_words = scenario.task in LANGUAGE_TASKS
    form = _as_it_is if in_words else numeric_form
    cases = Cases(
        task=scenario.task,
        features=form(frame[_feature_columns(scenario, frame)]),
        barred=form(frame[list(scenario.barred)]),
        target=target,
        classes=classes,
        unit=unit,
        unit_ids=unit_ids,
        names=names,
        groups={name: text_column(frame[g.column]) for name, g in scenario.groups.items()},
        scored=scored,
        fold=fold,
        split=scenario.split.by,
        time=time,
        season=scenario.split.season,
        horizon=scenario.split.horizon,
        language=language_of(scenario, frame, documents) if in_words else None,
    )
    return dataclasses.replace(cases, digest=cases_digest(cases))


def _as_it_is(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.reset_index(drop=True)


def holdout_of(cases: Cases, scenario: Scenario) -> Cases | None:
    """The question for the reading on *future cases*: units kept untouched, one frozen fit.

    Units are drawn by the scenario's seed (for a trial, the drawn one); their rows are scored by
    fold 0, whose training rows are all the others (the split is then called "time": the rest comes
    first and is learnt from).

    Returns:
        None where the scenario keeps no hold-out.

    Raises:
        DataError: a hold-out is asked for rows in time, which are not independent.
    """
    share = scenario.split.holdout
    if not share:
        return None
    if cases.split not in ("random", "unit"):
        raise _error(
            "holdout_in_time",
            "a hold-out needs independent rows; rows in time have none",
            "留出集要求各行相互独立, 按时间划分的数据不满足",
            "split.holdout",
        )
    held = folds.holdout_units(cases.unit_ids, scenario.plan.seed, share)[cases.unit]
    known = _known(cases.target)
    fold = np.where(held & known, 0, -1).astype(np.int64)
    if not (fold == -1).any():
        raise _error(
            "holdout_all", "the hold-out takes every unit", "留出集占用了全部单元", "split"
        )
    kept = dataclasses.replace(cases, split="time", fold=fold, scored=fold == 0, digest="")
    return dataclasses.replace(kept, digest=cases_digest(kept))


def cases_digest(cases: Cases) -> str:
    """``sha256:<hex>`` of everything in the question that can change an answer or its count."""
    columns = {
        **{f"feature:{name}": cases.features[name].to_numpy() for name in cases.features},
        **{f"barred:{name}": cases.barred[name].to_numpy() for name in cases.barred},
    }
    numbers = {
        **{name: values for name, values in columns.items() if values.dtype != object},
        "unit": cases.unit,
        "fold": cases.fold,
        "scored": cases.scored.astype(np.int64),
    }
    if cases.time is not None:
        numbers["time"] = cases.time
    words: dict[str, Any] = {
        f"group:{name}": values.tolist() for name, values in cases.groups.items()
    }
    words |= {name: _texts(values) for name, values in columns.items() if values.dtype == object}
    if cases.language is not None:
        words |= language_words(cases.language)
    if cases.target.dtype == object:
        words["target"] = cases.target.tolist()
    else:
        numbers["target"] = cases.target
    return canonical.digest(
        {
            "format": "pilotbase/cases/1",
            "task": cases.task,
            "split": cases.split,
            "season": cases.season,
            "horizon": cases.horizon,
            "classes": list(cases.classes),
            "unit_ids": list(cases.unit_ids),
            "numbers": {name: _bytes_digest(values) for name, values in numbers.items()},
            "words": words,
        }
    )


def _texts(values: Labels) -> list[str | None]:
    return [None if pd.isna(value) else str(value) for value in values]


def _bytes_digest(values: NDArray[Any]) -> str:
    """Hash of 8-byte little-endian numbers, with one NaN and one zero."""
    if values.dtype.kind == "f":
        values = np.where(np.isnan(values), np.nan, values + 0.0).astype("<f8")
    else:
        values = values.astype("<i8")
    return hashlib.sha256(values.tobytes()).hexdigest()


def _feature_columns(scenario: Scenario, frame: pd.DataFrame) -> list[str]:
    split = scenario.split
    held_back = {
        scenario.target, scenario.unit, scenario.label, split.column, split.block,
        scenario.question, scenario.scope, scenario.sources, scenario.language,
        *(candidate.results for candidate in scenario.candidates),
    }  # fmt: skip
    for name in scenario.features or ():
        if name in held_back or name in scenario.barred:
            raise _error(
                "feature_not_allowed",
                f"{name!r} is the target, a unit, label, time or barred column: no feature",
                f"{name!r} 是目标、单元、名称、时间或禁用列, 不能作为特征",
                "features",
            )
    return list(feature_columns(scenario, list(frame.columns)))


def _named_columns(scenario: Scenario) -> list[tuple[str, str]]:
    """(where the file names it, column) for every column that has to exist."""
    split = scenario.split
    single = {
        "target": scenario.target,
        "unit": scenario.unit,
        "label": scenario.label,
        "split.column": split.column,
        "split.block": split.block,
        "question": scenario.question,
        "scope": scenario.scope,
        "sources": scenario.sources,
        "language": scenario.language,
    }
    named = [(where, column) for where, column in single.items() if column is not None]
    named += [(f"groups.{name}.column", group.column) for name, group in scenario.groups.items()]
    named += [("features", column) for column in scenario.features or ()]
    return named + [("barred", column) for column in scenario.barred]


def _require(frame: pd.DataFrame, named: Iterable[tuple[str, str]]) -> None:
    columns = [str(name) for name in frame.columns]
    for where, column in named:
        if column not in columns:
            near = difflib.get_close_matches(column, columns, n=1)
            shown = near[0] if near else ", ".join(columns[:8])
            raise _error(
                "missing_column",
                f"the prepared table has no column {column!r}",
                f"准备后的数据表中没有列 {column!r}",
                where,
                Text(f"Perhaps: {shown}.", f"可能是: {shown}。"),
            )


def _target(scenario: Scenario, column: pd.Series[Any]) -> tuple[Labels, tuple[str, ...]]:
    if scenario.task in ("regression", "forecast"):
        return _number_target(scenario, column), ()
    words = text_column(column)
    if scenario.task in LANGUAGE_TASKS:
        return words.astype(object), ()
    gaps = np.flatnonzero(words == "")
    if len(gaps):
        raise _gap(scenario.target, int(gaps[0]), len(gaps))
    if scenario.task == "classification":
        classes = tuple(sorted(set(words.tolist())))
        if len(classes) < 2:
            raise _one_class(scenario.target, classes[0])
        return words, classes
    return _positive(scenario, words), ()


def _number_target(scenario: Scenario, column: pd.Series[Any]) -> Labels:
    numbers = number_column(column)
    if numbers is None:
        raise _error(
            "target_not_numeric",
            f"the target of a {scenario.task} must be numbers; it holds text",
            "回归或预测任务的目标列必须为数值, 现为文本",
            scenario.target,
        )
    gaps = np.flatnonzero(~np.isfinite(numbers))
    if len(gaps) and (scenario.task == "regression" or np.isinf(numbers).any()):
        raise _gap(scenario.target, int(gaps[0]), len(gaps))
    return numbers


def _positive(scenario: Scenario, words: Labels) -> Labels:
    values = sorted(set(words.tolist()))
    positive = as_text(scenario.positive)
    if scenario.positive is None:
        if not set(values) <= {"0", "1"} and not set(values) <= {"false", "true"}:
            raise _error(
                "no_positive",
                f"which value counts as positive? The target has {', '.join(values[:8])}",
                f"未指明哪个取值为阳性; 目标列的取值有 {', '.join(values[:8])}",
                scenario.target,
                Text("Name it under `positive:`.", "请在 positive: 中写明。"),
            )
        positive = "true" if "true" in values else "1"
    if len(values) < 2 or positive not in values:
        raise _one_class(scenario.target, f"{', '.join(values[:8])} (positive: {positive})")
    return np.asarray((words == positive).astype(np.int64))


def _units(scenario: Scenario, frame: pd.DataFrame) -> tuple[Ints, tuple[str, ...]]:
    """(rows,) the unit's number by first appearance, and the units' ids."""
    if scenario.unit is None:
        column = ROW if ROW in frame.columns and frame[ROW].is_unique else None
        words = text_column(frame[column]) if column else np.arange(len(frame)).astype(str)
    else:
        words = text_column(frame[scenario.unit])
        if (words == "").any():
            raise _gap(scenario.unit, int(np.argmax(words == "")), int((words == "").sum()))
    codes, ids = pd.factorize(np.asarray(words, dtype=object))
    return codes.astype(np.int64), tuple(str(i) for i in ids)


def _time(scenario: Scenario, frame: pd.DataFrame) -> Ints | None:
    """(rows,) dense rank in time; numbers by size, ISO dates and other texts in their order."""
    name = scenario.split.column
    if name is None:
        return None
    return _rank(frame[name], name)


def _rank(column: pd.Series[Any], name: str) -> Ints:
    numbers = number_column(column)
    values = numbers if numbers is not None else text_column(column).astype(str)
    missing = np.isnan(values) if numbers is not None else values == ""
    if missing.any():
        raise _gap(name, int(np.argmax(missing)), int(missing.sum()))
    return np.asarray(np.unique(values, return_inverse=True)[1], np.int64)


def _folds(
    scenario: Scenario,
    frame: pd.DataFrame,
    target: Labels,
    unit: Ints,
    unit_ids: tuple[str, ...],
    time: Ints | None,
) -> tuple[Ints, NDArray[np.bool_]]:
    known = _known(target)
    try:
        if scenario.split.by == "frozen":
            fold = np.zeros(len(frame), np.int64)
        elif scenario.split.by in ("random", "unit"):
            fold = _unit_folds(scenario, target, unit, unit_ids)
        elif scenario.split.by == "time":
            fold = folds.block_folds(_blocks(scenario, frame, time))
        else:
            fold = _rolling(scenario, known, time)
    except ValueError as error:
        raise _error(
            "too_few",
            f"the data cannot fill the split: {error}",
            f"数据不足以按此方式划分: {error}",
            "split",
            Text("Ask for fewer folds, blocks or origins.", "请减少折数、时段数或预测起点数。"),
        ) from error
    fold = np.where(known, fold, -1).astype(np.int64)
    return fold, fold >= 0


def _known(target: Labels) -> NDArray[np.bool_]:
    if target.dtype.kind == "f":
        return ~np.isnan(target.astype(np.float64))
    return np.ones(len(target), np.bool_)


def _unit_folds(scenario: Scenario, target: Labels, unit: Ints, unit_ids: tuple[str, ...]) -> Ints:
    split = scenario.split
    strata: list[str] | None = None
    if split.stratify:
        if scenario.task in ("regression", "forecast"):
            raise ValueError("stratify needs classes, the target is a number")
        # A unit with several rows belongs to the stratum of its first one.
        first = np.unique(unit, return_index=True)[1]
        strata = [str(target[row]) for row in first]
    return folds.unit_folds(unit_ids, scenario.plan.seed, split.folds, strata)[unit]


def _blocks(scenario: Scenario, frame: pd.DataFrame, time: Ints | None) -> Ints:
    split = scenario.split
    if split.block is None:
        if time is None:
            raise ValueError("a split by time needs `column` or `block`")
        return folds.equal_blocks(time, split.folds + 1)
    block = _rank(frame[split.block], split.block)
    if time is not None:
        order = np.lexsort((time, block))
        if (np.diff(time[order]) < 0).any():
            raise ValueError("blocks overlap in time")
    return block


def _rolling(scenario: Scenario, known: NDArray[np.bool_], time: Ints | None) -> Ints:
    if time is None:
        raise ValueError("rolling origins need `column`, the column of time")
    if len(np.unique(time)) < len(time):
        raise ValueError("rolling origins need one series: two rows have the same time")
    return folds.rolling_origins(time, known, scenario.split.origins, scenario.split.horizon)


def _error(code: str, en: str, zh: str, where: str, next_step: Text = CHECK_INPUT) -> DataError:
    return DataError(f"data.{code}", Text(en, zh), where=where, next_step=next_step)


def _gap(column: str, row: int, count: int) -> DataError:
    return _error(
        "missing_value",
        f"{count} rows have no value in {column!r}, first row {row + 1}",
        f"列 {column!r} 有 {count} 行缺值, 首个为第 {row + 1} 行",
        column,
        Text(
            "Complete them, or leave the rows out in prepare.",
            "请补全, 或在 prepare 中去掉这些行。",
        ),
    )


def _one_class(column: str, shown: str) -> DataError:
    return _error(
        "one_class",
        f"the target has one class only: {shown}",
        f"目标列只有一个类别: {shown}",
        column,
    )
