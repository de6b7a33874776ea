"""A verdict as an in-toto attestation: Statement v1 with the predicate test-result v0.1.

Source: in-toto/attestation, spec/v1/statement.md and spec/predicates/test-result.md. The subject is
the candidate as the plan names it, the configuration the plan. A verdict that is no *go* never
reads PASSED: *conditional* is WARNED; *no-go* and *insufficient* are FAILED, because a policy that
asks whether all was shown to be met has to get no for an answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pilotbase.kernel.canonical import encode

STATEMENT = "https://in-toto.io/Statement/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
PAYLOAD = "application/vnd.in-toto+json"
RESULTS = {"go": "PASSED", "conditional": "WARNED", "no-go": "FAILED", "insufficient": "FAILED"}
LISTS = {"meets": "passedTests", "undecided": "warnedTests", "fails": "failedTests"}


def statement(dossier: Mapping[str, Any], candidate: str) -> bytes:
    """The statement on one candidate as canonical JSON.

    Args:
        dossier: the format ``pilotbase/report/1``.

    Raises:
        KeyError: no such candidate.
    """
    plan, verdict = dossier["plan"], dossier["verdict"]
    said = {c["id"]: c for c in verdict["candidates"]}[candidate]
    offered = {c["id"]: c for c in plan["candidates"]}[candidate]
    tests: dict[str, list[str]] = {
        name: [] for name in ("passedTests", "warnedTests", "failedTests")
    }
    for criterion in said["criteria"]:
        tests[LISTS[criterion["verdict"]]].append(test_name(criterion))
    return encode(
        {
            "_type": STATEMENT,
            "subject": [
                {
                    "name": candidate,
                    "digest": _sha256(offered["digest"]),
                    "annotations": _about(said),
                }
            ],
            "predicateType": TEST_RESULT,
            "predicate": {
                "result": RESULTS[said["verdict"]],
                "configuration": _configuration(dossier),
                **tests,
            },
        }
    )


def test_name(criterion: Mapping[str, Any]) -> str:
    """A criterion as the name of a test: number, metric, what it is compared by, and the bound."""
    by = f" by {criterion['by']}" if criterion["by"] else ""
    bound = criterion["threshold"]
    shown = " to ".join(map(str, bound)) if isinstance(bound, Sequence) else str(bound)
    return f"{criterion['criterion']}: {criterion['metric']}{by} {criterion['direction']} {shown}"


def _about(said: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "verdict": said["verdict"],
        "trust": said.get("trust", "tried"),
        "reportedBy": (said.get("reported_by") or {}).get("en"),
        "standIn": said["stand_in"],
        "condition": (said["condition"] or {}).get("en"),
    }


def _configuration(dossier: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The plan, and where in the record it stands."""
    plan, record = dossier["plan"], dossier["record"]
    recorded = {
        "run": dossier["run"],
        "estimand": plan["estimand"],
        "witness": dossier["witness"],
        "at": dossier["at"],
        "recordSize": record["size"],
        "recordRoot": record["root"],
        "key": record["vkey"],
    }
    return [
        {"name": "plan", "digest": _sha256(dossier["plan_hash"]), "annotations": recorded},
        {"name": "scenario", "digest": _sha256(plan["scenario"])},
        {"name": "data", "digest": _sha256(plan["data"]["digest"])},
    ]


def _sha256(digest: str) -> dict[str, str]:
    return {"sha256": digest.removeprefix("sha256:")}
