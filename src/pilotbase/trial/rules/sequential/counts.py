"""Whole numbers behind a threshold in a finite population."""

from __future__ import annotations

import math

import numpy as np

from .arguments import Counts, Floats, read_integer


def _snapped(product: Floats) -> Floats:
    """A product such as ``0.29 * 100`` back on the whole number that its decimals mean.

    The tolerance (1e-9, growing with the rounding error of large products) is far above
    floating-point noise and far below any threshold somebody writes down.
    """
    whole = np.rint(product)
    noise = 1e-9 + 4.0 * np.finfo(np.float64).eps * np.abs(product)
    return np.where(np.abs(product - whole) <= noise, whole, product)


def boundary_count(threshold: Floats, population: Counts, *, greater: bool) -> Counts:
    """The count K0 on the edge of the null, for a population of ``population`` pass/fail units.

    ``greater``: the null is K <= threshold*N and K0 = floor(threshold*N); otherwise the null
    is K >= threshold*N and K0 = ceil(threshold*N). A threshold strictly between 0 and 1
    always leaves at least one count to the alternative.
    """
    product = _snapped(threshold * population)
    if greater:
        return np.minimum(np.floor(product), population - 1).astype(np.int64)
    return np.maximum(np.ceil(product), 1).astype(np.int64)


def half_unit_threshold(
    threshold: float, population: int, resolution: int, *, at_least: bool
) -> float:
    """The threshold half a grid step aside, so that a tie in a finite population is decided.

    When the ``population`` (N) unit values are multiples of 1/``resolution`` (1 for pass/fail),
    "mean >= threshold" is the same statement as "sum * resolution >= ceil(threshold*N*resolution)".
    Half a step below that whole number no sum can fall, so the two one-sided tests at the
    returned threshold share no null, and exactly one of them is decided once all N are known:
    "greater" means the criterion holds, "less" that it does not. With ``at_least=False`` the
    criterion is "mean <= threshold" and the returned threshold lies half a step above
    floor(threshold*N*resolution): "less" means that it holds.

    :param threshold: in [0, 1]; read by its decimals (0.29 of 100 is 29, not 28.999...).
    :raises ValueError: threshold outside [0, 1]; population or resolution below 1.
    """
    if not 0.0 <= threshold <= 1.0:
        raise ValueError(f"threshold must lie in [0, 1], got {threshold!r}")
    steps = read_integer(population, "population", 1) * read_integer(resolution, "resolution", 1)
    product = float(_snapped(np.asarray(threshold * steps)))
    edge = math.ceil(product) - 0.5 if at_least else math.floor(product) + 0.5
    return edge / steps
