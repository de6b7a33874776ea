"""Counting by pairs of a positive and a negative case that the same fit has scored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pilotbase.trial.cases import FAULT, OK, OUTAGE, Floats, Ints
from pilotbase.trial.rules.claims.counted import Answers, Counted, Flags, Setting
from pilotbase.trial.rules.order import committed_pairs

BEYOND = float(np.finfo(np.float64).max)  # beyond any score, short of infinity


@dataclass(frozen=True)
class Pairs:
    """Which rows are paired.

    Attributes:
        positive, negative: (crossings,) rows.
        item: (crossings,) the item that the crossing belongs to, ascending from 0; an item's
            value is the mean over its crossings.
        at: (items,) place in the committed order at which the item is complete.
        population: pairs in the finite set, None for future cases.
    """

    positive: Ints
    negative: Ints
    item: Ints
    at: Ints
    population: int | None


def pairs_of(setting: Setting, members: Flags, label: str) -> Pairs:
    """All pairs of these cases in their own committed order, or disjoint pairs for future ones."""
    return _disjoint(setting, members) if setting.future else _sampled(setting, members, label)


def pair_values(setting: Setting, answers: Answers, pairs: Pairs) -> Counted:
    """The pairs with what they are worth by the metric's ``compare``.

    A missing answer is put beyond all others, on the wrong side where it is to be worth 0. A
    fault goes further than an outage, so that the best an outage can do does not excuse a fault.
    """
    compare = setting.metric.compare
    if compare is None:
        raise ValueError(f"the metric {setting.metric.name!r} counts pairs but has no `compare`")
    sizes = np.bincount(pairs.item, minlength=pairs.at.size)

    def values(fault: float, outage: float) -> Floats:
        lost, out = np.inf * (2 * fault - 1), BEYOND * (2 * outage - 1)
        positive = _placed(answers, pairs.positive, lost, out)
        negative = _placed(answers, pairs.negative, -lost, -out)
        worth = np.bincount(pairs.item, compare(positive, negative), minlength=pairs.at.size)
        return np.asarray(worth / sizes, dtype=np.float64)

    def holds(status: int) -> Flags:
        rows = answers.status == status
        found = np.zeros(pairs.at.size, dtype=np.bool_)
        found[pairs.item[rows[pairs.positive] | rows[pairs.negative]]] = True
        return found

    return Counted(values, holds(FAULT), holds(OUTAGE), pairs.at, pairs.population, False, "pairs")


def _placed(answers: Answers, rows: Ints, fault: float, outage: float) -> Floats:
    status = answers.status[rows]
    placed = np.where(status == OK, answers.value[rows], fault)
    return np.where(status == OUTAGE, outage, placed)


def _sampled(setting: Setting, members: Flags, label: str) -> Pairs:
    """The first pairs of an order drawn over all pairs of the finite set.

    Pairs are numbered by fold, then positive row, then negative row, all ascending.
    """
    cases = setting.cases
    eligible = cases.scored & members[cases.unit]
    blocks = []
    for fold in np.unique(cases.fold[eligible]):
        rows = np.flatnonzero(eligible & (cases.fold == fold))
        truth = cases.target[rows] == 1
        blocks.append((rows[truth], rows[~truth]))
    ends = np.cumsum([p.size * n.size for p, n in blocks], dtype=np.int64)
    total = int(ends[-1]) if blocks else 0
    drawn = committed_pairs(setting.seed, total, most=setting.pairs_most, label=label)
    positive, negative = np.empty_like(drawn), np.empty_like(drawn)
    block_of = np.searchsorted(ends, drawn, side="right")
    for block, (p, n) in enumerate(blocks):
        here = np.flatnonzero(block_of == block)
        number = drawn[here] - (ends[block] - p.size * n.size)
        positive[here], negative[here] = p[number // n.size], n[number % n.size]
    done = _prefix(setting, positive, negative)
    return Pairs(positive[:done], negative[:done], np.arange(done), np.arange(done), total)


def _prefix(setting: Setting, positive: Ints, negative: Ints) -> int:
    """How many pairs come before the first that waits for an answer."""
    cases = setting.cases
    finished = np.zeros(cases.units, dtype=np.bool_)
    finished[setting.finished] = True
    waiting = ~(finished[cases.unit[positive]] & finished[cases.unit[negative]])
    return int(np.argmax(waiting)) if waiting.any() else int(waiting.size)


def _disjoint(setting: Setting, members: Flags) -> Pairs:
    """The k-th positive with the k-th negative unit of a fold, both in committed order.

    No unit is used twice, so the pairs of independent units are independent. A unit takes the
    part of its first scored row and stands there with its rows of that class.
    """
    rows_of = _rows_by_unit(setting, members)
    queues: dict[int, tuple[list[int], list[int]]] = {}
    for place, unit in enumerate(setting.finished):
        if rows_of.get(int(unit)):
            first = rows_of[int(unit)][0]
            queue = queues.setdefault(int(setting.cases.fold[first]), ([], []))
            queue[0 if setting.cases.target[first] == 1 else 1].append(place)
    matched = sorted(
        (max(p, n), p, n) for queue in queues.values() for p, n in zip(*queue, strict=False)
    )
    crossings = [
        (item, p, n)
        for item, (_, p_place, n_place) in enumerate(matched)
        for p in _in_part(setting, rows_of, p_place)
        for n in _in_part(setting, rows_of, n_place)
    ]
    item, positive, negative = np.array(crossings, dtype=np.int64).reshape(-1, 3).T
    return Pairs(positive, negative, item, np.array([m[0] for m in matched], np.int64), None)


def _rows_by_unit(setting: Setting, members: Flags) -> dict[int, list[int]]:
    cases = setting.cases
    rows_of: dict[int, list[int]] = {}
    for row in np.flatnonzero(cases.scored & members[cases.unit]).tolist():
        rows_of.setdefault(int(cases.unit[row]), []).append(row)
    return rows_of


def _in_part(setting: Setting, rows_of: dict[int, list[int]], place: int) -> list[int]:
    """The unit's rows of the same class and fit as its first."""
    rows = rows_of[int(setting.finished[place])]
    target, fold = setting.cases.target, setting.cases.fold
    return [r for r in rows if target[r] == target[rows[0]] and fold[r] == fold[rows[0]]]
