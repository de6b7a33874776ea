"""Names in a scenario file: built, or refused with the nearest one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pilotbase.kernel.errors import CandidateError
from pilotbase.trial.candidates.forecast import SeriesRecipe, check_forecaster
from pilotbase.trial.candidates.naming import built
from pilotbase.trial.candidates.recipe import Recipe, check_estimator


def test_seed_and_number_of_processes_are_the_bases():
    forest = built("sklearn.ensemble.RandomForestClassifier", {"n_jobs": -1}, seed=7)
    assert forest.random_state == 7 and forest.n_jobs == 1
    own = built("sklearn.ensemble.RandomForestClassifier", {"random_state": 3}, seed=7)
    assert own.random_state == 3


def test_lists_become_tuples_where_the_class_defaults_to_one():
    scaler = built("sklearn.preprocessing.MinMaxScaler", {"feature_range": [0, 2]}, seed=1)
    assert scaler.feature_range == (0, 2)


def test_an_estimator_may_stand_inside_another():
    inner = {"estimator": "sklearn.tree.DecisionTreeClassifier", "parameters": {"max_depth": 2}}
    bagged = built("sklearn.ensemble.BaggingClassifier", {"estimator": inner}, seed=5)
    assert bagged.estimator.max_depth == 2 and bagged.estimator.random_state == 5


@pytest.mark.parametrize(
    ("path", "parameters", "code", "nearest"),
    [
        ("sklearn.linear_model.LogisticRegresion", {}, "unknown_class", "LogisticRegression"),
        (
            "sklearn.linear.LogisticRegression",
            {},
            "unknown_class",
            "sklearn.linear_model.LogisticRegression",
        ),
        ("sklearn.utils.shuffle", {}, "unknown_class", "sklearn."),
        ("os.system", {}, "untrusted", "--trust"),
        ("sklearn.svm.SVC", {"gama": 1}, "unknown_parameter", "gamma"),
        (
            "sklearn.decomposition.NMF",
            {"n_components": 2, "alpha": 1},
            "unknown_parameter",
            "alpha",
        ),
    ],
)
def test_what_is_not_there_is_refused(path: str, parameters: Any, code: str, nearest: str):
    with pytest.raises(CandidateError) as caught:
        built(path, parameters, seed=1)
    assert caught.value.code == f"candidate.{code}"
    assert nearest in caught.value.next_step.en


def test_with_trust_any_class_may_be_named(trouble: Path):
    assert built("troublemakers.Dies", {}, seed=1, trust=True).fit([[1]], ["a"])


def test_the_kind_has_to_suit_the_task():
    wrong = Recipe("regression", (), "sklearn.svm.SVC", {})
    with pytest.raises(CandidateError) as caught:
        check_estimator(wrong)
    assert caught.value.code == "candidate.wrong_kind" and "回归器" in caught.value.message.zh
    check_estimator(Recipe("regression", (), "sklearn.svm.SVR", {}))


def test_parameters_that_a_base_class_takes_are_accepted():
    arima = "statsmodels.tsa.statespace.sarimax.SARIMAX"
    check_forecaster(SeriesRecipe(arima, {"order": [1, 0, 0], "missing": "none"}))
    with pytest.raises(CandidateError, match="seasonal_order"):
        check_forecaster(SeriesRecipe(arima, {"seasonal_oder": [1, 0, 0, 12]}))
    with pytest.raises(CandidateError, match=r"SARIMAX"):
        check_forecaster(SeriesRecipe("statsmodels.tsa.api.SARIMAXX", {}))
