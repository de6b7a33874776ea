"""The two evidence processes of a part, for *meets* and for *fails*, along the committed order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pilotbase.trial.cases import Floats, Ints
from pilotbase.trial.evidence import Part
from pilotbase.trial.rules.reading import claim
from pilotbase.trial.rules.sequential import (
    log_bernoulli_evalue,
    log_bounded_evalue,
    log_difference_evalue,
)

LOOK_FIRST, LOOK_GROWTH = 16, 1.1


@dataclass(frozen=True)
class Path:
    """Natural logarithms of the e-values at each look.

    Attributes:
        at: (looks,) items read by then, ascending.
        meets, fails: (looks,) log e-values; NaN where a difference was not evaluated.
    """

    at: Ints
    meets: Floats
    fails: Floats


def path_of(part: Part, *, last_only: bool = False) -> Path:
    """Both processes at every item; those of a difference at looks that grow by a tenth.

    The e-value of a difference costs thousands of times more than that of a mean, so it is looked
    at after 16 items, after each further tenth, and at the end. A valid process may be looked at
    as seldom as one likes.

    Args:
        last_only: of a difference, only the newest scheduled look (while units come in).
    """
    if part.kind == "difference":
        looks = scheduled_looks(claim.items(part))
        looks = looks[-1:] if last_only else np.union1d(looks, [claim.items(part)])
        return _difference_path(part, looks.astype(np.int64))
    return Path(
        np.arange(1, len(part.x) + 1), _mean_path(part, meets=True), _mean_path(part, meets=False)
    )


def scheduled_looks(items: int) -> Ints:
    """16, and then each time a tenth more, rounded up, as far as there are items."""
    looks, next_look = [], LOOK_FIRST
    while next_look <= items:
        looks.append(next_look)
        next_look = int(np.ceil(next_look * LOOK_GROWTH))
    return np.array(looks, dtype=np.int64)


def log_evalue_at(part: Part, items: int, *, meets: bool) -> float:
    """The log e-value after that many items; 0 before the first."""
    if items == 0:
        return 0.0
    if part.kind == "difference":
        return _difference_evalue(part, items, meets=meets)
    x, _ = claim.values(part, meets=meets)
    threshold = claim.tested_threshold(part)
    if part.kind == "pass_fail" and 0.0 < threshold < 1.0:
        return log_bernoulli_evalue(
            int(x[:items].sum()),
            items,
            threshold,
            alternative=claim.alternative(part, meets=meets),
            population=part.population,
        )
    return float(_mean_path(part, meets=meets)[items - 1])


def taken(part: Part, items: int) -> tuple[int, int]:
    """How many of x and of y are among the first ``items``."""
    if part.kind != "difference":
        return items, items
    of_y = sum(part.turns[:items])
    return items - of_y, of_y


def _mean_path(part: Part, *, meets: bool) -> Floats:
    x, y = claim.values(part, meets=meets)
    alternative = claim.alternative(part, meets=meets)
    if not x.size:
        return np.zeros(0)
    if part.kind == "paired":
        x = claim.paired_unit(part, x, y, part.ratio)
        threshold = claim.paired_threshold(part, part.ratio)
    else:
        threshold = claim.tested_threshold(part)
    if part.kind == "pass_fail" and 0.0 < threshold < 1.0:
        successes = np.cumsum(x).astype(np.int64)
        tally = np.arange(1, x.size + 1)
        path = log_bernoulli_evalue(
            successes, tally, threshold, alternative=alternative, population=part.population
        )
        return np.asarray(path, dtype=np.float64)
    return log_bounded_evalue(x, threshold, alternative=alternative, population=part.population)


def _difference_path(part: Part, looks: Ints) -> Path:
    meets, fails = np.full(looks.size, np.nan), np.full(looks.size, np.nan)
    for look, items in enumerate(looks.tolist()):
        # Where the estimate lies on the null's side the e-value is below one: not worth its cost.
        if _points_to(part, items, meets=True):
            meets[look] = _difference_evalue(part, items, meets=True)
        if not _points_to(part, items, meets=False):
            fails[look] = _difference_evalue(part, items, meets=False)
    return Path(looks, meets, fails)


def _points_to(part: Part, items: int, *, meets: bool) -> bool:
    """Whether the claim holds of the values read so far."""
    x, y = claim.values(part, meets=meets)
    of_x, of_y = taken(part, items)
    if not of_x or not of_y:
        return meets
    left = float(x[:of_x].mean() - part.ratio * y[:of_y].mean())
    return left >= part.margin if part.at_least else left <= part.margin


def _difference_evalue(part: Part, items: int, *, meets: bool) -> float:
    x, y = claim.values(part, meets=meets)
    of_x, of_y = taken(part, items)
    return log_difference_evalue(
        x[:of_x],
        y[:of_y],
        part.margin,
        alternative=claim.alternative(part, meets=meets),
        population=populations(part),
        ratio=part.ratio,
    )


def populations(part: Part) -> tuple[int, int] | None:
    """The sizes of the two finite groups of a difference; None for future cases."""
    if part.population is None or part.population_y is None:
        return None
    return part.population, part.population_y
