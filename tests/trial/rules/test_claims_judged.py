"""Rows of a judge and of people, as units."""

from __future__ import annotations

from typing import Any

import numpy as np

from pilotbase.scenario.schema import Criterion
from pilotbase.trial.cases import FAULT, OK, OUTAGE
from pilotbase.trial.rules.claims.counted import Answers, Setting, finished_units
from pilotbase.trial.rules.claims.judged import judged_units
from tests.trial.rules.conftest import metric

N = float("nan")


def test_rows_become_units(ask: Any) -> None:
    """u0 both graded; u1 one row a fault; u2 all faults; u3 lost; u4 without a judge's value."""
    cases = ask("detection", [1] * 9, unit=[0, 0, 1, 1, 2, 3, 3, 4, 4])
    status = np.array([OK, OK, OK, FAULT, FAULT, OK, OUTAGE, OK, OK], np.uint8)
    value = np.array([1.0, 0.5, 1.0, N, N, 1.0, N, 1.0, N])
    human = np.array([1.0, 0.0, 0.5, N, N, N, N, 0.25, N])
    answers = Answers(value, status, np.ones(9, np.bool_))
    order = np.array([4, 3, 2, 1, 0])
    criterion = Criterion.model_validate({"metric": "accuracy", "at_least": 0.5})
    setting = Setting(metric("accuracy"), cases, criterion, finished_units(cases, order, status),
                      True, b"", True, 10)  # fmt: skip
    audited, waits = np.array([True, True, True, True, False]), np.zeros(5, np.bool_)

    judged = judged_units(setting, answers, human, audited, waits, worst=0.0)
    np.testing.assert_array_equal(judged.judge, [N, N, 0.0, 0.5, 0.75])
    np.testing.assert_array_equal(judged.human[2:], [0.0, 0.25, 0.5])
    assert np.isnan(judged.human[0])  # one of its rows has no label
    np.testing.assert_array_equal(judged.settled, [N, N, 0.0, N, N])
    assert judged.faults.tolist() == [False, False, True, True, False]
    assert judged.outages.tolist() == [False, True, False, False, False]
    assert judged.asked.tolist() == [False, False, False, True, True]

    waits[1] = True
    assert judged_units(setting, answers, human, audited, waits, worst=0.0).judge.size == 3
