"""A plan's odds: what the rule would say of systems of each true quality, before anything runs.

Exact for pass/fail criteria: by dynamic programming where evidence is sequential, from the
distribution of the count where there is one look. For bounded values by seeded simulation, which
is labelled so. Where every unit of a finite set will be scored nothing is left to chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from pilotbase.kernel.plugins import load
from pilotbase.kernel.text import Text
from pilotbase.scenario.offer import Candidate
from pilotbase.scenario.schema import Criterion, Scenario
from pilotbase.trial.cases import Cases, Floats
from pilotbase.trial.evaluators.metric import Metric
from pilotbase.trial.people import every_of
from pilotbase.trial.rules.claims.counted import one_row_each
from pilotbase.trial.rules.sequential import (
    Alternative,
    fixed_pvalue,
    half_unit_threshold,
    log_bounded_evalues,
    operating_characteristics,
)

STEPS = (-0.10, -0.05, 0.0, 0.05, 0.10)
SIMULATIONS = 200
SIMULATED_UNITS_MAX = 1_000
EXACT_UNITS_MAX = 5_000

Row = dict[str, float]
ALWAYS_RIGHT = Text(
    "Best case: simulated for a judge that is always right. A judge that errs needs more units, "
    "one that knows nothing as many as the labels alone would.",
    "最好情形: 按评判者总是正确模拟。评判者有误时所需单元更多; "
    "若毫无判断力, 则与只用人工评分所需相当。",
)
NO_ODDS = Text(
    "Not computed: this comparison depends on two unknown numbers, and its denominator is only "
    "known once all answers are in.",
    "未计算: 该比较取决于两个未知数, 且分母须待全部回答后才能确定。",
)


@dataclass(frozen=True)
class Setting:
    """What the odds of one criterion depend on.

    Attributes:
        bound: on the unit scale, told as "at least".
        threshold: what is tested; half a unit beside the bound in a finite set.
        whole: whether the finite set is scored to its end.
        alpha, fails: the levels that the processes run to.
        every: one unit in so many goes to people, of a judge's marks; 1 for all other criteria.
    """

    bound: float
    threshold: float
    population: int | None
    cap: int
    pass_fail: bool
    evidence: Literal["sequential", "fixed"]
    whole: bool
    alpha: float
    fails: float
    seed: int
    every: int = 1


def planned_odds(
    cases: Cases, scenario: Scenario, meets: float, fails: float
) -> list[dict[str, Any]]:
    """One table per criterion: ``{criterion, name, method, note, table}`` with rows
    ``{quality, meets, fails, undecided, units}``; quality is the true value on the reader's scale
    and ``units`` the expected number until decided.

    Args:
        cases: the question that decides: all cases, or the hold-out for future cases.
        meets, fails: the levels at which a blocking criterion is read.
    """
    return [
        _of(i, c, cases, scenario, meets, fails if c.blocking else scenario.plan.alpha)
        for i, c in enumerate(scenario.acceptance)
    ]


def _of(
    index: int, criterion: Criterion, cases: Cases, scenario: Scenario, meets: float, fails: float
) -> dict[str, Any]:
    metric: Metric = load("pilotbase.evaluators", criterion.metric)
    name = _name(metric, criterion)
    setting = _setting(criterion, metric, cases, scenario, meets, fails)
    if setting.whole or (setting.evidence == "fixed" and setting.population == setting.cap):
        return _table(index, name, "exact", _certain(criterion, metric, setting.cap))
    comparison = criterion.gap_by or criterion.ratio_by or criterion.worst_of or criterion.against
    if comparison or criterion.between is not None or metric.over_prevalence:
        return {**_table(index, name, "none", []), "note": NO_ODDS.as_dict()}
    exact = setting.pass_fail
    row = (_one_look if setting.evidence == "fixed" else _stopped) if exact else _simulated
    sign = -1.0 if criterion.at_most is not None else 1.0
    rows = []
    for quality in _qualities(setting.bound):
        counted = row(quality, setting)
        mean = quality if sign > 0 else 1.0 - quality
        rows.append({**counted, "quality": round(metric.shown(mean, criterion), 6)})
    table = _table(index, name, "exact" if exact else "simulation", rows)
    return {**table, "note": ALWAYS_RIGHT.as_dict()} if setting.every > 1 else table


def _setting(
    criterion: Criterion, metric: Metric, cases: Cases, scenario: Scenario,
    meets: float, fails: float,
) -> Setting:  # fmt: skip
    bound = criterion.at_most if criterion.at_least is None else criterion.at_least
    mean = metric.claimed(bound, criterion) if bound is not None else 0.5
    plan, finite = scenario.plan, scenario.estimand == "these cases"
    units, counted = len(np.unique(cases.unit[cases.scored])), _counted(metric, cases)
    asked = min(units, plan.cap or units)
    # Of the units that a cap admits, the share that counts is what one expects of a random order.
    cap = counted if asked == units else max(1, round(counted * asked / units))
    told = threshold = mean if criterion.at_most is None else round(1.0 - mean, 12)
    pass_fail = metric.pass_fail and criterion.repeats == 1 and one_row_each(cases)
    if finite and pass_fail and 0 < told < 1:
        threshold = half_unit_threshold(threshold, counted, 1, at_least=True)
    return Setting(
        bound=told,
        threshold=threshold,
        population=counted if finite else None,
        cap=cap,
        pass_fail=pass_fail,
        evidence=plan.evidence,
        # Whatever answers fold by fold answers everything, and then the set is compared exactly.
        whole=finite and asked == units and not all(map(_is_asked_singly, scenario.candidates)),
        alpha=meets,
        fails=fails,
        seed=plan.seed,
        every=every_of(metric, criterion) if metric.asks == "judge" else 1,
    )


def _is_asked_singly(candidate: Candidate) -> bool:
    return candidate.estimator is None


def _counted(metric: Metric, cases: Cases) -> int:
    rows = cases.scored
    if metric.counted == "positives":
        rows = rows & (cases.target == 1)
    elif metric.counted in ("on_scope", "off_scope") and cases.language is not None:
        rows = rows & (cases.language.scope == (1 if metric.counted == "on_scope" else 0))
    return max(1, len(np.unique(cases.unit[rows])))


def _name(metric: Metric, criterion: Criterion) -> dict[str, str]:
    return criterion.title.model_dump() if criterion.title else metric.title.as_dict()


def _qualities(bound: float) -> list[float]:
    return [q for s in STEPS if 0 < (q := round(bound + s, 6)) < 1]


def _certain(criterion: Criterion, metric: Metric, units: int) -> list[Row]:
    """All scored: whatever the true value is, it is compared with the bound exactly."""
    bounds = criterion.between or (criterion.at_least, criterion.at_most)
    low, high = (-np.inf if bounds[0] is None else bounds[0]), bounds[1]
    high = np.inf if high is None else high
    compared = criterion.gap_by or criterion.ratio_by or criterion.worst_of or criterion.against
    least, most = metric.shown_range(criterion)
    rows = []
    for bound in sorted({b for b in (low, high) if np.isfinite(b)}):
        for step in STEPS:
            value = round(bound * (1 + step), 6) if bound else step
            if not (compared or least <= value <= most):
                continue
            rows.append({"quality": value, **_row(float(low <= value <= high), None, units)})
    return rows


def _stopped(quality: float, setting: Setting) -> Row:
    whole = setting.population
    reached = operating_characteristics(
        setting.threshold,
        setting.alpha,
        min(setting.cap, EXACT_UNITS_MAX),
        quality if whole is None else round(quality * whole) / whole,
        population=whole,
        alpha_fails=setting.fails,
    )
    return _row(float(reached.meets), float(reached.fails), float(reached.expected_units))


def _one_look(quality: float, setting: Setting) -> Row:
    from scipy import stats  # slow to load, and of no use to a sequential plan

    n, whole = setting.cap, setting.population
    counts = np.arange(n + 1)
    if whole is None:
        weights = stats.binom.pmf(counts, n, quality)
    else:
        weights = stats.hypergeom.pmf(counts, whole, round(quality * whole), n)

    def reject(alternative: Alternative, alpha: float) -> float:
        p = fixed_pvalue(counts, n, setting.threshold, alternative=alternative, population=whole)
        return float(weights[np.asarray(p) <= alpha].sum())

    return _row(reject("greater", setting.alpha), reject("less", setting.fails), n)


def _simulated(quality: float, setting: Setting) -> Row:
    random = np.random.default_rng(setting.seed)
    cap = min(setting.cap, SIMULATED_UNITS_MAX)
    samples = random.beta(4 * quality, 4 * (1 - quality), (SIMULATIONS, cap))
    yes, no = _firsts(samples, setting, "greater"), _firsts(samples, setting, "less")
    meets = (yes <= np.minimum(no, cap)).mean()
    fails = (no < np.minimum(yes, cap + 1)).mean()
    return _row(float(meets), float(fails), float(np.minimum(np.minimum(yes, no), cap).mean()))


def _firsts(samples: Floats, setting: Setting, alternative: Alternative) -> Floats:
    """Of each sample, the number of units at the first look that decides; infinite without one."""
    alpha = setting.alpha if alternative == "greater" else setting.fails
    # What the process of an audited criterion sees of a judge that is always right.
    wide, low = 2 * setting.every - 1, setting.every - 1
    paths = log_bounded_evalues(
        (samples + low) / wide, (setting.threshold + low) / wide, alternative=alternative
    )
    crossed = paths >= -np.log(alpha)
    if setting.evidence == "fixed":
        crossed[:, :-1] = False
    return np.where(crossed.any(axis=1), crossed.argmax(axis=1) + 1.0, np.inf)


def _row(meets: float, fails: float | None, units: float) -> Row:
    fails = 1.0 - meets if fails is None else fails
    undecided = max(0.0, 1.0 - meets - fails)
    numbers = {"meets": meets, "fails": fails, "undecided": undecided, "units": units}
    return {name: round(float(value), 4) for name, value in numbers.items()}


def _table(index: int, name: dict[str, str], method: str, rows: list[Row]) -> dict[str, Any]:
    return {"criterion": index, "name": name, "method": method, "note": None, "table": rows}
