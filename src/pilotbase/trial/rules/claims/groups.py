"""Which unit belongs to which group, and how many belong to none that is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pilotbase.trial.cases import Cases, Labels
from pilotbase.trial.rules.claims.counted import Flags, any_by_unit


@dataclass(frozen=True)
class Groups:
    """A grouping of the scored units.

    Attributes:
        by: name of the grouping.
        of_unit: (units,) the group's value as text; "" where the unit is in no group.
        names: the values that occur, sorted.
        unknown: scored units whose value the data do not know.
        several: scored units whose rows have different values.
    """

    by: str
    of_unit: Labels
    names: tuple[str, ...]
    unknown: int
    several: int

    def members(self, name: str) -> Flags:
        """(units,) whether the unit is in that group."""
        return np.asarray(self.of_unit == name, dtype=np.bool_)


def groups_of(cases: Cases, by: str) -> Groups:
    """A unit is in a group when all its scored rows are; else it is in none, and is counted."""
    known: dict[int, set[str]] = {}
    for row in np.flatnonzero(cases.scored).tolist():
        known.setdefault(int(cases.unit[row]), set()).add(str(cases.groups[by][row]))
    of_unit = np.full(cases.units, "", dtype=object)
    for unit, values in known.items():
        if len(values) == 1:
            of_unit[unit] = next(iter(values))
    in_none = any_by_unit(cases, cases.scored) & (of_unit == "")
    several = sum(len(values) > 1 for values in known.values())
    return Groups(
        by,
        of_unit,
        tuple(sorted(set(of_unit.tolist()) - {""})),
        int(in_none.sum()) - several,
        several,
    )
