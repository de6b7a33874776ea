"""The verdict document from documents alone: sequential, conditional, insufficient, several."""

from __future__ import annotations

import math
from typing import Any

import pytest
from scipy import integrate

from pilotbase.assess.judge import judge
from pilotbase.kernel.canonical import decode, encode
from pilotbase.trial.evidence import CriterionEvidence, Evidence, Part, evidence_to_json

CRITERION: dict[str, Any] = {
    "metric": "recall", "at_least": 0.8, "at_most": None, "between": None, "blocking": True,
    "gap_by": None, "ratio_by": None, "worst_of": None, "against": None, "under": None,
    "title": None,
}  # fmt: skip


def evidence(hits: int, n: int, *, second: tuple[int, int] | None = None) -> dict[str, Any]:
    """Hits first: an order in which the meets process grows from the start."""

    def criterion(index: int, hits: int, n: int, blocking: bool) -> CriterionEvidence:
        values = tuple([1] * hits + [0] * (n - hits))
        part = Part("pass_fail", True, values, threshold=0.8, resolution=1)
        return CriterionEvidence(index, "quality", "recall", "", blocking, (part,))

    criteria = [criterion(0, hits, n, True)]
    if second is not None:
        criteria.append(criterion(1, *second, False))
    body = evidence_to_json(Evidence("", "c", "future cases", tuple(criteria)))
    found: dict[str, Any] = decode(encode({**body, "future": None}))
    return found


def verdict(bodies: dict[str, dict[str, Any]], **plan: Any) -> dict[str, Any]:
    count = max(len(body["criteria"]) for body in bodies.values())
    frozen = {
        "scenario_id": "s", "estimand": "future cases", "alpha": 0.05, "evidence": "sequential",
        "several": "e-holm", "choose": None, "criteria": [CRITERION] * count,
        "candidates": [{"id": id_} for id_ in bodies], **plan,
    }  # fmt: skip
    offered = [
        {"id": id_, "title": None, "provider": None, "stand_in": False,
         "claims": [{"metric": "recall", "value": 0.95, "gap_by": None, "worst_of": None,
                     "against": None}]}
        for id_ in bodies
    ]  # fmt: skip
    return judge(frozen, {"candidates": offered}, bodies, plan_hash="sha256:0", witness="w")


def log_evalue(successes: int, n: int, tau: float) -> float:
    """The mixture over (tau, 1) against tau by numerical integration; nothing of ours is used."""

    def ratio(p: float) -> float:
        return (p / tau) ** successes * ((1 - p) / (1 - tau)) ** (n - successes)

    value, _ = integrate.quad(ratio, tau, 1, epsabs=0, epsrel=1e-10)
    return math.log(value / (1 - tau))


def test_a_sequential_go_is_the_first_crossing_of_the_mixture() -> None:
    found = verdict({"a": evidence(60, 60)})["candidates"][0]["criteria"][0]
    first = next(n for n in range(1, 61) if log_evalue(n, n, 0.8) >= math.log(20))
    assert found["verdict"] == "meets" and found["decided_at"] == found["units"] == first
    assert found["log_evalue_meets"] == pytest.approx(log_evalue(first, first, 0.8), abs=2e-6)
    assert found["interval"][0] > 0.8


def test_several_candidates_need_more_units() -> None:
    alone = verdict({"a": evidence(60, 60)})["candidates"][0]["criteria"][0]["units"]
    both = verdict({"a": evidence(60, 60), "b": evidence(60, 60)})["candidates"]
    assert [c["verdict"] for c in both] == ["go", "go"]
    assert both[0]["criteria"][0]["units"] > alone


def test_too_few_units_are_insufficient_and_say_how_many_more() -> None:
    found = verdict({"a": evidence(10, 10)})
    assert found["candidates"][0]["verdict"] == "insufficient" and found["chosen"] is None
    criterion = found["candidates"][0]["criteria"][0]
    further = criterion["further"]
    assert log_evalue(10 + further, 10 + further, 0.8) >= math.log(20)
    assert log_evalue(9 + further, 9 + further, 0.8) < math.log(20)


def test_a_bad_candidate_is_a_no_go() -> None:
    found = verdict({"a": evidence(0, 40)})["candidates"][0]
    assert found["verdict"] == "no-go" and "Recall" in found["reason"]["en"]
    assert "召回率" in found["reason"]["zh"]


def test_an_open_criterion_that_does_not_block_becomes_a_condition() -> None:
    found = verdict({"a": evidence(60, 60, second=(4, 5))})["candidates"][0]
    assert found["verdict"] == "conditional"
    assert "panel" in found["condition"]["en"] and "评审组" in found["condition"]["zh"]


def test_a_claim_stands_beside_what_was_measured() -> None:
    claim = verdict({"a": evidence(45, 50)})["candidates"][0]["claims"][0]
    assert claim["value"] == 0.95 and claim["measured"] is not None
    assert claim["interval"][0] <= claim["measured"] <= claim["interval"][1]


def test_an_answer_that_a_step_down_adds_agrees_with_its_picture() -> None:
    # Twenty of twenty reach 1/alpha but not 2/alpha; e-Holm lets both candidates go.
    found = verdict({"a": evidence(20, 20), "b": evidence(20, 20)})["candidates"]
    assert log_evalue(20, 20, 0.8) < math.log(40)
    for candidate in found:
        criterion = candidate["criteria"][0]
        assert candidate["verdict"] == "go" and criterion["verdict"] == "meets"
        assert criterion["interval"][0] > 0.8 and criterion["decided_at"] <= 20
        assert criterion["reason"] is None and criterion["parts"][0]["verdict"] == "meets"


def test_one_look_uses_exact_tests() -> None:
    found = verdict({"a": evidence(50, 50)}, evidence="fixed")["candidates"][0]["criteria"][0]
    assert found["p_meets"] == pytest.approx(0.8**50, rel=1e-6)


def test_the_same_documents_give_the_same_bytes() -> None:
    bodies = {"a": evidence(60, 60), "b": evidence(0, 40)}
    assert encode(verdict(bodies)) == encode(verdict(bodies))
