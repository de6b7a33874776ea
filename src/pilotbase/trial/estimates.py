"""Full estimates beside a verdict: the usual figures of a task with their usual intervals.

They are taken over the rows that were answered, as if rows were independent, and decide nothing.
Times are left out: they differ between two runs that are otherwise the same to the byte.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pilotbase.kernel.plugins import load
from pilotbase.kernel.text import Text
from pilotbase.trial.cases import FAULT, OK, OUTAGE, PENDING, Cases, Floats, Language, Predictions
from pilotbase.trial.evaluators.metric import Metric
from pilotbase.trial.rules import usual
from pilotbase.trial.rules.reading.readings import nine_digits, outward
from pilotbase.trial.rules.usual import Usual

BINS = 10
NOTE = Text(
    "Usual 95 % intervals over the answered rows, for orientation; they do not decide.",
    "按已作答的各行计算的常规 95% 区间, 仅供参考, 不作为判定依据。",
)
NOT_COMPUTED = ("judged", "rated", "people")
"""Marks of judges and people: beside the verdict they stand under `audits`."""
SCOPES = {"on_scope": 1, "off_scope": 0}
Rows = NDArray[np.bool_]


def estimates_of(cases: Cases, predictions: Predictions) -> dict[str, Any]:
    """JSON data: ``note, rows, metrics, groups, confusion, reliability``.

    ``rows`` counts scored rows by status; ``metrics`` and ``groups`` list ``{metric, estimate,
    interval, n, method}`` (groups with ``group`` and ``value``, "" where the data do not know it);
    ``confusion`` lists ``{target, answer, rows}``; ``reliability`` ``{from, to, rows, said, seen,
    interval}`` of the probability of the positive, or of the likeliest class.
    """
    status = predictions.status
    answered = cases.scored & (status == OK)
    statuses = {"answered": OK, "faults": FAULT, "outages": OUTAGE, "pending": PENDING}
    return {
        "note": NOTE.as_dict(),
        "rows": {
            name: int((cases.scored & (status == code)).sum()) for name, code in statuses.items()
        },
        "metrics": _listed(_metrics(cases, predictions, answered)),
        "groups": [
            {"group": name, "value": str(value), **row}
            for name, values in sorted(cases.groups.items())
            for value in sorted(set(values[answered].tolist()))
            for row in _listed(_metrics(cases, predictions, answered & (values == value)))
        ],
        "confusion": _confusion(cases, predictions, answered),
        "reliability": _reliability(cases, predictions, answered),
    }


def _listed(found: Iterator[tuple[str, Usual | None]]) -> list[dict[str, Any]]:
    return [{"metric": name, **_as_dict(usual)} for name, usual in found if usual is not None]


def _as_dict(found: Usual) -> dict[str, Any]:
    return {
        "estimate": nine_digits(found.estimate),
        "interval": list(outward(found.interval)),
        "n": found.n,
        "method": found.method,
    }


def _metrics(
    cases: Cases, predictions: Predictions, rows: Rows
) -> Iterator[tuple[str, Usual | None]]:
    if cases.language is not None:
        yield from _of_language(cases.language, predictions, rows)
    elif cases.task == "detection":
        yield from _of_detection(cases, predictions, rows)
    elif cases.task == "classification":
        yield "accuracy", _share(predictions.label == cases.target, rows)
    else:
        yield from _of_numbers(cases, predictions, rows)


def _of_language(
    language: Language, predictions: Predictions, rows: Rows
) -> Iterator[tuple[str, Usual | None]]:
    for key, marks in sorted(predictions.marks.items()):
        name = key.partition(":")[0]
        if name in NOT_COMPUTED:
            continue
        metric: Metric = load("pilotbase.evaluators", name)
        counted = rows & ~np.isnan(marks)
        if metric.counted in SCOPES:  # a mark is given to every row, also to those not counted
            counted &= language.scope == SCOPES[metric.counted]
        yield name, usual.mean(marks[counted])


def _of_detection(
    cases: Cases, predictions: Predictions, rows: Rows
) -> Iterator[tuple[str, Usual | None]]:
    positive, called = cases.target == 1, predictions.label == 1
    yield "accuracy", _share(positive == called, rows)
    yield "recall", _share(called, rows & positive)
    yield "precision", _share(positive, rows & called)
    yield "called_share", _share(called, rows)
    scored = rows & np.isfinite(predictions.score)
    yield "auc", usual.auc(positive[scored], predictions.score[scored], cases.fold[scored])
    probable = scored & (predictions.score >= 0) & (predictions.score <= 1)
    yield "brier", usual.mean((predictions.score[probable] - positive[probable]) ** 2)


def _of_numbers(
    cases: Cases, predictions: Predictions, rows: Rows
) -> Iterator[tuple[str, Usual | None]]:
    truth = np.asarray(cases.target, dtype=np.float64)
    rows = rows & np.isfinite(predictions.value)
    with np.errstate(over="ignore", invalid="ignore"):  # absurd answers have no finite figures
        error = predictions.value[rows] - truth[rows]
        absolute, square = usual.mean(np.abs(error)), usual.root_mean_square(error)
    yield "mae", absolute if absolute and np.isfinite(absolute.interval).all() else None
    yield "rmse", square if square and np.isfinite(square.interval).all() else None
    banded = rows & np.isfinite(predictions.lower) & np.isfinite(predictions.upper)
    yield (
        "interval_coverage",
        _share((predictions.lower <= truth) & (truth <= predictions.upper), banded),
    )


def _share(passed: Rows, rows: Rows) -> Usual | None:
    n = int(rows.sum())
    return usual.share(int((passed & rows).sum()), n) if n else None


def _confusion(cases: Cases, predictions: Predictions, rows: Rows) -> list[dict[str, Any]]:
    if cases.task not in ("classification", "detection"):
        return []
    pairs = zip(cases.target[rows].tolist(), predictions.label[rows].tolist(), strict=True)
    counts: dict[tuple[str, str], int] = {}
    for target, answer in pairs:
        key = (str(target), str(answer))
        counts[key] = counts.get(key, 0) + 1
    return [{"target": t, "answer": a, "rows": n} for (t, a), n in sorted(counts.items())]


def _reliability(cases: Cases, predictions: Predictions, rows: Rows) -> list[dict[str, Any]]:
    """Said against seen frequencies in ten equal bins of what was said."""
    said, seen = _said_and_seen(cases, predictions)
    rows = rows & (said >= 0.0) & (said <= 1.0)
    bin_of = np.minimum((np.where(rows, said, 0.0) * BINS).astype(np.int64), BINS - 1)
    table = []
    for number in range(BINS):
        here = rows & (bin_of == number)
        found = _share(seen, here)
        if found is not None:
            row: Mapping[str, Any] = {
                "from": number / BINS,
                "to": (number + 1) / BINS,
                "rows": found.n,
                "said": nine_digits(float(said[here].mean())),
                "seen": nine_digits(found.estimate),
                "interval": list(outward(found.interval)),
            }
            table.append(dict(row))
    return table


def _said_and_seen(cases: Cases, predictions: Predictions) -> tuple[Floats, Rows]:
    if cases.task == "detection":
        return predictions.score, np.asarray(cases.target == 1)
    if cases.task == "classification" and predictions.probability is not None:
        given = np.where(np.isfinite(predictions.probability), predictions.probability, -1.0)
        likeliest = np.array(cases.classes, dtype=object)[given.argmax(axis=1)]
        return given.max(axis=1), np.asarray(likeliest == cases.target)
    return np.full(cases.rows, np.nan), np.zeros(cases.rows, dtype=np.bool_)
