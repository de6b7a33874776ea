"""One number for how good answers are, higher better: for importances and the leak check only.

Verdicts never use it; they are made of unit values (see `claims`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pilotbase.trial.cases import Floats, Labels


def primary_score(task: str, truth: Labels, said: Any) -> float:
    """Higher is better: accuracy, AUC (ties one half), or minus the mean absolute error.

    Args:
        said: (m,) classes, scores or numbers, as the task has them.
    """
    if task == "classification":
        return float(np.mean(truth.astype(str) == said))
    if task == "detection":
        return auc(truth.astype(np.bool_), said)
    return -float(np.mean(np.abs(truth.astype(np.float64) - said)))


def auc(positive: NDArray[np.bool_], scores: Floats) -> float:
    """Share of positive–negative pairs in the right order, ties one half; NaN without a pair."""
    positives, negatives = int(positive.sum()), int((~positive).sum())
    if not positives or not negatives:
        return float("nan")
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]  # mean rank of tied scores
    above = ranks[positive].sum() - positives * (positives + 1) / 2
    return float(above / (positives * negatives))
