"""A judge with an audit by lot: the identity, the guesses, and errors whatever the judge does."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotbase.trial.cases import Floats
from pilotbase.trial.evidence import RESOLUTION, CriterionEvidence
from pilotbase.trial.rules.audit import (
    Judged,
    audit_refusals,
    audited_units,
    guesses,
    labelled_prefix,
)
from pilotbase.trial.rules.claims.judged import audited_part
from pilotbase.trial.rules.claims.parts import Bound
from pilotbase.trial.rules.labels import label_saving
from pilotbase.trial.rules.reading import read_criterion, read_part
from pilotbase.trial.rules.reading.bounds import Levels
from pilotbase.trial.rules.reading.part import standing_of

ALPHA = 0.05
LEVELS = Levels(ALPHA, ALPHA)


def judged_of(judge: Any, human: Any, audited: Any, settled: Any = None) -> Judged:
    judge = np.asarray(judge, np.float64)
    seen = np.where(audited, np.asarray(human, np.float64), np.nan)
    none = np.full(judge.size, np.nan) if settled is None else np.asarray(settled, np.float64)
    flags = np.asarray(audited, np.bool_)
    no = np.zeros(judge.size, np.bool_)
    return Judged(judge, seen, flags, none, no, no)


unit = st.sampled_from([0.0, 0.25, 1 / 3, 0.5, 1.0])


@given(st.lists(st.tuples(unit, unit, st.booleans()), min_size=1, max_size=30), st.integers(2, 9))
def test_a_unit_is_worth_the_guess_plus_the_weighted_correction(
    rows: list[tuple[float, float, bool]], every: int
) -> None:
    """z = n x - (n-1) y = y + n [audited] (h - y), in whole numbers."""
    judge, human, audited = (list(column) for column in zip(*rows, strict=True))
    judged = judged_of(judge, human, audited)
    part = audited_part(judged, Bound(True, 0.8), every)
    weight, ratio = Fraction(part.weight), Fraction(part.ratio)
    assert (weight, ratio) == (every, every - 1)
    for x, y, h, asked in zip(part.x, part.y, human, audited, strict=True):
        whole = round(h * RESOLUTION)
        assert weight * x - ratio * y == (y + every * (whole - y) if asked else y)
        assert 0 <= y <= RESOLUTION


@given(st.lists(st.tuples(unit, unit, st.booleans()), min_size=2, max_size=20), st.data())
def test_a_guess_hangs_on_earlier_labels_alone(
    rows: list[tuple[float, float, bool]], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(rows) - 1))
    judge, human, audited = (list(column) for column in zip(*rows, strict=True))
    before = guesses(judged_of(judge, human, audited))
    human[at], audited[at] = data.draw(unit), not audited[at]
    after = guesses(judged_of(judge, human, audited))
    assert before[: at + 1] == after[: at + 1]


@given(st.lists(st.tuples(unit, unit), min_size=2, max_size=25))
def test_the_guess_is_the_least_squares_line(rows: list[tuple[float, float]]) -> None:
    judge, human = (np.array(column) for column in zip(*rows, strict=True))
    audited = np.ones(len(rows), np.bool_)
    audited[-1] = False
    found = guesses(judged_of(judge, human, audited))[-1] / RESOLUTION
    j, h = np.array([0.0, 1.0, *judge[:-1]]), np.array([0.0, 1.0, *human[:-1]])
    slope, start = np.polyfit(j, h, 1)
    assert found == pytest.approx(float(np.clip(start + slope * judge[-1], 0, 1)), abs=1e-6)


def test_the_lot_is_one_hash_that_anyone_can_draw() -> None:
    seed, ids = bytes(range(32)), [f"案例 {i}" for i in range(4000)]
    drawn = audited_units(seed, ids, 4, "helpful")
    lot = hashlib.sha256(seed + b"\x03helpful\x00" + ids[7].encode()).digest()
    assert drawn[7] == (int.from_bytes(lot, "big") % 4 == 0)
    assert abs(drawn.mean() - 0.25) < 3 * math.sqrt(0.25 * 0.75 / 4000)
    assert audited_units(seed, ids[::-1], 4, "helpful")[::-1].tolist() == drawn.tolist()
    assert audited_units(seed, ids, 4, "polite").tolist() != drawn.tolist()
    assert audited_units(seed, ids, 1).all()


def _judge(kind: str, h: Floats, rng: np.random.Generator) -> Floats:
    n = h.size
    answers = {
        "right": h,
        "good": np.where(rng.random(n) < 0.9, h, 1 - h),
        "kind": np.ones(n),
        "strict": np.zeros(n),
        "knows nothing": (rng.random(n) < 0.5).astype(np.float64),
        "always wrong": 1 - h,
        "turns on the base": np.where(np.arange(n) < n // 2, h, 1 - h),
        "vague": 0.5 + 0.2 * (h - 0.5) + rng.uniform(-0.3, 0.3, n),
    }
    return answers[kind]


KINDS = ["right", "good", "kind", "strict", "knows nothing", "always wrong", "turns on the base",
         "vague"]  # fmt: skip


def _trial(kind: str, quality: float, every: int, units: int, rng: Any) -> tuple[Judged, Floats]:
    h = (rng.random(units) < quality).astype(np.float64)
    return judged_of(_judge(kind, h, rng), h, rng.random(units) < 1 / every), h


@pytest.mark.parametrize("every", [2, 5])
@pytest.mark.parametrize("kind", KINDS)
def test_no_judge_makes_the_verdict_wrong_too_often(kind: str, every: int) -> None:
    """Quality exactly at the bound: either verdict is an error, each with at most alpha."""
    runs, rng, bound = 250, np.random.default_rng(KINDS.index(kind) + 100 * every), 0.8
    errors = {"meets": 0, "fails": 0, "undecided": 0}
    for _ in range(runs):
        judged, _ = _trial(kind, bound, every, 150, rng)
        part = audited_part(judged, Bound(True, bound), every)
        errors[standing_of(part, LEVELS, "sequential").verdict] += 1
    most = ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / runs)
    assert errors["meets"] / runs <= most and errors["fails"] / runs <= most, errors


def test_a_good_judge_saves_labels_and_a_useless_one_costs_little() -> None:
    """Measured by bench/audit_by_lot.py: .5, .75 and 1.15 of the labels alone."""
    rng, used = np.random.default_rng(8), {}
    for kind in ("right", "good", "knows nothing"):
        savings = []
        for _ in range(40):
            judged, _ = _trial(kind, 0.92, 4, 1500, rng)
            part = audited_part(judged, Bound(True, 0.85), 4)
            savings.append(label_saving(part, judged, LEVELS))
        decided = [s for s in savings if s.labels_alone is not None]
        assert all(s.saved == (s.labels_alone or 0) - s.labels for s in decided)
        used[kind] = sum(s.labels for s in decided) / sum(s.labels_alone or 0 for s in decided)
    assert used["right"] < 0.7 and used["good"] < 1.0 and used["knows nothing"] < 1.5, used


def test_the_existing_reading_reads_it() -> None:
    judged, _ = _trial("good", 0.95, 4, 600, np.random.default_rng(2))
    part = audited_part(judged, Bound(True, 0.8), 4)
    reading = read_part(part, ALPHA, "sequential")
    assert reading.verdict == "meets" and reading.decided_at is not None
    assert reading.interval is not None and reading.interval[0] >= 0.8 > reading.interval[0] - 0.2
    fixed = read_part(part, ALPHA, "fixed")
    assert fixed.interval is not None and fixed.interval[0] < 0.95 < fixed.interval[1]
    evidence = CriterionEvidence(0, "quality", "judged", "", True, (part,))
    assert read_criterion(evidence, ALPHA, "sequential").direction == "at_least"


def test_at_most_is_the_mirror_image() -> None:
    judged, _ = _trial("good", 0.9, 4, 400, np.random.default_rng(3))
    other = replace(judged, judge=1 - judged.judge, human=1 - judged.human)
    high = standing_of(audited_part(judged, Bound(True, 0.8), 4), LEVELS, "sequential")
    low = standing_of(audited_part(other, Bound(False, 0.2), 4), LEVELS, "sequential")
    assert (high.verdict, high.items) == (low.verdict, low.items)


def test_lost_labels_settled_units_and_silent_judges() -> None:
    judge = np.array([1.0, np.nan, 0.0, 1.0, 0.5])
    audited = np.array([True, False, True, True, False])
    human = np.array([1.0, np.nan, np.nan, np.nan, np.nan])
    settled = np.array([np.nan, np.nan, np.nan, 0.0, np.nan])
    faults = np.array([False, False, False, True, False])
    outages = np.array([False, False, False, False, True])
    judged = Judged(judge, human, audited, settled, faults, outages)
    part = audited_part(judged, Bound(True, 0.8), 4)
    assert part.y[1] == round(2 / 3 * RESOLUTION)  # the mean label: 0, 1 and the one seen
    assert (part.x[2], part.x_fails and part.x_fails[2]) == (0, RESOLUTION)
    assert part.x[3] == part.y[3] == 0 and (part.faults, part.outages) == (1, 2)
    assert part.x_fails is not None and part.y_fails is not None
    assert (part.x[4], part.y[4]) == (0, 0)
    assert (part.x_fails[4], part.y_fails[4]) == (RESOLUTION, RESOLUTION)
    assert judged.asked.tolist() == [True, False, True, False, False]


def test_everybody_audited_is_an_ordinary_part() -> None:
    judged = judged_of([0.0, 0.0, 1.0], [1.0, 0.5, 0.0], [True] * 3)
    part = audited_part(judged, Bound(True, 0.8), 1)
    assert part.kind == "bounded" and part.y == () and part.threshold == 0.8
    assert part.x == (RESOLUTION, RESOLUTION // 2, 0)
    whole = audited_part(judged, Bound(True, 0.5), 1, population=3)
    assert read_part(whole, ALPHA, "sequential").exact
    saving = label_saving(whole, judged, LEVELS)
    assert (saving.labels, saving.labels_alone, saving.saved) == (3, 3, 0)
    with pytest.raises(ValueError, match="finite set"):
        audited_part(judged, Bound(True, 0.5), 2, population=3)


def test_only_what_comes_before_a_missing_label_is_read() -> None:
    asked, answered = np.array([False, True, False, True]), np.array([False, True, False, False])
    assert labelled_prefix(asked, answered) == 3
    assert labelled_prefix(asked, asked) == 4


def test_what_cannot_be_audited_by_lot_is_refused() -> None:
    assert not list(audit_refusals(4, compared=False))
    assert not list(audit_refusals(1, compared=True))
    assert "audit: 1" in next(audit_refusals(2, compared=True)).en
    with pytest.raises(ValueError):
        audited_units(b"", ["a"], 0)
    with pytest.raises(ValueError):
        judged_of([2.0], [1.0], [True])


@given(st.sampled_from(KINDS), st.integers(2, 6), st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_a_saving_is_told_also_when_it_is_none(kind: str, every: int, luck: int) -> None:
    judged, _ = _trial(kind, 0.9, every, 300, np.random.default_rng(luck))
    part = audited_part(judged, Bound(True, 0.8), every)
    saving = label_saving(part, judged, LEVELS)
    assert saving.labels <= saving.units <= 300 and saving.as_dict()["labels"] == saving.labels
    assert str(saving.labels) in saving.said["en"] and str(saving.labels) in saving.said["zh"]
