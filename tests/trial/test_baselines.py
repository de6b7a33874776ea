"""The base's reference answers know no more than a candidate would."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pilotbase.catalog.table import Table
from pilotbase.kernel.errors import DataError
from pilotbase.scenario.schema import Scenario
from pilotbase.trial.baselines import baseline_predictions
from pilotbase.trial.cases import OK, OUTAGE, Cases
from pilotbase.trial.question import cases_of


@pytest.fixture
def ask(
    scenario: Callable[..., Scenario], table: Callable[[pd.DataFrame], Table]
) -> Callable[..., Cases]:
    def asked(frame: pd.DataFrame, **fields: Any) -> Cases:
        return cases_of(scenario(**fields), table(frame))

    return asked


def series(values: list[float], **split: Any) -> tuple[pd.DataFrame, dict[str, Any]]:
    frame = pd.DataFrame({"t": np.arange(len(values)), "y": values})
    rolling = {"by": "rolling", "column": "t", **split}
    return frame, {"task": "forecast", "target": "y", "features": [], "split": rolling}


def test_persistence_is_the_last_value_known_at_the_origin(ask: Any):
    frame, fields = series([1, 2, 3, np.nan, 5, 6, 7], origins=3, horizon=1)
    said = baseline_predictions(ask(frame, **fields), "persistence")
    assert said.value[4:].tolist() == [3, 5, 6]
    frame, fields = series([1, 2, 3, np.nan, 5, 6, 7], origins=3, horizon=2)
    said = baseline_predictions(ask(frame, **fields), "persistence")
    assert said.value[4:].tolist() == [3, 3, 5]
    assert said.status.tolist() == [0, 0, 0, 0, OK, OK, OK]


@pytest.mark.parametrize(("horizon", "expected"), [(1, [4, 5, 6]), (4, [1, 2, 3])])
def test_seasonal_naive_goes_back_whole_seasons(ask: Any, horizon: int, expected: list[float]):
    frame, fields = series(list(range(1, 10)), origins=3, horizon=horizon, season=3)
    said = baseline_predictions(ask(frame, **fields), "seasonal_naive")
    assert said.value[6:].tolist() == expected


def test_where_nothing_is_known_far_enough_back_it_is_the_bases_outage(ask: Any):
    frame, fields = series([np.nan, 2, 3, 4, 5], origins=3, season=4)
    said = baseline_predictions(ask(frame, **fields), "seasonal_naive")
    assert said.status.tolist() == [0, 0, OUTAGE, OUTAGE, OUTAGE]


def test_the_mean_of_a_series_is_what_was_known(ask: Any):
    frame, fields = series([1, 3, 5, 100], origins=2, horizon=1)
    said = baseline_predictions(ask(frame, **fields), "mean")
    assert said.value[2:].tolist() == [2, 3]


def test_a_detection_in_time_persists_from_the_day_before(ask: Any):
    frame = pd.DataFrame(
        {"t": np.arange(6), "year": [1, 1, 1, 2, 2, 2], "x": 0.0, "wet": [0, 0, 1, 1, 0, 1]}
    )
    split = {"by": "time", "column": "t", "block": "year"}
    cases = ask(frame, task="detection", target="wet", split=split)
    said = baseline_predictions(cases, "persistence")
    assert said.label[3:].tolist() == [1, 1, 0] and said.score[3:].tolist() == [1, 1, 0]
    mean = baseline_predictions(cases, "mean")
    assert mean.score[3:] == pytest.approx([1 / 3] * 3) and mean.label[3:].tolist() == [0, 0, 0]
    majority = baseline_predictions(cases, "majority")
    assert majority.score[3:].tolist() == [0, 0, 0]


def test_several_units_persist_each_on_its_own(ask: Any):
    frame = pd.DataFrame(
        {
            "t": [0, 0, 1, 1, 2, 2],
            "who": pd.Series(["a", "b"] * 3, dtype=object),
            "y": [1.0, 10, 2, 20, 3, 30],
        }
    )
    split = {"by": "time", "column": "t", "block": "t"}
    cases = ask(frame, task="regression", target="y", unit="who", features=[], split=split)
    assert baseline_predictions(cases, "persistence").value[2:].tolist() == [1, 10, 2, 20]


def test_the_majority_comes_from_the_training_rows_only(ask: Any, kinds: pd.DataFrame):
    cases = ask(kinds)
    said = baseline_predictions(cases, "majority")
    for fold in range(3):
        learnt = cases.target[cases.training_rows(fold)].tolist()
        best = max(cases.classes, key=learnt.count)
        rows = cases.fold == fold
        assert set(said.label[rows].tolist()) == {best}
        assert said.probability is not None
        assert said.probability[rows].sum(axis=1) == pytest.approx(1)


@pytest.mark.parametrize("name", ["persistence", "seasonal_naive", "mean"])
def test_a_baseline_without_meaning_is_refused(ask: Any, kinds: pd.DataFrame, name: Any):
    with pytest.raises(DataError) as caught:
        baseline_predictions(ask(kinds), name)
    assert caught.value.code == "data.baseline"
