"""Criteria that no evidence could decide as they are written, found before anything runs."""

from __future__ import annotations

from collections.abc import Iterator

from pilotbase.kernel.text import Text
from pilotbase.scenario.schema import Criterion, Estimand, Task
from pilotbase.trial.evaluators.metric import Metric


def refusals(
    metric: Metric, criterion: Criterion, task: Task | str, estimand: Estimand
) -> tuple[Text, ...]:
    """Why the metric cannot be used in this criterion, in both languages; empty if it can."""
    found = [*_metric(metric, criterion, task), *_form(metric, criterion)]
    found += _range(metric, criterion)
    if criterion.relative and estimand == "future cases":
        found.append(
            Text(
                "A bound relative to the overall mean is for `these cases` only: how common the "
                "group will be in future cases is not known.",
                "相对总体均值的界限只适用于 these cases (本批案例): 未来案例中该组的占比未知。",
            )
        )
    return tuple(found)


def _metric(metric: Metric, criterion: Criterion, task: Task | str) -> Iterator[Text]:
    if task not in metric.tasks:
        tasks = ", ".join(metric.tasks)
        yield Text(
            f"{metric.name} scores {tasks}, not {task}.",
            f"{metric.name} 适用于 {tasks}, 不适用于 {task}。",
        )
    if metric.needs is not None and getattr(criterion, metric.needs) is None:
        yield Text(
            f"{metric.name} needs `{metric.needs}`.", f"{metric.name} 需要 `{metric.needs}`。"
        )


def _form(metric: Metric, criterion: Criterion) -> Iterator[Text]:
    sides = [s for s in ("at_least", "at_most", "between") if getattr(criterion, s) is not None]
    forms = [f for f in ("gap_by", "ratio_by", "worst_of", "against") if getattr(criterion, f)]
    if len(sides) != 1:
        yield Text(
            "Give exactly one of at_least, at_most, between.",
            "at_least、at_most、between 须恰好填写一项。",
        )
    if len(forms) > 1:
        yield _not_together(forms)
    side = sides[0] if sides else ""
    wanted = {"gap_by": ("at_most",), "ratio_by": ("at_least",), "against": ("at_least", "at_most")}
    for form in forms:
        if side and side not in wanted.get(form, (side,)):
            options = " or ".join(wanted[form])
            yield Text(f"{form} goes with {options}.", f"{form} 须与 {options} 一起使用。")
    if criterion.relative and (criterion.worst_of is None or side == "between"):
        yield Text(
            "relative goes with worst_of and one bound.",
            "relative 须与 worst_of 及单侧界限一起使用。",
        )
    yield from _metric_in_form(metric, criterion, forms)


def _metric_in_form(metric: Metric, criterion: Criterion, forms: list[str]) -> Iterator[Text]:
    if metric.over_prevalence and forms:
        yield Text(
            f"{metric.name} is read for all cases only, not with {forms[0]}.",
            f"{metric.name} 只针对全部案例, 不能与 {forms[0]} 一起使用。",
        )
    elif metric.counted == "called" and (criterion.against or criterion.relative):
        yield Text(
            f"{metric.name} has another denominator for each candidate and cannot be paired with "
            "a baseline or an overall mean.",
            f"{metric.name} 的分母随候选方案而变, 不能与基线或总体均值配对比较。",
        )
    if metric.counted == "pairs" and criterion.relative:
        yield Text(
            f"{metric.name} counts pairs of cases; a pair across groups belongs to neither.",
            f"{metric.name} 按案例对计, 跨组的案例对不属于任何一组。",
        )
    subtracts = criterion.gap_by or (criterion.against and criterion.as_ == "difference")
    if metric.root and subtracts:
        yield Text(
            f"A difference of two {metric.name} is no mean of unit values; compare as a ratio.",
            f"两个 {metric.name} 之差不是单元值的均值; 请改用比值比较。",
        )


def _range(metric: Metric, criterion: Criterion) -> Iterator[Text]:
    low, high = metric.shown_range(criterion)
    if criterion.ratio_by or criterion.relative or (criterion.against and criterion.as_ == "ratio"):
        high = 1.0 if criterion.ratio_by else float("inf")
    elif criterion.against:
        low = -high
    bounds = [criterion.at_least, criterion.at_most, *(criterion.between or ())]
    for bound in bounds:
        if bound is not None and not low <= bound <= high:
            yield Text(
                f"The bound {bound:g} lies outside {low:g} to {high:g}.",
                f"界限 {bound:g} 超出 {low:g} 至 {high:g} 的范围。",
            )
    if criterion.between is not None and not criterion.between[0] < criterion.between[1]:
        yield Text("between goes from the lower to the upper bound.", "between 须由下界到上界。")


def _not_together(forms: list[str]) -> Text:
    return Text(
        f"{' and '.join(forms)} cannot stand in one criterion; make two of it.",
        f"{'、'.join(forms)} 不能写在同一项指标中; 请拆分为两项。",
    )
