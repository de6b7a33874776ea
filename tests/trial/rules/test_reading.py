"""From integers to a reading: ties, verdicts, intervals, figures for the record."""

from __future__ import annotations

import doctest
import json
import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotbase.kernel.canonical import decode, encode
from pilotbase.trial.evidence import (
    RESOLUTION,
    CriterionEvidence,
    Evidence,
    Part,
    evidence_from_json,
    evidence_to_json,
)
from pilotbase.trial.rules.reading import (
    decided,
    read_criterion,
    read_part,
    readings,
    scheduled_looks,
)
from pilotbase.trial.rules.reading.claim import as_fraction

ALPHA = 0.05
LEVEL = -math.log(ALPHA)


def passes(x: list[int], **more: Any) -> Part:
    """A pass/fail part that reads ``mean(x) >= threshold``."""
    return Part(kind="pass_fail", at_least=True, x=tuple(x), resolution=1, **more)


def bounded(x: list[float], **more: Any) -> Part:
    more = {"at_least": True, **more}
    return Part(kind="bounded", x=tuple(round(v * RESOLUTION) for v in x), **more)


def two(kind: Any, x: list[float], y: list[float], **more: Any) -> Part:
    more = {"at_least": False, **more}
    return Part(
        kind=kind,
        x=tuple(round(v * RESOLUTION) for v in x),
        y=tuple(round(v * RESOLUTION) for v in y),
        **more,
    )


def joined(*parts: Part, **more: Any) -> CriterionEvidence:
    return CriterionEvidence(0, "quality", "accuracy", "", True, parts, **more)


def test_the_examples_of_the_docstrings() -> None:
    assert doctest.testmod(readings).failed == 0


class TestExact:
    """All units of a finite set are scored: whole numbers decide, and equality holds."""

    @pytest.mark.parametrize("n", [3, 7, 25, 50, 100, 997])
    @pytest.mark.parametrize("mode", ["sequential", "fixed"])
    def test_ties(self, n: int, mode: Any) -> None:
        for hits in range(0, n + 1, max(1, n // 20)):
            x = [1] * hits + [0] * (n - hits)
            part = passes(x, threshold=hits / n, population=n)
            assert read_part(part, ALPHA, mode).verdict == "meets"
            assert read_part(replace(part, at_least=False), ALPHA, mode).verdict == "meets"

    def test_a_threshold_is_read_by_its_decimals(self) -> None:
        part = passes([1] * 29 + [0] * 71, threshold=0.29, population=100)
        assert 0.29 * 100 < 29  # in floating point
        assert read_part(part, ALPHA, "fixed").verdict == "meets"
        assert as_fraction(0.98) == Fraction(49, 50)
        assert as_fraction(0.5 / 3) == Fraction(1, 6)

    def test_a_capped_error_of_exactly_the_bound(self) -> None:
        """MAE <= 0.5 with a cap of 3: each of six errors is half a unit."""
        part = bounded([0.0, 0.25, 0.25, 0.5, 0.0, 0.0], at_least=False, threshold=0.5 / 3,
                       population=6, scale=3.0)  # fmt: skip
        reading = read_part(part, ALPHA, "sequential")
        assert (reading.estimate, reading.threshold, reading.verdict) == (0.5, 0.5, "meets")

    @pytest.mark.parametrize("cap", range(1, 17))
    def test_whole_errors_under_a_whole_cap_tie_exactly(self, cap: int) -> None:
        for error in range(1, cap):
            part = bounded([error / cap] * 30, at_least=False, threshold=error / cap,
                           population=30, scale=float(cap))  # fmt: skip
            reading = read_part(part, ALPHA, "fixed")
            assert (reading.estimate, reading.verdict) == (error, "meets")

    def test_what_is_certain_is_said_as_certain(self) -> None:
        reading = read_part(passes([1, 0, 1, 1], threshold=0.75, population=4), ALPHA, "sequential")
        assert reading.exact and reading.interval == (0.75, 0.75) and reading.estimate == 0.75
        assert (reading.log_evalue_meets, reading.log_evalue_fails) == (math.inf, -math.inf)
        assert (reading.p_meets, reading.p_fails) == (0.0, 1.0)
        assert (reading.units, reading.decided_at, reading.successes) == (4, 4, 3)
        assert reading.further is None and reading.reason is None

    def test_an_outage_may_leave_the_whole_open(self) -> None:
        part = passes([1, 1, 0, 0], x_fails=(1, 1, 1, 0), threshold=0.6, population=4, outages=1)
        reading = read_part(part, ALPHA, "sequential")
        assert reading.verdict == "undecided" and reading.interval == (0.5, 0.75)
        assert reading.reason is not None and "lost by the base" in reading.reason["en"]
        assert read_part(replace(part, threshold=0.5), ALPHA, "fixed").verdict == "meets"
        assert read_part(replace(part, threshold=0.8), ALPHA, "fixed").verdict == "fails"

    def test_ties_of_two_means(self) -> None:
        paired = two("paired", [0.2, 0.4], [0.4, 0.8], ratio=0.5, solve="ratio", population=2)
        assert read_part(paired, ALPHA, "fixed").verdict == "meets"
        assert read_part(paired, ALPHA, "fixed").estimate == 0.5
        gap = two("difference", [0.6], [0.5, 0.5], margin=0.1, solve="margin", population=1,
                  population_y=2, turns=(0, 1, 1))  # fmt: skip
        assert read_part(gap, ALPHA, "fixed").verdict == "meets"
        assert read_part(replace(gap, margin=0.0999), ALPHA, "fixed").verdict == "fails"

    def test_weights_are_fractions_too(self) -> None:
        """mean over 1 of 3 <= 2 * mean over all: 0.6 against 2 * 0.3, a tie."""
        part = two("paired", [0.6, 0, 0], [0.6, 0.2, 0.1], weight=3.0, ratio=2.0, solve="ratio",
                   population=3)  # fmt: skip
        reading = read_part(part, ALPHA, "sequential")
        assert (reading.verdict, reading.estimate) == ("meets", 2.0)


class TestSequential:
    def test_it_stops_at_the_first_that_gets_there(self) -> None:
        part = passes([1] * 60, threshold=0.8)
        reading = read_part(part, ALPHA, "sequential")
        assert reading.verdict == "meets" and reading.decided_at == reading.units
        assert reading.units < 60 and reading.log_evalue_meets >= LEVEL - 1e-6
        shorter = replace(part, x=part.x[: reading.units - 1])
        assert read_part(shorter, ALPHA, "sequential").verdict == "undecided"
        assert read_part(replace(part, x=part.x[: reading.units]), ALPHA, "sequential") == reading

    def test_what_comes_later_changes_nothing(self) -> None:
        start = [1] * 40
        first = read_part(passes(start, threshold=0.8), ALPHA, "sequential")
        later = read_part(passes(start + [0] * 500, threshold=0.8), ALPHA, "sequential")
        assert first == later and first.verdict == "meets"

    def test_fails_has_its_own_level(self) -> None:
        part = passes([0] * 60, threshold=0.5)
        loose = read_part(part, ALPHA, "sequential")
        strict = read_part(part, ALPHA, "sequential", alpha_fails=ALPHA / 10)
        assert loose.verdict == strict.verdict == "fails"
        assert loose.decided_at is not None and strict.decided_at is not None
        assert loose.decided_at < strict.decided_at and strict.p_fails <= ALPHA / 10

    def test_a_population_known_to_the_last_but_one(self) -> None:
        """Nothing that is still to come can change it: certain before the end."""
        part = passes([1] * 8, threshold=0.8, population=10)
        reading = read_part(part, 1e-9, "sequential")
        assert reading.verdict == "meets" and not reading.exact and reading.units == 8
        assert reading.log_evalue_meets == math.inf and reading.p_meets == 0.0

    def test_thresholds_at_the_ends(self) -> None:
        for threshold, at_least, verdict in (
            (0.0, True, "meets"), (1.0, False, "meets"),
        ):  # fmt: skip
            part = replace(passes([1, 0], threshold=threshold, population=9), at_least=at_least)
            assert read_part(part, ALPHA, "sequential").verdict == verdict
        miss = passes([1, 1, 0], threshold=1.0, population=9)
        assert read_part(miss, ALPHA, "sequential").verdict == "fails"
        assert read_part(replace(miss, population=None), ALPHA, "sequential").verdict == "fails"

    def test_a_difference_is_looked_at_on_schedule_and_at_the_end(self) -> None:
        assert scheduled_looks(40).tolist() == [16, 18, 20, 22, 25, 28, 31, 35, 39]
        x, y = [1.0] * 30, [0.0] * 30
        part = two("difference", x, y, margin=0.1, solve="margin", turns=(0, 1) * 30)
        reading = read_part(part, ALPHA, "sequential")
        assert reading.verdict == "fails" and reading.decided_at in scheduled_looks(60)
        assert decided(joined(part), ALPHA, "sequential")

    def test_turns_decide_what_was_read_when(self) -> None:
        part = two("difference", [1.0] * 20, [0.0] * 20, margin=0.1, solve="margin",
                   turns=(0,) * 20 + (1,) * 20)  # fmt: skip
        reading = read_part(part, ALPHA, "sequential")
        assert reading.decided_at is not None and reading.decided_at > 20

    def test_more_evidence_by_flipping_a_unit_to_correct(self) -> None:
        rng = np.random.default_rng(8)
        for population in (None, 60):
            x = (rng.random(40) < 0.7).astype(int).tolist()
            before = read_part(passes(x, threshold=0.7, population=population), 1e-12, "sequential")
            for wrong in np.flatnonzero(np.array(x) == 0):
                better = [*x]
                better[wrong] = 1
                after = read_part(
                    passes(better, threshold=0.7, population=population), 1e-12, "sequential"
                )
                assert after.log_evalue_meets >= before.log_evalue_meets
                assert after.log_evalue_fails <= before.log_evalue_fails

    def test_an_outage_helps_neither_side(self) -> None:
        rng = np.random.default_rng(9)
        x = (rng.random(80) < 0.8).astype(int).tolist()
        lost = sorted(rng.choice(80, 8, replace=False).tolist())
        worst = [0 if i in lost else v for i, v in enumerate(x)]
        best = tuple(1 if i in lost else v for i, v in enumerate(x))
        for threshold in (0.5, 0.7, 0.8, 0.9, 0.97):
            whole = read_part(passes(x, threshold=threshold), 1e-12, "sequential")
            part = passes(worst, x_fails=best, threshold=threshold, outages=8)
            cut = read_part(part, 1e-12, "sequential")
            assert cut.log_evalue_meets <= whole.log_evalue_meets
            assert cut.log_evalue_fails <= whole.log_evalue_fails
            assert cut.interval is not None and whole.interval is not None
            assert cut.interval[0] <= whole.interval[0] <= whole.interval[1] <= cut.interval[1]


class TestFixed:
    def test_one_look_is_the_exact_test(self) -> None:
        from scipy import stats

        x = [1] * 46 + [0] * 4
        reading = read_part(passes(x, threshold=0.8), ALPHA, "fixed")
        assert reading.p_meets == pytest.approx(stats.binom.sf(45, 50, 0.8), rel=1e-8)
        assert reading.p_fails == pytest.approx(stats.binom.cdf(46, 50, 0.8), rel=1e-8)
        exact = stats.binomtest(46, 50).proportion_ci(confidence_level=0.9, method="exact")
        assert reading.interval == pytest.approx((exact.low, exact.high), abs=1e-8)
        assert reading.verdict == "meets" and reading.decided_at == 50

    def test_a_finite_set_is_hypergeometric(self) -> None:
        from scipy import stats

        reading = read_part(
            passes([1] * 27 + [0] * 3, threshold=0.8, population=60), ALPHA, "fixed"
        )
        # "at least 48 of 60" is shown against 47 of 60.
        assert reading.p_meets == pytest.approx(stats.hypergeom.sf(26, 60, 47, 30), rel=1e-8)
        assert reading.p_fails == pytest.approx(stats.hypergeom.cdf(27, 60, 48, 30), rel=1e-8)

    def test_no_peeking_at_bounded_values(self) -> None:
        """A path that was there once and fell back is not decided at the last look."""
        values = [1.0] * 40 + [0.0] * 60
        part = bounded(values, threshold=0.8)
        assert read_part(part, ALPHA, "sequential").verdict == "meets"
        assert read_part(part, ALPHA, "fixed").verdict == "fails"

    def test_it_is_decided_early_only_when_everything_is_in(self) -> None:
        part = passes([1] * 50, threshold=0.2, population=60)
        assert not decided(joined(part), ALPHA, "fixed")
        assert decided(joined(replace(part, x=(1,) * 60)), ALPHA, "fixed")


class TestPictureAndVerdict:
    """The bound of the criterion lies outside the interval exactly when it is decided."""

    @staticmethod
    def agree(part: Part, mode: Any) -> None:
        reading = read_part(part, ALPHA, mode)
        assert reading.interval is not None
        low, high = reading.interval
        bound = reading.threshold
        if part.at_least:
            picture = "meets" if low >= bound else "fails" if high < bound else "undecided"
        else:
            picture = "meets" if high <= bound else "fails" if low > bound else "undecided"
        if reading.verdict != picture:  # only on the very edge, where both ends meet the bound
            nearest = min(abs(low - bound), abs(high - bound))
            assert nearest < 1e-8, (reading, picture)

    @given(
        st.lists(st.integers(0, 1), min_size=1, max_size=60),
        st.sampled_from([0.1, 0.5, 0.8, 0.98]),
        st.booleans(),
        st.sampled_from([None, 0, 40]),
        st.sampled_from(["sequential", "fixed"]),
    )
    @settings(max_examples=60, deadline=None)
    def test_pass_fail(
        self, x: list[int], threshold: float, at_least: bool, rest: int | None, mode: Any
    ) -> None:
        population = None if rest is None else len(x) + rest
        part = passes(x, threshold=threshold, population=population)
        self.agree(replace(part, at_least=at_least), mode)

    @given(
        st.lists(st.floats(0, 1), min_size=1, max_size=40),
        st.sampled_from([0.1, 0.4, 0.9]),
        st.booleans(),
        st.sampled_from([None, 5]),
        st.booleans(),
    )
    @settings(max_examples=40, deadline=None)
    def test_bounded(
        self, x: list[float], threshold: float, at_least: bool, rest: int | None, root: bool
    ) -> None:
        population = None if rest is None else len(x) + rest
        part = bounded(x, threshold=threshold, at_least=at_least, population=population,
                       scale=3.0, root=root)  # fmt: skip
        self.agree(part, "sequential")

    @given(
        st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=30),
        st.sampled_from([0.5, 1.0, 1.5]),
        st.sampled_from(["ratio", "margin"]),
        st.booleans(),
        st.sampled_from([None, 5]),
    )
    @settings(max_examples=30, deadline=None)
    def test_paired(
        self, xy: list[tuple[float, float]], bound: float, solve: Any, at_least: bool,
        rest: int | None,
    ) -> None:  # fmt: skip
        population = None if rest is None else len(xy) + rest
        named = {"ratio": bound} if solve == "ratio" else {"margin": bound - 1.0}
        part = two("paired", [a for a, _ in xy], [b for _, b in xy], at_least=at_least,
                   solve=solve, population=population, **named)  # fmt: skip
        self.agree(part, "sequential")

    @pytest.mark.parametrize("solve", ["ratio", "margin"])
    @pytest.mark.parametrize("at_least", [True, False])
    @pytest.mark.parametrize("population", [None, 40])
    def test_difference(self, solve: Any, at_least: bool, population: int | None) -> None:
        rng = np.random.default_rng(4)
        for bound in (0.2, 0.9, 1.4):
            x, y = rng.random((2, 30)).tolist()
            named = {"ratio": bound} if solve == "ratio" else {"margin": bound - 1.0}
            part = two("difference", x, y, at_least=at_least, solve=solve, turns=(0, 1) * 30,
                       population=population, population_y=population, **named)  # fmt: skip
            self.agree(part, "fixed")


class TestCriterion:
    def test_all_parts_have_to_meet(self) -> None:
        good, bad = passes([1] * 60, threshold=0.8), passes([0] * 60, threshold=0.8)
        open_ = passes([1, 1, 0], threshold=0.8)
        for parts, verdict in (
            ((good, good), "meets"), ((good, open_), "undecided"), ((good, bad, open_), "fails"),
        ):  # fmt: skip
            reading = read_criterion(joined(*parts), ALPHA, "sequential")
            assert reading.verdict == verdict
            logs = [p.log_evalue_fails for p in reading.parts]
            assert reading.log_evalue_meets == min(p.log_evalue_meets for p in reading.parts)
            assert reading.log_evalue_fails == pytest.approx(
                max(logs) - math.log(len(parts)), abs=2e-6
            )

    def test_fails_is_divided_by_the_number_of_parts(self) -> None:
        bad, open_ = passes([0] * 60, threshold=0.5), passes([1, 0], threshold=0.5)
        alone = read_criterion(joined(bad), ALPHA, "sequential").decided_at
        among = read_criterion(joined(bad, *[open_] * 9), ALPHA, "sequential").decided_at
        assert alone is not None and among is not None and alone < among

    def test_the_binding_part_is_shown(self) -> None:
        parts = [
            passes([1] * hits + [0] * (10 - hits), threshold=0.5, population=10)
            for hits in (9, 6, 7)
        ]
        reading = read_criterion(joined(*parts), ALPHA, "sequential")
        assert (reading.binding, reading.estimate, reading.successes) == (1, 0.6, 6)
        assert reading.exact and len(reading.parts) == 3 and reading.direction == "at_least"

    def test_nothing_to_count(self) -> None:
        gap = {"en": "nobody", "zh": "无人"}
        for evidence in (joined(gap=gap), joined(passes([], threshold=0.5, population=0), gap=gap)):
            reading = read_criterion(evidence, ALPHA, "sequential")
            assert (reading.verdict, reading.units, reading.gap) == ("undecided", 0, gap)
            assert (reading.log_evalue_meets, reading.log_evalue_fails) == (0.0, 0.0)
            assert (reading.p_meets, reading.p_fails) == (1.0, 1.0)
            assert reading.reason is not None and not decided(evidence, ALPHA, "sequential")

    def test_a_band_shows_one_interval_that_agrees_with_its_verdict(self) -> None:
        rng = np.random.default_rng(6)
        seen = set()
        for rate, n in ((0.95, 900), (0.8, 300), (1.0, 700), (0.9, 50), (0.99, 100)):
            x = (rng.random(n) < rate).astype(int).tolist()
            lower = passes(x, threshold=0.9, label="lower side")
            upper = replace(lower, threshold=0.99, at_least=False, label="upper side")
            reading = read_criterion(joined(lower, upper), ALPHA, "sequential")
            assert reading.direction == "between" and reading.threshold == (0.9, 0.99)
            assert reading.interval is not None
            low, high = reading.interval
            inside, outside = low >= 0.9 and high <= 0.99, high < 0.9 or low > 0.99
            picture = "meets" if inside else "fails" if outside else "undecided"
            assert reading.verdict == picture
            seen.add(picture)
        assert seen == {"meets", "fails", "undecided"}

    def test_decided_agrees_with_the_verdict(self) -> None:
        rng = np.random.default_rng(7)
        for rate in (0.3, 0.6, 0.9):
            x = (rng.random(80) < rate).astype(int).tolist()
            for n in range(0, 80, 5):
                evidence = joined(passes(x[:n], threshold=0.6))
                said = read_criterion(evidence, ALPHA, "sequential").verdict != "undecided"
                assert decided(evidence, ALPHA, "sequential") == said


class TestFurther:
    def test_so_many_more_would_decide(self) -> None:
        for part in (
            passes([1] * 9 + [0], threshold=0.7),
            passes([1] * 9 + [0], threshold=0.7, population=500),
        ):
            reading = read_part(part, ALPHA, "sequential")
            assert reading.verdict == "undecided" and reading.further is not None
            assert reading.reason is not None and str(reading.further) in reading.reason["zh"]
            n = 10 + reading.further
            hits = (2 * 9 * n + 10) // 20
            grown = replace(part, x=(1,) * hits + (0,) * (n - hits))
            assert read_part(grown, ALPHA, "sequential").log_evalue_meets >= LEVEL - 1e-6

    def test_by_kind(self) -> None:
        xs, ys = [0.2, 0.3, 0.1] * 2, [0.5, 0.6, 0.7] * 2
        for part in (
            bounded(xs, threshold=0.5, at_least=False),
            two("paired", xs, ys, ratio=0.9, solve="ratio"),
            two("difference", xs, ys, margin=0.1, solve="margin", turns=(0, 1) * 6),
            two("difference", xs, ys, margin=0.1, solve="margin", turns=(0, 1) * 6,
                population=300, population_y=200),
        ):  # fmt: skip
            reading = read_part(part, ALPHA, "sequential")
            assert reading.verdict == "undecided"
            assert reading.further is not None and 1 <= reading.further < 500

    def test_one_look(self) -> None:
        part = passes([1] * 9 + [0], threshold=0.7)
        further = read_part(part, ALPHA, "fixed").further
        assert further is not None
        hits = round(0.9 * (10 + further))
        grown = replace(part, x=(1,) * hits + (0,) * (10 + further - hits))
        assert read_part(grown, ALPHA, "fixed").verdict == "meets"

    def test_a_finite_set_is_decided_by_its_end(self) -> None:
        part = passes([1, 0] * 5, threshold=0.5, population=14)
        further = read_part(part, ALPHA, "sequential").further
        assert further is not None and 1 <= further <= 4
        nothing_yet = passes([], threshold=0.5, population=14)
        assert read_part(nothing_yet, ALPHA, "sequential").further == 14

    def test_on_the_threshold_nobody_can_say(self) -> None:
        reading = read_part(bounded([0.5] * 20, threshold=0.5), ALPHA, "sequential")
        assert reading.further is None and reading.reason is not None


class TestForTheRecord:
    EVIDENCE = Evidence(
        plan="sha256:00",
        candidate="simple",
        estimand="these cases",
        criteria=(
            joined(passes([1, 0, 1] * 9, threshold=1.0, population=40)),
            joined(bounded([0.25, 1 / 3] * 9, threshold=0.2, scale=3.0, root=True)),
            joined(two("paired", [0.2] * 9, [0.4] * 9, ratio=1.0, solve="ratio", outages=1,
                       x_fails=(1,) * 9, y_fails=(2,) * 9), gap={"en": "a", "zh": "甲"}),
            joined(two("difference", [0.2] * 9, [0.4] * 9, margin=0.0, solve="margin",
                       turns=(0, 1) * 9, population=20, population_y=30)),
            joined(passes([], threshold=0.5, population=0)),
        ),
        beside={"note": {"en": "x", "zh": "某"}, "share": 0.5},
    )  # fmt: skip

    def test_evidence_survives_canonical_json(self) -> None:
        data = evidence_to_json(self.EVIDENCE)
        back = evidence_from_json(decode(encode(data)))
        assert back == self.EVIDENCE
        assert encode(evidence_to_json(back)) == encode(data)
        for mode in ("sequential", "fixed"):
            for one, other in zip(self.EVIDENCE.criteria, back.criteria, strict=True):
                assert read_criterion(one, ALPHA, mode) == read_criterion(other, ALPHA, mode)

    def test_plain_json_too(self) -> None:
        text = json.dumps(json.loads(encode(evidence_to_json(self.EVIDENCE))))
        assert evidence_from_json(json.loads(text)) == self.EVIDENCE

    def test_another_format_is_refused(self) -> None:
        with pytest.raises(ValueError, match="pilotbase/evidence/9"):
            evidence_from_json({"format": "pilotbase/evidence/9"})

    def test_readings_are_json(self) -> None:
        for evidence in self.EVIDENCE.criteria:
            data = read_criterion(evidence, ALPHA, "sequential").as_dict()
            assert json.loads(json.dumps(data, allow_nan=False)) == decode(encode(data))

    def test_a_record_never_claims_more_than_there_is(self) -> None:
        for value in (2.9957322735, -2.9957322735, 1e-9, -1e-9, 12345.678901234):
            recorded = readings.log_recorded(value)
            assert abs(recorded) <= abs(value) and abs(recorded - value) < 1e-6
            assert math.copysign(1, recorded) == 1 or recorded < 0
        low, high = readings.outward((0.12345678949, 0.12345678941))
        assert (low, high) == (0.123456789, 0.12345679)

    @given(st.floats(1e-12, 1e12))
    def test_nine_digits(self, value: float) -> None:
        assert readings.nine_digits(value) == float(f"{value:.9g}")
        low, high = readings.outward((value, value))
        assert low <= value <= high and high - low <= 1.000001e-8 * value
