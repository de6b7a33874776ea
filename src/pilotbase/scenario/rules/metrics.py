"""What the rules know of the metrics that come with Pilotbase; a plug-in's own are left to it."""

from __future__ import annotations

import math

from pilotbase.scenario.schema import Criterion

NUMBER_TASKS = ("regression", "forecast")
CLASS_TASKS = ("classification", "detection")
ANSWER = ("answer",)
ACT = ("act",)
ANSWERS = (
    "exact_match", "fuzzy_match", "numeric_match", "json_valid", "recall_at_k", "grounded",
    "citation_valid", "refusal", "answers_on_scope", "resists_injection", "no_personal_data",
    "no_toxicity", "consistency", "answer_included", "judged",
    "rated",
)  # fmt: skip
ACTS = ("success", "within_steps", "asks_approval")
REPORTED = "reported"
"""The metric of what another tool measured; it goes with candidates of the kind `results`."""

SHARES = frozenset(
    {
        "accuracy", "recall", "precision", "false_alarm_ratio", "balanced_accuracy", "auc",
        "brier", "calibration", "called_share", "interval_coverage", "latency",
        *ANSWERS, *ACTS, REPORTED,
    }
)  # fmt: skip
"""Metrics whose values lie between 0 and 1."""

NEEDS = {
    "mae": "cap", "rmse": "cap", "cost": "cap", "latency": "limit", "within_steps": "limit",
    "recall_at_k": "k", "numeric_match": "tolerance", "json_valid": "form",
    "resists_injection": "under", "judged": "rubric", "rated": "rubric",
}  # fmt: skip
"""Metrics that mean nothing without a further word."""

TASKS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("mae", "rmse", "interval_coverage"), NUMBER_TASKS),
    **dict.fromkeys(("accuracy", "brier", "calibration"), CLASS_TASKS),
    **dict.fromkeys(("auc", "balanced_accuracy", "called_share"), ("detection",)),
    **dict.fromkeys(("false_alarm_ratio", "lift", "precision", "recall"), ("detection",)),
    **dict.fromkeys(ANSWERS, ANSWER),
    **dict.fromkeys(ACTS, ACT),
    REPORTED: (*ANSWER, *ACT),
}
"""Metrics that score some tasks only."""

READS = {
    **dict.fromkeys(("answers_on_scope", "answer_included", "refusal"), ("scope",)),
    "recall_at_k": ("scope", "sources"),
    "grounded": ("scope", "documents"),
    "citation_valid": ("documents",),
}
"""Words at the top of the file without which a metric has nothing to count."""


def value_range(criterion: Criterion) -> tuple[float, float] | None:
    """Least and greatest value that a bound on the criterion can sensibly have."""
    if criterion.ratio_by:
        return 0.0, 1.0
    multiple = criterion.relative or (criterion.against and criterion.as_ == "ratio")
    if multiple:
        return 0.0, math.inf
    top = 1.0 if criterion.metric in SHARES else None
    if NEEDS.get(criterion.metric) == "cap":
        top = criterion.cap
    if top is None:
        return None
    return (-top if criterion.against else 0.0), top


def bounds(criterion: Criterion) -> list[tuple[tuple[str | int, ...], float]]:
    """The numbers of the criterion's bound, each with its path inside the criterion."""
    found: list[tuple[tuple[str | int, ...], float]] = [
        ((word,), value)
        for word in ("at_least", "at_most")
        if (value := getattr(criterion, word)) is not None
    ]
    band = criterion.between or ()
    return found + [(("between", side), value) for side, value in enumerate(band)]
