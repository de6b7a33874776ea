"""The base's own reference answers, on the same folds and with the same knowledge.

They are no candidates: nobody fits them to look good, and every criterion "against" a baseline is
compared with the same ones.
"""

from __future__ import annotations

import numpy as np

from pilotbase.kernel.errors import DataError
from pilotbase.kernel.text import Text
from pilotbase.scenario.section import Baseline
from pilotbase.trial.cases import OK, OUTAGE, Cases, Ints, Labels, Predictions
from pilotbase.trial.jobs import known_rows


def baseline_predictions(cases: Cases, name: Baseline) -> Predictions:
    """Answers of a baseline to all scored rows.

    - majority: the most frequent class of the training rows; for a detection, called or not.
    - mean: the training mean; for a detection the share of positives, as a probability.
    - persistence: the last known value at least ``horizon`` steps back in time.
    - seasonal_naive: the last known value that is at least ``horizon`` steps and a whole number of
      seasons back.

    A detection gets a probability as its score (persistence: 0 or 1) and is called at one half. A
    row for which nothing is known far enough back is an OUTAGE of the base.

    Raises:
        DataError: the baseline has no meaning for the task or the split.
    """
    numeric = cases.task in ("regression", "forecast")
    if (name == "majority" and numeric) or (name == "mean" and cases.task == "classification"):
        raise _meaningless(name, cases, Text(f"a {cases.task}", f"任务 {cases.task}"))
    predictions = Predictions.empty(cases)
    if name in ("majority", "mean"):
        for fold in np.unique(cases.fold[cases.scored]):
            rows = np.flatnonzero(cases.scored & (cases.fold == fold))
            _answer_alike(cases, predictions, rows, _training(cases, int(fold), rows), name)
    else:
        season = cases.season if name == "seasonal_naive" else 1
        steps = -(-cases.horizon // season) * season  # whole seasons, at least the horizon
        rows, past = _past_rows(cases, steps, season, name)
        predictions.status[cases.scored] = OUTAGE
        _answer_each(cases, predictions, rows, cases.target[past])
    return predictions


def _training(cases: Cases, fold: int, rows: Ints) -> Ints:
    known = known_rows(cases)
    if cases.split == "rolling":
        assert cases.time is not None
        return np.flatnonzero(known & (cases.time <= cases.time[rows[0]] - cases.horizon))
    training = cases.training_rows(fold)
    return training[known[training]]


def _answer_alike(
    cases: Cases, predictions: Predictions, rows: Ints, training: Ints, name: Baseline
) -> None:
    """The same answer to all rows of a fit: what is most frequent or average in its training."""
    learnt = cases.target[training]
    if cases.task == "classification":
        shares = np.array([np.mean(learnt == label) for label in cases.classes])
        predictions.label[rows] = cases.classes[int(np.argmax(shares))]
        assert predictions.probability is not None
        predictions.probability[rows] = shares
    elif cases.task == "detection":
        share = float(np.mean(learnt))
        called = int(share >= 0.5)
        predictions.label[rows] = called
        predictions.score[rows] = share if name == "mean" else called
    else:
        predictions.value[rows] = np.mean(learnt)
    predictions.status[rows] = OK


def _answer_each(cases: Cases, predictions: Predictions, rows: Ints, said: Labels) -> None:
    """Each row is answered with a target of the past."""
    if cases.task == "classification":
        predictions.label[rows] = said
        assert predictions.probability is not None
        for column, label in enumerate(cases.classes):
            predictions.probability[rows, column] = said == label
    elif cases.task == "detection":
        predictions.label[rows] = said
        predictions.score[rows] = said
    else:
        predictions.value[rows] = said
    predictions.status[rows] = OK


def _past_rows(cases: Cases, steps: int, every: int, name: Baseline) -> tuple[Ints, Ints]:
    """(rows, the row each is answered with): the first known one going back by ``every`` steps.

    One series where all times differ, else one series a unit.
    """
    known = known_rows(cases)
    rows, past = [], []
    for series in _series(cases, name):
        for place, row in enumerate(series):
            if not cases.scored[row]:
                continue
            earlier = series[place - steps :: -every] if place >= steps else series[:0]
            found = earlier[known[earlier]]
            if len(found):
                rows.append(row)
                past.append(found[0])
    return np.array(rows, np.int64), np.array(past, np.int64)


def _series(cases: Cases, name: Baseline) -> list[Ints]:
    """Rows of each series, in time."""
    if cases.time is None:
        raise _meaningless(
            name, cases, Text("a split without a column of time", "没有时间列的划分")
        )
    order = np.argsort(cases.time, kind="stable")
    if len(np.unique(cases.time)) == cases.rows:
        return [order]
    series = [order[cases.unit[order] == unit] for unit in range(cases.units)]
    if any((np.diff(cases.time[one]) == 0).any() for one in series):
        raise _meaningless(
            name, cases, Text("rows of one unit at the same time", "同一单元有相同时间的行")
        )
    return series


def _meaningless(name: Baseline, cases: Cases, why: Text) -> DataError:
    return DataError(
        "data.baseline",
        Text(f"the baseline {name} has no meaning for {why.en}", f"基准 {name} 不适用于: {why.zh}"),
        where="acceptance.against",
        next_step=Text(
            "Choose majority (classes), mean (numbers, shares), or give split.column for "
            "persistence and seasonal_naive.",
            "类别任务请选 majority, 数值或占比请选 mean; persistence 与 seasonal_naive 需写明 "
            "split.column。",
        ),
    )
