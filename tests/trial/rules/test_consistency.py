"""Repeats of one item become one unit value."""

from __future__ import annotations

import math
from collections import Counter
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotbase.trial.rules.consistency import agreement_of, folded

replies = st.lists(st.sampled_from(["a", "b", "c", None]), min_size=2, max_size=8)


@given(replies)
def test_it_is_the_share_of_agreeing_pairs(said: list[str | None]) -> None:
    pairs = len(said) * (len(said) - 1)
    counts = Counter(reply for reply in said if reply is not None)
    value = agreement_of(said)
    assert value == pytest.approx(sum(n * (n - 1) for n in counts.values()) / pairs)
    assert 0.0 <= value <= 1.0 and value == agreement_of(said[::-1])


@pytest.mark.parametrize("repeats", [2, 3, 5])
def test_it_is_unbiased_for_any_number_of_repeats(repeats: int) -> None:
    """Its mean over all possible outcomes is the probability that two repeats agree."""
    chance = {"a": 0.6, "b": 0.3, None: 0.1}
    mean = sum(
        math.prod(chance[reply] for reply in said) * agreement_of(list(said))
        for said in product(chance, repeat=repeats)
    )
    assert mean == pytest.approx(0.6**2 + 0.3**2)


def test_one_reply_says_nothing_of_consistency() -> None:
    assert math.isnan(agreement_of(["a"])) and math.isnan(agreement_of([]))


def test_a_rule_of_ones_own_for_what_is_the_same() -> None:
    near = lambda a, b: abs(float(a) - float(b)) <= 1  # noqa: E731
    assert agreement_of(["10", "11", "12"], near) == pytest.approx(2 / 3)


@given(st.text(max_size=40))
def test_folding_twice_is_folding_once(text: str) -> None:
    assert folded(folded(text)) == folded(text)


def test_what_folding_keeps_apart() -> None:
    assert folded("442") != folded("44 2") and folded("-3") != folded("3")
    assert folded("ＡＢＣ。") == folded("abc") == folded(" ABC! ")
    assert folded("共 442 行") == folded("共442行")


@pytest.mark.parametrize("long", ["a" + "\u0301\u0316" * 100_000, "a" + "!" * 200_000])
def test_folding_takes_linear_time(long: str) -> None:
    """Ordering a long run of combining marks, or cutting a tail one by one, would take minutes."""
    assert folded(long)[0] in "aá"
