"""The verdict's rules: each answer, Holm and the rule over several candidates."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from pilotbase.assess.rules import (
    Weighed,
    best_go,
    candidate_verdict,
    criterion_verdicts,
    go_log_evalue,
    may_go,
)

MEETS = Weighed(True, True, 1.0, 10.0)
FAILS = Weighed(True, False, 0.001, -5.0)
OPEN = Weighed(True, False, 0.6, 0.3)


def test_each_answer() -> None:
    assert candidate_verdict(["meets", "meets"], [True, False], True) == "go"
    assert candidate_verdict(["meets", "undecided"], [True, False], True) == "conditional"
    assert candidate_verdict(["meets", "fails"], [True, False], True) == "conditional"
    assert candidate_verdict(["meets", "fails"], [True, True], True) == "no-go"
    assert candidate_verdict(["undecided", "fails"], [True, True], True) == "no-go"
    assert candidate_verdict(["meets", "undecided"], [True, True], True) == "insufficient"
    assert candidate_verdict(["meets", "meets"], [True, True], False) == "insufficient"


def test_holm_over_blocking_criteria_only() -> None:
    # Holm 1979 by hand: with p = .02, .03 over two, .02 <= .025 rejects, then .03 <= .05 does.
    def failing(p: float, blocking: bool = True) -> Weighed:
        return Weighed(blocking, False, p, -1.0)

    assert criterion_verdicts([failing(0.02), failing(0.03)], 0.05) == ["fails", "fails"]
    assert criterion_verdicts([failing(0.03), failing(0.04)], 0.05) == ["undecided", "undecided"]
    mixed = [failing(0.03), failing(0.04, blocking=False), OPEN]
    assert criterion_verdicts(mixed, 0.05) == ["undecided", "fails", "undecided"]


def test_a_criterion_that_meets_is_never_said_to_fail() -> None:
    both = Weighed(True, True, 0.0, 20.0)
    assert criterion_verdicts([both], 0.05) == ["meets"]


def test_the_weakest_blocking_criterion_speaks_for_the_candidate() -> None:
    loose = Weighed(False, False, 1.0, -9.0)
    assert go_log_evalue([MEETS, Weighed(True, True, 1.0, 4.0), loose]) == 4.0
    assert go_log_evalue([loose]) == math.inf


def test_several_candidates_share_the_error_budget() -> None:
    # e-Holm at .05 over two: the larger needs 40, then the smaller needs 20.
    assert may_go([math.log(41), math.log(21)], 0.05, "e-holm") == [True, True]
    assert may_go([math.log(39), math.log(21)], 0.05, "e-holm") == [False, False]
    assert may_go([math.inf, math.log(19)], 0.05, "e-holm") == [True, False]
    assert may_go([math.inf, math.inf], 0.05, "e-bh") == [True, True]


def test_the_best_go_by_the_plans_metric() -> None:
    tried = [("a", "go", 0.9), ("b", "go", 0.95), ("c", "no-go", 0.99), ("d", "go", 0.95)]
    assert best_go(tried, higher_is_better=True) == "b"  # type: ignore[arg-type]
    assert best_go(tried, higher_is_better=False) == "a"  # type: ignore[arg-type]
    assert best_go([("c", "no-go", 0.99)], higher_is_better=True) is None
    assert best_go([("a", "go", None)], higher_is_better=True) == "a"


weighed = st.builds(Weighed, st.booleans(), st.booleans(), st.floats(0, 1), st.floats(-50, 50))


@given(st.lists(weighed, min_size=1, max_size=6), st.booleans())
def test_verdicts_follow_from_criteria_and_nothing_else(
    criteria: list[Weighed], admitted: bool
) -> None:
    verdicts = criterion_verdicts(criteria, 0.05)
    verdict = candidate_verdict(verdicts, [c.blocking for c in criteria], admitted)
    hangs = [v for v, c in zip(verdicts, criteria, strict=True) if c.blocking]
    assert (verdict == "no-go") == ("fails" in hangs)
    if verdict == "go":
        assert set(verdicts) <= {"meets"} and admitted
