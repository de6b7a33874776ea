"""From a table to the frozen question."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pilotbase.catalog.table import Table
from pilotbase.kernel.errors import DataError
from pilotbase.scenario.schema import Scenario
from pilotbase.trial.cases import Cases
from pilotbase.trial.question import cases_of, holdout_of

Ask = Callable[..., Cases]


@pytest.fixture
def ask(scenario: Callable[..., Scenario], table: Callable[[pd.DataFrame], Table]) -> Ask:
    def asked(frame: pd.DataFrame, **fields: Any) -> Cases:
        return cases_of(scenario(**fields), table(frame))

    return asked


def people() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "_row": np.arange(12),
            "who": pd.Series([f"p{i // 2}" for i in range(12)], dtype=object),
            "name": pd.Series([f"visit {i}" for i in range(12)], dtype=object),
            "sex": pd.Series(["f", "m", None] * 4, dtype=object),
            "age": np.arange(12) + 0.5,
            "wait": np.arange(12)[::-1] + 0.0,
            "year": np.repeat([2001, 2002, 2003], 4),
            "day": pd.Series([f"2001-01-{i + 1:02d}" for i in range(12)], dtype=object),
            "kind": pd.Series(["a", "b"] * 6, dtype=object),
            "sick": pd.Series([True, False] * 6),
            "y": np.arange(12) * 2.0,
        }
    )


def test_features_are_what_is_left_over(ask: Ask):
    cases = ask(
        people(), unit="who", label="name", barred=["wait"], split={"by": "unit", "folds": 3}
    )
    names = list(cases.features)
    assert names == [
        "sex=f",
        "sex=m",
        "age",
        "year",
        *[n for n in names if n.startswith("day=")],
        "sick",
        "y",
    ]
    assert list(cases.barred) == ["wait"]
    assert cases.unit.tolist() == [i // 2 for i in range(12)]
    assert cases.unit_ids == tuple(f"p{i}" for i in range(6))
    assert cases.names[3] == "visit 3"
    assert cases.classes == ("a", "b") and cases.target.tolist() == ["a", "b"] * 6


def test_groups_are_text_and_unknown_is_empty(ask: Ask):
    groups = {"sex": {"column": "sex"}, "year": {"column": "year"}}
    cases = ask(people(), groups=groups)
    assert cases.groups["sex"].tolist() == ["f", "m", ""] * 4
    assert set(cases.groups["year"].tolist()) == {"2001", "2002", "2003"}
    assert "sex=f" in cases.features  # a group is a feature too, unless features are listed
    assert list(ask(people(), groups=groups, features=["age"]).features) == ["age"]


def test_detection_takes_the_positive_value(ask: Ask):
    cases = ask(people(), task="detection", target="kind", positive="b")
    assert cases.target.tolist() == [0, 1] * 6
    assert ask(people(), task="detection", target="sick").target.tolist() == [1, 0] * 6


@pytest.mark.parametrize("by", ["random", "unit"])
def test_a_unit_is_never_split(ask: Ask, by: str):
    cases = ask(people(), unit="who", split={"by": by, "folds": 3})
    for unit in range(cases.units):
        assert len(set(cases.fold[cases.unit == unit].tolist())) == 1
    for fold in range(3):
        learnt = set(cases.unit[cases.training_rows(fold)].tolist())
        assert not learnt & set(cases.unit[cases.fold == fold].tolist())


def test_the_same_units_get_the_same_folds_in_any_order_of_rows(ask: Ask):
    mixed = people().iloc[[7, 2, 11, 0, 5, 8, 1, 10, 3, 6, 4, 9]].reset_index(drop=True)
    folds = []
    for cases in (ask(people(), unit="who"), ask(mixed, unit="who")):
        first = {unit: row for row, unit in reversed(list(enumerate(cases.unit)))}
        folds.append({cases.unit_ids[u]: int(cases.fold[row]) for u, row in first.items()})
    assert folds[0] == folds[1]


def test_blocks_follow_time_and_nothing_later_is_learnt_from(ask: Ask):
    cases = ask(people(), split={"by": "time", "column": "day", "block": "year"})
    assert cases.fold.tolist() == [-1] * 4 + [0] * 4 + [1] * 4
    assert "day" not in cases.features and "year" not in cases.features
    for fold in (0, 1):
        rows = cases.training_rows(fold)
        assert cases.time is not None
        assert cases.time[rows].max() < cases.time[cases.fold == fold].min()
    assert cases.scored.tolist() == [False] * 4 + [True] * 8


def test_time_without_blocks_is_cut_into_equal_ones(ask: Ask):
    cases = ask(people(), split={"by": "time", "column": "day", "folds": 2})
    assert np.bincount(cases.fold + 1).tolist() == [4, 4, 4]


def test_blocks_that_overlap_in_time_are_refused(ask: Ask):
    frame = people()
    frame["year"] = [2001, 2002] * 6
    with pytest.raises(DataError, match="overlap"):
        ask(frame, split={"by": "time", "column": "day", "block": "year"})


def test_rolling_origins_score_the_last_known_targets(ask: Ask):
    frame = people()
    frame.loc[10, "y"] = np.nan
    split = {"by": "rolling", "column": "day", "origins": 3, "horizon": 2, "season": 4}
    cases = ask(frame, task="forecast", target="y", features=[], split=split)
    assert np.flatnonzero(cases.scored).tolist() == [8, 9, 11]
    assert cases.fold[cases.scored].tolist() == [0, 1, 2]
    assert cases.fold[10] == -1 and np.isnan(cases.target[10])
    assert (cases.season, cases.horizon) == (4, 2)


def test_a_holdout_is_disjoint_and_frozen(ask: Ask, scenario: Callable[..., Scenario]):
    split = {"by": "unit", "folds": 3, "holdout": 0.34}
    asked = scenario(unit="who", split=split)
    cases = ask(people(), unit="who", split=split)
    held = holdout_of(cases, asked)
    assert held is not None
    rows = np.flatnonzero(held.scored)
    assert len(set(held.unit[rows].tolist())) == 2
    training = held.training_rows(0)
    assert not set(rows.tolist()) & set(training.tolist())
    assert not set(held.unit[rows].tolist()) & set(held.unit[training].tolist())
    assert len(rows) + len(training) == cases.rows
    assert held.digest != cases.digest
    again = holdout_of(cases, asked)
    assert again is not None and again.digest == held.digest
    assert holdout_of(cases, scenario(unit="who")) is None


def test_rows_in_time_have_no_holdout(ask: Ask, scenario: Callable[..., Scenario]):
    split = {"by": "time", "column": "day", "holdout": 0.2}
    with pytest.raises(DataError) as caught:
        holdout_of(ask(people(), split=split), scenario(split=split))
    assert caught.value.code == "data.holdout_in_time"


def test_the_digest_is_fixed_and_notices_every_change(ask: Ask):
    first = ask(people())
    assert first.digest == "sha256:acd2f6be05e0db3cafafc7524085e7597bc0724dea10a5e94a67248a82619b3c"
    frame = people()
    frame.loc[3, "age"] = 99.0
    others = [
        ask(frame),
        ask(people(), plan={"seed": 2}),
        ask(people(), barred=["wait"]),
        ask(people(), groups={"sex": {"column": "sex"}}),
    ]
    assert len({first.digest, *(cases.digest for cases in others)}) == 5


@pytest.mark.parametrize(
    ("code", "fields", "change"),
    [
        ("data.missing_column", {"target": "kin"}, {}),
        ("data.missing_column", {"groups": {"g": {"column": "sez"}}}, {}),
        ("data.one_class", {}, {"kind": "a"}),
        ("data.missing_value", {}, {"kind": None}),
        ("data.missing_value", {"unit": "who"}, {"who": None}),
        ("data.missing_value", {"task": "regression", "target": "y"}, {"y": np.nan}),
        ("data.missing_value", {"task": "forecast", "target": "y"}, {"y": np.inf}),
        ("data.target_not_numeric", {"task": "regression", "target": "name"}, {}),
        ("data.no_positive", {"task": "detection", "target": "kind"}, {}),
        ("data.one_class", {"task": "detection", "target": "kind", "positive": "z"}, {}),
        ("data.feature_not_allowed", {"features": ["age", "kind"]}, {}),
        ("data.feature_not_allowed", {"features": ["wait"], "barred": ["wait"]}, {}),
        ("data.too_few", {"split": {"by": "random", "folds": 20}}, {}),
        ("data.too_few", {"split": {"by": "rolling"}}, {}),
        (
            "data.too_few",
            {"task": "forecast", "target": "y", "split": {"by": "rolling", "column": "year"}},
            {},
        ),
        (
            "data.too_few",
            {"task": "regression", "target": "y", "split": {"by": "random", "stratify": True}},
            {},
        ),
    ],
)
def test_what_cannot_be_asked_is_said(ask: Ask, code: str, fields: Any, change: Any):
    frame = people()
    for column, value in change.items():
        frame[column] = value
    with pytest.raises(DataError) as caught:
        ask(frame, **fields)
    assert caught.value.code == code
    assert caught.value.message.zh and caught.value.next_step.en


def test_a_near_name_is_offered(ask: Ask):
    with pytest.raises(DataError) as caught:
        ask(people(), target="kinds")
    assert "kind" in caught.value.next_step.en


def test_an_empty_table_is_refused(ask: Ask):
    with pytest.raises(DataError) as caught:
        ask(people().iloc[:0])
    assert caught.value.code == "data.empty"
