"""A statsmodels time-series class on one series: fit at some origins, filter in between.

Runs in a worker. At an origin the model knows the series up to ``horizon`` steps before the target
and nothing later. Between two fits the parameters stay, only the state follows the new values.
"""

from __future__ import annotations

import inspect
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pilotbase.trial.candidates.answer import (
    all_faulty,
    blank,
    check_numbers,
    fault,
    reason_of,
)
from pilotbase.trial.candidates.estimator import FoldAnswers, texts
from pilotbase.trial.candidates.naming import (
    accepted_parameters,
    built,
    check_parameters,
    class_named,
)
from pilotbase.trial.cases import Floats, Predictions

BAND_ALPHA = 0.05
# The covariance of the parameters is not asked for, and takes most of the time of a filter's run.
NO_COVARIANCE = "none"


@dataclass(frozen=True)
class SeriesRecipe:
    """The class and what its constructor is given besides the series."""

    path: str
    parameters: Mapping[str, Any]
    seed: int = 1
    trust: bool = False


@dataclass(frozen=True)
class WindowJob:
    """One fit and the origins that it serves.

    Attributes:
        series: the series as it is, then perturbed; each ends with what the last origin knows. NaN
            where a value is unknown.
        learnt: how many values the fit knows.
        known: (m,) how many values each origin knows, at least as many, ascending.
        horizon: steps from the last known value to the target.
    """

    recipe: SeriesRecipe
    series: tuple[Floats, ...]
    learnt: int
    known: tuple[int, ...]
    horizon: int


def check_forecaster(recipe: SeriesRecipe) -> None:
    """Raises CandidateError for an unknown class or parameter, with the nearest name."""
    found = class_named(recipe.path, trust=recipe.trust)
    check_parameters(recipe.path, recipe.parameters, accepted_parameters(found))


def answer_window(job: WindowJob) -> FoldAnswers:
    """Fit on the series as it is; forecast every origin of every version with these parameters."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            parameters = estimated(job.recipe, job.series[0][: job.learnt])
        except (Exception, SystemExit) as error:
            reason = f"fit failed: {reason_of(error)}"
            blocks = [all_faulty(len(job.known), (), reason) for _ in job.series]
        else:
            blocks = [forecasts(job, series, parameters) for series in job.series]
    return FoldAnswers(blocks, warnings=texts(caught))


def forecasts(job: WindowJob, series: Floats, parameters: Any) -> Predictions:
    """Each origin of a series, seen through parameters that were estimated before."""
    block = blank(len(job.known), ())
    for row, known in enumerate(job.known):
        started = time.perf_counter()
        try:
            results = _filtered(job.recipe, series[:known], parameters)
            value, lower, upper = _ahead(results, known, job.horizon, job.recipe.seed)
        except (Exception, SystemExit) as error:
            fault(block, row, f"forecast failed: {reason_of(error)}")
            continue
        block.latency_ms[row] = (time.perf_counter() - started) * 1000
        block.value[row], block.lower[row], block.upper[row] = value, lower, upper
    check_numbers(block, "value")
    return block


def _model(recipe: SeriesRecipe, history: Floats) -> Any:
    import pandas as pd

    # The exponential smoothing classes want an index even where they do not use it.
    parameters = {"endog": pd.Series(history), **recipe.parameters}
    return built(recipe.path, parameters, seed=recipe.seed, trust=recipe.trust)


def estimated(recipe: SeriesRecipe, history: Floats) -> Any:
    """The parameters of the class, fitted to a series. Raises whatever its code raises."""
    np.random.seed(recipe.seed)  # what the worker did before must not matter
    return _fit(_model(recipe, history)).params


def _fit(model: Any) -> Any:
    options: dict[str, Any] = {"cov_type": NO_COVARIANCE} if hasattr(model, "ssm") else {}
    if "disp" in inspect.signature(model.fit).parameters:
        options["disp"] = False
    return model.fit(**options)


def _filtered(recipe: SeriesRecipe, history: Floats, parameters: Any) -> Any:
    """The history seen through the fitted parameters; a class that cannot do that is fitted."""
    model = _model(recipe, history)
    if hasattr(model, "ssm"):  # state space: one run of the Kalman filter
        return model.filter(parameters, cov_type=NO_COVARIANCE)
    if hasattr(model, "smooth"):
        return model.smooth(parameters)
    return _fit(model)


def _ahead(results: Any, known: int, horizon: int, seed: int) -> tuple[float, float, float]:
    """(value, lower, upper) ``horizon`` steps ahead; the 95 % band is NaN where there is none."""
    if hasattr(results, "get_forecast"):
        ahead = results.get_forecast(horizon)
        band = np.asarray(ahead.conf_int(alpha=BAND_ALPHA), np.float64)
        mean = np.asarray(ahead.predicted_mean, np.float64)
    elif hasattr(results, "get_prediction") and hasattr(results, "simulate"):
        ahead = results.get_prediction(known, known + horizon - 1, **_seeded(results, seed))
        band = np.asarray(ahead.pred_int(alpha=BAND_ALPHA), np.float64)
        mean = np.asarray(ahead.predicted_mean, np.float64)
    else:
        mean = np.asarray(results.forecast(horizon), np.float64)
        band = np.full((horizon, 2), np.nan)
    return float(mean[-1]), float(band[-1, 0]), float(band[-1, 1])


def _seeded(results: Any, seed: int) -> dict[str, Any]:
    """The seed of simulated bands, under the name this statsmodels has for it."""
    accepted = inspect.signature(results.simulate).parameters
    name = "rng" if "rng" in accepted else "random_state"
    return {name: np.random.default_rng(seed)}
