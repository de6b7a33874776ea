"""The interval that is drawn: one-sided bounds inverted from the two processes that decide."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pilotbase.trial.cases import Floats
from pilotbase.trial.evidence import Part
from pilotbase.trial.rules.reading import claim
from pilotbase.trial.rules.reading.process import populations, taken
from pilotbase.trial.rules.sequential import (
    Side,
    bernoulli_bound,
    bounded_bound,
    difference_bound,
    fixed_bound,
    log_bounded_evalue,
    log_difference_evalue,
)

HALVINGS = 46
Mode = Literal["sequential", "fixed"]


@dataclass(frozen=True)
class Levels:
    """Error levels of the tests for *meets* and for *fails*."""

    meets: float
    fails: float


@dataclass(frozen=True)
class _View:
    """What one of the two tests has read of a part."""

    part: Part
    x: Floats
    y: Floats
    side: Side
    alpha: float
    mode: Mode


def interval_at(part: Part, items: int, levels: Levels, mode: Mode) -> tuple[float, float]:
    """(low, high) on the reader's scale after that many items, at least 1; high may be inf.

    For "at least" the lower end is inverted from the process for *meets*, at its level, and the
    upper end from the one for *fails*; for "at most" the other way round. So the criterion's
    bound lies outside the interval when a process has decided, and inside when none has.
    """
    low = _bound(_view(part, items, "lower", levels, mode))
    high = _bound(_view(part, items, "upper", levels, mode))
    return claim.shown(part, low), claim.shown(part, high)


def _view(part: Part, items: int, side: Side, levels: Levels, mode: Mode) -> _View:
    meets = part.at_least == (side == "lower")
    x, y = claim.values(part, meets=meets)
    of_x, of_y = taken(part, items)
    return _View(part, x[:of_x], y[:of_y], side, levels.meets if meets else levels.fails, mode)


def _bound(view: _View) -> float:
    part = view.part
    if part.kind == "pass_fail":
        bound = fixed_bound if view.mode == "fixed" else bernoulli_bound
        passed, read = int(view.x.sum()), view.x.size
        return bound(passed, read, view.alpha, side=view.side, population=part.population)
    if part.kind == "bounded":
        return _on_grid(_mean_bound(view, view.x), part)
    if part.solve == "ratio":
        return _ratio_bound(view)
    if part.kind == "paired":
        unit = claim.paired_unit(part, view.x, view.y, part.ratio)
        return _mean_bound(view, unit) * (part.weight + part.ratio) - part.ratio
    return difference_bound(
        view.x,
        view.y,
        view.alpha,
        side=view.side,
        population=populations(part),
        ratio=part.ratio,
    )


def _mean_bound(view: _View, values: Floats) -> float:
    population = view.part.population
    return bounded_bound(values, view.alpha, side=view.side, population=population)


def _on_grid(bound: float, part: Part) -> float:
    """In a finite set the mean is a multiple of a step, and the test stands half a step aside."""
    if part.population is None:
        return bound
    steps = part.population * part.resolution
    return round(bound * steps) / steps


def _ratio_bound(view: _View) -> float:
    """The last ratio that the process rejects, searched from the ratio of the claim outwards."""
    level = -math.log(view.alpha)

    def rejected(ratio: float) -> bool:
        return _log_evalue(view, ratio) >= level

    claimed = view.part.ratio
    beyond = rejected(claimed)
    if view.side == "lower":
        return _last(rejected, claimed, math.inf) if beyond else _last(rejected, 0.0, claimed)
    return _last(rejected, claimed, 0.0) if beyond else _last(rejected, math.inf, claimed)


def _last(rejected: Callable[[float], bool], within: float, without: float) -> float:
    """The end of what is rejected, from ``within`` towards ``without``, never beyond it.

    Halves on the scale r / (1 + r), so that infinity is a point like others.
    """
    near, far = (1.0 if math.isinf(r) else r / (1.0 + r) for r in (within, without))
    for _ in range(HALVINGS):
        middle = 0.5 * (near + far)
        if rejected(middle / (1.0 - middle)):
            near = middle
        else:
            far = middle
    return math.inf if near == 1.0 else near / (1.0 - near)


def _log_evalue(view: _View, ratio: float) -> float:
    """Evidence that the ratio of means lies above (side "lower") or below ``ratio``."""
    part = view.part
    alternative: Literal["greater", "less"] = "greater" if view.side == "lower" else "less"
    if part.kind == "difference":
        return log_difference_evalue(
            view.x,
            view.y,
            part.margin,
            alternative=alternative,
            population=populations(part),
            ratio=ratio,
        )
    unit = claim.paired_unit(part, view.x, view.y, ratio)
    threshold = claim.paired_threshold(part, ratio)
    path = log_bounded_evalue(unit, threshold, alternative=alternative, population=part.population)
    return float(path[-1])
