"""The plan: what is frozen, hashed and signed before anything runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pilotbase.kernel.canonical import digest
from pilotbase.scenario.schema import Scenario
from pilotbase.trial.cases import Cases

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
    cases: Cases,
    holdout: Cases | None,
    findings: Sequence[Mapping[str, Any]],
    odds: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """The plan as canonical JSON data; the same scenario on the same data gives the same bytes.

    Args:
        source: where the data come from, ``{"en", "zh"}``.
        data_digest: sha256 of the prepared table.
        documents: sha256 of the table of passages that may be cited.
        findings: what the leak check found, each with the owner's answer.
        odds: one table per criterion.
    """
    plan = scenario.plan
    return {
        "format": FORMAT,
        "scenario_id": scenario.id,
        "scenario": digest(scenario.model_dump(mode="json", by_alias=True)),
        "estimand": scenario.estimand,
        "task": scenario.task,
        "data": {
            "digest": data_digest,
            "rows": int(cases.scored.sum()),
            "units": len(set(cases.unit[cases.scored].tolist())),
            "holdout": len(set(holdout.unit[holdout.scored].tolist())) if holdout else 0,
            "source": dict(source),
            **({"documents": documents} if documents else {}),
        },
        "order": {"rule": ORDER_RULE, "receipt": _receipt(plan.witness)},
        "alpha": plan.alpha,
        "evidence": plan.evidence,
        "cap": plan.cap,
        "seed": plan.seed,
        "several": plan.several,
        "choose": plan.choose,
        "budget": plan.budget.model_dump(mode="json"),
        "barred": list(scenario.barred),
        "criteria": [c.model_dump(mode="json", by_alias=True) for c in scenario.acceptance],
        "candidates": [
            {"id": c.id, "digest": digest(c.model_dump(mode="json", by_alias=True))}
            for c in scenario.candidates
        ],
        "leaks": [dict(finding) for finding in findings],
        "odds": [dict(table) for table in odds],
    }


def _receipt(witness: str | None) -> dict[str, str]:
    return {"kind": "witness", "key": witness} if witness else {"kind": "none"}
