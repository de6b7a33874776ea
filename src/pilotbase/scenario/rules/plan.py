"""The plan: what is chosen by, and limits that agree with each other."""

from __future__ import annotations

from collections.abc import Iterator

from pilotbase.kernel.money import Money
from pilotbase.kernel.text import Text
from pilotbase.scenario.draft import Draft, Known
from pilotbase.scenario.finding import Finding, Path, listed, nearest, shown
from pilotbase.scenario.offer import Chat
from pilotbase.scenario.rules.criteria import every

PRICED = ("input", "output")
AMOUNT = Text('an amount such as "12.50 CNY"', '金额, 如 "12.50 CNY"')


def chosen_by_criterion(draft: Draft, known: Known) -> Iterator[Finding]:
    """The best *go* is chosen by a metric that was decided on."""
    chosen = draft.plan.choose if draft.plan else None
    metrics = list(dict.fromkeys(criterion.metric for _, criterion in draft.criteria))
    if chosen is not None and chosen not in metrics:
        yield Finding(
            ("plan", "choose"),
            "scenario.choose_unknown",
            Text(
                f"“{shown(chosen)}” is not the metric of a criterion",
                f"“{shown(chosen)}” 不是任何验收指标",
            ),
            Text(f"one of {listed(metrics)}", f"{listed(metrics)} 之一"),
            nearest(chosen, metrics),
            about=every("metric"),
        )


def cap_within_budget(draft: Draft, known: Known) -> Iterator[Finding]:
    """A budget of fewer units than the cap would stop every trial before its cap."""
    plan = draft.plan
    if plan is None or plan.cap is None or plan.budget.units is None:
        return
    if plan.budget.units < plan.cap:
        yield Finding(
            ("plan", "budget", "units"),
            "scenario.budget_below_cap",
            Text(
                f"the budget of {plan.budget.units} units ends before the cap of {plan.cap}",
                f"预算 {plan.budget.units} 个单元, 低于上限 {plan.cap} 个",
            ),
            Text(f"at least {plan.cap}, or a lower cap", f"不少于 {plan.cap}, 或降低 cap"),
            about=(("plan", "cap"),),
        )


def amounts(draft: Draft, known: Known) -> Iterator[Finding]:
    """Amounts of money are exact, not negative, and in one currency."""
    named: list[tuple[Path, str | None]] = [
        (("candidates", number, "cost_per_unit"), offer.cost_per_unit)
        for number, offer in draft.candidates
    ]
    for path, chat in _chats(draft):
        if chat.price is not None:
            named += [((*path, "price", word), getattr(chat.price, word)) for word in PRICED]
    named.insert(0, (("plan", "budget", "money"), draft.plan.budget.money if draft.plan else None))
    first: Money | None = None
    for path, text in named:
        if text is None:
            continue
        amount = _parsed(text)
        if amount is None or amount.minor < 0:
            said = Text(f"{shown(text)} is no usable amount", f"{shown(text)} 不是可用的金额")
            yield Finding(path, "scenario.money", said, AMOUNT)
        elif first is not None and amount.currency != first.currency:
            said = Text(
                f"{amount.currency} and {first.currency} in one scenario",
                f"同一场景中出现 {amount.currency} 与 {first.currency} 两种货币",
            )
            yield Finding(
                path,
                "scenario.currency",
                said,
                Text(f"an amount in {first.currency}", f"以 {first.currency} 计的金额"),
            )
        else:
            first = first or amount


def _chats(draft: Draft) -> Iterator[tuple[Path, Chat]]:
    for number, offer in draft.candidates:
        if offer.chat is not None:
            yield ("candidates", number, "chat"), offer.chat
    for name, judge in draft.judges:
        if judge.chat is not None:
            yield ("judges", name, "chat"), judge.chat


def _parsed(text: str) -> Money | None:
    try:
        return Money.parse(text)
    except ValueError:
        return None


RULES = (chosen_by_criterion, cap_within_budget, amounts)
