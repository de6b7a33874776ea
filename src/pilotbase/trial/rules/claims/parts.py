"""From counted items to the integers of a `Part`.

The test for *meets* takes the base's outages at their worst, the test for *fails* at their best,
as seen from the claim; where there is none the two tests share their integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from pilotbase.trial.cases import Floats
from pilotbase.trial.evidence import RESOLUTION, Part
from pilotbase.trial.rules.claims.counted import Counted


@dataclass(frozen=True)
class Bound:
    """One side of a criterion, and how its numbers become the reader's.

    Attributes:
        at_least: whether the claim reads ``>=``.
        value: the bound on the scale of the claim.
        scale, root: as in `Part`.
        label: as in `Part`.
    """

    at_least: bool
    value: float
    scale: float = 1.0
    root: bool = False
    label: str = ""

    @property
    def worst(self) -> float:
        """The value that speaks most against the claim."""
        return 0.0 if self.at_least else 1.0


def level_part(counted: Counted, bound: Bound) -> Part:
    """``mean(x) >= bound``: a fault is worth what speaks most against the claim."""
    fault, bad = bound.worst, bound.worst
    resolution = 1 if counted.pass_fail else RESOLUTION
    x = integers(counted.values(fault, bad), resolution)
    best = integers(counted.values(fault, 1.0 - bad), resolution)
    return Part(
        kind="pass_fail" if counted.pass_fail else "bounded",
        at_least=bound.at_least,
        x=x,
        x_fails=best if counted.outages.any() else None,
        label=bound.label,
        threshold=bound.value,
        resolution=resolution,
        population=counted.population,
        scale=bound.scale,
        root=bound.root,
        items=counted.noun,
        faults=int(counted.faults.sum()),
        outages=int(counted.outages.sum()),
    )


def paired_part(
    x: Counted,
    y: Counted,
    bound: Bound,
    *,
    solve: Literal["ratio", "margin"],
    fault: float,
    weight: float = 1.0,
) -> Part:
    """``mean(weight x - ratio y) >= margin`` with the bound as ratio (margin 0) or as margin."""
    bad, good = bound.worst, 1.0 - bound.worst
    outages = x.outages | y.outages
    lost = bool(outages.any())
    return Part(
        kind="paired",
        at_least=bound.at_least,
        x=integers(x.values(fault, bad)),
        y=integers(y.values(fault, good)),
        x_fails=integers(x.values(fault, good)) if lost else None,
        y_fails=integers(y.values(fault, bad)) if lost else None,
        label=bound.label,
        ratio=bound.value if solve == "ratio" else 1.0,
        margin=bound.value if solve == "margin" else 0.0,
        weight=weight,
        solve=solve,
        population=x.population,
        scale=bound.scale,
        root=bound.root,
        items=x.noun,
        faults=int((x.faults | y.faults).sum()),
        outages=int(outages.sum()),
    )


def difference_part(
    a: Counted, b: Counted, bound: Bound, *, solve: Literal["ratio", "margin"], fault: float
) -> Part:
    """``mean(a) - ratio mean(b) >= margin`` with the bound as ratio (margin 0) or as margin."""
    bad, good = bound.worst, 1.0 - bound.worst
    lost = bool(a.outages.any() or b.outages.any())
    order = np.argsort(np.concatenate([a.at, b.at]), kind="stable")
    return Part(
        kind="difference",
        at_least=bound.at_least,
        x=integers(a.values(fault, bad)),
        y=integers(b.values(fault, good)),
        x_fails=integers(a.values(fault, good)) if lost else None,
        y_fails=integers(b.values(fault, bad)) if lost else None,
        turns=tuple((order >= a.at.size).astype(int).tolist()),
        label=bound.label,
        ratio=bound.value if solve == "ratio" else 1.0,
        margin=bound.value if solve == "margin" else 0.0,
        solve=solve,
        population=a.population,
        population_y=b.population,
        scale=bound.scale,
        root=bound.root,
        items=a.noun,
        faults=int(a.faults.sum() + b.faults.sum()),
        outages=int(a.outages.sum() + b.outages.sum()),
    )


def open_part(bound: Bound, solve: Literal["threshold", "ratio", "margin"], noun: str) -> Part:
    """A claim that nothing can be counted for: it stays open, with its bound on the axis."""
    return Part(
        kind="bounded" if solve == "threshold" else "difference",
        at_least=bound.at_least,
        x=(),
        label=bound.label,
        threshold=bound.value if solve == "threshold" else 0.0,
        ratio=bound.value if solve == "ratio" else 1.0,
        margin=bound.value if solve == "margin" else 0.0,
        solve=solve,
        population=0,
        population_y=None if solve == "threshold" else 0,
        scale=bound.scale,
        root=bound.root,
        items=noun,
    )


def integers(values: Floats, resolution: int = RESOLUTION) -> tuple[int, ...]:
    """Whole multiples of 1/resolution, the nearest (halves to even)."""
    return tuple(np.rint(values * resolution).astype(np.int64).tolist())
