"""Permutation importance over the fits of a cross-fit: the mean drop of the score, with interval.

Method: Breiman, "Random forests", Machine Learning 2001, section 10. The drops themselves are
measured where the fit is, on rows it has not seen (`pilotbase.trial.candidates.importance`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from pilotbase.trial.rules.reading.readings import nine_digits, outward

LEVEL = 0.95


def importance_of(drops: Mapping[str, Sequence[float]]) -> list[dict[str, str | float]]:
    """``[{"column", "drop", "lower", "upper"}]``, the largest mean drop first.

    The interval is Student's over fits. Fits share training rows, so it is a guide to how much the
    fits disagree and decides nothing. A column that fewer than two fits have measured has no
    interval and is left out, rather than shown as certain.

    Args:
        drops: by column, how far the primary score fell in each fit when it was shuffled.
    """
    from scipy.stats import t  # slow to load, and only needed once answers are in

    rows = []
    for column, measured in drops.items():
        # Sorted: fits finish in any order, and sums of floats depend on it.
        known = np.array(sorted(drop for drop in measured if math.isfinite(drop)))
        if known.size < 2:
            continue
        mean = float(known.mean())
        reach = float(t.ppf(0.5 + LEVEL / 2, known.size - 1) * known.std(ddof=1))
        reach /= math.sqrt(known.size)
        lower, upper = outward((mean - reach, mean + reach))
        rows.append((column, nine_digits(mean), lower, upper))
    rows.sort(key=lambda row: (-row[1], row[0]))
    return [dict(zip(("column", "drop", "lower", "upper"), row, strict=True)) for row in rows]
