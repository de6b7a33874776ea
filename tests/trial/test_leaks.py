"""The leak check finds what gives the answer away, and is quiet about honest columns."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotbase.catalog.load import load_table
from pilotbase.catalog.table import Table
from pilotbase.scenario.read import read_scenario
from pilotbase.scenario.schema import Scenario
from pilotbase.trial.leaks import Finding, find_leaks
from pilotbase.trial.question import cases_of
from pilotbase.trial.rules.leaks import most_told, told_right

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


NUMBER = {
    "task": "regression",
    "target": "y",
    "acceptance": [{"metric": "mae", "cap": 10, "at_most": 0.1}],
}


def numbers(seed: int = 3, rows: int = 400, **columns: Any) -> pd.DataFrame:
    """A normal number, two columns of noise, and what ``columns`` make of (number, noise)."""
    random = np.random.default_rng(seed)
    y = random.normal(0, 1, rows)
    more = {name: make(y, random.normal(0, 1, rows)) for name, make in columns.items()}
    noise = {f"noise_{i}": random.normal(0, 1, rows) for i in range(2)}
    return pd.DataFrame({**noise, **more, "y": y})


@pytest.mark.parametrize(
    "leak",
    [
        lambda y, e: y + 0.01 * e,
        lambda y, e: np.round(y, 1),
        lambda y, e: np.exp(y) + 0.01 * e,
        lambda y, e: np.where(e > 2.4, np.nan, y + 0.01 * e),
    ],
    ids=["noisy", "rounded", "bent", "gaps"],
)
@pytest.mark.parametrize("against", [None, "mean"])
def test_a_number_that_four_leaves_cannot_follow(find: Find, leak: Any, against: str | None):
    criterion = {"metric": "mae", "cap": 10, "at_most": 0.1}
    if against is not None:
        criterion = {**criterion, "against": against}
    found = find(numbers(leak=leak), **{**NUMBER, "acceptance": [criterion]})
    assert list(found) == ["leak:single:leak"]
    assert found["leak:single:leak"].blocks and found["leak:single:leak"].value > 0.9


def test_two_columns_that_add_up_to_the_number(find: Find):
    frame = numbers(p=lambda y, e: e)
    frame["q"] = frame["y"] - frame["p"]
    found = find(frame, **NUMBER)
    assert list(found) == ["leak:pair:p+q"]
    assert found["leak:pair:p+q"].value > 0.999
    assert "'p' and 'q'" in found["leak:pair:p+q"].text.en


def test_a_forecast_is_probed_from_what_was_known_before_its_first_origin(find: Find):
    asked = {
        **NUMBER,
        "task": "forecast",
        "split": {"by": "rolling", "column": "t", "origins": 100},
        "acceptance": [{"metric": "mae", "cap": 10, "at_most": 0.8}],
    }
    frame = numbers(leak=lambda y, e: y + 0.001 * e, useful=lambda y, e: y + e)
    frame.insert(0, "t", np.arange(400))
    assert list(find(frame, **asked)) == ["leak:single:leak"]
    walk = numbers()
    walk["y"] = walk["y"].cumsum() + np.arange(400) * 0.1
    walk["lag"] = walk["y"].shift(1).bfill()
    walk["lag_2"] = walk["y"].shift(2).bfill()
    walk.insert(0, "t", np.arange(400))
    # The lags explain nearly all of the level, but nothing beyond the last known value.
    loose = {**asked, "acceptance": [{"metric": "mae", "cap": 10, "at_most": 2}]}
    assert not find(walk, **loose)
    short = {**asked, "split": {"by": "rolling", "column": "t", "origins": 399}}
    assert list(find(frame, **short)) == ["leak:single:leak"]


def test_ten_classes_that_four_leaves_cannot_tell(find: Find):
    random = np.random.default_rng(4)
    number = random.integers(0, 10, 400)
    frame = pd.DataFrame(
        {
            "near": number + random.normal(0, 0.05, 400),
            "code": 10 * number + random.integers(0, 9, 400),
            "other": random.normal(0, 1, 400),
            "kind": pd.Series([f"class {n}" for n in number], dtype=object),
        }
    )
    for leak in ("near", "code"):
        found = find(frame, features=[leak, "other"], acceptance=ACCURATE)
        assert list(found) == [f"leak:single:{leak}"]
        assert found[f"leak:single:{leak}"].value >= 0.98
    assert not find(frame, features=["other"], acceptance=ACCURATE)


def test_a_rare_class_is_not_told_by_a_useless_column(find: Find):
    random = np.random.default_rng(6)
    rare = (np.arange(1200) % 100 == 0).astype(np.int64)
    frame = pd.DataFrame({"noise": random.normal(0, 1, 1200), "ill": rare})
    criteria = [{"metric": "auc", "at_least": 0.9}]
    assert not find(frame, task="detection", target="ill", acceptance=criteria)


def test_easy_honest_data_raise_no_more_alarms_than_small_rules_do(find: Find):
    from sklearn.datasets import load_iris

    iris = load_iris()
    frame = pd.DataFrame(iris.data, columns=["sl", "sw", "pl", "pw"])
    kinds = frame.assign(kind=pd.Series(iris.target_names[iris.target].tolist(), dtype=object))
    strict = [{"metric": "accuracy", "at_least": 0.98}]
    unrepeated = kinds.drop_duplicates()
    assert not find(unrepeated, acceptance=strict)
    lengths = frame.drop_duplicates()
    for cap in ({"at_most": 0.1}, {"at_most": 1.0, "against": "mean"}):
        criteria = [{"metric": "mae", "cap": 5, **cap}]
        found = find(lengths, task="regression", target="pl", acceptance=criteria)
        assert set(found) <= {"leak:duplicates"}


@pytest.mark.parametrize("pack", ["co2-mauna-loa", "fertility-forecast", "travel-mode"])
def test_the_packs_need_no_further_answers(pack: str):
    folder = resources.files("pilotbase.scenario.packs")
    file = read_scenario(Path(str(folder / f"{pack}.yaml")), trust=False)
    table = load_table(file.scenario.data, file.folder, trust=False)
    findings = find_leaks(cases_of(file.scenario, table), file.scenario)
    assert {f.id for f in findings if f.blocks} <= set(file.scenario.answers)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from("abc")), min_size=1))
def test_no_rule_tells_more_than_the_bound(rows: list[tuple[int, str]]):
    values = np.array([[float(v)] for v, _ in rows])
    truth = np.array([label for _, label in rows], dtype=object)
    random = np.random.default_rng(len(rows))
    rule = random.choice(["a", "b", "c"], 5)
    said = rule[values[:, 0].astype(int)]
    assert told_right(truth, said) <= most_told(values, truth) + 1e-12
