"""The odds of a plan: exact where it can be, labelled where it is not, always a distribution."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pilotbase.scenario.schema import Scenario
from pilotbase.trial.cases import Cases
from pilotbase.trial.odds import planned_odds
from pilotbase.trial.rules.sequential import operating_characteristics
from tests.desk.files import scenario

UNITS = 100


def cases() -> Cases:
    units = np.arange(UNITS)
    return Cases(
        task="detection", features=pd.DataFrame(), barred=pd.DataFrame(),
        target=(units % 2).astype(np.int64), classes=(), unit=units,
        unit_ids=[str(u) for u in units], names=[str(u) for u in units], groups={},
        scored=np.ones(UNITS, bool), fold=units % 3, split="random",
    )  # fmt: skip


def odds(metric: dict[str, Any], **plan: Any) -> dict[str, Any]:
    estimand = plan.pop("estimand", "these cases")
    read = Scenario.model_validate(
        scenario(acceptance=[metric], plan=plan, estimand=estimand, groups={})
    )
    return planned_odds(cases(), read, 0.05, 0.05)[0]


def test_with_all_scored_nothing_is_left_to_chance() -> None:
    found = odds({"metric": "recall", "at_least": 0.8}, evidence="fixed")
    assert found["method"] == "exact"
    assert all(row["meets"] == float(row["quality"] >= 0.8) for row in found["table"])
    assert all(row["units"] == UNITS / 2 for row in found["table"])
    high = odds({"metric": "recall", "at_least": 0.98}, evidence="fixed")["table"]
    assert 0 < max(row["quality"] for row in high) <= 1


def test_sequential_odds_are_the_exact_ones() -> None:
    found = odds({"metric": "recall", "at_least": 0.8}, evidence="sequential",
                 estimand="future cases")  # fmt: skip
    assert found["method"] == "exact"
    for row in found["table"]:
        exact = operating_characteristics(0.8, 0.05, UNITS // 2, row["quality"])
        assert row["meets"] == pytest.approx(exact.meets, abs=1e-4)
        assert row["units"] == pytest.approx(exact.expected_units, abs=1e-3)


def test_one_look_odds_are_binomial() -> None:
    found = odds({"metric": "recall", "at_least": 0.8}, evidence="fixed", estimand="future cases")
    n = UNITS // 2
    least = next(s for s in range(n + 1) if stats.binom.sf(s - 1, n, 0.8) <= 0.05)
    for row in found["table"]:
        assert row["meets"] == pytest.approx(stats.binom.sf(least - 1, n, row["quality"]), abs=1e-4)


def test_bounded_values_are_simulated_and_say_so() -> None:
    found = odds({"metric": "brier", "at_most": 0.2}, evidence="sequential",
                 estimand="future cases")  # fmt: skip
    assert found["method"] == "simulation"
    by_quality = {row["quality"]: row for row in found["table"]}
    assert by_quality[0.1]["meets"] > by_quality[0.2]["meets"] < 0.1


def test_a_set_that_an_estimator_answers_whole_is_certain_in_sequential_plans_too() -> None:
    found = odds({"metric": "recall", "at_least": 0.8}, evidence="sequential")
    assert {row["undecided"] for row in found["table"]} == {0.0}
    assert {row["units"] for row in found["table"]} == {UNITS / 2}


def test_a_cap_leaves_the_expected_number_of_positives() -> None:
    found = odds({"metric": "recall", "at_least": 0.8}, evidence="fixed", cap=40)
    assert {row["units"] for row in found["table"]} == {20}
    # 20 of the 50 positives, 45 of which are right: hypergeometric, K >= 40 is "at least .8"
    least = next(s for s in range(21) if stats.hypergeom.sf(s - 1, 50, 39, 20) <= 0.05)
    row = next(r for r in found["table"] if r["quality"] == 0.9)
    assert row["meets"] == pytest.approx(stats.hypergeom.sf(least - 1, 50, 45, 20), abs=1e-4)


def test_a_comparison_that_hangs_on_two_unknowns_says_so() -> None:
    found = odds({"metric": "lift", "at_least": 1.5}, evidence="sequential", cap=40)
    assert found["method"] == "none" and found["table"] == []
    assert "two unknown" in found["note"]["en"] and "两个未知数" in found["note"]["zh"]


@pytest.mark.parametrize("evidence", ["fixed", "sequential"])
@pytest.mark.parametrize("estimand", ["these cases", "future cases"])
@pytest.mark.parametrize("metric", ["recall", "called_share", "brier"])
def test_every_row_is_a_distribution(metric: str, estimand: str, evidence: str) -> None:
    found = odds({"metric": metric, "at_most": 0.7}, evidence=evidence, estimand=estimand, cap=40)
    assert found["table"]
    for row in found["table"]:
        assert row["meets"] + row["fails"] + row["undecided"] == pytest.approx(1, abs=2e-4)
        assert 0 < row["units"] <= UNITS
