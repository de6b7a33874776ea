"""Limits of accounts: what each counts, and how much of what is left one process may hold. Pure.

An account is ``key:…``, ``party:…``, ``mandate:…`` or ``service:…`` (`Grant.accounts`). A limit
holds for one unit: ``requests``, ``tokens``, or ``money:CNY`` in nano-units.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from pilotbase.kernel.money import EXPONENTS, Money
from pilotbase.serve.call import NANO
from pilotbase.serve.rules.window import length_of

ACCOUNT = re.compile(r"(key|party|mandate|service):[^\s:][^\s]{0,199}")
AMOUNT_MAX = 2**62
"""Amounts travel as signed 64-bit integers in every store; twice the highest must still fit."""
SHARE = 8
"""A process leases at most this part of what is left, so that several hold little against each
other; near the end that is less than a call needs, and leases are exact."""


class Window(NamedTuple):
    """One window of a limit of an account: what is counted together.

    ``start`` is when it begins, or when within it the limit was set (in seconds since 1970): a
    limit that is lifted and set anew counts from nothing.
    """

    account: str
    unit: str
    per: str
    start: int


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``most`` of a unit in each window ``per`` (see `rules.window`), counted from
    ``since`` on (seconds since 1970): when it was set where none was, and not when it changed."""

    account: str
    unit: str
    per: str
    most: int
    since: int = 0

    def __post_init__(self) -> None:
        """Raises ValueError for an account, window or amount that is none."""
        if not ACCOUNT.fullmatch(self.account):
            raise ValueError(f"{self.account!r} is no account like 'key:…' or 'party:…'")
        length_of(self.per)
        if not 0 <= self.most <= AMOUNT_MAX:
            raise ValueError(f"{self.most} is outside 0 to {AMOUNT_MAX}")


def limits_of(said: Mapping[str, Any]) -> Iterator[Limit]:
    """The limits of an account and window from what the record says of them.

    Args:
        said: ``{"account", "per", "requests", "tokens", "money"}``; None where there is no limit.
            Where known, ``"since"`` by unit.
    """
    amounts = {"requests": said["requests"], "tokens": said["tokens"]}
    if said["money"] is not None:
        money = Money.parse(said["money"])
        amounts[f"money:{money.currency}"] = nano_of(money)
    since = said.get("since", {})
    for unit, most in amounts.items():
        if most is not None:
            yield Limit(said["account"], unit, said["per"], most, since.get(unit, 0))


def nano_of(money: Money) -> int:
    """An amount of coins in nano-units.

    >>> nano_of(Money.parse("0.02 CNY"))
    20000000
    """
    return int(money.minor * (NANO // 10 ** EXPONENTS.get(money.currency, 2)))


def shown(nano: int, currency: str) -> str:
    """An amount of nano-units as people read it, without zeros that say nothing.

    >>> shown(20_000_000, "CNY"), shown(1_500, "CNY"), shown(-3 * 10**9, "CNY")
    ('0.02 CNY', '0.0000015 CNY', '-3.00 CNY')
    """
    whole, part = divmod(abs(nano), NANO)
    digits = EXPONENTS.get(currency, 2)
    decimals = f"{part:09d}".rstrip("0").ljust(digits, "0")
    said = f"{whole}.{decimals}" if decimals else f"{whole}"
    return f"{'-' if nano < 0 else ''}{said} {currency}"


def slice_of(room: int, asked: int) -> int:
    """How much a process gets that asks for ``asked`` where ``room`` is left: 0 to ``room``.

    >>> slice_of(800, 10), slice_of(9, 4), slice_of(3, 4), slice_of(-1, 4)
    (100, 4, 3, 0)
    """
    return max(min(room, max(asked, room // SHARE)), 0)
