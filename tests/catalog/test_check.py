"""What a table must hold: every fault is found, at its place, with the nearest word."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pilotbase.catalog.check import data_faults, data_remarks
from pilotbase.catalog.load import load_table
from pilotbase.catalog.rules.columns import feature_columns
from pilotbase.catalog.rules.values import plain_text, same_value
from pilotbase.catalog.table import Table, content_digest, plain_frame
from pilotbase.kernel.errors import Fault
from pilotbase.kernel.text import Text
from pilotbase.scenario.read import ScenarioFile, scenario_of

ROWS = 40
FOREST = "sklearn.ensemble.RandomForestClassifier"
RIDGE = [{"id": "ridge", "estimator": "sklearn.linear_model.Ridge"}]

SMALL: dict[str, Any] = {
    "pilotbase": 1,
    "id": "small",
    "title": {"en": "Small", "zh": "小例"},
    "need": {"en": "To see.", "zh": "查看。"},
    "item": "A2.2",
    "owner": {"name": "Works", "principal": "Lin Hai"},
    "affects_people": False,
    "task": "detection",
    "data": {"csv": "t.csv"},
    "target": "bad",
    "positive": 1,
    "groups": {"shift": {"column": "shift"}},
    "split": {"by": "random", "folds": 5, "stratify": True},
    "acceptance": [{"metric": "recall", "at_least": 0.5}],
    "candidates": [{"id": "forest", "estimator": FOREST}],
}


def scenario(**changes: Any) -> ScenarioFile:
    """A good scenario with some words changed; a file that is read as a user's is."""
    content = {word: value for word, value in (SMALL | changes).items() if value is not None}
    return scenario_of(json.dumps(content, indent=1), Path("small.yaml"))


def frame(**changes: Any) -> pd.DataFrame:
    columns: dict[str, Any] = {
        "speed": np.arange(ROWS) * 0.5,
        "heat": np.arange(ROWS) % 7,
        "shift": ["day", "night"] * (ROWS // 2),
        "bad": [0, 0, 0, 1] * (ROWS // 4),
        "day": [f"2020-01-{1 + i // 4:02d}" for i in range(ROWS)],
    } | changes
    return plain_frame(pd.DataFrame({k: v for k, v in columns.items() if v is not None}), "test")


def table(data: pd.DataFrame) -> Table:
    digest = content_digest(data)
    return Table(data, Text("test", "测试"), digest, digest)


def faults(file: ScenarioFile, data: pd.DataFrame | None = None) -> list[Fault]:
    found = data_faults(file, table(frame() if data is None else data))
    for fault in found:
        assert fault.message.en and fault.message.zh and fault.message.en != fault.message.zh
        assert fault.line > 0, "every fault has its place in the file"
    return found


def codes(file: ScenarioFile, data: pd.DataFrame | None = None) -> list[tuple[str, str]]:
    return [(fault.code, fault.path) for fault in faults(file, data)]


def test_good_data_have_no_fault() -> None:
    assert faults(scenario()) == []


def test_every_missing_column_is_named_at_once_with_the_nearest() -> None:
    file = scenario(
        target="badd",
        unit="nothing like it",
        label="dayy",
        features=["speed", "heet", "heatt"],
        barred=["hheat"],
        groups={"g": {"column": "shft"}},
        split={"by": "time", "column": "days", "block": "zzz"},
        acceptance=[
            {"metric": "recall", "at_least": 0.5, "under": {"noise": 1, "columns": ["sped"]}}
        ],
        candidates=[
            {"id": "a", "estimator": FOREST, "drop": ["speeed"]},
            {"id": "b", "estimator": FOREST, "columns": ["heatt"]},
        ],
    )  # fmt: skip
    assert {fault.path: fault.nearest for fault in faults(file)} == {
        "target": "bad",
        "unit": None,
        "label": "day",
        "features[1]": "heat",
        "features[2]": "heat",
        "barred[0]": "heat",
        "groups.g.column": "shift",
        "split.column": "day",
        "split.block": None,
        "acceptance[0].under.columns[0]": "speed",
        "candidates[0].drop[0]": "speed",
        "candidates[1].columns[0]": "heat",
    }


@pytest.mark.parametrize(
    ("words", "columns", "code", "path"),
    [
        ({}, {"bad": [1.0, np.nan] * 20}, "data.missing_target", "target"),
        ({}, {"bad": [np.nan] * 40}, "data.empty_target", "target"),
        ({}, {"bad": [1] * 40}, "data.one_class", "target"),
        ({"positive": "yes"}, {"bad": ["no", "yess"] * 20}, "data.no_positive", "positive"),
        ({"positive": 2}, {}, "data.no_positive", "positive"),
        (
            {"task": "regression", "target": "shift", "positive": None, "groups": None,
             "split": {"by": "random"}, "candidates": RIDGE,
             "acceptance": [{"metric": "mae", "cap": 1, "at_most": 1}]},
            {}, "data.target_type", "target",
        ),
        (
            {"task": "regression", "target": "speed", "positive": None,
             "split": {"by": "random"}, "candidates": RIDGE,
             "acceptance": [{"metric": "mae", "cap": 1, "at_most": 1}]},
            {"speed": [np.inf] + [1.0] * 39}, "data.infinite_target", "target",
        ),
        (
            {"task": "classification", "target": "serial", "positive": None,
             "split": {"by": "random"}, "acceptance": [{"metric": "accuracy", "at_least": 0.5}]},
            {"serial": None}, "data.many_classes", "target",
        ),
        ({}, {"shift": [None] * 40}, "data.empty_group", "groups.shift.column"),
        ({"groups": {"shift": {"column": "serial"}}}, {"serial": None}, "data.many_groups",
         "groups.shift.column"),
        ({"groups": {"shift": {"column": "shift", "labels": {"nigt": {"en": "n", "zh": "夜"}}}}},
         {}, "data.unknown_label", "groups.shift.labels.nigt"),
        ({"unit": "who"}, {"who": ["a", None] * 20}, "data.missing_unit", "unit"),
        ({"split": {"by": "random", "folds": 30}}, {}, "data.few_rows", "split.folds"),
        ({"unit": "shift", "groups": None, "split": {"by": "unit"}}, {}, "data.few_rows",
         "split.folds"),
        ({"split": {"by": "random", "folds": 11, "stratify": True}}, {}, "data.small_class",
         "split.folds"),
        ({"split": {"by": "time", "column": "day", "block": "one"}}, {"one": [1] * 40},
         "data.few_rows", "split.block"),
        ({"split": {"by": "time", "column": "when"}}, {"when": [None, "2020"] * 20},
         "data.missing_time", "split.column"),
        ({"barred": ["speed", "heat", "shift", "day"], "groups": None}, {}, "data.no_feature",
         "features"),
        ({}, {"speed": [np.inf] + [1.0] * 39}, "data.infinite_feature", "features"),
        ({"unit": "day", "candidates": [{"id": "a", "estimator": FOREST, "columns": ["day"]}]}, {},
         "data.not_a_feature", "candidates[0].columns[0]"),
        ({"features": ["heat"], "candidates": [{"id": "a", "estimator": FOREST, "drop": ["heat"]}]},
         {}, "data.no_feature", "candidates[0].drop"),
    ],
)  # fmt: skip
def test_each_fault_has_its_code_and_place(
    words: dict[str, Any], columns: dict[str, Any], code: str, path: str
) -> None:
    if columns == {"serial": None}:
        data = pd.concat([frame()] * 3, ignore_index=True).assign(serial=np.arange(120.0))
    else:
        data = frame(**columns)
    assert (code, path) in codes(scenario(**words), data)


FORECAST: dict[str, Any] = {
    "task": "forecast",
    "target": "speed",
    "positive": None,
    "groups": None,
    "acceptance": [{"metric": "mae", "cap": 1, "at_most": 1}],
    "candidates": [{"id": "a", "estimator": "statsmodels.tsa.statespace.sarimax.SARIMAX"}],
}


def test_a_forecast_may_have_gaps_but_needs_points_and_one_series() -> None:
    good = {"by": "rolling", "column": "heat", "origins": 20, "horizon": 1, "season": 4}
    gaps = frame(speed=[np.nan, *np.arange(39.0)], heat=np.arange(40))
    assert faults(scenario(**FORECAST, split=good), gaps) == []
    short = scenario(**FORECAST, split=good | {"origins": 35})
    assert ("data.few_rows", "split.origins") in codes(short, gaps)
    assert ("data.double_time", "split.column") in codes(scenario(**FORECAST, split=good))


def test_many_faults_come_together_and_none_twice() -> None:
    file = scenario(unit="who", positive=7, groups={"g": {"column": "shift"}}, barred=["no"])
    data = frame(shift=[None] * 40, who=["a", None] * 20, speed=[np.inf] * 40)
    found = codes(file, data)
    assert len(found) == len(set(found)) >= 5


def test_features_are_what_is_left_and_barred_columns_never() -> None:
    file = scenario(unit="who", label="day", barred=["heat"], split={"by": "random"})
    names = ["_row", "who", "day", "speed", "heat", "shift", "bad"]
    assert feature_columns(file.scenario, names) == ("speed", "shift")
    listed = scenario(features=["heat", "speed"], split={"by": "random"})
    assert feature_columns(listed.scenario, names) == ("speed", "heat"), "in the table's order"


def test_remarks_are_for_the_reader_and_block_nothing() -> None:
    data = frame(
        flat=[1] * 40,
        none=[np.nan] * 40,
        holes=[np.nan, 1.0] * 20,
        typo=["1.5"] * 39 + ["l.5"],
        shift=["day"] * 40,
    )
    file = scenario()
    assert faults(file, data) == []
    said = " | ".join(remark.message.en for remark in data_remarks(file, table(data)))
    for words in (
        "'flat' is the same in every row",
        "'none' is empty in every row",
        "'holes' is missing in 20 of 40 rows",
        "'typo' is taken as text because of row 40: 'l.5'",
        "the same value of 'shift'",
    ):
        assert words in said
    assert "'speed'" not in said


@pytest.mark.parametrize(
    ("cell", "word", "same"),
    [(1.0, 1, True), (1, "1", True), (True, True, True), (True, "true", True), (1, True, False),
     ("yes", "yes", True), ("yes", "Yes", False), (0.5, 0.5, True)],
)  # fmt: skip
def test_a_cell_equals_the_word_that_a_reader_would_write(cell: Any, word: Any, same: bool) -> None:
    assert same_value(cell, word) is same
    assert plain_text(np.float64(2.0)) == "2"


def test_faults_stand_where_the_file_says_it(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,0\n2,1\n", encoding="utf-8")
    text = json.dumps(SMALL, indent=1)
    file = scenario_of(text, tmp_path / "small.yaml")
    found = data_faults(file, load_table(file.scenario.data, file.folder))
    target = next(fault for fault in found if fault.path == "target")
    assert '"target": "bad"' in text.splitlines()[target.line - 1]
