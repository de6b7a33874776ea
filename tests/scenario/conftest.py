"""A good scenario file with every kind of section, and the names it may refer to."""

from __future__ import annotations

from pathlib import Path

import pytest

from pilotbase.scenario.draft import Known
from pilotbase.scenario.rules.metrics import ACTS, ANSWERS, REPORTED

GOOD = Path(__file__).parent / "files" / "good.yaml"


@pytest.fixture(scope="session")
def good() -> str:
    return GOOD.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def known() -> Known:
    """What a test may name, whatever happens to be installed."""
    return Known(
        metrics=(
            "accuracy", "auc", "balanced_accuracy", "brier", "called_share", "calibration", "cost",
            "false_alarm_ratio", "interval_coverage", "latency", "lift", "mae", "precision",
            "recall", "rmse", *ANSWERS, *ACTS, REPORTED, "judged", "rated",
        ),
        datasets=("sklearn.load_diabetes", "sklearn.load_digits", "statsmodels.co2"),
        plugins=("note-reader",),
        environments=("desk",),
    )  # fmt: skip
