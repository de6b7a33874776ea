"""What a service costs: from the filing's price and the arranged prices of tokens. Pure.

Amounts are nano-units, thousand-millionths of a currency's unit. A price of tokens is said for a
number of them, because one costs less than the smallest coin::

    >>> token_price("0.50 CNY per 1000000")
    ('CNY', 500)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction

from pilotbase.serve.call import NANO, Tariff

_TOKENS = re.compile(r"(\d{1,12}(?:\.\d{1,9})?) ([A-Z]{3}) per ([1-9]\d{0,9})")
_AMOUNT = re.compile(r"(\d{1,12}(?:\.\d{1,9})?) ([A-Z]{3})")


def token_price(text: str) -> tuple[str, int]:
    """Currency and nano-units of one token.

    Raises:
        ValueError: another form, or a price of one token that is no whole number of nano-units.
    """
    found = _TOKENS.fullmatch(text)
    if found is None:
        raise ValueError(f'{text!r} is no price of tokens; write it like "0.50 CNY per 1000000"')
    nano = Fraction(found[1]) * NANO / int(found[3])
    if nano.denominator != 1:
        raise ValueError(f"{text!r} comes to {float(nano)} nano-units a token, not a whole number")
    return found[2], int(nano)


def tariff_of(price: Mapping[str, str], tokens: Mapping[str, str]) -> Tariff:
    """The tariff of a filing: ``price`` is its ``{"amount", "per"}``.

    >>> tariff_of({"amount": "0.02 CNY", "per": "case"}, {"output": "2.00 CNY per 1000000"})
    Tariff(currency='CNY', call=0, case=20000000, input_token=0, output_token=2000)

    A filing by hour, month or year costs nothing by the call.

    Raises:
        ValueError: an amount of another form, or prices in two currencies.
    """
    found = _AMOUNT.fullmatch(price["amount"])
    if found is None:
        raise ValueError(f"{price['amount']!r} is no amount")
    nano, currency = int(Fraction(found[1]) * NANO), found[2]
    each = {word: token_price(text) for word, text in tokens.items()}
    others = {own for own, _ in each.values()} - {currency}
    if others:
        raise ValueError(f"prices in {currency} and {', '.join(sorted(others))}")
    per = price["per"]
    return Tariff(
        currency,
        call=nano if per == "call" else 0,
        case=nano if per == "case" else 0,
        input_token=each.get("input", ("", 0))[1],
        output_token=each.get("output", ("", 0))[1],
    )
