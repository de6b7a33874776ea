"""How many further items would decide, if things go on as they have: a projection, no promise."""

from __future__ import annotations

import numpy as np

from pilotbase.trial.cases import Floats
from pilotbase.trial.evidence import Part
from pilotbase.trial.rules.reading import claim
from pilotbase.trial.rules.reading.bounds import Levels, Mode
from pilotbase.trial.rules.reading.process import populations
from pilotbase.trial.rules.sequential import (
    fixed_pvalue,
    log_difference_evalue,
    units_to_decide,
    units_to_decide_bounded,
)

LIMIT = 20_000  # further items looked at; beyond that the estimate says nothing of use
GROWTH = 1.1


def further_items(part: Part, levels: Levels, mode: Mode) -> int | None:
    """Further items after which the part would be decided; None if that cannot be said.

    The whole of a finite set always decides it, unless the base's outages leave it open.
    """
    if claim.is_empty(part) or claim.is_complete(part):
        return None
    n, total = claim.items(part), claim.population(part)
    rest = None if total is None else total - n
    projected = _projected(part, levels, mode) if n else None
    return projected or rest


def _projected(part: Part, levels: Levels, mode: Mode) -> int | None:
    x, y = claim.values(part, meets=True)
    threshold = claim.tested_threshold(part)
    if part.kind == "pass_fail" and 0.0 < threshold < 1.0:
        likely = _likely_level(part, float(x.mean()) >= threshold, levels)
        passed, read = int(x.sum()), int(x.size)
        if mode == "fixed":
            return _one_look(passed, read, threshold, likely, part.population)
        return units_to_decide(
            passed, read, threshold, likely, population=part.population, limit=LIMIT
        )
    if part.kind == "difference":
        return _difference(part, x, y, levels)
    if part.kind == "paired":
        x = claim.paired_unit(part, x, y, part.ratio)
        threshold = claim.paired_threshold(part, part.ratio)
    likely = _likely_level(part, float(x.mean()) >= threshold, levels)
    return units_to_decide_bounded(x, threshold, likely, part.population, limit=LIMIT)


def _likely_level(part: Part, above: bool, levels: Levels) -> float:
    """The level of the test to which the estimate points."""
    return levels.meets if above == part.at_least else levels.fails


def _one_look(
    passed: int, read: int, threshold: float, alpha: float, population: int | None
) -> int | None:
    """Further units until one look at the exact test would decide, at the rate seen so far."""
    most = LIMIT if population is None else min(LIMIT, population - read)
    totals = read + np.arange(1, most + 1)
    successes = np.rint(passed / read * totals).astype(np.int64)
    smallest = np.minimum(
        fixed_pvalue(successes, totals, threshold, alternative="greater", population=population),
        fixed_pvalue(successes, totals, threshold, alternative="less", population=population),
    )
    enough = np.flatnonzero(smallest <= alpha)
    return int(enough[0]) + 1 if enough.size else None


def _difference(part: Part, x: Floats, y: Floats, levels: Levels) -> int | None:
    """Both groups repeated in their present proportion, looked at after each further tenth."""
    if not x.size or not y.size:
        return None
    now = x.size + y.size
    most = claim.population(part) or now + LIMIT
    sizes, total = [], now
    while total < most and total - now < LIMIT:
        total = min(int(np.ceil(total * GROWTH)), most)
        sizes.append(total)
    for total in sizes:
        of_x = min(round(x.size * total / now), part.population or LIMIT + now)
        of_y = min(total - of_x, part.population_y or LIMIT + now)
        if _decides(part, np.resize(x, of_x), np.resize(y, of_y), levels):
            return of_x + of_y - now
    return None


def _decides(part: Part, x: Floats, y: Floats, levels: Levels) -> bool:
    for meets, alpha in ((True, levels.meets), (False, levels.fails)):
        log_e = log_difference_evalue(
            x,
            y,
            part.margin,
            alternative=claim.alternative(part, meets=meets),
            population=populations(part),
            ratio=part.ratio,
        )
        if log_e >= -np.log(alpha):
            return True
    return False
