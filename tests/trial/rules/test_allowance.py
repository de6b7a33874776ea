"""A budget is shared out in committed order, whoever is quick."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pilotbase.trial.rules.allowance import Allowance, allowances

prices = st.integers(1, 4).flatmap(
    lambda n: st.integers(0, 8).flatmap(
        lambda m: st.lists(
            st.lists(st.integers(0, 9), min_size=m, max_size=m), min_size=n, max_size=n
        )
    )
)


def test_without_a_budget_everyone_is_asked_everything():
    assert allowances([[1, 2], [3, 4]]) == [Allowance(2), Allowance(2)]
    assert allowances([]) == []


def test_who_cannot_pay_is_cut_and_the_others_go_on():
    assert allowances([[1, 1, 1], [5, 5, 5]], money=8) == [Allowance(3), Allowance(1, "money")]


@given(prices, st.integers(0, 60), st.integers(0, 20))
def test_no_budget_is_exceeded_and_nobody_skips_a_unit(
    own: list[list[int]], money: int, units: int
):
    allowed = allowances(own, units=units, money=money)
    assert sum(a.units for a in allowed) <= units
    assert sum(sum(p[: a.units]) for p, a in zip(own, allowed, strict=True)) <= money
    for price, one in zip(own, allowed, strict=True):
        assert (one.units == len(price)) == (one.cut == "")


@given(prices, st.integers(0, 60))
def test_more_money_never_buys_less_for_the_first(own: list[list[int]], money: int):
    less, more = (allowances(own[:1], money=m)[0].units for m in (money, money + 5))
    assert less <= more
