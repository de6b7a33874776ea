"""The figures beside a verdict: the usual intervals, tables and importances."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import confusion_matrix, roc_auc_score
from statsmodels.stats.proportion import proportion_confint

from pilotbase.kernel.canonical import encode
from pilotbase.trial.cases import FAULT, OUTAGE, PENDING
from pilotbase.trial.estimates import estimates_of
from pilotbase.trial.importance import importance_of
from pilotbase.trial.rules import usual

RNG = np.random.default_rng(11)
TRUTH = (RNG.random(200) < 0.4).astype(int)
SCORE = np.clip(np.round(0.3 * TRUTH + 0.7 * RNG.random(200), 2), 0, 1)


@pytest.mark.parametrize(("passed", "n"), [(0, 7), (7, 7), (3, 10), (480, 500)])
def test_wilson(passed: int, n: int) -> None:
    found = usual.share(passed, n)
    expected = proportion_confint(passed, n, method="wilson")
    assert found.interval == pytest.approx(expected, abs=1e-9) and found.estimate == passed / n


def test_means() -> None:
    values = RNG.normal(size=50)
    found = usual.mean(values)
    assert found is not None
    expected = stats.norm.interval(0.95, values.mean(), stats.sem(values))
    assert found.interval == pytest.approx(expected)
    assert usual.mean(values[:1]) is None


def test_delong_against_its_definition() -> None:
    """Variance of the placement values, pair by pair (DeLong et al. 1988, eq. 5)."""
    found = usual.auc(TRUTH == 1, SCORE, np.zeros(200, np.int64))
    assert found is not None
    above, below = SCORE[TRUTH == 1], SCORE[TRUTH == 0]
    pairs = (above[:, None] > below) + 0.5 * (above[:, None] == below)
    variance = pairs.mean(axis=1).var(ddof=1) / above.size
    variance += pairs.mean(axis=0).var(ddof=1) / below.size
    half = usual.Z * math.sqrt(variance)
    assert found.estimate == pytest.approx(roc_auc_score(TRUTH, SCORE))
    assert found.interval == pytest.approx((found.estimate - half, found.estimate + half))
    assert found.n == above.size * below.size


def test_auc_stays_within_one_fit() -> None:
    fold = RNG.integers(0, 3, 200)
    found = usual.auc(TRUTH == 1, SCORE + 5 * fold, fold)
    again = usual.auc(TRUTH == 1, SCORE, fold)
    assert found is not None and again is not None
    assert found.estimate == pytest.approx(again.estimate)
    assert usual.auc(np.ones(5, bool), SCORE[:5], np.zeros(5, np.int64)) is None


def test_intervals_cover_about_as_often_as_they_say() -> None:
    covered = 0
    for _ in range(300):
        truth = RNG.random(80) < 0.5
        score = RNG.normal(size=80) + truth
        found = usual.auc(truth, score, np.zeros(80, np.int64))
        assert found is not None
        covered += found.interval[0] <= 0.5 * (1 + math.erf(0.5)) <= found.interval[1]
    assert 0.95 - 4 * math.sqrt(0.95 * 0.05 / 300) <= covered / 300


def test_the_tables_of_a_detection(ask: Any, answer: Any) -> None:
    sex = np.where(RNG.random(200) < 0.5, "1", "")
    cases = ask("detection", TRUTH, groups={"sex": sex})
    said = answer(cases, label=(SCORE > 0.5).astype(int), score=SCORE)
    said.status[:6] = PENDING, FAULT, FAULT, OUTAGE, OUTAGE, OUTAGE
    found = estimates_of(cases, said)
    assert found["rows"] == {"answered": 194, "faults": 2, "outages": 3, "pending": 1}
    counts = {(row["target"], row["answer"]): row["rows"] for row in found["confusion"]}
    table = confusion_matrix(TRUTH[6:], SCORE[6:] > 0.5)
    assert [counts[t, a] for t in "01" for a in "01"] == table.ravel().tolist()
    names = [row["metric"] for row in found["metrics"]]
    assert names == ["accuracy", "recall", "precision", "called_share", "auc", "brier"]
    groups = {(row["group"], row["value"]) for row in found["groups"]}
    assert groups == {("sex", "1"), ("sex", "")}
    rows = sum(row["n"] for row in found["groups"] if row["metric"] == "accuracy")
    assert rows == 194 and sum(row["rows"] for row in found["reliability"]) == 194
    for row in found["reliability"]:
        assert row["from"] <= row["said"] <= row["to"]
        assert row["interval"][0] <= row["seen"] <= row["interval"][1]
    assert "do not decide" in found["note"]["en"] and "不作为判定依据" in found["note"]["zh"]
    assert json.loads(encode(found)) == json.loads(json.dumps(found))


def test_the_tables_of_a_classification(ask: Any, answer: Any) -> None:
    kinds = np.array(["a", "b", "c"], dtype=object)
    target = kinds[RNG.integers(0, 3, 60)]
    chances = RNG.dirichlet((1, 1, 1), 60)
    cases = ask("classification", target)
    label = kinds[chances.argmax(axis=1)]
    found = estimates_of(cases, answer(cases, label=label, probability=chances))
    (row,) = found["metrics"]
    assert row["estimate"] == pytest.approx(np.mean(label == target), abs=1e-9)
    right = sum(round(row["seen"] * row["rows"]) for row in found["reliability"])
    assert right == (label == target).sum()


def test_the_tables_of_numbers(ask: Any, answer: Any) -> None:
    target = RNG.normal(size=60)
    cases = ask("forecast", target)
    value = target + RNG.normal(size=60)
    found = estimates_of(cases, answer(cases, value=value, lower=value - 1, upper=value + 1))
    figures = {row["metric"]: row["estimate"] for row in found["metrics"]}
    assert figures["mae"] == pytest.approx(np.abs(value - target).mean())
    assert figures["rmse"] == pytest.approx(np.sqrt(((value - target) ** 2).mean()))
    assert figures["interval_coverage"] == pytest.approx((abs(value - target) <= 1).mean())
    assert found["confusion"] == found["reliability"] == []


def test_absurd_and_missing_answers_have_no_figures(ask: Any, answer: Any) -> None:
    cases = ask("regression", [0.0, -1e308, 1.0])
    found = estimates_of(cases, answer(cases, value=[1e308, 1e308, np.nan]))
    assert found["metrics"] == []
    cases = ask("detection", [1, 0])
    nothing = answer(cases)
    nothing.status[:] = FAULT
    assert estimates_of(cases, nothing)["metrics"] == []


class TestImportance:
    def test_mean_and_students_interval_over_fits(self) -> None:
        drops = {"age": [0.2, 0.3, 0.25, 0.22, 0.28], "noise": [0.01, -0.01, 0.0, 0.02, -0.02]}
        age, noise = importance_of(drops)
        assert (age["column"], noise["column"]) == ("age", "noise")
        low, high = stats.t.interval(0.95, 4, np.mean(drops["age"]), stats.sem(drops["age"]))
        assert (age["lower"], age["drop"], age["upper"]) == pytest.approx((low, 0.25, high))
        assert float(noise["lower"]) < 0 < float(noise["upper"])

    def test_the_order_in_which_fits_finish_does_not_matter(self) -> None:
        drops = RNG.random(20).tolist()
        assert importance_of({"x": drops}) == importance_of({"x": drops[::-1]})

    def test_one_fit_has_no_interval(self) -> None:
        assert importance_of({"x": [0.5], "y": [0.5, math.nan], "z": []}) == []
