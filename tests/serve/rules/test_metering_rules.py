"""What holds of prices, windows, usage ids, limits, frames and FOCUS rows, whatever is put in."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotbase.kernel.money import Money
from pilotbase.serve.call import NANO, Outcome, Tariff, Usage
from pilotbase.serve.rules import focus
from pilotbase.serve.rules.budget import Limit, limits_of, nano_of, shown, slice_of
from pilotbase.serve.rules.frames import FIRST_LINK, Broken, framed, frames, header, header_of
from pilotbase.serve.rules.price import DUE, due, price
from pilotbase.serve.rules.usage_id import of_key, of_key_before
from pilotbase.serve.rules.window import bounds, length_of

counts = st.integers(0, 10**6)
prices = st.integers(0, 10**9)
tariffs = st.builds(Tariff, st.sampled_from(["CNY", "EUR"]), prices, prices, prices, prices)
usages = st.builds(Usage, counts, counts, counts)
outcomes = st.sampled_from(sorted(DUE))
moments = st.floats(0, 4e9, allow_nan=False)
pers = st.sampled_from(["PT1M", "PT7M", "PT1H", "P1D", "P30D", "P1M", "total"])


@given(tariffs, usages, outcomes, st.integers(0, 10**16))
def test_a_charge_is_never_more_than_was_reserved(
    tariff: Tariff, usage: Usage, outcome: Outcome, reserved: int
) -> None:
    found = due(tariff, usage, outcome, reserved)
    assert 0 <= found <= min(reserved, price(tariff, usage))
    assert due(tariff, usage, "served", 10**30) == price(tariff, usage)
    assert due(tariff, usage, "failed", reserved) == 0 == due(tariff, usage, "refused", reserved)


@given(tariffs, usages, usages)
def test_more_use_costs_no_less(tariff: Tariff, one: Usage, more: Usage) -> None:
    both = Usage(
        one.input_tokens + more.input_tokens,
        one.output_tokens + more.output_tokens,
        one.cases + more.cases,
    )
    assert price(tariff, both) == price(tariff, one) + price(tariff, more) - tariff.call


@given(pers, moments)
def test_windows_tile_the_time(per: str, at: float) -> None:
    start, end = bounds(per, at)
    assert start <= at < end
    assert bounds(per, start) == (start, end)
    if end < math.inf:
        assert bounds(per, end)[0] == end
    # What is written down is the moment in whole milliseconds: the same window.
    assert bounds(per, int(at * 1000) / 1000)[0] == start


def test_months_are_those_of_the_calendar() -> None:
    at = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()
    assert [datetime.fromtimestamp(one, UTC).isoformat()[:10] for one in bounds("P1M", at)] == [
        "2026-12-01",
        "2027-01-01",
    ]
    for word in ("", "P1Y", "PT0M", "P1W", "1M", "PT1S", "Total"):
        with pytest.raises(ValueError, match="no window"):
            length_of(word)


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20), moments)
def test_usage_ids_tell_calls_apart(key: str, one: str, other: str, at: float) -> None:
    assert (of_key(key, one, at) == of_key(key, other, at)) == (one == other)
    assert (of_key(key, one, at) == of_key(one, key, at)) == (key == one)
    assert (
        of_key_before(key, one, at + 86_400) == of_key(key, one, at) != of_key_before(key, one, at)
    )


@given(st.integers(-1000, 10**12), st.integers(1, 10**9))
def test_a_slice_is_exact_near_the_end(room: int, asked: int) -> None:
    got = slice_of(room, asked)
    assert 0 <= got <= max(room, 0)
    assert got == max(room, 0) or got >= asked
    if 0 < room < 8 * asked:
        assert got == min(room, asked)


def test_limits_as_the_record_says_them() -> None:
    said = {"account": "key:a", "per": "P1D", "requests": 0, "tokens": None, "money": "1.50 JPY"}
    with pytest.raises(ValueError, match="decimals"):
        list(limits_of(said))
    found = list(limits_of({**said, "money": "15 JPY"}))
    assert found == [
        Limit("key:a", "requests", "P1D", 0),
        Limit("key:a", "money:JPY", "P1D", 15 * NANO),
    ]
    for wrong in (("a", "tokens", "P1D", 1), ("key:a", "tokens", "P1D", -1)):
        with pytest.raises(ValueError, match=r"account|outside"):
            Limit(*wrong)


@given(st.integers(0, 10**9), st.sampled_from(["CNY", "JPY", "KWD"]))
def test_amounts_are_read_back(minor: int, currency: str) -> None:
    money = Money(currency, minor)
    assert Money.parse(shown(nano_of(money), currency)) == money


def segment(payloads: list[bytes]) -> bytes:
    return b"".join(framed([header("g", 1, FIRST_LINK), *payloads], FIRST_LINK)[0])


payloads_ = st.lists(st.binary(min_size=1, max_size=40), max_size=8)


@given(payloads_, st.integers(0, 100))
def test_frames_are_read_back(payloads: list[bytes], zeros: int) -> None:
    data = segment(payloads) + bytes(zeros)
    assert [one.payload for one in frames(data, FIRST_LINK)][1:] == payloads
    assert header_of(data) == ("g", 1, FIRST_LINK, 2)


@given(payloads_, st.data())
def test_a_changed_or_missing_byte_shows_at_its_record(payloads: list[bytes], data: st.DataObject):
    whole = segment(payloads)
    starts = [one.offset for one in frames(whole, FIRST_LINK)]
    at = data.draw(st.integers(0, len(whole) - 1))
    record = sum(1 for start in starts if start <= at) - 1
    changed = bytearray(whole)
    changed[at] ^= data.draw(st.integers(1, 255))
    for broken in (bytes(changed), whole[:at]):
        good = []
        try:
            good = list(_until_broken(broken))
        except Broken as error:
            assert error.offset == starts[record]
        assert len(good) <= record


def _until_broken(data: bytes) -> list[bytes]:
    return [one.payload for one in frames(data, FIRST_LINK)]


groups = st.builds(
    focus.Group,
    day=st.integers(0, 40_000),
    account=st.just("bureau"),
    holder=st.just("agent"),
    key=st.just("a1"),
    filing=st.just("line-1"),
    service=st.just("line"),
    version=st.just("v1"),
    operation=st.sampled_from(["chat", "infer", "tool"]),
    outcome=st.sampled_from([*sorted(DUE), "unsettled", "reconciled"]),
    tariff=tariffs,
    provider=st.just("base"),
    publisher=st.just("lab"),
    calls=st.integers(1, 10**6),
    cases=counts,
    input_tokens=counts,
    output_tokens=counts,
    nano=st.integers(0, 10**18),
)
MANDATORY = {
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency",
    "BillingPeriodEnd", "BillingPeriodStart", "ChargeCategory", "ChargeClass",
    "ChargeDescription", "ChargePeriodEnd", "ChargePeriodStart", "ContractedCost",
    "EffectiveCost", "InvoiceIssuerName", "ListCost", "PricingQuantity", "PricingUnit",
    "ProviderName", "PublisherName", "ServiceCategory", "ServiceName",
}  # fmt: skip
NULLABLE = {"ChargeClass", "PricingQuantity", "PricingUnit"}


@given(groups)
def test_focus_rows_add_up_to_the_charges(group: focus.Group) -> None:
    rows = list(focus.rows(group))
    assert sum((Decimal(row["BilledCost"]) for row in rows), Decimal()) * NANO == group.nano
    assert not rows or sum(int(row["x_Calls"]) for row in rows) == group.calls
    for row in rows:
        assert tuple(row) == focus.COLUMNS
        assert all(row[name] for name in MANDATORY - NULLABLE)
        assert row["BillingPeriodStart"] <= row["ChargePeriodStart"] < row["ChargePeriodEnd"]
        assert row["ChargePeriodEnd"] <= row["BillingPeriodEnd"]
        if row["ChargeCategory"] == "Usage":
            assert row["PricingQuantity"] and row["PricingUnit"] and row["SkuPriceId"]
            product = Decimal(row["PricingQuantity"]) * Decimal(row["ListUnitPrice"])
            assert product == Decimal(row["ListCost"]) == Decimal(row["ContractedCost"])


def test_all_mandatory_columns_of_focus_are_there() -> None:
    assert len(MANDATORY) == 21 and set(focus.COLUMNS) >= MANDATORY
    assert list(focus.COLUMNS[:-3]) == sorted(focus.COLUMNS[:-3])
    assert list(focus.COLUMNS[-3:]) == ["x_Calls", "x_Operation", "x_Outcome"]
