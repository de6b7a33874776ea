"""The plan: what is frozen, hashed and signed before anything runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from pilotbase.kernel.canonical import digest
from pilotbase.scenario.offer import Candidate
from pilotbase.scenario.schema import Criterion, Scenario
from pilotbase.scenario.section import Section
from pilotbase.trial.cases import Cases
from pilotbase.trial.people import RULE as RATINGS_RULE

FORMAT = "pilotbase/plan/1"
ORDER_RULE = (
    "units sorted by sha256(seed || 0x00 || unit id); seed from plan hash and receipt; "
    "folds, hold-out, perturbations and fits drawn from sha256(seed || 0x02)"
)


def plan_document(
    scenario: Scenario,
    *,
    source: Mapping[str, str],
    data_digest: str,
    documents: str | None = None,
    decisions: str = "",
    cases: Cases,
    holdout: Cases | None,
    sealed: Mapping[str, Any] | None = None,
    reported_by: Mapping[str, str] | None = None,
    synthetic: Mapping[str, int] | None = None,
    code: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
    findings: Sequence[Mapping[str, Any]],
    odds: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """The plan as canonical JSON data; the same scenario on the same data gives the same bytes.

    Args:
        source: where the data come from, ``{"en", "zh"}``.
        data_digest: sha256 of the prepared table.
        documents: sha256 of the table of passages that may be cited.
        decisions: sha256 of the table of decisions; empty where there is none.
        reported_by: the tool whose log the data are, ``{"en", "zh"}``.
        synthetic: how many of the loaded rows are synthetic, ``{"rows", "of"}``.
        sealed: the sealed test set that the data are, and how often it may be exposed.
        code: by candidate, what its program consists of (`candidates.code`).
        findings: what the leak check found, each with the owner's answer.
        odds: one table per criterion.
    """
    plan = scenario.plan
    return {
        "format": FORMAT,
        "scenario_id": scenario.id,
        "scenario": digest(written(scenario)),
        "estimand": scenario.estimand,
        "task": scenario.task,
        "data": {
            "digest": data_digest,
            "rows": int(cases.scored.sum()),
            "units": len(set(cases.unit[cases.scored].tolist())),
            "holdout": len(set(holdout.unit[holdout.scored].tolist())) if holdout else 0,
            "source": dict(source),
            **({"documents": documents} if documents else {}),
            **({"decisions": decisions} if decisions else {}),
            **({"sealed": dict(sealed)} if sealed else {}),
            **({"reported_by": dict(reported_by)} if reported_by else {}),
            **({"synthetic": dict(synthetic)} if synthetic else {}),
        },
        "order": {"rule": ORDER_RULE, "receipt": _receipt(plan.witness)},
        "alpha": plan.alpha,
        "evidence": plan.evidence,
        "cap": plan.cap,
        "seed": plan.seed,
        "several": plan.several,
        "choose": plan.choose,
        "budget": written(plan.budget),
        "barred": list(scenario.barred),
        "criteria": [written(c) for c in scenario.acceptance],
        "candidates": [_offer(c) for c in scenario.candidates],
        **({"code": {name: dict(files) for name, files in code.items()}} if code else {}),
        **_ratings(scenario),
        "leaks": [dict(finding) for finding in findings],
        "odds": [dict(table) for table in odds],
    }


def written(section: Section) -> dict[str, Any]:
    """A section as its writer has written it: without words that have their default value.

    A word that a later version adds to the grammar thus leaves the hash of an older file's plan,
    and all that is drawn from it, as it was.
    """
    said: dict[str, Any] = section.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return said


def criteria_of(plan: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The criteria of a plan with all their words, those that have their default value too."""
    whole = [Criterion.model_validate(criterion) for criterion in plan["criteria"]]
    return [criterion.model_dump(mode="json", by_alias=True) for criterion in whole]


def _offer(candidate: Candidate) -> dict[str, str]:
    """A candidate's name and digest, for whom it acts, and the grade of trust where it is not tried
    by the base."""
    said = {"id": candidate.id, "digest": digest(written(candidate))}
    if candidate.acts_for is not None:
        said["acts_for"] = candidate.acts_for
    return {**said, "trust": "reported"} if candidate.results is not None else said


def _ratings(scenario: Scenario) -> dict[str, Any]:
    """How people's ratings count, where the plan asks for any."""
    asks = any(c.rubric is not None for c in scenario.acceptance)
    return {"ratings": {"rule": RATINGS_RULE}} if asks else {}


def offers_of(scenario: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The candidates of a recorded scenario with all their words."""
    whole = [Candidate.model_validate(offer) for offer in scenario["candidates"]]
    return [offer.model_dump(mode="json", by_alias=True) for offer in whole]


def scenario_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """A recorded scenario with all its words, those that have their default value too."""
    whole = Scenario.model_validate(document)
    return whole.model_dump(mode="json", by_alias=True)


def _receipt(witness: str | None) -> dict[str, str]:
    return {"kind": "witness", "key": witness} if witness else {"kind": "none"}
