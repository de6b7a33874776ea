"""The leak check finds what gives the answer away, and is quiet about honest columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pilotbase.catalog.table import Table
from pilotbase.scenario.schema import Scenario
from pilotbase.trial.leaks import Finding, find_leaks
from pilotbase.trial.question import cases_of

Find = Callable[..., dict[str, Finding]]
ACCURATE = [{"metric": "accuracy", "at_least": 0.9}]


@pytest.fixture
def find(scenario: Callable[..., Scenario], table: Callable[[pd.DataFrame], Table]) -> Find:
    def found(frame: pd.DataFrame, **fields: Any) -> dict[str, Finding]:
        asked = scenario(**fields)
        return {f.id: f for f in find_leaks(cases_of(asked, table(frame)), asked)}

    return found


def travellers(rows: int = 300, seed: int = 5) -> pd.DataFrame:
    """Three modes of travel. Waiting times of modes that were not taken are filled in (as in the
    travel-mode data): 60 minutes by air, 35 by train. Costs are honest and weak."""
    random = np.random.default_rng(seed)
    mode = random.choice(["air", "car", "train"], rows)
    return pd.DataFrame(
        {
            "cost": random.normal(100, 20, rows) + 15 * (mode == "air"),
            "time": random.normal(300, 60, rows) - 30 * (mode == "car"),
            "wait_air": np.where(mode == "air", random.integers(5, 115, rows), 60.0),
            "wait_train": np.where(mode == "train", random.integers(5, 75, rows), 35.0),
            "mode": pd.Series(mode.tolist(), dtype=object),
        }
    )


def test_filled_in_waiting_times_are_caught(find: Find):
    found = find(travellers(), target="mode", acceptance=ACCURATE)
    assert {"leak:giveaway:wait_air", "leak:giveaway:wait_train"} <= set(found)
    air = found["leak:giveaway:wait_air"]
    assert air.blocks and air.columns == ("wait_air",) and air.value > 0.98
    assert "60" in air.text.en and "'air'" in air.text.en and air.text.zh
    assert not any("cost" in id_ or "time'" in id_ for id_ in found)


def test_barred_columns_show_why_they_are_barred_and_block_nothing(find: Find):
    found = find(
        travellers(),
        target="mode",
        acceptance=ACCURATE,
        barred=["wait_air", "wait_train"],
        candidates=[
            {"id": "honest", "estimator": "sklearn.dummy.DummyClassifier"},
            {
                "id": "sly",
                "estimator": "sklearn.dummy.DummyClassifier",
                "uses_barred": ["wait_air"],
            },
        ],
    )
    assert {"leak:giveaway:wait_air", "leak:pair:wait_air+wait_train", "leak:barred:sly"} <= set(
        found
    )
    assert not any(finding.blocks for finding in found.values())
    assert "leak:barred:honest" not in found


def test_one_column_that_reaches_the_threshold(find: Find, kinds: pd.DataFrame):
    found = find(kinds, acceptance=ACCURATE, features=["size", "place"])
    assert list(found) == ["leak:single:size"]
    assert found["leak:single:size"].value >= 0.9
    honest = find(kinds, acceptance=ACCURATE, features=["place"])
    assert not honest


def test_all_plain_criteria_have_to_be_reached_together(find: Find):
    random = np.random.default_rng(1)
    sick = (random.random(400) < 0.25).astype(np.int64)
    frame = pd.DataFrame({"age": random.normal(50, 10, 400) + 8 * sick, "sick": sick})
    task = {"task": "detection", "target": "sick"}
    recall = {"metric": "recall", "at_least": 0.3}
    few = {"metric": "called_share", "at_most": 0.3}
    ranking = {"metric": "auc", "at_least": 0.95}
    assert list(find(frame, **task, acceptance=[recall, few])) == ["leak:single:age"]
    assert not find(frame, **task, acceptance=[recall, few, ranking])
    assert not find(frame, **task, acceptance=[{**recall, "at_least": 0.9}, few])


@pytest.mark.parametrize("change", [lambda y: 2 * y - 7, np.exp, lambda y: -(y**3)])
def test_a_number_in_other_words_is_a_copy(find: Find, change: Any):
    y = np.random.default_rng(2).normal(0, 1, 60)
    frame = pd.DataFrame({"again": change(y), "noise": np.sin(np.arange(60.0)), "y": y})
    criteria = [{"metric": "mae", "cap": 5, "at_most": 0.01}]
    found = find(frame, task="regression", target="y", acceptance=criteria)
    assert list(found) == ["leak:copy:again"]


def test_a_class_in_other_words_is_a_copy_and_an_id_is_not(find: Find, kinds: pd.DataFrame):
    kinds["code"] = pd.Series(
        kinds["kind"].map({"small": "k", "middle": "l", "large": "m"}), dtype=object
    )
    found = find(kinds, features=["code", "place"], acceptance=ACCURATE)
    assert "leak:copy:code" in found and "leak:copy:place" not in found


def test_twins_across_the_split_are_counted(find: Find, kinds: pd.DataFrame):
    assert "leak:duplicates" not in find(kinds, features=["place"], acceptance=ACCURATE)
    frame = pd.concat([kinds, kinds.iloc[:6]], ignore_index=True)
    found = find(frame, features=["place"], acceptance=ACCURATE)["leak:duplicates"]
    assert 0 < found.value <= 12 / 36 and found.blocks
    frame["who"] = frame["place"]
    by_unit = {"unit": "who", "split": {"by": "unit", "folds": 3}}
    assert not find(frame, features=["place"], acceptance=ACCURATE, **by_unit)


def test_findings_are_the_same_each_time_and_fit_a_record(find: Find):
    first, second = (
        [f.as_dict() for f in find(travellers(), target="mode", acceptance=ACCURATE).values()]
        for _ in range(2)
    )
    assert first == second
    assert set(first[0]) == {"id", "kind", "text", "columns", "value", "blocks"}


def test_a_series_without_features_has_nothing_to_check(find: Find):
    frame = pd.DataFrame({"t": np.arange(20), "y": np.arange(20.0)})
    split = {"by": "rolling", "column": "t", "origins": 5}
    assert not find(
        frame,
        task="forecast",
        target="y",
        features=[],
        split=split,
        acceptance=[{"metric": "mae", "cap": 1, "at_most": 0.5}],
    )
