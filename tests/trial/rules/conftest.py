"""Small questions and answers, built by hand."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pilotbase.scenario.schema import Criterion
from pilotbase.trial.cases import OK, Cases, Predictions
from pilotbase.trial.evaluators import Metric
from pilotbase.trial.evidence import CriterionEvidence
from pilotbase.trial.rules.claims import evidence_of
from pilotbase.trial.rules.order import committed_order, order_seed

Ask = Callable[..., Cases]
Answer = Callable[..., Predictions]
Judge = Callable[..., CriterionEvidence]


def metric(name: str) -> Metric:
    """The built-in metric; tests do not need the package to be installed."""
    found: Metric = importlib.import_module(f"pilotbase.trial.evaluators.{name}").METRIC
    return found


def _asked(
    task: str,
    target: Sequence[Any],
    *,
    unit: Sequence[int] | None = None,
    fold: Sequence[int] | None = None,
    groups: dict[str, Sequence[str]] | None = None,
    scored: Sequence[bool] | None = None,
) -> Cases:
    n = len(target)
    classes = tuple(sorted(set(target))) if task == "classification" else ()
    kind = object if classes else np.int64 if task == "detection" else np.float64
    unit_of = np.arange(n) if unit is None else np.asarray(unit)
    return Cases(
        task=task,
        features=pd.DataFrame({"x": np.zeros(n)}),
        barred=pd.DataFrame(index=range(n)),
        target=np.asarray(target, dtype=kind),
        classes=classes,
        unit=unit_of.astype(np.int64),
        unit_ids=[f"u{i}" for i in range(int(unit_of.max()) + 1)],
        names=[f"row {i}" for i in range(n)],
        groups={k: np.asarray(v, dtype=object) for k, v in (groups or {}).items()},
        scored=np.ones(n, bool) if scored is None else np.asarray(scored),
        fold=np.zeros(n, np.int64) if fold is None else np.asarray(fold, np.int64),
        split="random",
    )


def _answered(cases: Cases, **said: Any) -> Predictions:
    predictions = Predictions.empty(cases)
    predictions.status[:] = OK
    for name, values in said.items():
        kind = getattr(predictions, name)
        setattr(predictions, name, np.asarray(values, dtype=None if kind is None else kind.dtype))
    return predictions


def _judged(
    cases: Cases, predictions: Predictions, criterion: dict[str, Any], **options: Any
) -> CriterionEvidence:
    seed = order_seed("sha256:test", options.pop("receipt", None))
    order = options.pop("order", None)
    asked = Criterion.model_validate(criterion)
    return evidence_of(
        cases,
        predictions,
        asked,
        0,
        committed_order(seed, cases.unit_ids) if order is None else order,
        seed,
        metric=metric(asked.metric),
        estimand=options.pop("estimand", "these cases"),
        **options,
    )


@pytest.fixture(name="ask")
def _ask() -> Ask:
    """``ask(task, target, unit=, fold=, groups=, scored=)``: the question."""
    return _asked


@pytest.fixture(name="answer")
def _answer() -> Answer:
    """``answer(cases, label=…, score=…)``: answers to every row."""
    return _answered


@pytest.fixture(name="judge")
def _judge() -> Judge:
    """``judge(cases, predictions, {"metric": …})``: the integers of one criterion."""
    return _judged
