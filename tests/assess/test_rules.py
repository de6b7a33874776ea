"""The verdict's rules: each answer, Holm and the rule over several candidates."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from pilotbase.assess.rules import (
    Weighed,
    admitted,
    best_go,
    candidate_verdict,
    criterion_verdicts,
    go_log_evalue,
    levels,
)

OPEN = Weighed(True, "undecided", 0.6, 0.3)


def open_(p: float, *, blocking: bool = True) -> Weighed:
    return Weighed(blocking, "undecided", p, -1.0)


def test_each_answer() -> None:
    assert candidate_verdict(["meets", "meets"], [True, False]) == "go"
    assert candidate_verdict(["meets", "undecided"], [True, False]) == "conditional"
    assert candidate_verdict(["meets", "fails"], [True, False]) == "conditional"
    assert candidate_verdict(["meets", "fails"], [True, True]) == "no-go"
    assert candidate_verdict(["undecided", "fails"], [True, True]) == "no-go"
    assert candidate_verdict(["meets", "undecided"], [True, True]) == "insufficient"


def test_levels_share_alpha() -> None:
    assert levels(0.05, 2, 5) == (0.025, 0.01)
    assert levels(0.05, 1, 0) == (0.05, 0.05)


def test_holm_over_blocking_criteria_only() -> None:
    # Holm 1979 by hand: with p = .02, .03 over two, .02 <= .025 rejects, then .03 <= .05 does.
    def said(*criteria: Weighed) -> list[str]:
        return list(criterion_verdicts(criteria, 0.05, admitted=False))

    assert said(open_(0.02), open_(0.03)) == ["fails", "fails"]
    assert said(open_(0.03), open_(0.04)) == ["undecided", "undecided"]
    mixed = (open_(0.03), open_(0.01, blocking=False), OPEN)
    assert said(*mixed) == ["undecided", "undecided", "undecided"]


def test_corrections_never_take_an_answer_back() -> None:
    read = [Weighed(True, "meets", 0.0, 20.0), Weighed(True, "fails", 0.9, -3.0)]
    assert criterion_verdicts(read, 0.05, admitted=False) == ["meets", "fails"]


def test_an_admitted_candidate_meets_what_was_open() -> None:
    assert criterion_verdicts([Weighed(True, "undecided", 1.0, 3.2)], 0.05, admitted=True) == [
        "meets"
    ]


def test_the_weakest_blocking_criterion_speaks_for_the_candidate() -> None:
    loose = Weighed(False, "undecided", 1.0, -9.0)
    strong, weak = Weighed(True, "meets", 1.0, 10.0), Weighed(True, "meets", 1.0, 4.0)
    assert go_log_evalue([strong, weak, loose]) == 4.0
    assert go_log_evalue([loose]) == math.inf


def test_several_candidates_share_the_error_budget() -> None:
    # e-Holm at .05: 41 also makes up for what 19 lacks to 20; 25 does not for what 10 lacks.
    assert admitted([math.log(30), math.log(30)], 0.05, "e-holm") == [True, True]
    assert admitted([math.log(41), math.log(19)], 0.05, "e-holm") == [True, False]
    assert admitted([math.log(25), math.log(10)], 0.05, "e-holm") == [False, False]
    assert admitted([math.inf, math.log(19)], 0.05, "e-holm") == [True, False]
    assert admitted([math.inf, -math.inf], 0.05, "e-bh") == [True, False]


def test_the_best_go_by_the_plans_metric() -> None:
    tried = [("a", "go", 0.9), ("b", "go", 0.95), ("c", "no-go", 0.99), ("d", "go", 0.95)]
    assert best_go(tried, higher_is_better=True) == "b"  # type: ignore[arg-type]
    assert best_go(tried, higher_is_better=False) == "a"  # type: ignore[arg-type]
    assert best_go([("c", "no-go", 0.99)], higher_is_better=True) is None
    assert best_go([("a", "go", None)], higher_is_better=True) == "a"


weighed = st.builds(
    Weighed,
    st.booleans(),
    st.sampled_from(["meets", "fails", "undecided"]),
    st.floats(0, 1),
    st.floats(-50, 50),
)


@given(st.lists(weighed, min_size=1, max_size=6), st.booleans())
def test_a_verdict_follows_from_the_criteria_alone(criteria: list[Weighed], let: bool) -> None:
    verdicts = criterion_verdicts(criteria, 0.05, admitted=let)
    verdict = candidate_verdict(verdicts, [c.blocking for c in criteria])
    hangs = [v for v, c in zip(verdicts, criteria, strict=True) if c.blocking]
    assert (verdict == "no-go") == ("fails" in hangs)
    assert (verdict == "go") == (set(verdicts) == {"meets"})
    assert all(
        v == c.read or c.read == "undecided" for v, c in zip(verdicts, criteria, strict=True)
    )
