"""How many units each candidate may be asked before the plan's budget ends it. Pure.

A budget is shared out before anything runs, unit after unit in the committed order and within a
unit in the file's order of candidates. So it does not depend on who happens to be quick, and all
candidates are asked about the same cases for as long as possible.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Allowance:
    """The units of the committed order that a candidate may be asked, and what ends it there."""

    units: int = 0
    cut: Literal["", "units", "money"] = ""


def allowances(
    prices: Sequence[Sequence[int]], *, units: int | None = None, money: int | None = None
) -> list[Allowance]:
    """What each candidate may be asked, from the start of the committed order.

    Args:
        prices: per candidate, the price of each unit in the committed order, in minor units of
            money; all of the same length.
        units: most units over all candidates together; None for no limit.
        money: most money, in minor units; None for no limit.

    A candidate is cut at the first unit that it cannot pay for any more; the others go on.

    >>> [a.units for a in allowances([[1, 1, 1], [5, 5, 5]], money=8)]
    [3, 1]
    >>> allowances([[0, 0], [0, 0]], units=3)
    [Allowance(units=2, cut=''), Allowance(units=1, cut='units')]
    """
    allowed = [Allowance() for _ in prices]
    for place in range(len(prices[0]) if prices else 0):
        for candidate, own in enumerate(prices):
            if allowed[candidate].cut:
                continue
            if units == 0:
                allowed[candidate] = Allowance(place, "units")
            elif money is not None and own[place] > money:
                allowed[candidate] = Allowance(place, "money")
            else:
                allowed[candidate] = Allowance(place + 1)
                units = None if units is None else units - 1
                money = None if money is None else money - own[place]
    return allowed
