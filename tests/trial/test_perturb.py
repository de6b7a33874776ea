"""Perturbations are the same everywhere, and change what they say they change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from pilotbase.catalog.table import Table
from pilotbase.kernel.errors import DataError
from pilotbase.scenario.schema import Scenario, Under
from pilotbase.trial.cases import Cases
from pilotbase.trial.perturb import perturbed_features, perturbed_series
from pilotbase.trial.question import cases_of


@pytest.fixture
def cases(scenario: Callable[..., Scenario], table: Callable[[pd.DataFrame], Table]) -> Cases:
    place = np.arange(400)
    frame = pd.DataFrame(
        {
            "who": pd.Series([f"p{i // 2}" for i in place], dtype=object),
            "x": place + 0.0,
            "z": np.where(place % 10 == 0, np.nan, 1.0),
            "sex": pd.Series(["f", "m"] * 200, dtype=object),
            "kind": pd.Series(["a", "b"] * 200, dtype=object),
        }
    )
    return cases_of(scenario(unit="who"), table(frame))


def test_noise_has_the_declared_spread_and_leaves_text_alone(cases: Cases):
    noisy = perturbed_features(cases, Under(noise=3.0), 1)
    change = (noisy["x"] - cases.features["x"]).to_numpy()
    assert abs(change.mean()) < 4 * 3 / 20 and abs(change.std() - 3) < 4 * 3 / np.sqrt(800)
    assert len(set(change.tolist())) == 400  # the two rows of a unit differ as well
    assert noisy[["sex=f", "sex=m"]].equals(cases.features[["sex=f", "sex=m"]])
    assert np.isnan(noisy["z"]).sum() == 40


def test_missing_leaves_out_the_declared_share(cases: Cases):
    gaps = perturbed_features(cases, Under(missing=0.25), 1)
    share = np.isnan(gaps["x"]).mean()
    assert abs(share - 0.25) < 4 * np.sqrt(0.25 * 0.75 / 400)
    kept = ~np.isnan(gaps["x"])
    assert gaps["x"][kept].equals(cases.features["x"][kept])


def test_a_text_goes_missing_as_a_whole(cases: Cases):
    gaps = perturbed_features(cases, Under(missing=0.3, columns=("sex",)), 1)
    assert (np.isnan(gaps["sex=f"]) == np.isnan(gaps["sex=m"])).all()
    assert 0 < np.isnan(gaps["sex=f"]).mean() < 1
    assert gaps["x"].equals(cases.features["x"])


def test_a_shift_moves_every_number(cases: Cases):
    moved = perturbed_features(cases, Under(shift=-2.5), 1)
    assert (moved["x"] == cases.features["x"] - 2.5).all()


def test_a_units_perturbation_does_not_depend_on_the_others(cases: Cases):
    whole = perturbed_features(cases, Under(noise=1.0), 1)
    part = replace(
        cases,
        features=cases.features.iloc[100:].reset_index(drop=True),
        unit=cases.unit[100:] - 50,
        unit_ids=cases.unit_ids[50:],
        target=cases.target[100:],
    )
    alone = perturbed_features(part, Under(noise=1.0), 1)
    assert (alone["x"].to_numpy() == whole["x"].to_numpy()[100:]).all()
    other = perturbed_features(cases, Under(noise=1.0), 2)
    assert (other["x"] != whole["x"]).all()


@pytest.mark.parametrize(
    "under", [Under(noise=1.0, columns=("sex",)), Under(missing=0.1, columns=("kind",))]
)
def test_what_cannot_be_perturbed_is_refused(cases: Cases, under: Under):
    with pytest.raises(DataError) as caught:
        perturbed_features(cases, under, 1)
    assert caught.value.code == "data.perturbation"


def test_a_series_is_perturbed_as_history(cases: Cases):
    series = replace(cases, target=np.arange(400.0))
    moved = perturbed_series(series, Under(shift=1.0), 1)
    assert moved.tolist() == (np.arange(400.0) + 1).tolist()
    assert np.isnan(perturbed_series(series, Under(missing=0.5), 1)).any()
