"""Search for the end of what a monotone condition holds for."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from .arguments import Counts, Flags, Floats

_HALVINGS = 50  # of an interval that ends at the observed rate


def last_above(
    excess: Callable[[float], float], low: float, high: float, tolerance: float = 1e-13
) -> float:
    """Where a falling function stops being >= 0: the last point seen above, within tolerance.

    The function counts as positive at ``low`` and as negative at ``high``. ITP root finding
    (Oliveira and Takahashi 2021): a secant step kept within reach of bisection, so that it is
    quick on smooth functions and never slower than bisection by more than one step.
    """
    above, below = 1.0, -1.0
    halvings = math.ceil(math.log2(max((high - low) / tolerance, 1.0)))
    slowness = 0.2 / max(high - low, tolerance)
    for step in range(halvings + 1):
        width, middle = high - low, 0.5 * (low + high)
        if width <= tolerance:
            break
        secant = (below * low - above * high) / (below - above)
        inward = math.copysign(min(slowness * width**2, abs(middle - secant)), middle - secant)
        reach = max(tolerance * 2.0 ** (halvings - step) - 0.5 * width, 0.0)
        point = middle + max(-reach, min(reach, secant + inward - middle))
        # Not onto an end: a root that lies there to rounding must be enclosed, not approached.
        point = max(low + 0.5 * tolerance, min(high - 0.5 * tolerance, point))
        value = _squashed(excess(point))
        if value >= 0.0:
            low, above = point, value
        else:
            high, below = point, value
    return low


def _squashed(value: float) -> float:
    """Into [-1, 1], so that far-off or infinite values do not spoil the secant."""
    return math.copysign(1.0, value) if math.isinf(value) else value / (1.0 + abs(value))


def bisect_rates(keeps_low: Callable[[Floats], Flags], low: Floats, high: Floats) -> Floats:
    """Elementwise: the largest point known to hold, if the condition holds up to one point."""
    low, high = low.copy(), high.copy()
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        holds = keeps_low(middle)
        low, high = np.where(holds, middle, low), np.where(holds, high, middle)
    return low


def bisect_counts(holds: Callable[[Counts], Flags], low: Counts, high: Counts) -> Counts:
    """Elementwise: the largest whole number in low..high that holds, given that ``low`` does."""
    while np.any(low < high):
        middle = low + (high - low + 1) // 2
        fine = holds(middle)
        low, high = np.where(fine, middle, low), np.where(fine, high, middle - 1)
    return low
