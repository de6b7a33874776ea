"""Money is integers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotbase.kernel.money import Money

amounts = st.builds(
    Money, st.sampled_from(["CNY", "EUR", "JPY", "KWD"]), st.integers(-(10**12), 10**12)
)


@given(amounts)
def test_an_amount_reads_back(amount: Money) -> None:
    assert Money.parse(str(amount)) == amount


@given(st.integers(-(10**12), 10**12), st.integers(-(10**12), 10**12))
def test_amounts_add_exactly(a: int, b: int) -> None:
    assert (Money("CNY", a) + Money("CNY", b)).minor == a + b
    assert (Money("CNY", a) - Money("CNY", b)).minor == a - b


@pytest.mark.parametrize(
    "text", ["12", "12.5.0 CNY", "1.5 JPY", "CNY 5", "", "1e3 CNY", "0.001 CNY"]
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"decimals|no amount"):
        Money.parse(text)


def test_currencies_do_not_mix() -> None:
    with pytest.raises(ValueError, match="add up"):
        Money("CNY", 1) + Money("EUR", 1)
