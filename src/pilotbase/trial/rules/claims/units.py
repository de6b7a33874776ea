"""Counting by units: their means, the calls among them, and pairs of them for a future lift."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pilotbase.trial.cases import FAULT, OUTAGE, Floats
from pilotbase.trial.rules.claims.counted import (
    Answers,
    Counted,
    Flags,
    Setting,
    any_by_unit,
    mean_by_unit,
    one_row_each,
)


def unit_means(setting: Setting, answers: Answers, members: Flags) -> Counted:
    """Each member unit that owns a counted row, worth the mean over its counted rows."""
    counted = answers.counted & members[setting.cases.unit]
    owners = any_by_unit(setting.cases, counted)
    noun = {"called": "called units", "positives": "positive units"}
    return _by_unit(setting, answers, counted, owners, noun.get(setting.metric.counted, "units"))


def calls(setting: Setting, answers: Answers, members: Flags) -> tuple[Counted, Counted]:
    """x: the value of each member unit's calls, 0 without a call; y: whether it has one.

    ``mean(x) / mean(y)`` is the mean over called units. How many units will be called is not
    known while answers are pending, so the finite set has to be that of all units.
    """
    counted = answers.counted & members[setting.cases.unit]
    asked = any_by_unit(setting.cases, setting.cases.scored) & members
    x = _by_unit(setting, answers, counted, asked, "units")
    has_call = any_by_unit(setting.cases, counted)[setting.finished[x.at]].astype(np.float64)
    return x, replace(x, values=lambda fault, outage: has_call)


def kept(setting: Setting, counted: Counted, members: Flags) -> Counted:
    """The same units, worth 0 where the unit is no member."""
    keep = members[setting.finished[counted.at]]
    return replace(
        counted,
        values=lambda fault, outage: np.where(keep, counted.values(fault, outage), 0.0),
        pass_fail=False,
    )


def pairs_of_units(setting: Setting, answers: Answers) -> tuple[Counted, Counted]:
    """x, y of pairs of consecutive units i, j with E[x] = E[hit] and E[y] = E[positive] E[called].

    x is the mean of the two units' hits, y the mean of "i positive and j called" and "j positive
    and i called": the two units are independent, hence the product. Lift is E[x] / E[y].
    """
    hits, called = calls(setting, answers, np.ones(setting.cases.units, dtype=np.bool_))
    positive = (setting.cases.target == 1).astype(np.float64)
    share = mean_by_unit(setting.cases, setting.cases.scored, positive)[setting.finished[hits.at]]
    n = hits.at.size // 2
    first, second = np.arange(n) * 2, np.arange(n) * 2 + 1

    def x(fault: float, outage: float) -> Floats:
        hit = hits.values(fault, outage)
        return 0.5 * (hit[first] + hit[second])

    def y(fault: float, outage: float) -> Floats:
        call = called.values(fault, outage)
        return 0.5 * (share[first] * call[second] + share[second] * call[first])

    pairs = Counted(
        x,
        hits.faults[first] | hits.faults[second],
        hits.outages[first] | hits.outages[second],
        hits.at[second],
        None,
        False,
        "pairs of units",
    )
    return pairs, replace(pairs, values=y)


def _by_unit(
    setting: Setting, answers: Answers, counted: Flags, owners: Flags, noun: str
) -> Counted:
    cases = setting.cases
    at = np.flatnonzero(owners[setting.finished])
    units = setting.finished[at]

    def values(fault: float, outage: float) -> Floats:
        return mean_by_unit(cases, counted, answers.worth(fault, outage))[units]

    return Counted(
        values,
        any_by_unit(cases, counted & (answers.status == FAULT))[units],
        any_by_unit(cases, counted & (answers.status == OUTAGE))[units],
        at,
        None if setting.future else int(owners.sum()),
        setting.metric.pass_fail and setting.criterion.repeats == 1 and one_row_each(cases),
        noun,
    )
