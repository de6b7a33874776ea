"""From predictions to integers: whose fault, what is counted, what waits, what is said in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pilotbase.kernel.errors import ScenarioError
from pilotbase.trial.cases import FAULT, OUTAGE, PENDING
from pilotbase.trial.evidence import RESOLUTION
from pilotbase.trial.rules.claims import refusals
from pilotbase.trial.rules.order import committed_order, order_seed
from pilotbase.trial.rules.reading import read_criterion

ACCURATE = {"metric": "accuracy", "at_least": 0.5}
SEED = order_seed("sha256:test", None)


def _in_order(cases: Any) -> list[int]:
    return [int(unit) for unit in committed_order(SEED, cases.unit_ids)]


class TestWhatIsKept:
    def test_integers_stand_in_committed_order(self, ask: Any, answer: Any, judge: Any) -> None:
        right = [1, 0, 1, 1, 0, 1, 0, 1]
        cases = ask("detection", [1] * 8)
        (part,) = judge(cases, answer(cases, label=right), ACCURATE).parts
        assert part.x == tuple(right[u] for u in _in_order(cases))
        assert (part.kind, part.resolution, part.population) == ("pass_fail", 1, 8)
        assert part.x_fails is None and part.items == "units"

    def test_only_the_finished_start_counts(self, ask: Any, answer: Any, judge: Any) -> None:
        cases = ask("detection", [1] * 8)
        said = answer(cases, label=[1] * 8)
        said.status[_in_order(cases)[3]] = PENDING
        (part,) = judge(cases, said, ACCURATE).parts
        assert len(part.x) == 3 and part.population == 8

    def test_a_cap_leaves_the_population_whole(self, ask: Any, answer: Any, judge: Any) -> None:
        cases = ask("detection", [1] * 8)
        order = committed_order(SEED, cases.unit_ids)[:5]
        (part,) = judge(cases, answer(cases, label=[1] * 8), ACCURATE, order=order).parts
        assert len(part.x) == 5 and part.population == 8

    def test_future_cases_have_no_end(self, ask: Any, answer: Any, judge: Any) -> None:
        cases = ask("detection", [1] * 8)
        (part,) = judge(
            cases, answer(cases, label=[1] * 8), ACCURATE, estimand="future cases"
        ).parts
        assert part.population is None

    def test_rows_that_are_not_scored_do_not_exist(self, ask: Any, answer: Any, judge: Any) -> None:
        cases = ask("detection", [1] * 6, scored=[False, True, True, False, True, True])
        said = answer(cases, label=[0, 1, 1, 0, 1, 1])
        said.status[[0, 3]] = PENDING
        (part,) = judge(cases, said, ACCURATE).parts
        assert part.x == (1, 1, 1, 1) and part.population == 4

    def test_recall_counts_positive_units(self, ask: Any, answer: Any, judge: Any) -> None:
        cases = ask("detection", [1, 0, 1, 0, 1])
        evidence = judge(
            cases, answer(cases, label=[1, 1, 0, 0, 1]), {"metric": "recall", "at_least": 0.6}
        )
        (part,) = evidence.parts
        assert sorted(part.x) == [0, 1, 1] and part.population == 3
        assert part.items == "positive units" and evidence.dimension == "quality"


class TestUnits:
    def test_rows_of_a_unit_are_averaged(self, ask: Any, answer: Any, judge: Any) -> None:
        cases = ask("detection", [1] * 7, unit=[0, 0, 0, 1, 1, 2, 2])
        said = answer(cases, label=[1, 0, 0, 1, 1, 0, 1])
        (part,) = judge(cases, said, ACCURATE).parts
        means = [RESOLUTION // 3, RESOLUTION, RESOLUTION // 2]
        assert part.kind == "bounded" and part.resolution == RESOLUTION
        assert part.x == tuple(means[u] for u in _in_order(cases)) and part.population == 3

    def test_a_unit_with_one_pending_row_is_pending(
        self, ask: Any, answer: Any, judge: Any
    ) -> None:
        cases = ask("detection", [1] * 4, unit=[0, 0, 1, 1])
        said = answer(cases, label=[1] * 4)
        said.status[2 * _in_order(cases)[1]] = PENDING
        (part,) = judge(cases, said, ACCURATE).parts
        assert part.x == (RESOLUTION,)

    def test_repeating_an_answer_adds_no_evidence(self, ask: Any, answer: Any, judge: Any) -> None:
        rng = np.random.default_rng(5)
        right = (rng.random(40) < 0.8).astype(int)
        once = ask("detection", [1] * 40)
        often = ask("detection", [1] * 400, unit=np.repeat(np.arange(40), 10))
        readings = [
            read_criterion(
                judge(cases, answer(cases, label=label), ACCURATE, estimand="future cases"),
                1e-9,
                "sequential",
            )
            for cases, label in ((once, right), (often, np.repeat(right, 10)))
        ]
        assert readings[0].units == readings[1].units == 40
        assert readings[0].log_evalue_meets == pytest.approx(readings[1].log_evalue_meets, abs=1e-5)


class TestWhoseFault:
    """A fault is wrong in both tests; an outage is the worst in one and the best in the other."""

    CRITERIA = (
        ({"metric": "accuracy", "at_least": 0.5}, 0),
        ({"metric": "recall", "at_least": 0.5}, 0),
        ({"metric": "precision", "at_least": 0.5}, 0),
        ({"metric": "false_alarm_ratio", "at_most": 0.5}, 1),
        ({"metric": "called_share", "at_most": 0.5}, 1),
        ({"metric": "brier", "at_most": 0.5}, RESOLUTION),
        ({"metric": "latency", "limit": 5.0, "at_least": 0.5}, 0),
        ({"metric": "cost", "cap": 5.0, "at_most": 2.0}, RESOLUTION),
    )

    @pytest.mark.parametrize(("criterion", "worst"), CRITERIA)
    def test_by_metric(
        self, criterion: dict[str, Any], worst: int, ask: Any, answer: Any, judge: Any
    ) -> None:
        cases = ask("detection", [1] * 5)
        said = answer(cases, label=[1] * 5, score=[1.0] * 5, latency_ms=[1.0] * 5, cost=[0.0] * 5)
        said.status[:2] = FAULT, OUTAGE
        (part,) = judge(cases, said, criterion).parts
        best = part.resolution - worst
        places = _in_order(cases)
        fault, outage = places.index(0), places.index(1)
        assert part.x_fails is not None
        assert (part.x[fault], part.x_fails[fault]) == (worst, worst)
        assert (part.x[outage], part.x_fails[outage]) == (worst, best)
        assert (part.faults, part.outages) == (1, 1)
        assert len(part.x) == part.population == 5

    def test_auc(self, ask: Any, answer: Any, judge: Any) -> None:
        cases = ask("detection", [1, 1, 0, 0])
        auc = {"metric": "auc", "at_least": 0.5}
        for broken, meets, fails in ((FAULT, 0.5, 0.5), (OUTAGE, 0.5, 1.0)):
            for row in range(4):
                said = answer(cases, score=[0.8, 0.9, 0.1, 0.2])
                said.status[row] = broken
                (part,) = judge(cases, said, auc).parts
                best = part.x if part.x_fails is None else part.x_fails
                assert np.mean(part.x) / RESOLUTION == meets
                assert np.mean(best) / RESOLUTION == fails

    def test_an_outage_does_not_excuse_a_fault(self, ask: Any, answer: Any, judge: Any) -> None:
        cases = ask("detection", [1, 0])
        said = answer(cases, score=[0.9, 0.1])
        said.status[:] = FAULT, OUTAGE
        (part,) = judge(cases, said, {"metric": "auc", "at_least": 0.5}).parts
        assert (part.x, part.x_fails) == ((0,), (0,))

    def test_balanced_accuracy_loses_half_a_pair(self, ask: Any, answer: Any, judge: Any) -> None:
        cases = ask("detection", [1, 0])
        said = answer(cases, label=[1, 0])
        said.status[0] = FAULT
        (part,) = judge(cases, said, {"metric": "balanced_accuracy", "at_least": 0.5}).parts
        assert part.x == (RESOLUTION // 2,)

    def test_an_answer_without_what_is_asked_is_a_fault(
        self, ask: Any, answer: Any, judge: Any
    ) -> None:
        cases = ask("detection", [1] * 3)
        for score in (np.nan, 1.5, -0.1, np.inf):
            said = answer(cases, score=[1.0, score, 1.0])
            (part,) = judge(cases, said, {"metric": "brier", "at_most": 0.5}).parts
            assert sorted(part.x) == [0, 0, RESOLUTION] and part.faults == 1

    def test_a_time_that_the_base_did_not_take_is_an_outage(
        self, ask: Any, answer: Any, judge: Any
    ) -> None:
        cases = ask("detection", [1] * 2)
        said = answer(cases, latency_ms=[1.0, np.nan])
        (part,) = judge(cases, said, {"metric": "latency", "limit": 5.0, "at_least": 0.5}).parts
        assert (sorted(part.x), sorted(part.x_fails or ())) == ([0, 1], [1, 1])
        assert (part.faults, part.outages) == (0, 1)

    def test_a_fault_helps_neither_side_of_a_band(self, ask: Any, answer: Any, judge: Any) -> None:
        cases = ask("regression", [0.0] * 4)
        said = answer(cases, lower=[-1.0] * 4, upper=[1.0] * 4)
        said.status[0] = FAULT
        lower, upper = judge(
            cases, said, {"metric": "interval_coverage", "between": (0.5, 0.9)}
        ).parts
        assert (sum(lower.x), sum(upper.x)) == (3, 4)
        assert (lower.label, upper.label) == ("lower side", "upper side")

    def test_between_groups_a_fault_is_the_metrics_worst(
        self, ask: Any, answer: Any, judge: Any
    ) -> None:
        cases = ask("detection", [1] * 4, groups={"g": ["a", "a", "b", "b"]})
        said = answer(cases, label=[1] * 4)
        said.status[0], said.status[3] = FAULT, OUTAGE
        one, other = judge(cases, said, {"metric": "recall", "at_most": 0.1, "gap_by": "g"}).parts
        assert (one.label, other.label) == ("g=a - g=b", "g=b - g=a")
        assert (sum(one.x), sum(other.y)) == (RESOLUTION, RESOLUTION)  # the fault is a miss
        assert (sum(one.y), sum(one.y_fails or ())) == (RESOLUTION, 2 * RESOLUTION)
        assert (sum(other.x), sum(other.x_fails or ())) == (2 * RESOLUTION, RESOLUTION)

    def test_a_broken_baseline_is_the_bases_own(self, ask: Any, answer: Any, judge: Any) -> None:
        cases = ask("regression", [0.0] * 2)
        base = answer(cases, value=[1.0, 1.0])
        base.status[0] = FAULT
        asked = {"metric": "mae", "cap": 2.0, "at_most": 0.5, "against": "mean"}
        (part,) = judge(cases, answer(cases, value=[0.5, 0.5]), asked, baseline=base).parts
        assert (part.faults, part.outages) == (0, 1)
        assert (sum(part.y), sum(part.y_fails or ())) == (RESOLUTION // 2, 3 * RESOLUTION // 2)


class TestCalls:
    PRECISE = {"metric": "precision", "at_least": 0.5}  # noqa: RUF012

    def test_while_answers_are_pending_all_units_are_the_population(
        self, ask: Any, answer: Any, judge: Any
    ) -> None:
        """Without replacement an unknown number of calls must not be taken as without end."""
        cases = ask("detection", [1, 0, 1, 0, 1, 0])
        said = answer(cases, label=[1, 1, 1, 0, 0, 0])
        said.status[_in_order(cases)[5]] = PENDING
        (part,) = judge(cases, said, self.PRECISE).parts
        assert (part.kind, part.solve, part.ratio, part.population) == ("paired", "ratio", 0.5, 6)
        asked = _in_order(cases)[:5]
        assert part.y == tuple(RESOLUTION * (u in (0, 1, 2)) for u in asked)
        assert part.x == tuple(RESOLUTION * (u in (0, 2)) for u in asked)

    def test_when_all_is_in_called_units_are_the_population(
        self, ask: Any, answer: Any, judge: Any
    ) -> None:
        cases = ask("detection", [1, 0, 1, 0, 1, 0])
        (part,) = judge(cases, answer(cases, label=[1, 1, 1, 0, 0, 0]), self.PRECISE).parts
        assert (part.kind, sorted(part.x), part.population) == ("pass_fail", [0, 1, 1], 3)
        assert part.items == "called units"

    def test_nobody_called(self, ask: Any, answer: Any, judge: Any) -> None:
        cases = ask("detection", [1, 0])
        evidence = judge(cases, answer(cases, label=[0, 0]), self.PRECISE)
        assert evidence.gap is not None and "called units" in evidence.gap["en"]
        assert "没有" in evidence.gap["zh"]
        reading = read_criterion(evidence, 0.05, "sequential")
        assert (reading.verdict, reading.estimate, reading.threshold) == ("undecided", None, 0.5)

    def test_a_gap_between_calls_waits_for_the_last_answer(
        self, ask: Any, answer: Any, judge: Any
    ) -> None:
        cases = ask("detection", [1, 0, 1, 0], groups={"g": ["a", "a", "b", "b"]})
        said = answer(cases, label=[1, 1, 1, 0])
        asked = {"metric": "precision", "at_most": 0.6, "gap_by": "g"}
        said.status[0] = PENDING
        waiting = judge(cases, said, asked)
        assert waiting.gap is not None and "every answer" in waiting.gap["en"]
        assert read_criterion(waiting, 0.05, "sequential").verdict == "undecided"
        said.status[0] = 1
        done = judge(cases, said, asked)
        assert done.gap is None
        assert read_criterion(done, 0.05, "sequential").estimate == 0.5

    def test_lift_of_these_cases_knows_their_prevalence(
        self, ask: Any, answer: Any, judge: Any
    ) -> None:
        cases = ask("detection", [1, 1, 0, 0, 0, 0, 0, 0])
        said = answer(cases, label=[1, 0, 1, 0, 0, 0, 0, 0])
        evidence = judge(cases, said, {"metric": "lift", "at_least": 2.0})
        reading = read_criterion(evidence, 0.05, "sequential")
        assert (evidence.parts[0].threshold, evidence.parts[0].scale) == (0.5, 4.0)
        assert (reading.estimate, reading.threshold, reading.verdict) == (2.0, 2.0, "meets")

    def test_lift_of_future_cases_takes_pairs_of_units(
        self, ask: Any, answer: Any, judge: Any
    ) -> None:
        rng = np.random.default_rng(3)
        truth = (rng.random(4000) < 0.25).astype(int)
        label = np.where(rng.random(4000) < 0.8, truth, 1 - truth)
        cases = ask("detection", truth)
        said, asked = answer(cases, label=label), {"metric": "lift", "at_least": 1.5}
        (part,) = judge(cases, said, asked, estimand="future cases").parts
        assert (part.kind, part.items, len(part.x)) == ("paired", "pairs of units", 2000)
        assert np.mean(part.x) / RESOLUTION == pytest.approx((truth * label).mean())
        # One order gives y to about 5 % (standard error), the mean of 25 orders to 1 %.
        means = []
        for receipt in range(25):
            evidence = judge(cases, said, asked, estimand="future cases", receipt=str(receipt))
            means.append(np.mean(evidence.parts[0].y) / RESOLUTION)
        assert np.mean(means) == pytest.approx(truth.mean() * label.mean(), rel=0.03)
        assert read_criterion(evidence, 0.05, "sequential").verdict == "meets"

    def test_lift_without_a_positive_case(self, ask: Any, answer: Any, judge: Any) -> None:
        cases = ask("detection", [0, 0])
        evidence = judge(cases, answer(cases, label=[1, 0]), {"metric": "lift", "at_least": 1.5})
        assert evidence.gap is not None and "positive units" in evidence.gap["en"]
        assert read_criterion(evidence, 0.05, "sequential").threshold == 1.5


class TestPairs:
    AUC = {"metric": "auc", "at_least": 0.5}  # noqa: RUF012

    def test_these_cases_take_all_pairs_or_a_sample(
        self, ask: Any, answer: Any, judge: Any
    ) -> None:
        cases = ask("detection", [1, 0] * 10)
        said = answer(cases, score=np.arange(20.0))
        (whole,) = judge(cases, said, self.AUC).parts
        (sample,) = judge(cases, said, self.AUC, pairs_most=30).parts
        assert len(whole.x) == whole.population == sample.population == 100
        assert sample.x == whole.x[:30] and whole.items == "pairs"

    def test_these_cases_wait_for_a_pending_answer(self, ask: Any, answer: Any, judge: Any) -> None:
        cases = ask("detection", [1, 0] * 10)
        said = answer(cases, score=np.arange(20.0))
        (whole,) = judge(cases, said, self.AUC).parts
        said.status[_in_order(cases)[19]] = PENDING
        (part,) = judge(cases, said, self.AUC).parts
        assert len(part.x) < 100 and part.x == whole.x[: len(part.x)]
        assert part.population == 100

    def test_future_cases_use_no_unit_twice(self, ask: Any, answer: Any, judge: Any) -> None:
        truth = [1, 0, 0, 1, 0, 0, 1, 0, 0, 0]
        cases = ask("detection", truth)
        said = answer(cases, score=np.arange(10.0))
        (part,) = judge(cases, said, self.AUC, estimand="future cases").parts
        order = _in_order(cases)
        positive = [u for u in order if truth[u]]
        negative = [u for u in order if not truth[u]][:3]
        pairs = sorted(
            zip(positive, negative, strict=True), key=lambda pair: max(map(order.index, pair))
        )
        assert part.x == tuple(RESOLUTION * (p > n) for p, n in pairs)
        assert part.population is None

    def test_units_of_several_rows_are_paired_as_wholes(
        self, ask: Any, answer: Any, judge: Any
    ) -> None:
        cases = ask("detection", [1, 1, 0, 0], unit=[0, 0, 1, 1])
        said = answer(cases, score=[3.0, 1.0, 2.0, 0.0])
        (part,) = judge(cases, said, self.AUC, estimand="future cases").parts
        assert part.x == (3 * RESOLUTION // 4,)

    def test_a_group_without_a_pair_is_named(self, ask: Any, answer: Any, judge: Any) -> None:
        cases = ask("detection", [1, 0, 0, 0], groups={"g": ["a", "a", "b", "b"]})
        evidence = judge(
            cases,
            answer(cases, score=[1.0, 0.0, 0.0, 0.0]),
            {"metric": "auc", "at_least": 0.5, "worst_of": "g"},
        )
        assert evidence.gap is not None and "g=b" in evidence.gap["en"]
        reading = read_criterion(evidence, 0.05, "sequential")
        assert [part.verdict for part in reading.parts] == ["meets", "undecided"]
        assert reading.verdict == "undecided" and not reading.exact


class TestGroups:
    def test_unknown_and_mixed_units_are_counted_and_named(
        self, ask: Any, answer: Any, judge: Any
    ) -> None:
        cases = ask(
            "detection",
            [1] * 8,
            unit=[0, 1, 2, 3, 4, 4, 5, 5],
            groups={"sex": ["1", "2", "", "1", "1", "2", "2", ""]},
        )
        evidence = judge(
            cases,
            answer(cases, label=[1] * 8),
            {"metric": "recall", "at_most": 0.1, "gap_by": "sex"},
        )
        assert evidence.gap is not None
        assert "1 units have no known value of sex" in evidence.gap["en"]
        assert "2 units have several values of sex" in evidence.gap["en"]
        assert "有 1 个单元的 sex 未知" in evidence.gap["zh"]
        assert {len(p.x) + len(p.y) for p in evidence.parts} == {3}
        assert evidence.dimension == "fairness" and evidence.by == "sex"

    def test_one_known_group_leaves_nothing_to_compare(
        self, ask: Any, answer: Any, judge: Any
    ) -> None:
        cases = ask("detection", [1] * 3, groups={"sex": ["1", "1", ""]})
        for form in ({"at_most": 0.1, "gap_by": "sex"}, {"at_least": 0.8, "ratio_by": "sex"}):
            evidence = judge(cases, answer(cases, label=[1] * 3), {"metric": "recall", **form})
            reading = read_criterion(evidence, 0.05, "sequential")
            assert reading.verdict == "undecided" and evidence.gap is not None
            assert reading.threshold in (0.1, 0.8)

    def test_an_empty_group_is_undecided_and_said(self, ask: Any, answer: Any, judge: Any) -> None:
        cases = ask("detection", [1, 1, 0, 0], groups={"sex": ["1", "1", "2", "2"]})
        for form in (
            {"at_most": 0.1, "gap_by": "sex"},
            {"at_least": 0.8, "ratio_by": "sex"},
            {"at_least": 0.8, "worst_of": "sex"},
        ):
            evidence = judge(cases, answer(cases, label=[1, 1, 0, 0]), {"metric": "recall", **form})
            assert evidence.gap is not None and "sex=2" in evidence.gap["en"]
            assert "sex=2" in evidence.gap["zh"]
            assert read_criterion(evidence, 0.05, "sequential").verdict == "undecided"

    def test_how_many_parts(self, ask: Any, answer: Any, judge: Any) -> None:
        cases = ask("detection", [1] * 6, groups={"g": list("aabbcc")})
        said = answer(cases, label=[1] * 6)
        for form, count in (
            ({"at_most": 0.1, "gap_by": "g"}, 6),
            ({"at_least": 0.8, "ratio_by": "g"}, 6),
            ({"at_least": 0.8, "worst_of": "g"}, 3),
            ({"between": (0.2, 1.0), "worst_of": "g"}, 6),
        ):
            assert len(judge(cases, said, {"metric": "recall", **form}).parts) == count

    def test_turns_tell_how_the_groups_alternate(self, ask: Any, answer: Any, judge: Any) -> None:
        groups = list("abbabbabba")
        cases = ask("detection", [1] * 10, groups={"g": groups})
        one, _ = judge(
            cases,
            answer(cases, label=[1] * 10),
            {"metric": "recall", "at_most": 0.1, "gap_by": "g"},
        ).parts
        assert one.turns == tuple(int(groups[u] == "b") for u in _in_order(cases))

    def test_relative_weighs_a_group_by_its_rarity(self, ask: Any, answer: Any, judge: Any) -> None:
        cases = ask("regression", [0.0] * 4, groups={"g": list("abbb")})
        asked = {
            "metric": "mae", "cap": 4.0, "at_most": 2.0, "worst_of": "g", "relative": True,
        }  # fmt: skip
        a, b = judge(cases, answer(cases, value=[3.0, 1.0, 1.0, 1.0]), asked).parts
        assert (a.weight, a.ratio, a.solve, a.population) == (4.0, 2.0, "ratio", 4)
        assert sum(a.x) == 3 * RESOLUTION // 4 and sum(a.y) == 3 * RESOLUTION // 2
        assert b.weight == pytest.approx(4 / 3)


class TestForms:
    def test_under_a_perturbation_its_answers_count(
        self, ask: Any, answer: Any, judge: Any
    ) -> None:
        cases = ask("detection", [1] * 4)
        evidence = judge(
            cases,
            answer(cases, label=[1] * 4),
            {**ACCURATE, "under": {"noise": 3.0}},
            perturbed=answer(cases, label=[0] * 4),
        )
        assert evidence.parts[0].x == (0, 0, 0, 0)
        assert (evidence.dimension, evidence.by) == ("robustness", "noise")

    def test_what_is_needed_has_to_be_given(self, ask: Any, answer: Any, judge: Any) -> None:
        cases = ask("detection", [1] * 4)
        said = answer(cases, label=[1] * 4)
        with pytest.raises(ValueError, match="perturbed"):
            judge(cases, said, {**ACCURATE, "under": {"noise": 3.0}})
        with pytest.raises(ValueError, match="baseline"):
            judge(cases, said, {**ACCURATE, "against": "majority"})

    def test_a_ratio_of_rmse_is_squared_and_rooted(self, ask: Any, answer: Any, judge: Any) -> None:
        cases = ask("regression", [0.0] * 2)
        asked = {"metric": "rmse", "cap": 4.0, "at_most": 0.5, "against": "mean"}
        (part,) = judge(
            cases, answer(cases, value=[1.0, 1.0]), asked, baseline=answer(cases, value=[2.0, 2.0])
        ).parts
        assert (part.ratio, part.scale, part.root) == (0.25, 1.0, True)

    REFUSED: tuple[tuple[dict[str, Any], str, str], ...] = (
        ({"metric": "mae", "at_most": 1.0}, "regression", "needs `cap`"),
        ({"metric": "latency", "at_least": 0.9}, "detection", "needs `limit`"),
        ({"metric": "recall", "at_least": 0.9}, "regression", "not regression"),
        ({"metric": "accuracy", "at_least": 95}, "detection", "outside 0 to 1"),
        ({"metric": "lift", "at_least": 1.5, "worst_of": "g"}, "detection", "all cases only"),
        ({"metric": "precision", "at_least": 1.0, "against": "majority"}, "detection", "denominat"),
        (
            {"metric": "auc", "at_most": 1.2, "worst_of": "g", "relative": True},
            "detection",
            "pairs",
        ),
        ({"metric": "rmse", "cap": 3.0, "at_most": 1.0, "gap_by": "g"}, "forecast", "ratio"),
        ({"metric": "recall", "at_least": 0.0, "ratio_by": "g"}, "detection", "above 0"),
    )

    @pytest.mark.parametrize(("criterion", "task", "said"), REFUSED)
    def test_what_cannot_be_decided_is_refused_in_both_languages(
        self, criterion: dict[str, Any], task: str, said: str, ask: Any, answer: Any, judge: Any
    ) -> None:
        cases = ask(task, [1, 0], groups={"g": ["a", "b"]})
        with pytest.raises(ScenarioError) as caught:
            judge(cases, answer(cases), criterion)
        (fault,) = caught.value.faults
        assert said in fault.message.en and fault.message.zh != fault.message.en
        assert fault.path == "acceptance[0]"

    def test_relative_is_for_these_cases(self, ask: Any, answer: Any, judge: Any) -> None:
        cases = ask("regression", [0.0], groups={"g": ["a"]})
        asked = {"metric": "mae", "cap": 1.0, "at_most": 1.2, "worst_of": "g", "relative": True}
        with pytest.raises(ScenarioError, match="fault in the scenario"):
            judge(cases, answer(cases), asked, estimand="future cases")

    def test_refusals_of_a_sound_criterion_are_none(self, judge: Any) -> None:
        from pilotbase.scenario.schema import Criterion
        from pilotbase.trial.evaluators.auc import METRIC

        sound = Criterion(metric="auc", at_least=0.85)
        assert refusals(METRIC, sound, "detection", "these cases") == ()
