"""statsmodels candidates: they know the past of each origin and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pilotbase.trial.candidates.forecast import SeriesRecipe, WindowJob, answer_window
from pilotbase.trial.cases import FAULT, OK

MONTHS = np.arange(96)
SERIES = 100 + 0.3 * MONTHS + 5 * np.sin(2 * np.pi * MONTHS / 12)
SERIES = SERIES + np.random.default_rng(1).normal(0, 0.3, 96)
KINDS: list[tuple[str, dict[str, Any]]] = [
    (
        "statsmodels.tsa.statespace.structural.UnobservedComponents",
        {"level": "lldtrend", "freq_seasonal": [{"period": 12, "harmonics": 2}]},
    ),
    (
        "statsmodels.tsa.exponential_smoothing.ets.ETSModel",
        {"trend": "add", "seasonal": "add", "seasonal_periods": 12},
    ),
    (
        "statsmodels.tsa.holtwinters.ExponentialSmoothing",
        {"trend": "add", "seasonal": "add", "seasonal_periods": 12},
    ),
]


def window(recipe: SeriesRecipe, **fields: Any) -> WindowJob:
    asked: dict[str, Any] = {"series": (SERIES[:90],), "learnt": 84, "known": (84, 87, 90)}
    return WindowJob(recipe=recipe, horizon=1, **{**asked, **fields})


@pytest.mark.parametrize(("path", "parameters"), KINDS)
def test_each_kind_forecasts_and_follows_new_values(path: str, parameters: dict[str, Any]):
    block = answer_window(window(SeriesRecipe(path, parameters))).blocks[0]
    assert (block.status == OK).all() and (block.latency_ms > 0).all()
    assert np.abs(block.value - SERIES[[84, 87, 90]]).max() < 1.5
    if "holtwinters" in path:
        assert np.isnan(block.lower).all()
    else:
        assert ((block.lower < block.value) & (block.value < block.upper)).all()


def test_what_comes_after_an_origin_changes_nothing_before():
    recipe = SeriesRecipe(*KINDS[0])
    alone = answer_window(window(recipe, series=(SERIES[:84],), known=(84,))).blocks[0]
    together = answer_window(window(recipe)).blocks[0]
    assert together.value[0] == alone.value[0] and together.upper[0] == alone.upper[0]


def test_the_fit_is_the_windows_first_whatever_is_asked():
    recipe = SeriesRecipe(*KINDS[0])
    whole = answer_window(window(recipe)).blocks[0]
    late = answer_window(window(recipe, known=(90,))).blocks[0]
    assert late.value[0] == whole.value[2]


def test_gaps_are_bridged_by_state_space_and_a_fault_elsewhere():
    gaps = SERIES[:90].copy()
    gaps[[40, 85]] = np.nan
    assert (
        answer_window(window(SeriesRecipe(*KINDS[0]), series=(gaps,))).blocks[0].status == OK
    ).all()
    broken = answer_window(window(SeriesRecipe(*KINDS[1]), series=(gaps,))).blocks[0]
    assert (broken.status == FAULT).all() and broken.problems


def test_a_perturbed_history_goes_through_the_same_fit():
    versions = (SERIES[:90], SERIES[:90] + 3.0)
    clean, moved = answer_window(window(SeriesRecipe(*KINDS[0]), series=versions)).blocks
    assert moved.value == pytest.approx(clean.value + 3.0, abs=0.05)


def test_a_model_that_cannot_be_fitted_is_a_fault_of_every_origin():
    recipe = SeriesRecipe("statsmodels.tsa.arima.model.ARIMA", {"order": [1, 0]})
    block = answer_window(window(recipe)).blocks[0]
    assert (block.status == FAULT).all()
    assert block.problems[0][1].startswith("fit failed")
