"""Signs that the answer lies in the question. Pure; the page rules/leak-check explains each.

A *column* here is a column of the table: the indicators of a text column count as one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from pilotbase.trial.candidates.estimator import called_cut
from pilotbase.trial.cases import OK, Cases, Floats, Ints, Labels, Predictions
from pilotbase.trial.rules.draws import permutation
from pilotbase.trial.rules.encoding import is_indicator, source_of

AFFINE = 1 - 1e-9
GIVEAWAY = 0.98
GIVEAWAY_ROWS_MIN = 10
ROWS_MAX, FOLDS_MAX = 2_000, 3
LEAF_ROWS_MIN = 3
FORECAST_ROWS_MIN = 10


def columns_of(frame: pd.DataFrame) -> Mapping[str, Floats]:
    """By column of the table, its (rows, k) features; k is 1 but for text columns."""
    members: dict[str, list[str]] = {}
    for name in frame.columns:
        members.setdefault(source_of(name), []).append(name)
    return {source: np.asarray(frame[names], np.float64) for source, names in members.items()}


def values_of(frame: pd.DataFrame, source: str) -> Floats:
    """(rows,) the column as one number a value; NaN where missing."""
    names = [name for name in frame.columns if source_of(name) == source]
    values = np.asarray(frame[names], np.float64)
    if not is_indicator(names[0]):
        return values[:, 0]
    return np.where(np.isnan(values).any(axis=1), np.nan, np.argmax(values, axis=1))


def is_copy(values: Floats, cases: Cases) -> bool:
    """Whether a column is the target in other words.

    Classes: each value goes with one class and each class with one value. Numbers: the column is
    an affine or another strictly monotone function of the target, over at least ten values.
    """
    if cases.task in ("regression", "forecast"):
        target = cases.target.astype(np.float64)
        known = ~np.isnan(values) & ~np.isnan(target)
        return _is_monotone(values[known], target[known])
    known = ~np.isnan(values)
    _, value = np.unique(values[known], return_inverse=True)
    _, label = np.unique(cases.target[known].astype(str), return_inverse=True)
    pairs = len(set(zip(value.tolist(), label.tolist(), strict=True)))
    distinct = len(set(value.tolist()))
    return distinct > 1 and pairs == distinct == len(set(label.tolist()))


def _is_monotone(values: Floats, target: Floats) -> bool:
    if len(np.unique(target)) < 10 or np.ptp(values) == 0:
        return False
    if abs(np.corrcoef(values, target)[0, 1]) >= AFFINE:
        return True
    ranks = [np.unique(one, return_inverse=True)[1] for one in (values, target)]
    return bool((ranks[0] == ranks[1]).all() or (ranks[0] == ranks[1].max() - ranks[1]).all())


def giveaway(values: Floats, cases: Cases) -> tuple[float, str, float] | None:
    """A column's most frequent value, if it tells one class from all others.

    Returns:
        (value, class, share of rows told right, the mean over the class and the others), or None
        below `GIVEAWAY`. Typical of values that were filled in after the outcome was known.
    """
    if cases.task in ("regression", "forecast"):
        return None
    found, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    if len(found) < 3:  # two values are a plain rule, see `rule_answers`
        return None
    usual = values == found[np.argmax(counts)]
    best = (0.0, "")
    for label in np.unique(cases.target):
        inside = cases.target == label
        if min(inside.sum(), (~inside).sum()) < GIVEAWAY_ROWS_MIN:
            continue
        right = (usual[~inside].mean() + (~usual)[inside].mean()) / 2
        if max(right, 1 - right) > best[0]:
            best = (float(max(right, 1 - right)), str(label))
    return (float(found[np.argmax(counts)]), best[1], best[0]) if best[0] >= GIVEAWAY else None


def duplicate_rows(cases: Cases) -> Ints:
    """Scored rows whose features all equal those of a row that their fit learns from."""
    features = cases.features.to_numpy()
    if cases.split == "rolling" or not features.shape[1]:
        return np.zeros(0, np.int64)
    same = np.unique(features, axis=0, return_inverse=True, equal_nan=True)[1].reshape(-1)
    twins: list[Ints] = []
    for fold in np.unique(cases.fold[cases.scored]):
        learnt = np.isin(same, same[cases.training_rows(int(fold))])
        twins.append(np.flatnonzero(cases.scored & (cases.fold == fold) & learnt))
    return np.sort(np.concatenate(twins))


def sampled(cases: Cases, seed: int) -> tuple[Ints, Ints]:
    """(rows to learn from, rows to ask) that rules are tried on.

    At most `ROWS_MAX` rows drawn by seed, asked in the plan's first `FOLDS_MAX` folds: a leak shows
    in a part of the data as well. A rolling forecast learns from the rows known at its first
    origin (`FORECAST_ROWS_MIN` at least) and is asked all later ones; there may be none.
    """
    if cases.split == "rolling":
        return _before_first_origin(cases)
    rows = np.arange(cases.rows)
    if cases.rows > ROWS_MAX:
        rows = np.sort(permutation(seed, "leaks", "rows", cases.rows)[:ROWS_MAX])
    asked = rows[cases.scored[rows]]
    folds = np.unique(cases.fold[asked])[:FOLDS_MAX]
    return rows, asked[np.isin(cases.fold[asked], folds)]


def _before_first_origin(cases: Cases) -> tuple[Ints, Ints]:
    assert cases.time is not None
    order = np.argsort(cases.time, kind="stable")
    order = order[~pd.isna(cases.target[order])]
    last = cases.time[cases.scored].min() - cases.horizon
    learnt = max(int((cases.time[order] <= last).sum()), FORECAST_ROWS_MIN)
    later = order[learnt:]
    return order[:learnt][-ROWS_MAX:], later[cases.scored[later]][:ROWS_MAX]


class Fit(NamedTuple):
    """Rows to learn from, what is learnt there (numbers, or numbers of classes), rows to answer."""

    training: Ints
    target: Floats | Ints
    held: Ints


def fits_of(cases: Cases, rows: Ints, asked: Ints) -> tuple[Fit, ...]:
    """The plan's own fits of every rule; one fit for a rolling forecast.

    Args:
        rows, asked: rows that are learnt from and rows that are asked (`sampled`).
    """
    learnable = rows[~pd.isna(cases.target[rows])]
    if cases.split == "rolling":
        return (Fit(learnable, _learnt(cases, learnable), asked),)
    found = []
    for fold in np.unique(cases.fold[asked]):
        training = np.intersect1d(learnable, cases.training_rows(int(fold)))
        held = asked[cases.fold[asked] == fold]
        found.append(Fit(training, _learnt(cases, training), held))
    return tuple(found)


def _learnt(cases: Cases, training: Ints) -> Floats | Ints:
    if cases.task in ("regression", "forecast"):
        return cases.target[training].astype(np.float64)
    return np.searchsorted(_names(cases), cases.target[training].astype(str))


def _names(cases: Cases) -> Labels:
    return np.array(cases.classes or ("0", "1"))


def rule_answers(
    cases: Cases,
    features: Floats,
    rows: Ints,
    asked: Ints,
    *,
    depth: int,
    called_share: float | None,
    fits: Sequence[Fit] = (),
) -> Predictions:
    """What a small decision tree answers, cross-fitted on the plan's own folds.

    Args:
        features: (rows, k) the columns that it may look at.
        rows, asked: rows that are learnt from and rows that are asked (`sampled`).
        depth: questions that it asks of a case at most.
        called_share: share of a detection's cases that it may call; None: at one half.
        fits: `fits_of` the rows, made once where many rules are tried.
    """
    predictions = Predictions.empty(cases)
    for fit in fits or fits_of(cases, rows, asked):
        _grow(cases, features, fit, depth, predictions)
        if called_share is not None:
            # The highest scores as far as the share goes; a group of ties is called or not.
            scores = predictions.score[fit.held]
            predictions.label[fit.held] = scores >= called_cut(scores, called_share)
    predictions.status[asked] = OK
    return predictions


def probe_answers(
    cases: Cases, features: Floats, rows: Ints, asked: Ints, *, fits: Sequence[Fit] = ()
) -> tuple[Predictions, ...]:
    """What strong learners answer that follow a number or many classes, which few leaves cannot.

    Numbers: ordinary least squares, and a tree of any depth. Classes: a tree of two questions more
    than it takes to tell them all apart; it splits by entropy, because the Gini index is
    indifferent between peeling off one of many equal classes and halving them.

    Args:
        features: (rows, k) the columns that they may look at.
        rows, asked: rows that are learnt from and rows that are asked (`sampled`).
        fits: `fits_of` the rows, made once where many columns are tried.
    """
    numeric = cases.task in ("regression", "forecast")
    depth = None if numeric else math.ceil(math.log2(max(len(cases.classes), 2))) + 2
    tree, line = Predictions.empty(cases), Predictions.empty(cases)
    for fit in fits or fits_of(cases, rows, asked):
        training, target, held = fit
        if numeric:
            numbers = np.asarray(target, np.float64)
            line.value[held] = _straight(features, numbers, training, held)
            if _is_scattered(features[training], numbers):
                tree.value[held] = numbers.mean()
                continue
        _grow(cases, features, fit, depth, tree, criterion="entropy")
    tree.status[asked] = line.status[asked] = OK
    return (line, tree) if numeric else (tree,)


def _is_scattered(features: Floats, numbers: Floats) -> bool:
    """Whether neighbours along a single column differ so much that no tree is worth its time.

    Groups of `LEAF_ROWS_MIN` neighbours are the finest leaves a tree may have; where they keep half
    of the variance, it explains about half at most.
    """
    if features.shape[1] > 1 or len(numbers) < LEAF_ROWS_MIN:
        return False
    along = numbers[np.argsort(features[:, 0], kind="stable")]
    leaves = along[: len(along) // LEAF_ROWS_MIN * LEAF_ROWS_MIN].reshape(-1, LEAF_ROWS_MIN)
    return bool(leaves.var(axis=1, ddof=1).mean() > numbers.var() / 2)


def _straight(features: Floats, numbers: Floats, training: Ints, held: Ints) -> Floats:
    """Ordinary least squares with an intercept; a missing value counts as the training mean."""
    known = ~np.isnan(features[training])
    learnt = np.where(known, features[training], 0.0)
    mean = learnt.sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    learnt = np.where(known, learnt - mean, 0.0)
    spread = np.sqrt((learnt**2).mean(axis=0))
    spread[spread == 0] = 1.0
    slope = np.linalg.lstsq(learnt / spread, numbers - numbers.mean(), rcond=None)[0]
    asked = np.where(np.isnan(features[held]), 0.0, features[held] - mean) / spread
    return np.asarray(numbers.mean() + asked @ slope, np.float64)


def most_told(features: Floats, truth: Labels) -> float:
    """No rule over the features has a higher accuracy on these very rows than this.

    The share of rows that have the most frequent class among all rows with the same features.
    """
    same = np.unique(features, axis=0, return_inverse=True, equal_nan=True)[1].reshape(-1)
    label = np.unique(truth.astype(str), return_inverse=True)[1]
    counts = np.zeros((same.max() + 1, label.max() + 1))
    np.add.at(counts, (same, label), 1)
    return float(counts.max(axis=1).sum() / len(truth))


def told_right(truth: Labels, said: Labels) -> float:
    """The lower of accuracy and mean recall: with a rare class, accuracy alone is cheap."""
    right = truth.astype(str) == said.astype(str)
    recalls = [right[truth == label].mean() for label in np.unique(truth)]
    return float(min(right.mean(), np.mean(recalls)))


def _grow(
    cases: Cases,
    features: Floats,
    fit: Fit,
    depth: int | None,
    into: Predictions,
    *,
    criterion: str = "gini",
) -> None:
    """Grow one tree and let it answer the held rows; the criterion is for classes."""
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    training, target, held = fit
    options = {"max_depth": depth, "min_samples_leaf": LEAF_ROWS_MIN, "random_state": 0}
    if cases.task in ("regression", "forecast"):
        tree = DecisionTreeRegressor(**options).fit(features[training], target)
        into.value[held] = tree.predict(features[held])
        return
    names = _names(cases)
    tree = DecisionTreeClassifier(**options, criterion=criterion).fit(features[training], target)
    shares = np.zeros((len(held), len(names)))
    shares[:, tree.classes_] = tree.predict_proba(features[held])
    best = np.argmax(shares, axis=1)
    if cases.task == "detection":
        into.score[held], into.label[held] = shares[:, 1], best
    else:
        into.label[held] = names[best]
        assert into.probability is not None
        into.probability[held] = shares


def pairs_to_try(names: Sequence[str], scores: Mapping[str, float], most: int) -> list[str]:
    """The columns whose pairs are tried: the best alone, best first, ties by name."""
    return sorted(names, key=lambda name: (-scores[name], name))[:most]
