"""Money as integers: an amount in minor units (fen, cent) of one currency; no floats anywhere."""

from __future__ import annotations

import re
from dataclasses import dataclass

# ISO 4217 exponents of the currencies a base is likely to meet; anything else has two.
EXPONENTS = {"JPY": 0, "KRW": 0, "VND": 0, "KWD": 3, "BHD": 3}
_AMOUNT = re.compile(r"^(-?)(\d{1,15})(?:\.(\d{1,3}))? ([A-Z]{3})$")


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount of money.

    >>> Money.parse("12.50 CNY")
    Money(currency='CNY', minor=1250)
    >>> str(Money("CNY", 1250) + Money("CNY", 50))
    '13.00 CNY'
    """

    currency: str
    minor: int

    @classmethod
    def parse(cls, text: str) -> Money:
        """``"12.50 CNY"`` → Money. Raises ValueError on another form or too many decimals."""
        match = _AMOUNT.match(text.strip())
        if match is None:
            raise ValueError(f'{text!r} is no amount; write it like "12.50 CNY"')
        sign, whole, decimals, currency = match.groups()
        exponent = EXPONENTS.get(currency, 2)
        decimals = decimals or ""
        if len(decimals) > exponent:
            raise ValueError(f"{currency} has {exponent} decimals, not {len(decimals)}")
        minor = int(whole + decimals.ljust(exponent, "0"))
        return cls(currency, -minor if sign else minor)

    def __add__(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not add up")
        return Money(self.currency, self.minor + other.minor)

    def __neg__(self) -> Money:
        return Money(self.currency, -self.minor)

    def __sub__(self, other: Money) -> Money:
        return self + -other

    def __str__(self) -> str:
        exponent = EXPONENTS.get(self.currency, 2)
        sign, digits = (
            ("-" if self.minor < 0 else ""),
            str(abs(self.minor)).rjust(exponent + 1, "0"),
        )
        shown = f"{digits[:-exponent]}.{digits[-exponent:]}" if exponent else digits
        return f"{sign}{shown} {self.currency}"
