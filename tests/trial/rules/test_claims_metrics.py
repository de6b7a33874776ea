"""Each metric, with every unit scored, is what the field's own library computes."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk

from pilotbase.trial.cases import Cases, Predictions
from pilotbase.trial.rules.reading import read_criterion

RNG = np.random.default_rng(20_261_121)
N = 240
TRUTH = (RNG.random(N) < 0.35).astype(int)
SCORE = np.clip(np.round(0.3 * TRUTH + RNG.random(N) * 0.7, 2), 0, 1)  # rounded: with ties
CALL = (SCORE > 0.5).astype(int)
NUMBER = RNG.normal(size=N) * 2
SAID = NUMBER + RNG.normal(size=N)
CLASSES = np.array(["a", "b", "c"], dtype=object)
KIND = CLASSES[RNG.integers(0, 3, N)]
CHANCES = RNG.dirichlet((1, 1, 1), N)
CHOSEN = CLASSES[CHANCES.argmax(axis=1)]
ONE_HOT = CLASSES[None, :] == KIND[:, None]


def _value(judge: Any, cases: Cases, said: Predictions, criterion: dict[str, Any]) -> float:
    reading = read_criterion(judge(cases, said, criterion), 0.05, "sequential")
    assert reading.exact and reading.verdict != "undecided"
    assert reading.estimate is not None and reading.interval is not None
    assert reading.interval[0] <= reading.estimate <= reading.interval[1]
    return reading.estimate


DETECTION: dict[str, tuple[float, bool]] = {
    "accuracy": (sk.accuracy_score(TRUTH, CALL), True),
    "recall": (sk.recall_score(TRUTH, CALL), True),
    "precision": (sk.precision_score(TRUTH, CALL), True),
    "false_alarm_ratio": (1 - sk.precision_score(TRUTH, CALL), False),
    "balanced_accuracy": (sk.balanced_accuracy_score(TRUTH, CALL), True),
    "auc": (sk.roc_auc_score(TRUTH, SCORE), True),
    "brier": (sk.brier_score_loss(TRUTH, SCORE), False),
    "calibration": (sk.brier_score_loss(TRUTH, SCORE), False),
    "called_share": (float(CALL.mean()), False),
    "lift": (sk.precision_score(TRUTH, CALL) / TRUTH.mean(), True),
}


@pytest.mark.parametrize("name", DETECTION)
def test_detection(name: str, ask: Any, answer: Any, judge: Any) -> None:
    expected, higher = DETECTION[name]
    cases = ask("detection", TRUTH)
    said = answer(cases, label=CALL, score=SCORE)
    bound = {"at_least" if higher else "at_most": 0.5}
    # Unit values are whole numbers of 1/RESOLUTION, estimates have 9 digits.
    tolerance = 6e-7 if name in ("brier", "calibration") else 5e-9
    assert _value(judge, cases, said, {"metric": name, **bound}) == pytest.approx(
        expected, abs=tolerance
    )


NUMBERS: dict[str, tuple[Callable[[], float], dict[str, Any]]] = {
    "mae": (lambda: sk.mean_absolute_error(NUMBER, SAID), {"cap": 10.0}),
    "rmse": (lambda: sk.root_mean_squared_error(NUMBER, SAID), {"cap": 10.0}),
    "interval_coverage": (lambda: float((abs(SAID - NUMBER) <= 1.5).mean()), {}),
    "latency": (lambda: float((abs(SAID) <= 2.0).mean()), {"limit": 2.0}),
    "cost": (lambda: float(np.minimum(abs(SAID), 3.0).mean()), {"cap": 3.0}),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers(name: str, ask: Any, answer: Any, judge: Any) -> None:
    expected, options = NUMBERS[name]
    cases = ask("regression", NUMBER)
    said = answer(
        cases, value=SAID, lower=SAID - 1.5, upper=SAID + 1.5, latency_ms=abs(SAID), cost=abs(SAID)
    )
    found = _value(judge, cases, said, {"metric": name, "at_most": 0.9, **options})
    assert found == pytest.approx(expected(), rel=2e-6)


def test_a_capped_error_counts_up_to_the_cap(ask: Any, answer: Any, judge: Any) -> None:
    cases = ask("regression", NUMBER)
    said = answer(cases, value=SAID)
    capped = np.minimum(abs(SAID - NUMBER), 0.8)
    for name, expected in (("mae", capped.mean()), ("rmse", np.sqrt((capped**2).mean()))):
        found = _value(judge, cases, said, {"metric": name, "at_most": 0.7, "cap": 0.8})
        assert found == pytest.approx(expected, rel=2e-6)


def test_classification(ask: Any, answer: Any, judge: Any) -> None:
    cases = ask("classification", KIND)
    said = answer(cases, label=CHOSEN, probability=CHANCES)
    found = _value(judge, cases, said, {"metric": "accuracy", "at_least": 0.5})
    assert found == pytest.approx(sk.accuracy_score(KIND.astype(str), CHOSEN.astype(str)), abs=5e-9)
    half_squares = ((CHANCES - ONE_HOT) ** 2).sum(axis=1).mean() / 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = _value(judge, cases, said, {"metric": "brier", "at_most": 0.5})
    assert found == pytest.approx(half_squares, abs=6e-7)
    theirs = sk.brier_score_loss(KIND.astype(str), CHANCES, scale_by_half=True)
    assert found == pytest.approx(theirs, abs=6e-7)


def test_pairs_stay_within_one_fit(ask: Any, answer: Any, judge: Any) -> None:
    fold = RNG.integers(0, 4, N)
    shifted = SCORE + fold  # scores of different fits are not comparable, and are not compared
    cases = ask("detection", TRUTH, fold=fold)
    said = answer(cases, label=CALL, score=shifted)
    found = _value(judge, cases, said, {"metric": "auc", "at_least": 0.5})
    pairs = [TRUTH[fold == f].sum() * (1 - TRUTH[fold == f]).sum() for f in range(4)]
    aucs = [sk.roc_auc_score(TRUTH[fold == f], SCORE[fold == f]) for f in range(4)]
    assert found == pytest.approx(np.average(aucs, weights=pairs), abs=5e-9)


def test_group_figures(ask: Any, answer: Any, judge: Any) -> None:
    sex = np.where(RNG.random(N) < 0.4, "1", "2")
    cases = ask("detection", TRUTH, groups={"sex": sex})
    said = answer(cases, label=CALL, score=SCORE)
    recall = {g: sk.recall_score(TRUTH[sex == g], CALL[sex == g]) for g in "12"}
    auc = {g: sk.roc_auc_score(TRUTH[sex == g], SCORE[sex == g]) for g in "12"}
    low, high = sorted(recall.values())
    by = {"metric": "recall", "at_most": 0.2, "gap_by": "sex"}
    assert _value(judge, cases, said, by) == pytest.approx(high - low, abs=5e-9)
    by = {"metric": "recall", "at_least": 0.8, "ratio_by": "sex"}
    assert _value(judge, cases, said, by) == pytest.approx(low / high, abs=5e-9)
    by = {"metric": "recall", "at_least": 0.7, "worst_of": "sex"}
    assert _value(judge, cases, said, by) == pytest.approx(low, abs=5e-9)
    by = {"metric": "auc", "at_most": 0.2, "gap_by": "sex"}
    assert _value(judge, cases, said, by) == pytest.approx(abs(auc["1"] - auc["2"]), abs=5e-9)
    by = {"metric": "precision", "at_least": 0.5, "worst_of": "sex"}
    worst = min(sk.precision_score(TRUTH[sex == g], CALL[sex == g]) for g in "12")
    assert _value(judge, cases, said, by) == pytest.approx(worst, abs=5e-9)


def test_relative_to_the_overall_mean(ask: Any, answer: Any, judge: Any) -> None:
    level = np.where(NUMBER < -1, "low", np.where(NUMBER > 1, "high", "middle"))
    cases = ask("regression", NUMBER, groups={"level": level})
    error = abs(SAID - NUMBER)
    worst = max(error[level == g].mean() for g in ("low", "middle", "high")) / error.mean()
    asked = {
        "metric": "mae", "cap": 10.0, "at_most": 1.25, "worst_of": "level", "relative": True,
    }  # fmt: skip
    found = _value(judge, cases, answer(cases, value=SAID), asked)
    assert found == pytest.approx(worst, rel=2e-6)


def test_against_a_baseline(ask: Any, answer: Any, judge: Any) -> None:
    cases = ask("forecast", NUMBER)
    mine, base = answer(cases, value=SAID), answer(cases, value=np.zeros(N))
    error, base_error = abs(SAID - NUMBER), abs(NUMBER)
    both = {"metric": "mae", "cap": 10.0, "against": "mean"}

    def against(**more: Any) -> float:
        evidence = judge(cases, mine, {**both, **more}, baseline=base)
        reading = read_criterion(evidence, 0.05, "fixed")
        assert reading.exact and reading.estimate is not None
        return reading.estimate

    assert against(at_most=0.5) == pytest.approx(error.mean() / base_error.mean(), rel=2e-6)
    assert against(at_most=0.5, **{"as": "difference"}) == pytest.approx(
        error.mean() - base_error.mean(), rel=2e-6
    )
    assert against(at_most=0.9, metric="rmse") == pytest.approx(
        np.sqrt((error**2).mean() / (base_error**2).mean()), rel=2e-6
    )
