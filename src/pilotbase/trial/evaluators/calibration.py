"""Calibration: the Brier score is the claim; the reliability table stands beside it."""

from __future__ import annotations

from dataclasses import replace

from pilotbase.kernel.text import Text
from pilotbase.trial.evaluators import brier

METRIC = replace(
    brier.METRIC,
    name="calibration",
    title=Text("Calibration (Brier score)", "校准度 (布赖尔评分)"),
    definition=Text(
        "Mean squared distance between the probability given and what happened; the table of said "
        "against seen frequencies is shown beside it.",
        "所给概率与实际结果之差的平方的平均; 另附预报概率与实际频率对照表。",
    ),
    dimension="calibration",
)
