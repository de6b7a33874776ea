"""What detection metrics look at: whether a row was called, and whether it is positive."""

from __future__ import annotations

import numpy as np

from pilotbase.scenario.schema import Criterion
from pilotbase.trial.cases import Cases, Floats, Predictions


def called(cases: Cases, predictions: Predictions, criterion: Criterion) -> Floats:
    """1 where the candidate calls the case."""
    return np.asarray(predictions.label == 1, dtype=np.float64)


def positive(cases: Cases, predictions: Predictions, criterion: Criterion) -> Floats:
    """1 where the case is positive, whatever was answered."""
    return np.asarray(cases.target == 1, dtype=np.float64)


def negative(cases: Cases, predictions: Predictions, criterion: Criterion) -> Floats:
    """1 where the case is negative, whatever was answered."""
    return 1.0 - positive(cases, predictions, criterion)
