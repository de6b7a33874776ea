"""Circuit breaker and turns."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from pilotbase.serve.rules.breaker import FAILURES, OPEN_S, OPEN_S_MAX, Breaker
from pilotbase.serve.rules.choice import Turns


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.floats(0.01, 5.0)), max_size=30))
def test_a_breaker_waits_longer_each_time_but_never_for_ever(
    said: list[tuple[bool, float]],
) -> None:
    one, now = Breaker(), 100.0
    for well, later in said:
        now += later
        if not one.allows(now):
            assert not one.closed and one.until <= now + OPEN_S_MAX
            continue
        one = one.probe(now)
        one = one.answered() if well else one.failed(now)
        assert one.closed == (well or one.failures < FAILURES)
    assert one.allows(one.until)


def test_one_call_finds_out_whether_it_is_back() -> None:
    one = Breaker()
    for _ in range(FAILURES):
        one = one.failed(10.0)
    assert one.failed(10.1).until == one.until  # calls from before count no second time
    probing = one.probe(10.0 + OPEN_S)
    assert not probing.allows(10.1 + OPEN_S)
    assert probing.failed(12.0).until == 12.0 + 2 * OPEN_S
    assert probing.allows(100.0)  # a probe that never ended holds nobody back


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(1, 200))
def test_each_has_its_share_at_any_moment(weights: list[int], calls: int) -> None:
    turns, able = Turns(weights), [True] * len(weights)
    taken = Counter(turns.next(able) for _ in range(calls))
    for place, weight in enumerate(weights):
        assert abs(taken[place] - calls * weight / sum(weights)) < len(weights)
