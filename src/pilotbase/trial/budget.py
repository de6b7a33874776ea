"""The plan's budget against the candidates' prices."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from pilotbase.kernel.errors import BudgetError
from pilotbase.kernel.money import Money
from pilotbase.kernel.text import Text
from pilotbase.scenario.offer import Candidate
from pilotbase.scenario.schema import Scenario
from pilotbase.trial.cases import Cases, Ints
from pilotbase.trial.rules.allowance import Allowance, allowances


@dataclass
class Purse:
    """Money for answers that tell their price, across all candidates.

    Before a case is asked, as much as the dearest answer so far is set aside for each case that
    is under way, so that concurrent answers do not overdraw. A candidate's first case is asked
    alone: until it is answered, nobody knows what an answer costs.

    Attributes:
        limit: minor units of money; None for no limit.
        priced: candidates that have answered once.
        under_way: cases that money is set aside for, by candidate.
    """

    limit: int | None
    spent: float = 0.0
    dearest: float = 0.0
    priced: set[str] = field(default_factory=set)
    under_way: Counter[str] = field(default_factory=Counter)

    def take(self, candidate: str) -> bool:
        """Set money aside for one more case; False where there is none, or not yet."""
        first = candidate not in self.priced
        if self.limit is not None and (
            (first and self.under_way[candidate]) or not self._holds(self.under_way.total() + 1)
        ):
            return False
        self.under_way[candidate] += 1
        return True

    def settle(self, candidate: str) -> None:
        """A case is no longer under way."""
        self.under_way[candidate] -= 1
        self.priced.add(candidate)

    @property
    def empty(self) -> bool:
        """Whether no case can be paid for, whatever those under way turn out to cost."""
        return not self.under_way.total() and not self._holds(1)

    def pay(self, cost: float | None) -> None:
        if cost is not None:
            self.spent += cost
            self.dearest = max(self.dearest, cost)

    def _holds(self, cases: int) -> bool:
        return self.limit is None or self.spent + cases * self.dearest <= self.limit


def purse_of(scenario: Scenario, spent: float) -> Purse:
    """The purse of a plan, with what was spent before. Raises BudgetError."""
    money = scenario.plan.budget.money
    return Purse(_money(money, "plan.budget.money").minor if money else None, spent)


def price_of(candidate: Candidate) -> Money | None:
    """The price of one answer. Raises BudgetError when it cannot be read."""
    if candidate.cost_per_unit is None:
        return None
    return _money(candidate.cost_per_unit, f"{candidate.id}.cost_per_unit")


def allowances_of(
    scenario: Scenario, cases: Cases, planned: Ints, versions: int
) -> dict[str, Allowance]:
    """By candidate, how many of the planned units the budget lets it be asked.

    Args:
        planned: unit numbers in committed order.
        versions: answers to one row: 1, plus the perturbations.

    Raises:
        BudgetError: amounts that cannot be read, or that are in different currencies.
    """
    budget = scenario.plan.budget
    limit = _money(budget.money, "plan.budget.money") if budget.money else None
    rows = np.bincount(cases.unit[cases.scored], minlength=cases.units)[planned] * versions
    prices = []
    for candidate in scenario.candidates:
        price = price_of(candidate)
        if limit is not None and price is not None and price.currency != limit.currency:
            raise _two_currencies(candidate.id, price, limit)
        prices.append([int(n) * (price.minor if price else 0) for n in rows])
    allowed = allowances(prices, units=budget.units, money=limit.minor if limit else None)
    return {c.id: one for c, one in zip(scenario.candidates, allowed, strict=True)}


def _money(text: str, where: str) -> Money:
    try:
        return Money.parse(text)
    except ValueError as error:
        raise BudgetError(
            "budget.amount",
            Text(f"the amount cannot be read: {error}", f"无法读取金额: {text!r}"),
            where=where,
            next_step=Text('Write it like "12.50 CNY".', '请写成 "12.50 CNY" 的形式。'),
        ) from error


def _two_currencies(candidate: str, price: Money, limit: Money) -> BudgetError:
    return BudgetError(
        "budget.currency",
        Text(
            f"the price is in {price.currency}, the budget in {limit.currency}",
            f"价格的币种为 {price.currency}, 预算的币种为 {limit.currency}",
        ),
        where=f"{candidate}.cost_per_unit",
        next_step=Text("Give both in one currency.", "请统一币种。"),
    )
