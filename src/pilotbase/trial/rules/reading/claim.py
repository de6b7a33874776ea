"""A part's claim as numbers: what is tested against what, and how it is shown to a reader."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from pilotbase.trial.cases import Floats
from pilotbase.trial.evidence import Part
from pilotbase.trial.rules.sequential import Alternative, half_unit_threshold

DENOMINATOR_MOST = 10**9


def alternative(part: Part, *, meets: bool) -> Alternative:
    """Which side the test for *meets* (or for *fails*) has to show."""
    return "greater" if part.at_least == meets else "less"


def items(part: Part) -> int:
    """How many items stand in the evidence; both groups together for a difference."""
    return len(part.x) + (len(part.y) if part.kind == "difference" else 0)


def population(part: Part) -> int | None:
    """Items of the finite set, both groups together for a difference; None for future cases."""
    if part.kind != "difference" or part.population is None or part.population_y is None:
        return part.population
    return part.population + part.population_y


def is_empty(part: Part) -> bool:
    """Whether the finite set, or one of its two groups, holds nothing to count."""
    return part.population == 0 or (part.kind == "difference" and part.population_y == 0)


def is_complete(part: Part) -> bool:
    """Whether every item of the finite set stands in the evidence."""
    if is_empty(part) or len(part.x) != part.population:
        return False
    return part.kind != "difference" or len(part.y) == part.population_y


def values(part: Part, *, meets: bool) -> tuple[Floats, Floats]:
    """x and y in [0, 1] as the test for *meets* (or for *fails*) takes them."""
    x = part.x if meets or part.x_fails is None else part.x_fails
    y = part.y if meets or part.y_fails is None else part.y_fails
    return np.array(x, np.float64) / part.resolution, np.array(y, np.float64) / part.resolution


def tested_threshold(part: Part) -> float:
    """The threshold, half a grid step aside in a finite set so that a tie is decided."""
    if part.population is None or not 0.0 <= part.threshold <= 1.0:
        return part.threshold
    return half_unit_threshold(
        part.threshold, part.population, part.resolution, at_least=part.at_least
    )


def paired_unit(part: Part, x: Floats, y: Floats, ratio: float) -> Floats:
    """``weight x - ratio y`` moved and shrunk from [-ratio, weight] to [0, 1]."""
    return np.clip((part.weight * x - ratio * y + ratio) / (part.weight + ratio), 0.0, 1.0)


def paired_threshold(part: Part, ratio: float) -> float:
    """The margin moved and shrunk likewise."""
    return (part.margin + ratio) / (part.weight + ratio)


def as_fraction(bound: float) -> Fraction:
    """The simplest fraction that a bound can mean: 0.98 is 49/50, one third is 1/3.

    Among fractions of denominators up to 10^9 the nearest; two bounds of fewer than seven digits
    are never taken for one another.
    """
    return Fraction(bound).limit_denominator(DENOMINATOR_MOST)


def shown(part: Part, value: float) -> float:
    """The reader's number for a value on the claim's scale."""
    return part.scale * (math.sqrt(max(value, 0.0)) if part.root else value)


def bound(part: Part) -> float:
    """The bound of the claim on the claim's scale: its threshold, ratio or margin."""
    return {"threshold": part.threshold, "ratio": part.ratio, "margin": part.margin}[part.solve]


def estimate(part: Part, x: Floats, y: Floats) -> float | None:
    """The mean, ratio or difference on the claim's scale; None where there is none."""
    if not x.size or (part.kind != "pass_fail" and part.kind != "bounded" and not y.size):
        return None
    mean = float(x.mean())
    if part.solve == "threshold":
        return mean
    mean_y = float(y.mean())
    if part.solve == "ratio":
        return part.weight * mean / mean_y if mean_y > 0.0 else None
    return part.weight * mean - part.ratio * mean_y
