"""Errors of the whole way from answers to verdicts, by simulation with fixed seeds.

A share that has to be at most alpha may exceed it by three standard errors of the simulation.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pilotbase.trial.cases import OK, PENDING
from pilotbase.trial.rules.order import committed_order, order_seed
from pilotbase.trial.rules.reading import decided, read_criterion, read_part
from pilotbase.trial.rules.reading.bounds import Levels
from pilotbase.trial.rules.reading.part import standing_of

ALPHA = 0.1


def _at_most_alpha(errors: int, runs: int) -> bool:
    return errors / runs <= ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / runs)


def _verdict(evidence: Any, mode: Any = "sequential") -> str:
    """The verdict of a criterion of one part or of parts that all fail or meet, without bounds."""
    levels = Levels(ALPHA, ALPHA / len(evidence.parts))
    verdicts = [standing_of(part, levels, mode).verdict for part in evidence.parts]
    if "fails" in verdicts:
        return "fails"
    return "meets" if set(verdicts) == {"meets"} else "undecided"


def test_accuracy_of_these_cases_under_a_cap(ask: Any, answer: Any, judge: Any) -> None:
    """One right answer too few for *meets*; just enough, so that *fails* is wrong."""
    runs = 150
    cases = ask("detection", [1] * 150)
    for right, wrong_verdict in ((119, "meets"), (120, "fails")):
        said = answer(cases, label=[1] * right + [0] * (150 - right))
        errors = {"sequential": 0, "fixed": 0}
        for run in range(runs):
            seed = order_seed("sha256:test", str(run))
            order = committed_order(seed, cases.unit_ids)[:90]
            asked = {"metric": "accuracy", "at_least": 0.8}
            evidence = judge(cases, said, asked, order=order, receipt=str(run))
            for mode in errors:
                errors[mode] += _verdict(evidence, mode) == wrong_verdict
        assert all(_at_most_alpha(count, runs) for count in errors.values()), errors


def test_auc_of_these_cases_from_a_sample_of_pairs(ask: Any, answer: Any, judge: Any) -> None:
    runs = 150
    rng = np.random.default_rng(1)
    truth = np.repeat([1, 0], [20, 40])
    score = np.round(rng.normal(size=60) + truth, 1)
    pairs = score[:20, None] - score[None, 20:]
    auc = float(np.mean((pairs > 0) + 0.5 * (pairs == 0)))
    cases = ask("detection", truth)
    said = answer(cases, score=score)
    errors = {"meets": 0, "fails": 0}
    for run in range(runs):
        for bound, wrong in ((auc + 0.002, "meets"), (auc - 0.002, "fails")):
            asked = {"metric": "auc", "at_least": round(bound, 6)}
            evidence = judge(cases, said, asked, pairs_most=300, receipt=str(run))
            errors[wrong] += _verdict(evidence) == wrong
    assert all(_at_most_alpha(count, runs) for count in errors.values()), errors


def test_auc_of_future_cases(ask: Any, answer: Any, judge: Any) -> None:
    runs, errors = 150, 0
    rng = np.random.default_rng(2)
    auc = 0.5 * (1 + math.erf(0.5))  # P(N(1, 1) > N(0, 1)) = Phi(1 / sqrt 2)
    for _ in range(runs):
        truth = (rng.random(120) < 0.4).astype(int)
        score = rng.normal(size=120) + truth
        cases = ask("detection", truth)
        asked = {"metric": "auc", "at_least": round(auc, 6)}
        evidence = judge(cases, answer(cases, score=score), asked, estimand="future cases")
        errors += _verdict(evidence) != "undecided"
    assert errors / runs <= 2 * ALPHA + 3 * math.sqrt(2 * ALPHA * (1 - 2 * ALPHA) / runs)


def test_a_recall_gap_of_these_cases_under_a_cap(ask: Any, answer: Any, judge: Any) -> None:
    """True recalls 0.9 and 0.5: a gap of 0.4 neither exceeds 0.4 nor stays below 0.39."""
    runs = 25
    groups = ["a"] * 50 + ["b"] * 50
    cases = ask("detection", [1] * 100, groups={"g": groups})
    said = answer(cases, label=[1] * 45 + [0] * 5 + [1] * 25 + [0] * 25)
    wrong = {"meets": 0, "fails": 0}
    for run in range(runs):
        order = committed_order(order_seed("sha256:test", str(run)), cases.unit_ids)[:31]
        for bound, verdict in ((0.39, "meets"), (0.4, "fails")):
            asked = {"metric": "recall", "at_most": bound, "gap_by": "g"}
            evidence = judge(cases, said, asked, order=order, receipt=str(run))
            wrong[verdict] += _verdict(evidence) == verdict
    assert all(_at_most_alpha(count, runs) for count in wrong.values()), wrong


def test_precision_while_answers_are_pending(ask: Any, answer: Any, judge: Any) -> None:
    """The number of calls is unknown until the end: the test over all units stays valid."""
    runs, errors = 150, 0
    truth = [1] * 31 + [0] * 9 + [0] * 80
    cases = ask("detection", truth)
    for run in range(runs):
        said = answer(cases, label=[1] * 40 + [0] * 80)
        order = committed_order(order_seed("sha256:test", str(run)), cases.unit_ids)
        said.status[order[90:]] = PENDING
        asked = {"metric": "precision", "at_least": 0.8}
        errors += _verdict(judge(cases, said, asked, receipt=str(run))) == "meets"
    assert _at_most_alpha(errors, runs), errors


class TestSlowWrongAnswers:
    """A candidate whose wrong answers merely take twice as long must gain nothing by it."""

    N, RIGHT, BOUND = 300, 216, 0.75
    ASKED = {"metric": "accuracy", "at_least": 0.75}  # noqa: RUF012

    def _times(self, seed: int) -> tuple[Any, Any]:
        rng = np.random.default_rng(seed)
        label = np.repeat([1, 0], [self.RIGHT, self.N - self.RIGHT])
        return label, rng.uniform(1.0, 1.5, self.N) * np.where(label == 1, 1.0, 2.0)

    def test_the_committed_start_is_not_biased(self, ask: Any, answer: Any, judge: Any) -> None:
        cases = ask("detection", [1] * self.N)
        runs = 60
        fed_as_finished, committed = 0, 0
        for run in range(runs):
            label, done_at = self._times(run)
            said = answer(cases, label=label)
            said.status[:] = PENDING
            stopped = None
            for now in (1.2, 1.5, 2.0, 2.3, 2.6, 2.8):
                said.status[done_at <= now] = OK
                evidence = judge(cases, said, self.ASKED, receipt=str(run))
                if stopped is None and decided(evidence, ALPHA, "sequential"):
                    stopped = _verdict(evidence)
            committed += stopped == "meets"
            # The same test, fed in the order of completion.
            hasty = judge(
                cases, answer(cases, label=label), self.ASKED, order=np.argsort(done_at)[:250]
            )
            fed_as_finished += _verdict(hasty) == "meets"
        assert fed_as_finished > 0.9 * runs  # the trap is real ...
        assert _at_most_alpha(committed, runs)  # ... and is not walked into

    def test_at_any_moment_it_is_the_start_of_the_final_evidence(
        self, ask: Any, answer: Any, judge: Any
    ) -> None:
        cases = ask("detection", [1] * self.N)
        label, done_at = self._times(0)
        said = answer(cases, label=label)
        (final,) = judge(cases, said, self.ASKED).parts
        lengths = []
        for now in np.linspace(1.0, 3.0, 21):
            said.status[:] = np.where(done_at <= now, OK, PENDING)
            (part,) = judge(cases, said, self.ASKED).parts
            assert part.x == final.x[: len(part.x)]
            lengths.append(len(part.x))
        assert lengths == sorted(lengths) and lengths[0] == 0 and lengths[-1] == self.N

    def test_the_verdict_does_not_depend_on_when_one_looks(
        self, ask: Any, answer: Any, judge: Any
    ) -> None:
        """Once decided on a start, any longer start reads the same (short of the whole set)."""
        cases = ask("detection", [1] * self.N)
        said = answer(cases, label=np.ones(self.N, int))
        readings = set()
        order = committed_order(order_seed("sha256:test", None), cases.unit_ids)
        for n in (60, 61, 100, 150):
            (part,) = judge(cases, said, self.ASKED, order=order[:n]).parts
            readings.add(read_part(part, ALPHA, "sequential").units)
        assert len(readings) == 1


def test_a_cross_check_with_the_whole_set(ask: Any, answer: Any, judge: Any) -> None:
    """Whatever a start said, the whole set says the truth."""
    cases = ask("detection", [1] * 20)
    for right in range(21):
        said = answer(cases, label=[1] * right + [0] * (20 - right))
        evidence = judge(cases, said, {"metric": "accuracy", "at_least": 0.7})
        reading = read_criterion(evidence, ALPHA, "sequential")
        assert reading.verdict == ("meets" if right >= 14 else "fails")
