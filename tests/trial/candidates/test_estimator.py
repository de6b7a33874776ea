"""scikit-learn candidates on one fold, in process: cut-offs, faults, importances."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotbase.trial.candidates.estimator import (
    FoldJob,
    answer_fold,
    called_cut,
    inner_scores,
)
from pilotbase.trial.candidates.importance import Importance
from pilotbase.trial.candidates.recipe import Recipe
from pilotbase.trial.cases import FAULT, OK

RANDOM = np.random.default_rng(3)
ROWS = RANDOM.normal(size=(160, 3))
SICK = (ROWS[:, 0] + RANDOM.normal(scale=0.7, size=160) > 0.6).astype(np.int64)
UNITS = tuple(f"u{i}" for i in range(120))
LOGIT = Recipe("detection", (), "sklearn.linear_model.LogisticRegression", {})
JOB = FoldJob(LOGIT, ROWS[:120], SICK[:120], UNITS, (ROWS[120:],))


def job(recipe: Recipe, **fields: Any) -> FoldJob:
    target = np.where(SICK[:120] == 1, "b", "a").astype(object) if recipe.classes else SICK[:120]
    if recipe.task == "regression":
        target = ROWS[:120, 0] * 2
    return replace(JOB, recipe=recipe, target=target, **fields)


@given(st.lists(st.integers(0, 6), min_size=1, max_size=30), st.floats(0.01, 0.99))
def test_a_cut_off_calls_at_most_its_share_and_as_many_as_ties_allow(
    values: list[int], share: float
):
    scores = np.array(values, np.float64)
    cut = called_cut(scores, share)
    called = (scores >= cut).sum()
    assert called <= share * len(scores) + 1e-6
    below = scores[scores < cut]
    if below.size:
        assert (scores >= below.max()).sum() > share * len(scores) - 1e-6


def test_the_cut_off_comes_from_the_training_rows_only():
    recipe = replace(LOGIT, called_share=0.3)
    block = answer_fold(job(recipe)).blocks[0]
    moved = answer_fold(job(recipe, asked=(ROWS[120:] + 5.0,))).blocks[0]
    cut = called_cut(inner_scores(job(recipe)), 0.3)
    assert block.label.tolist() == (block.score >= cut).astype(int).tolist()
    assert moved.label.mean() > 0.9  # other cases do not move the cut-off


def test_inner_scores_never_come_from_a_fit_on_the_same_unit():
    nearest = Recipe("detection", (), "sklearn.neighbors.KNeighborsClassifier", {"n_neighbors": 1})
    twice = replace(
        JOB,
        recipe=nearest,
        train=np.repeat(ROWS[:60], 2, axis=0),
        target=np.repeat(SICK[:60], 2),
        units=tuple(np.repeat(UNITS[:60], 2)),
    )
    # A neighbour of the same unit would answer every row right.
    assert (inner_scores(twice) == twice.target).mean() < 0.95
    apart = replace(twice, units=tuple(f"v{i}" for i in range(120)))
    assert (inner_scores(apart) == apart.target).mean() > (
        inner_scores(twice) == twice.target
    ).mean()


def test_a_score_cut_off_and_the_default():
    low = answer_fold(job(replace(LOGIT, call_score=0.1))).blocks[0]
    default = answer_fold(job(LOGIT)).blocks[0]
    assert low.label.tolist() == (low.score >= 0.1).astype(int).tolist()
    assert default.label.tolist() == (default.score >= 0.5).astype(int).tolist()
    margin = answer_fold(job(replace(LOGIT, path="sklearn.svm.LinearSVC"))).blocks[0]
    assert margin.label.tolist() == (margin.score >= 0).astype(int).tolist()


def test_classes_that_a_fold_has_not_seen_get_no_probability():
    recipe = replace(LOGIT, task="classification", classes=("a", "b", "c"))
    block = answer_fold(job(recipe)).blocks[0]
    assert block.probability is not None
    assert (block.probability[:, 2] == 0).all()
    assert block.probability.sum(axis=1) == pytest.approx(1)
    assert (block.status == OK).all() and (block.latency_ms > 0).all()


def test_a_pipeline_and_a_regression():
    steps = (("sklearn.preprocessing.StandardScaler", {}),)
    ridge = Recipe("regression", (), "sklearn.linear_model.Ridge", {"alpha": 1e-6}, steps)
    block = answer_fold(job(ridge)).blocks[0]
    assert block.value == pytest.approx(ROWS[120:, 0] * 2, abs=1e-3)


def test_rows_with_gaps_are_at_fault_and_the_others_are_answered():
    gaps = ROWS[120:].copy()
    gaps[[2, 5], 1] = np.nan
    clean, broken = answer_fold(job(LOGIT, asked=(ROWS[120:], gaps))).blocks
    assert (clean.status == OK).all()
    assert np.flatnonzero(broken.status == FAULT).tolist() == [2, 5]
    assert "NaN" in broken.problems[0][1] and broken.problems[0][0] == 2
    assert (broken.latency_ms[broken.status == OK] > 0).all()
    imputed = replace(LOGIT, steps=(("sklearn.impute.SimpleImputer", {}),))
    assert (answer_fold(job(imputed, asked=(gaps,))).blocks[0].status == OK).all()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("WrongShape", "wrong shape (41,) for 40 cases"),
        ("Invents", "unknown class 'nobody'"),
        ("Exits", "fit failed: SystemExit: enough"),
    ],
)
def test_misbehaving_estimators(trouble: Path, name: str, reason: str):
    recipe = Recipe("classification", ("a", "b"), f"troublemakers.{name}", {}, trust=True)
    block = answer_fold(job(recipe)).blocks[0]
    assert (block.status == FAULT).all()
    assert reason in block.problems[0][1]


def test_a_fit_that_fails_says_why_and_does_not_raise():
    recipe = replace(LOGIT, parameters={"C": -1.0})
    found = answer_fold(job(recipe, asked=(ROWS[120:], ROWS[:4])))
    assert [(block.status == FAULT).all() for block in found.blocks] == [True, True]
    assert found.blocks[0].problems[0][1].startswith("fit failed: InvalidParameterError")


def test_draws_from_the_global_generator_do_not_depend_on_what_ran_before(trouble: Path):
    recipe = Recipe("classification", ("a", "b"), "troublemakers.Dices", {}, seed=4, trust=True)
    first = answer_fold(job(recipe)).blocks[0].probability
    np.random.rand(7)
    assert np.array_equal(first, answer_fold(job(recipe)).blocks[0].probability)


def test_warnings_of_libraries_are_collected():
    recipe = replace(LOGIT, parameters={"max_iter": 1})
    assert "ConvergenceWarning" in answer_fold(job(recipe)).warnings[0]


def test_importance_finds_the_column_that_matters():
    groups = {"first": (0,), "others": (1, 2)}
    wanted = Importance(SICK[120:], groups, "fold:0")
    drops = answer_fold(job(LOGIT, importance=wanted)).drops
    assert list(drops) == ["first", "others"]
    assert drops["first"] > 0.2 > abs(drops["others"])
    assert drops == answer_fold(job(LOGIT, importance=wanted)).drops


def test_importance_of_a_fold_with_one_class_is_not_invented():
    wanted = Importance(np.zeros(40, np.int64), {"first": (0,)}, "fold:0")
    assert answer_fold(job(LOGIT, importance=wanted)).drops == {}
