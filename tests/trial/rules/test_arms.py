"""Arms: what counts as one, who is compared with whom, and that nobody is shown alone."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotbase.kernel.errors import DataError
from pilotbase.trial.rules.arms import DECIDERS_LEAST, arms_of
from pilotbase.trial.rules.decisions import decisions_of

Row = tuple[str, str, str, str, str, str]


def table(rows: list[Row]) -> dict[str, list[str]]:
    names = ("case", "who", "saw", "decision", "truth", "ai")
    return {name: [row[i] for row in rows] for i, name in enumerate(names)}


def simulated(
    rng: np.random.Generator,
    *,
    people: int = 30,
    cases: int = 8,
    alone: float = 0.7,
    ai: float = 0.7,
    pair: float = 0.7,
    spread: float = 0.0,
    between: bool = False,
) -> dict[str, list[str]]:
    """Each decider has own cases, alone and with the AI; ``spread`` is skill between persons."""
    rows: list[Row] = []
    for who in range(people):
        skill = rng.uniform(-spread, spread)
        for number in range(cases):
            case = f"{who}-{number}"
            chance = {"nothing": alone + skill, "ai": pair + skill, "machine": ai}
            said = {name: str(int(rng.random() < p)) for name, p in chance.items()}
            arms = ("nothing", "ai") if not between else (("nothing", "ai")[who % 2],)
            rows += [(case, f"p{who}", saw, said[saw], "1", said["machine"]) for saw in arms]
    return table(rows)


def test_shares_by_hand() -> None:
    """Five deciders alike: alone wrong, wrong, right, right; AI right, wrong, right, wrong."""
    rows: list[Row] = []
    for who in "abcde":
        for case, alone, ai, pair in (
            ("1", "n", "y", "y"),  # put right by the AI
            ("2", "n", "n", "n"),  # followed it, wrong before already
            ("3", "y", "y", "n"),  # did not follow
            ("4", "y", "n", "y"),  # stayed right
        ):
            rows += [(case, who, "nothing", alone, "y", ai), (case, who, "ai", pair, "y", "")]
    report = arms_of(table(rows))
    found = {name: share.estimate for name, share in report.shares.items()}
    assert found == {
        "person": 0.5,
        "ai": 0.5,
        "together": 0.5,
        "over_reliance": 0.5,
        "under_reliance": 0.5,
        "reliance_on_ai": 1.0,
        "reliance_on_self": 1.0,
    }
    assert report.shares["over_reliance"].decisions == 10
    assert (report.cases, report.deciders, report.decisions) == (4, 5, 40)
    assert report.gain.verdict == "undecided" and report.gain.estimate == 0.0


def test_a_pair_that_beats_both_and_one_that_beats_only_the_person() -> None:
    rng = np.random.default_rng(1)
    better = arms_of(simulated(rng, people=80, cases=10, alone=0.6, ai=0.7, pair=0.95))
    assert better.gain.verdict == "meets"
    held_back = arms_of(simulated(rng, people=80, cases=10, alone=0.6, ai=0.95, pair=0.75))
    assert held_back.gain.verdict == "fails"
    assert [part.verdict for part in held_back.gain.parts] == ["meets", "fails"]


def test_two_groups_of_deciders_are_compared_where_nobody_did_both() -> None:
    rng = np.random.default_rng(2)
    columns = simulated(rng, people=160, cases=10, alone=0.5, ai=0.6, pair=0.95, between=True)
    report = arms_of(columns)
    assert report.evidence.parts[0].kind == "difference" and report.gain.verdict == "meets"
    assert report.shares["reliance_on_ai"].estimate is None


@pytest.mark.parametrize("between", [False, True])
def test_equal_arms_are_rarely_called_a_gain_however_alike_a_persons_decisions(
    between: bool,
) -> None:
    """The pair equals both arms: a gain or a loss is an error. Skill differs between persons."""
    runs, rng, wrong = 40, np.random.default_rng(3), {"meets": 0, "fails": 0, "undecided": 0}
    for _ in range(runs):
        columns = simulated(rng, people=24, cases=6, spread=0.3, between=between)
        wrong[arms_of(columns, alpha=0.1).gain.verdict] += 1
    most = 0.1 + 3 * math.sqrt(0.09 / runs)
    assert wrong["meets"] / runs <= most and wrong["fails"] / runs <= most


@given(st.integers(0, DECIDERS_LEAST - 1), st.integers(0, 99))
@settings(max_examples=15, deadline=None)
def test_few_deciders_give_no_figure(people: int, luck: int) -> None:
    report = arms_of(simulated(np.random.default_rng(luck), people=people))
    assert all(s.estimate is None and s.reason for s in report.shares.values())
    assert report.gain.verdict == "undecided" and report.gain.estimate is None
    assert report.gain.gap is not None and "5" in report.gain.gap["zh"]


def test_no_decider_is_named_or_shown_alone() -> None:
    columns = simulated(np.random.default_rng(4), people=12)
    columns["who"] = [f"secret-{who}" for who in columns["who"]]
    data = json.dumps(arms_of(columns).as_dict())
    assert "secret" not in data and '"x"' not in data


def test_more_decisions_of_the_same_persons_are_no_more_persons() -> None:
    """Each decision ten times over (as ten cases) leaves every figure and interval as it was."""
    few = simulated(np.random.default_rng(5), people=20, cases=3)
    copies = {name: values * 10 for name, values in few.items()}
    copies["case"] = [f"{case}/{i // len(few['case'])}" for i, case in enumerate(copies["case"])]
    one, ten = arms_of(few), arms_of(copies)
    assert [p.interval for p in ten.gain.parts] == [p.interval for p in one.gain.parts]
    assert ten.shares["together"].interval == one.shares["together"].interval


GOOD: list[Row] = [("c", "p", "nothing", "y", "y", "n"), ("c", "p", "ai", "y", "", "n")]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("c", "p", "ai", "n", "", ""), "same person"),
        (("", "q", "ai", "n", "y", "n"), "case is empty"),
        (("d", "q", "ai", "n", "", "n"), "no truth"),
        (("c", "q", "ai", "n", "n", "n"), "several values of truth"),
        (("c", "q", "ai", "n", "y", "y"), "several values of ai"),
        (("d", "q", "ai", "n", "y", ""), "no answer of the AI"),
        (("c", "q", "both", "n", "y", "n"), "saw is 'both'"),
        (("c", "q", "ai", "", "y", "n"), "decision is empty"),
    ],
)
def test_faults_of_a_decisions_table_are_named(row: Row, said: str) -> None:
    with pytest.raises(DataError) as raised:
        decisions_of(table([*GOOD, row]))
    assert said in raised.value.message.en and raised.value.message.zh
    assert len(decisions_of(table(GOOD))) == 2


def test_missing_and_uneven_columns_are_named() -> None:
    whole: dict[str, Any] = table(GOOD)
    with pytest.raises(DataError, match="no column saw"):
        decisions_of({name: values for name, values in whole.items() if name != "saw"})
    with pytest.raises(DataError, match="different length"):
        decisions_of({**whole, "ai": ["n"]})


def test_numbers_are_the_same_answer_whatever_their_column_was_read_as() -> None:
    columns = {
        "case": [7, 7.0],
        "who": ["p", "p"],
        "saw": ["nothing", "ai"],
        "decision": [1, "1"],
        "truth": [1.0, None],
        "ai": [float("nan"), np.float64(0.0)],
    }
    first, second = decisions_of(columns)
    assert first.case == second.case == "7" and first.decision == second.decision == "1"
    assert first.truth == "1" and second.ai == "0"
