"""Criteria whose marks a judge or people give: from marks to parts, and what was audited."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pilotbase.scenario.schema import Criterion
from pilotbase.trial.cases import FAULT, OK, PENDING, Cases, Floats, Predictions
from pilotbase.trial.evaluators.metric import Metric, mark_key
from pilotbase.trial.evidence import Part
from pilotbase.trial.people import NO_ANSWER, every_of, people_key
from pilotbase.trial.rules.audit import Judged, audited_units
from pilotbase.trial.rules.claims.counted import Answers, Flags, Setting, any_by_unit
from pilotbase.trial.rules.claims.judged import audited_part, judged_units
from pilotbase.trial.rules.claims.parts import Bound


def by_lot(metric: Metric, criterion: Criterion) -> bool:
    """Whether people see a part of the units only."""
    return metric.asks is not None and every_of(metric, criterion) > 1


def as_people_say(metric: Metric, criterion: Criterion, predictions: Predictions) -> Predictions:
    """Answers that people rate all of: their marks in the metric's place, and an answer that waits
    for them is pending."""
    if metric.asks is None or by_lot(metric, criterion):
        return predictions
    human = people_marks(predictions, criterion)
    status = _with_faults(predictions, human)
    status[(status == OK) & np.isnan(human)] = PENDING
    marks = {**predictions.marks, mark_key(criterion): human}
    return replace(predictions, status=status, marks=marks)


def people_marks(predictions: Predictions, criterion: Criterion) -> Floats:
    """(rows,) people's marks, NaN where there is none."""
    none = np.full(len(predictions.status), np.nan)
    return predictions.marks.get(people_key(criterion), none)


def _with_faults(predictions: Predictions, human: Floats) -> NDArray[np.uint8]:
    """(rows,) the status of each row for judge and people: a fault where they had no reply."""
    status = predictions.status.copy()
    status[(status == OK) & (human == NO_ANSWER)] = FAULT
    return status


def lots(cases: Cases, metric: Metric, criterion: Criterion, seed: bytes) -> Flags:
    """(units,) which units go to people."""
    every = every_of(metric, criterion)
    return audited_units(seed, cases.unit_ids, every, mark_key(criterion))


def judged_of(setting: Setting, predictions: Predictions, members: Flags, worst: float) -> Judged:
    """What judge and people said of the member units, up to the first that waits for a person.

    Args:
        predictions: as the candidate gave them, before `as_people_say`.
        worst: the value that speaks most against the claim.
    """
    cases, criterion = setting.cases, setting.criterion
    marks = predictions.marks.get(mark_key(criterion), np.full(cases.rows, np.nan))
    human = people_marks(predictions, criterion)
    status = _with_faults(predictions, human)
    counted = cases.scored & members[cases.unit]
    drawn = lots(cases, setting.metric, criterion, setting.seed)
    waits = drawn & any_by_unit(cases, counted & (status == OK) & np.isnan(human))
    answers = Answers(marks, status, counted)
    return judged_units(setting, answers, human, drawn, waits, worst)


def part_of(setting: Setting, predictions: Predictions, members: Flags, bound: Bound) -> Part:
    """The part of one bound on the members, from a judge and an audit by lot.

    Raises:
        ValueError: a finite set, whose audited mean is not its mean.
    """
    if not setting.future:
        raise ValueError("of a finite set every unit has to be labelled (audit: 1)")
    every = every_of(setting.metric, setting.criterion)
    return audited_part(judged_of(setting, predictions, members, bound.worst), bound, every)
