"""The built-in packs: valid, bilingual, defined as published, and prepared as they say.

Targets, units and groups are derived again in pandas from the packages' own data, with none of our
SQL; acceptance is written out again here, so that a bound can't be moved without being seen.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes
from statsmodels.datasets import co2, fertility, modechoice, randhie
from vega_datasets import local_data

import pilotbase.scenario.packs
from pilotbase.catalog.check import data_faults
from pilotbase.catalog.datasets import Loader
from pilotbase.catalog.load import load_table
from pilotbase.catalog.query import ROW_COLUMN
from pilotbase.catalog.table import Table
from pilotbase.scenario.read import ScenarioFile, read_scenario
from pilotbase.scenario.schema import Criterion

FOLDER = Path(str(pilotbase.scenario.packs.__file__)).parent
ITEMS = {
    "co2-mauna-loa": "A1.1",
    "cited-answers": "A2.1",
    "meter-digits": "A2.2",
    "travel-mode": "A3.1",
    "follow-up-triage": "A4.3",
    "proactive-outreach": "A5.1",
    "storm-drain": "A5.3",
    "fertility-forecast": "A6.1",
}
EXERCISE = "exercises/barley"
ALL = [*ITEMS, EXERCISE]
IN_WORDS = "cited-answers"
MODULES = {
    "pilotbase.description_questions": "description_questions",
    "pilotbase.descriptions": "descriptions",
    "sklearn.load_digits": "digits",
    "sklearn.load_diabetes": "diabetes",
    "statsmodels.co2": "co2",
    "statsmodels.modechoice": "modechoice",
    "statsmodels.randhie": "randhie",
    "statsmodels.fertility": "fertility",
    "vega.seattle_weather": "seattle_weather",
    "vega.barley": "barley",
}


def loaders() -> dict[str, Loader]:
    home = "pilotbase.catalog.datasets"
    return {n: importlib.import_module(f"{home}.{m}").load for n, m in MODULES.items()}


def pack(name: str) -> ScenarioFile:
    return read_scenario(FOLDER / f"{name}.yaml")


def table(name: str) -> Table:
    file = pack(name)
    return load_table(file.scenario.data, file.folder, loaders=loaders())


# -- the files -------------------------------------------------------------------------------------


def test_the_folder_holds_the_eight_packs_and_two_exercises() -> None:
    assert {path.stem for path in FOLDER.glob("*.yaml")} == set(ITEMS)
    exercises = {path.stem for path in (FOLDER / "exercises").glob("*.yaml")}
    assert exercises == {"barley", "service-desk"}


@pytest.mark.parametrize("name", ALL)
def test_it_is_a_scenario_and_its_data_hold_what_it_asks(name: str) -> None:
    file = pack(name)
    scenario = file.scenario
    assert scenario.id == Path(name).name
    assert scenario.item == ITEMS.get(name, "A2.3")
    assert data_faults(file, table(name)) == []
    # An agent is asked one question after the other and learns nothing: it is tried as it will be
    # used, on questions to come, and no longer than needed.
    in_words = name == IN_WORDS
    assert scenario.plan.evidence == ("sequential" if in_words else "fixed")
    assert scenario.estimand == ("future cases" if in_words else "these cases")
    assert scenario.plan.alpha == 0.05
    assert len({candidate.id for candidate in scenario.candidates}) == len(scenario.candidates)
    assert all(candidate.claims for candidate in scenario.candidates)
    assert not any(candidate.stand_in for candidate in scenario.candidates)
    shared = scenario.split.by in ("random", "unit") and name in ITEMS
    assert scenario.split.holdout == (0.2 if shared else 0.0)


@pytest.mark.parametrize("name", ITEMS)
def test_a_pack_says_what_a_reader_has_to_know(name: str) -> None:
    scenario = pack(name).scenario
    assert "(invented example)" in scenario.owner.name
    assert "(invented example)" in scenario.owner.principal
    said = " ".join(note.en for note in scenario.notes)
    assert "fixed from use" in said and "after a look at these public data" in said
    assert "not tuned" in said
    assert len(scenario.candidates) >= 2
    assert all(c.title and c.provider and "(invented)" in c.provider for c in scenario.candidates)
    for text in (scenario.title, scenario.need, *scenario.notes):
        assert any("\u4e00" <= character <= "\u9fff" for character in text.zh)
        assert not any("\u4e00" <= character <= "\u9fff" for character in text.en)


def brief(criterion: Criterion) -> dict[str, Any]:
    shown = criterion.model_dump(exclude_defaults=True, exclude={"title"})
    return shown


def test_acceptance_is_as_published() -> None:
    assert {name: [brief(c) for c in pack(name).scenario.acceptance] for name in ITEMS} == {
        "co2-mauna-loa": [
            {"metric": "mae", "cap": 3, "at_most": 0.5},
            {"metric": "mae", "cap": 3, "at_most": 0.5, "against": "seasonal_naive"},
            {"metric": "interval_coverage", "between": (0.9, 0.99)},
        ],
        "cited-answers": [
            {"metric": "recall_at_k", "k": 3, "at_least": 0.9},
            {"metric": "grounded", "at_least": 0.95},
            {"metric": "refusal", "at_least": 0.95},
            {"metric": "recall_at_k", "k": 3, "at_least": 0.8, "worst_of": "language"},
            {"metric": "answers_on_scope", "at_least": 0.8, "blocking": False},
            {"metric": "answer_included", "at_least": 0.8, "blocking": False},
        ],
        "meter-digits": [
            {"metric": "accuracy", "at_least": 0.98},
            {"metric": "accuracy", "at_least": 0.95, "under": {"noise": 3}},
        ],
        "travel-mode": [
            {"metric": "accuracy", "at_least": 0.75},
            {"metric": "accuracy", "at_least": 0.7, "worst_of": "income"},
        ],
        "follow-up-triage": [
            {"metric": "auc", "at_least": 0.85},
            {"metric": "recall", "at_least": 0.8},
            {"metric": "called_share", "at_most": 0.4},
            {"metric": "recall", "at_most": 0.1, "gap_by": "sex"},
        ],
        "proactive-outreach": [
            {"metric": "recall", "at_least": 0.7},
            {"metric": "called_share", "at_most": 0.35},
            {"metric": "lift", "at_least": 1.5},
            {"metric": "recall", "at_most": 0.1, "gap_by": "health"},
        ],
        "storm-drain": [
            {"metric": "recall", "at_least": 0.6},
            {"metric": "false_alarm_ratio", "at_most": 0.5},
            {"metric": "brier", "at_most": 0, "against": "persistence", "as_": "difference"},
        ],
        "fertility-forecast": [
            {"metric": "mae", "cap": 1, "at_most": 1.25, "worst_of": "level", "relative": True},
        ],
    }


@pytest.mark.parametrize(
    ("name", "sensitive"),
    [
        ("travel-mode", ["income"]),
        ("follow-up-triage", ["sex"]),
        ("proactive-outreach", ["hlthg", "hlthf", "hlthp"]),
    ],
)
def test_one_candidate_does_without_the_sensitive_column(name: str, sensitive: list[str]) -> None:
    assert any(set(sensitive) <= set(c.drop) for c in pack(name).scenario.candidates)


@pytest.mark.parametrize("name", [n for n in ITEMS if n not in ("meter-digits", IN_WORDS)])
def test_prepared_rows_do_not_depend_on_threads(name: str) -> None:
    file = pack(name)
    data = file.scenario.data
    assert data.prepare is not None
    loaded = load_table(data.model_copy(update={"prepare": None}), file.folder, loaders=loaders())
    source = loaded.frame.copy()
    source.insert(0, ROW_COLUMN, range(len(source)))
    with duckdb.connect(config={"threads": 4}) as free:
        free.register("data", source)
        expected = free.execute(data.prepare).df()
    got = table(name).frame
    assert list(expected.columns) == list(got.columns) and len(expected) == len(got)
    for column in got:
        if got[column].dtype == object:
            assert expected[column].astype(str).tolist() == got[column].astype(str).tolist()
        else:
            np.testing.assert_array_equal(expected[column].to_numpy(float), got[column])


# -- what each one prepares ------------------------------------------------------------------------


def test_co2_monthly_means_with_five_missing_months() -> None:
    frame = table("co2-mauna-loa").frame
    monthly = co2.load_pandas().data["co2"].resample("MS").mean()
    assert frame["month"].tolist() == monthly.index.strftime("%Y-%m").tolist()
    np.testing.assert_allclose(frame["co2"], monthly.round(4), atol=1e-9)
    missing = ["1958-06", "1958-10", "1964-02", "1964-03", "1964-04"]
    assert len(frame) == 526 and frame["month"][frame["co2"].isna()].tolist() == missing
    assert frame["co2"].tail(120 + 12).notna().all()


def test_digits_are_1797() -> None:
    frame = table("meter-digits").frame
    assert frame.shape == (1797, 65) and frame["target"].nunique() == 10
    assert frame.drop(columns="target").to_numpy().max() == 16


def test_questions_show_a_candidate_nothing_but_their_words() -> None:
    scenario = pack(IN_WORDS).scenario
    assert scenario.documents is not None and scenario.documents.data.dataset is not None
    assert scenario.features == () and scenario.split.by == "frozen"
    named = {scenario.question, scenario.target, scenario.scope, scenario.sources}
    frame = table(IN_WORDS).frame
    assert len(frame) == 600 and named | {scenario.language, scenario.unit} <= set(frame.columns)
    # 59 pass/fail clusters show 95 % at best; these means of two need more, and there are enough.
    on, off = (frame[frame["scope"] == scope] for scope in (1, 0))
    assert on[scenario.unit].nunique() == off[scenario.unit].nunique() == 150


def test_travel_modes_of_210_people() -> None:
    frame = table("travel-mode").frame.set_index("person")
    raw = modechoice.load_pandas().data
    names = {1: "air", 2: "train", 3: "bus", 4: "car"}
    chosen = raw[raw["choice"] == 1].set_index("individual")["mode"].map(names)
    assert len(frame) == 210 and frame["mode"].tolist() == chosen.tolist()
    for number, mode in names.items():
        part = raw[raw["mode"] == number].set_index("individual")
        for measure in ("invc", "invt", "gc", "ttme"):
            assert frame[f"{measure}_{mode}"].tolist() == part[measure].tolist()
    income = raw.groupby("individual")["hinc"].first()
    bounds = [-np.inf, *income.quantile([1 / 3, 2 / 3]), np.inf]
    thirds = pd.cut(income, bounds, labels=["low", "middle", "high"]).astype(str)
    assert frame["income_third"].tolist() == thirds.tolist()
    assert frame.groupby("income")["income_third"].nunique().max() == 1


def test_travel_mode_bars_what_gives_the_answer_away() -> None:
    scenario = pack("travel-mode").scenario
    assert set(scenario.barred) == {"ttme_air", "ttme_train", "ttme_bus", "ttme_car", "psize"}
    insists = [c for c in scenario.candidates if c.uses_barred]
    assert len(insists) == 1 and set(insists[0].uses_barred) <= set(scenario.barred)
    raw = modechoice.load_pandas().data
    other = raw[(raw["choice"] == 0) & (raw["mode"] != 4)]
    # As the note says: waiting times of modes that were not chosen are a few filled-in values.
    assert (other.groupby("mode")["ttme"].nunique() <= 2).all()


def test_triage_calls_the_upper_quarter_of_442() -> None:
    frame = table("follow-up-triage").frame
    raw = load_diabetes(as_frame=True, scaled=False).frame
    fast = (raw["target"] >= raw["target"].quantile(0.75)).astype(int)
    assert len(frame) == 442 and frame["fast"].tolist() == fast.tolist() and fast.sum() == 111
    assert frame["sex"].tolist() == raw["sex"].astype(int).tolist()
    assert frame["age_band"].eq("50 and over").tolist() == raw["age"].ge(50).tolist()
    assert "target" not in frame.columns, "the number behind the class would give it away"


def test_outreach_counts_runs_of_identical_covariates() -> None:
    frame = table("proactive-outreach").frame
    raw = randhie.load_pandas().data
    covariates = raw.drop(columns="mdvis")
    run = (covariates != covariates.shift()).any(axis=1).cumsum()
    assert len(frame) == 20190 and frame["run"].tolist() == run.tolist()
    assert frame["run"].nunique() == 5294
    assert frame["frequent"].tolist() == (raw["mdvis"] >= 10).astype(int).tolist()
    answers = raw[["hlthp", "hlthf", "hlthg"]].to_numpy()
    levels = np.select(
        [answers[:, k] == 1 for k in range(3)], ["poor", "fair", "good"], "excellent"
    )
    assert frame["health"].tolist() == levels.tolist()
    assert "mdvis" not in frame.columns


def test_storm_drain_knows_nothing_of_tomorrow() -> None:
    frame = table("storm-drain").frame
    raw = local_data.seattle_weather()
    rain = raw["precipitation"]
    assert frame["date"].tolist() == raw["date"].dt.strftime("%Y-%m-%d").tolist()[:-1]
    assert frame["wet_tomorrow"].tolist() == (rain.shift(-1) >= 5).astype(int).tolist()[:-1]
    assert frame["year"].value_counts().to_dict() == {2012: 366, 2013: 365, 2014: 365, 2015: 364}
    week = rain.rolling(7, min_periods=1).mean().round(4)
    np.testing.assert_allclose(frame["rain_7_days"], week[:-1], atol=1.1e-4)
    # A feature is made of today and earlier: it is the same when the future is cut off.
    today = raw["temp_max"] - raw["temp_max"].rolling(3, min_periods=1).mean()
    np.testing.assert_allclose(frame["temp_max_change"], today[:-1], atol=1.1e-4)


def test_fertility_is_asked_of_194_countries_in_2006() -> None:
    frame = table("fertility-forecast").frame
    raw = fertility.load_pandas().data.set_index("Country Name")
    needed = raw[["1996", "2001", "2005", "2006", "2011"]].notna().all(axis=1)
    aggregates = raw.index.str.contains("income levels|OECD|small states|classification")
    assert aggregates.sum() == 5
    countries = sorted(raw.index[needed & ~aggregates])
    asked = frame[frame["asked"] == 1].set_index("country")
    assert len(countries) == 194 and sorted(asked.index) == countries
    assert asked["rate_in_5_years"].to_dict() == raw.loc[countries, "2011"].to_dict()
    assert asked["level"].to_dict() == raw.loc[countries, "2006"].to_dict()
    change = (raw["2006"] - raw["1996"])[countries]
    np.testing.assert_allclose(asked["change_10"][countries], change, atol=1e-12)
    bounds = [-np.inf, *asked["level"].quantile([1 / 3, 2 / 3]), np.inf]
    thirds = pd.cut(asked["level"], bounds, labels=["low", "middle", "high"]).astype(str)
    assert asked["third"].to_dict() == thirds.to_dict()


def test_fertility_learns_only_from_what_was_known_in_2006() -> None:
    frame = table("fertility-forecast").frame
    known = frame[frame["asked"] == 0]
    assert (known["origin"] + 5 <= 2006).all()
    assert frame.groupby("country")["third"].nunique().max() == 1
    assert frame[frame["asked"] == 1]["country"].is_unique
    notes = pack("fertility-forecast").scenario.notes
    raw = fertility.load_pandas().data["Country Name"]
    left_out = [name.split(" (")[0] for name in raw if name not in set(frame["country"])]
    named = " ".join(note.en for note in notes).replace("and the Caribbean", "& Caribbean")
    assert [name for name in left_out if name.lower() not in named.lower()] == []


def test_barley_is_an_exercise_with_one_candidate_and_instructions() -> None:
    text = (FOLDER / f"{EXERCISE}.yaml").read_text(encoding="utf-8")
    assert len(pack(EXERCISE).scenario.candidates) == 1
    assert "#   1. Who needs the forecast" in text and "#   1. 谁需要预测" in text
    assert table(EXERCISE).rows == 120
