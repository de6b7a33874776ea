"""One criterion of one candidate, from predictions to integers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations, permutations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pilotbase.kernel.errors import Fault, ScenarioError
from pilotbase.kernel.text import Text
from pilotbase.scenario.schema import Criterion, Estimand
from pilotbase.trial.cases import PENDING, Cases, Ints, Predictions
from pilotbase.trial.evaluators.metric import Metric, dimension_of
from pilotbase.trial.evidence import CriterionEvidence, Part
from pilotbase.trial.rules.audit import Judged
from pilotbase.trial.rules.claims import notes
from pilotbase.trial.rules.claims.audited import as_people_say, by_lot, judged_of, part_of
from pilotbase.trial.rules.claims.counted import (
    Answers,
    Counted,
    Flags,
    Setting,
    any_by_unit,
    finished_units,
    mean_by_unit,
)
from pilotbase.trial.rules.claims.groups import Groups, groups_of
from pilotbase.trial.rules.claims.pairs import pair_values, pairs_of
from pilotbase.trial.rules.claims.parts import (
    Bound,
    difference_part,
    level_part,
    open_part,
    paired_part,
)
from pilotbase.trial.rules.claims.refusals import refusals
from pilotbase.trial.rules.claims.units import calls, kept, pairs_of_units, unit_means

PAIRS_MOST = 100_000
UNDER = ("noise", "missing", "shift", "typos", "paraphrase", "injection")
Said = Part | Text


def evidence_of(
    cases: Cases,
    predictions: Predictions,
    criterion: Criterion,
    index: int,
    order: Ints,
    seed: bytes,
    *,
    metric: Metric,
    estimand: Estimand,
    baseline: Predictions | None = None,
    perturbed: Predictions | None = None,
    pairs_most: int = PAIRS_MOST,
) -> CriterionEvidence:
    """The integers of one criterion, as far as answers are in.

    Args:
        cases, predictions: the question and the answers; for future cases those of the hold-out.
        index: the criterion's place in the scenario's list, from 0.
        order: unit numbers in committed order (`committed_order`); units beyond a cap left out.
        seed: of the same order (`order_seed`); pairs are drawn from it.
        baseline: answers of the base's own baseline, where the criterion is against one.
        perturbed: the candidate's answers under the perturbation that the criterion declares.
        pairs_most: pairs kept at most; where there are more, they are a random subset.

    Raises:
        ScenarioError: the metric does not fit the criterion, see `refusals`.
        ValueError: baseline or perturbed is needed and missing.
    """
    unfit = refusals(metric, criterion, cases.task, estimand)
    if unfit:
        place = f"acceptance[{index}]"
        raise ScenarioError("", [Fault("criterion.unfit", text, place) for text in unfit])
    given = _needed(perturbed, "perturbed") if criterion.under else predictions
    answered = as_people_say(metric, criterion, given)
    compared = _needed(baseline, "baseline") if criterion.against else None
    statuses = [p.status for p in (answered, compared) if p is not None]
    setting = _setting(metric, cases, criterion, order, seed, estimand, pairs_most, statuses)
    said = list(_claims(setting, answered, compared))
    return CriterionEvidence(
        criterion=index,
        dimension=dimension_of(metric, criterion),
        metric=metric.name,
        by=compared_by(criterion),
        blocking=criterion.blocking,
        parts=tuple(part for part in said if isinstance(part, Part)),
        gap=notes.joined([text for text in said if isinstance(text, Text)]),
    )


def judged_parts(
    cases: Cases,
    predictions: Predictions,
    criterion: Criterion,
    order: Ints,
    seed: bytes,
    *,
    metric: Metric,
    estimand: Estimand,
) -> list[Judged]:
    """What judge and people said of the units of each part of a plain level, in the order of
    `evidence_of`; nothing for criteria that compare groups or a baseline.

    Args:
        predictions: those that the criterion reads, as the candidate gave them.
    """
    grouped = criterion.gap_by or criterion.ratio_by or criterion.relative
    if metric.asks is None or grouped or criterion.against:
        return []
    statuses = [predictions.status]
    setting = _setting(metric, cases, criterion, order, seed, estimand, PAIRS_MOST, statuses)
    if criterion.worst_of is None:
        members = [np.ones(cases.units, dtype=np.bool_)]
    else:
        groups = groups_of(cases, criterion.worst_of)
        members = [groups.members(name) for name in groups.names]
    return [
        judged_of(setting, predictions, flags, bound.worst)
        for flags in members
        for bound in _bounds(setting)
    ]


def _setting(
    metric: Metric, cases: Cases, criterion: Criterion, order: Ints, seed: bytes,
    estimand: Estimand, pairs_most: int, statuses: Sequence[NDArray[np.uint8]],
) -> Setting:  # fmt: skip
    return Setting(
        metric,
        cases,
        criterion,
        finished_units(cases, order, *statuses),
        not any(np.any(cases.scored & (status == PENDING)) for status in statuses),
        seed,
        estimand == "future cases",
        pairs_most,
    )


def compared_by(criterion: Criterion) -> str:
    """Names of the grouping, the baseline and the perturbation, as far as there are any."""
    words = [criterion.gap_by or criterion.ratio_by or criterion.worst_of, criterion.against]
    if criterion.under is not None:
        under = criterion.under
        words += [n for n in UNDER if getattr(under, n) is not None]
    return ", ".join(word for word in words if word)


def _needed(predictions: Predictions | None, name: str) -> Predictions:
    if predictions is None:
        raise ValueError(f"the criterion needs the answers {name}=")
    return predictions


def _claims(
    setting: Setting, answered: Predictions, compared: Predictions | None
) -> Iterator[Said]:
    """Parts and, between them, what has to be said in words."""
    criterion = setting.criterion
    answers = _answers(setting, answered)
    bounds = _bounds(setting)
    by = criterion.gap_by or criterion.ratio_by or criterion.worst_of
    if by is None:
        everyone = np.ones(setting.cases.units, dtype=np.bool_)
        for bound in bounds:
            if compared is None:
                yield from _one_level(setting, answers, answered, everyone, bound)
            else:
                base = _answers(setting, compared).of_the_base()
                yield from _against(setting, answers, base, bound)
        return
    groups = groups_of(setting.cases, by)
    yield from notes.outside(groups, compares=criterion.worst_of is None)
    if criterion.worst_of is None:
        yield from _differences(setting, answers, groups, bounds[0])
        return
    if not groups.names:
        yield from (open_part(bound, "threshold", "units") for bound in bounds)
    for name in groups.names:
        for bound in bounds:
            label = f"{by}={name}" + (f" {bound.label}" if bound.label else "")
            members = groups.members(name)
            labelled = replace(bound, label=label)
            if criterion.relative:
                yield from _relative(setting, answers, members, labelled)
            else:
                yield from _one_level(setting, answers, answered, members, labelled)


def _answers(setting: Setting, predictions: Predictions) -> Answers:
    return Answers.of(setting.metric, setting.cases, predictions, setting.criterion)


def _bounds(setting: Setting) -> list[Bound]:
    """The criterion's sides on the scale of unit means, or as ratios of them."""
    metric, criterion = setting.metric, setting.criterion
    ratio = criterion.ratio_by or criterion.relative
    # A ratio of two means has no unit of its own; the root is all that is left of the scale.
    bare = bool(ratio or (criterion.against and criterion.as_ == "ratio"))
    scale = 1.0 if bare else metric.scale(criterion)
    if criterion.between is not None:
        low, high = criterion.between
        sides = [(True, low, "lower side"), (False, high, "upper side")]
    elif criterion.at_least is not None:
        sides = [(True, criterion.at_least, "")]
    else:
        sides = [(False, float(criterion.at_most or 0.0), "")]
    power = 2 if metric.root else 1
    return [
        Bound(at_least, (value / scale) ** power, scale, metric.root, label)
        for at_least, value, label in sides
    ]


def _count(setting: Setting, answers: Answers, members: Flags, label: str) -> Counted:
    if setting.metric.counted == "pairs":
        return pair_values(setting, answers, pairs_of(setting, members, label))
    return unit_means(setting, answers, members)


def _one_level(
    setting: Setting, answers: Answers, given: Predictions, members: Flags, bound: Bound
) -> Iterator[Said]:
    """One claim about the mean over the members, from whoever gives the marks."""
    if by_lot(setting.metric, setting.criterion):
        yield part_of(setting, given, members, bound)
    else:
        yield from _level(setting, answers, members, bound)


def _level(setting: Setting, answers: Answers, members: Flags, bound: Bound) -> Iterator[Said]:
    """One claim about the mean over the members."""
    metric = setting.metric
    if metric.over_prevalence:
        yield from _over_prevalence(setting, answers, members, bound)
        return
    if metric.counted == "called" and not setting.future and not setting.complete:
        yield _called_so_far(setting, answers, members, bound)
        return
    counted = _count(setting, answers, members, bound.label)
    yield from _if_none(setting, counted, bound.label)
    yield level_part(counted, bound)


def _called_so_far(setting: Setting, answers: Answers, members: Flags, bound: Bound) -> Part:
    x, y = calls(setting, answers, members)
    return paired_part(x, y, bound, solve="ratio", fault=bound.worst)


def _over_prevalence(
    setting: Setting, answers: Answers, members: Flags, bound: Bound
) -> Iterator[Said]:
    """Lift: these cases know their share of positives, future ones need pairs of units."""
    if setting.future:
        x, y = pairs_of_units(setting, answers)
        yield paired_part(x, y, bound, solve="ratio", fault=bound.worst)
        return
    cases = setting.cases
    positive = mean_by_unit(cases, cases.scored, (cases.target == 1).astype(np.float64))
    share = float(positive[any_by_unit(cases, cases.scored)].mean())
    if share == 0.0:
        yield notes.none_of("positive units", bound.label)
        yield open_part(bound, "threshold", "called units")
        return
    bound = replace(bound, value=bound.value * share, scale=1.0 / share)
    if not setting.complete:
        yield _called_so_far(setting, answers, members, bound)
        return
    counted = unit_means(setting, answers, members)
    yield from _if_none(setting, counted, bound.label)
    yield level_part(counted, bound)


def _relative(setting: Setting, answers: Answers, members: Flags, bound: Bound) -> Iterator[Said]:
    """mean over the group <= bound * mean over all: each unit's value, kept in the group only."""
    everyone = unit_means(setting, answers, np.ones(setting.cases.units, dtype=np.bool_))
    group = unit_means(setting, answers, members)
    yield from _if_none(setting, group, bound.label)
    if group.population and everyone.population:
        yield paired_part(
            kept(setting, everyone, members),
            everyone,
            bound,
            solve="ratio",
            fault=_metric_worst(setting),
            weight=everyone.population / group.population,
        )
    else:
        yield level_part(group, bound)


def _against(setting: Setting, answers: Answers, base: Answers, bound: Bound) -> Iterator[Said]:
    """The candidate's value and the baseline's of the same items."""
    everyone = np.ones(setting.cases.units, dtype=np.bool_)
    x, y = (_count(setting, a, everyone, bound.label) for a in (answers, base))
    yield from _if_none(setting, x, bound.label)
    solve: Literal["ratio", "margin"] = "ratio" if setting.criterion.as_ == "ratio" else "margin"
    yield paired_part(x, y, bound, solve=solve, fault=bound.worst)


def _differences(
    setting: Setting, answers: Answers, groups: Groups, bound: Bound
) -> Iterator[Said]:
    """Each group against each other one; for a gap both ways round."""
    ratio = setting.criterion.ratio_by is not None
    solve: Literal["ratio", "margin"] = "ratio" if ratio else "margin"
    waits = setting.metric.counted == "called" and not setting.future and not setting.complete
    if waits or len(groups.names) < 2:
        yield from [notes.waits(groups.by)] if waits else []
        yield open_part(bound, solve, "units")
        return
    counted = {}
    for name in groups.names:
        label = f"{groups.by}={name}"
        counted[name] = _count(setting, answers, groups.members(name), label)
        yield from _if_none(setting, counted[name], label)
    pairs = permutations(groups.names, 2) if ratio else _both_ways(groups.names)
    for a, b in pairs:
        label = f"{groups.by}={a} {'/' if ratio else '-'} {groups.by}={b}"
        yield difference_part(
            counted[a],
            counted[b],
            replace(bound, label=label),
            solve=solve,
            fault=_metric_worst(setting),
        )


def _both_ways(names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for a, b in combinations(names, 2):
        yield a, b
        yield b, a


def _metric_worst(setting: Setting) -> float:
    return 0.0 if setting.metric.better == "higher" else 1.0


def _if_none(setting: Setting, counted: Counted, label: str) -> Iterator[Text]:
    if counted.population == 0 or (setting.complete and counted.at.size == 0):
        yield notes.none_of(counted.noun, label)
