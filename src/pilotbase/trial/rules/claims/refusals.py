"""Criteria that no evidence could decide with the metric they name, found before anything runs.

`pilotbase.scenario.rules.criteria` has seen to the form (one bound, one comparison) and knows the
built-in metrics; what depends on how a metric counts, plug-ins included, is told here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from pilotbase.kernel.text import Text
from pilotbase.scenario.schema import Criterion, Estimand
from pilotbase.trial.evaluators.metric import Metric
from pilotbase.trial.rules.audit import audit_refusals


def refusals(
    metric: Metric, criterion: Criterion, task: str, estimand: Estimand
) -> tuple[Text, ...]:
    """Why the metric cannot be used in this criterion, in both languages; empty if it can."""
    return tuple(
        [
            *_asks(metric, criterion),
            *_metric(metric, criterion, task),
            *_denominator(metric, criterion),
            *_mean(metric, criterion, estimand),
            *_range(metric, criterion),
        ]
    )


def _metric(metric: Metric, criterion: Criterion, task: str) -> Iterator[Text]:
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


def _asks(metric: Metric, criterion: Criterion) -> Iterator[Text]:
    """What a judge or people can be asked. The estimand of an audit by lot is seen to by
    `pilotbase.scenario.rules.words`, for a plug-in's metric too."""
    if metric.asks is None:
        return
    if criterion.repeats > 1:
        yield Text(
            f"{metric.name} marks the first answer; `repeats` has no effect.",
            f"{metric.name} 只评第一次回答, `repeats` 不起作用。",
        )
    if metric.asks == "judge":
        compared = criterion.gap_by or criterion.ratio_by or criterion.relative
        every = criterion.audit or 1
        yield from audit_refusals(every, compared=bool(compared or criterion.against))


def _denominator(metric: Metric, criterion: Criterion) -> Iterator[Text]:
    forms = ("gap_by", "ratio_by", "worst_of", "against")
    form = next((form for form in forms if getattr(criterion, form)), None)
    if metric.over_prevalence and form is not None:
        yield Text(
            f"{metric.name} is read for all cases only, not with {form}.",
            f"{metric.name} 只针对全部案例, 不能与 {form} 一起使用。",
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


def _mean(metric: Metric, criterion: Criterion, estimand: Estimand) -> Iterator[Text]:
    subtracts = criterion.gap_by or (criterion.against and criterion.as_ == "difference")
    if metric.root and subtracts:
        yield Text(
            f"A difference of two {metric.name} is no mean of unit values; compare as a ratio.",
            f"两个 {metric.name} 之差不是单元值的均值; 请改用比值比较。",
        )
    if criterion.relative and estimand == "future cases":
        yield Text(
            "A bound relative to the overall mean is for `these cases` only: how common the "
            "group will be in future cases is not known.",
            "相对总体均值的界限只适用于 these cases (本批案例): 未来案例中该组的占比未知。",
        )


def _range(metric: Metric, criterion: Criterion) -> Iterator[Text]:
    bounds = [criterion.at_least, criterion.at_most, *(criterion.between or ())]
    given = [bound for bound in bounds if bound is not None]
    if criterion.ratio_by or criterion.relative or (criterion.against and criterion.as_ == "ratio"):
        if min(given, default=1.0) <= 0.0:
            yield Text("The bound of a ratio lies above 0.", "比值的界限须大于 0。")
        return
    low, high = metric.shown_range(criterion)
    low = -high if criterion.against and math.isfinite(high) else low
    for bound in given:
        if not low <= bound <= high:
            yield Text(
                f"The bound {bound:g} lies outside {low:g} to {high:g}.",
                f"界限 {bound:g} 超出 {low:g} 至 {high:g} 的范围。",
            )
