"""What a file misspells is said before anything runs, all at once and with the nearest name."""

from __future__ import annotations

from typing import Any

import pytest

from pilotbase.scenario.offer import Candidate
from pilotbase.trial.candidates.named import misnamed


def found(**fields: Any) -> list[tuple[tuple[str | int, ...], str, str]]:
    candidate = Candidate.model_validate({"id": "a", **fields})
    return [(place, e.code, e.next_step.en) for place, e in misnamed(candidate)]


def test_what_is_installed_is_found():
    forest = "sklearn.ensemble.RandomForestClassifier"
    scaler = {"estimator": "sklearn.preprocessing.StandardScaler"}
    assert found(estimator=forest, parameters={"n_estimators": 3}, steps=[scaler]) == []
    series = "statsmodels.tsa.statespace.sarimax.SARIMAX"
    assert found(estimator=series, parameters={"order": [1, 0, 0]}) == []
    assert found(plugin="document_lookup") == []


def test_every_slip_is_named_with_its_place():
    slips = found(
        estimator="sklearn.svm.SVC",
        parameters={"gama": 1},
        steps=[{"estimator": "sklearn.preprocessing.StandardScalar"}],
    )
    assert slips == [
        (
            ("steps", 0, "estimator"),
            "candidate.unknown_class",
            "Perhaps sklearn.preprocessing.StandardScaler.",
        ),
        (("estimator",), "candidate.unknown_parameter", "Perhaps 'gamma'."),
    ]


@pytest.mark.parametrize("path", ["os.system", "my_package.Model"])
def test_other_code_is_not_imported(path: str):
    assert found(estimator=path) == []
