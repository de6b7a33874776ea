"""What a judge and the people of an audit said: from rows to units, from units to a part."""

from __future__ import annotations

import numpy as np

from pilotbase.trial.cases import FAULT, OUTAGE, Floats
from pilotbase.trial.evidence import Part
from pilotbase.trial.rules.audit import Judged, guesses, labelled_prefix, read_every
from pilotbase.trial.rules.claims.counted import (
    Answers,
    Flags,
    Setting,
    any_by_unit,
    mean_by_unit,
)
from pilotbase.trial.rules.claims.parts import Bound, integers


def judged_units(
    setting: Setting, answers: Answers, human: Floats, audited: Flags, waits: Flags, worst: float
) -> Judged:
    """The finished units that own a counted row, up to the first that waits for a person.

    A row that is the candidate's fault is worth ``worst`` to judge and person alike; a unit of
    nothing but such rows is settled. A unit with a row that the base lost is an outage.

    Args:
        answers: the judge's values by row; a NaN among those that count says that the judge gave
            none, so the metric's ``unmeasured`` must not have made a fault of it: pass the
            candidate's own status.
        human: (rows,) people's values in [0, 1], NaN where there is none.
        audited: (units,) by `audited_units`.
        waits: (units,) whether a label of the unit is still to come; a label that will never come
            does not wait, and is an outage.
        worst: the value that speaks most against the claim (`Bound.worst`).
    """
    cases, counted = setting.cases, answers.counted
    fault = counted & (answers.status == FAULT)
    answered = counted & ~fault
    at = setting.finished[any_by_unit(cases, counted)[setting.finished]]

    def by_unit(rows: Floats) -> Floats:
        """NaN where the value of an answered row is; others must not hide it."""
        silent = any_by_unit(cases, answered & np.isnan(rows))
        means = mean_by_unit(cases, counted, np.where(fault, worst, np.nan_to_num(rows)))
        return np.where(silent, np.nan, means)

    judged = Judged(
        judge=by_unit(answers.value)[at],
        human=by_unit(human)[at],
        audited=audited[at],
        settled=np.where(any_by_unit(cases, answered), np.nan, worst)[at],
        faults=any_by_unit(cases, fault)[at],
        outages=any_by_unit(cases, counted & (answers.status == OUTAGE))[at],
    )
    return judged.first(labelled_prefix(judged.asked, ~waits[at]))


def audited_part(
    judged: Judged, bound: Bound, every: int, *, population: int | None = None
) -> Part:
    """``mean(h) >= bound`` from a judge and an audit of one in ``every``.

    With ``every=1`` the part is ``bounded`` over the people's values alone. An answer or a label
    that the base lost is an outage: worst in the test for *meets*, best in the test for *fails*.

    Args:
        population: units of the finite set, with ``every=1`` alone; None for future cases.

    Raises:
        ValueError: every outside 1 … 1,000, or a finite set that is audited by lot.
    """
    read_every(every)
    if population is not None and every > 1:
        raise ValueError("of a finite set every unit has to be labelled (every=1)")
    lost = judged.outages | (judged.asked & np.isnan(judged.human))
    x, y = _columns(judged, bound.worst)
    x_fails, y_fails = _columns(judged, 1.0 - bound.worst) if lost.any() else (None, None)
    by_lot = every > 1
    return Part(
        kind="paired" if by_lot else "bounded",
        at_least=bound.at_least,
        x=x,
        y=y if by_lot else (),
        x_fails=x_fails,
        y_fails=y_fails if by_lot else None,
        label=bound.label,
        threshold=0.0 if by_lot else bound.value,
        ratio=float(every - 1) if by_lot else 1.0,
        margin=bound.value if by_lot else 0.0,
        weight=float(every),
        solve="margin" if by_lot else "threshold",
        population=population,
        scale=bound.scale,
        root=bound.root,
        faults=int(judged.faults.sum()),
        outages=int(lost.sum()),
    )


def _columns(judged: Judged, lost: float) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """(units,) x and y, with ``lost`` for what the base lost: both, where it lost the answer."""
    (gone,) = integers(np.array([lost]))
    y = np.where(judged.outages, gone, np.array(guesses(judged), np.int64))
    human = np.array(integers(np.where(np.isnan(judged.human), lost, judged.human)), np.int64)
    x = np.where(judged.asked, human, y)
    return tuple(x.tolist()), tuple(y.tolist())
