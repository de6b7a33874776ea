"""The verdict of a trial as one document, recomputed from plan, scenario and integers alone.

Nothing here has seen a candidate or a row of data: whoever holds the three documents gets the same
bytes. The rules are in `pilotbase.assess.rules`, the readings in `pilotbase.trial.rules.reading`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pilotbase.assess.rules import (
    CONDITION,
    REASONS,
    REPORTED_CONDITION,
    REPORTED_REASON,
    SOME_TOOL,
    SYNTHETIC_CONDITION,
    SYNTHETIC_REASON,
    CandidateVerdict,
    Trust,
    Weighed,
    admitted,
    best_go,
    candidate_verdict,
    criterion_verdicts,
    go_log_evalue,
    graded,
    levels,
)
from pilotbase.assess.titles import criterion_title, direction, prefers_high
from pilotbase.kernel.text import Text
from pilotbase.trial.evidence import CriterionEvidence, evidence_from_json
from pilotbase.trial.plan import criteria_of, offers_of
from pilotbase.trial.rules.reading import CriterionReading, read_criterion

FORMAT = "pilotbase/verdict/1"
Document = Mapping[str, Any]


def judge(
    plan: Document,
    scenario: Document,
    evidence: Mapping[str, Document],
    *,
    plan_hash: str,
    witness: str,
) -> dict[str, Any]:
    """The verdict document of format ``pilotbase/verdict/1``.

    Args:
        plan: the frozen plan. scenario: the scenario file as data.
        evidence: by candidate, the evidence body as recorded, in the order of the plan.
        witness: how the verdict says who saw the plan before the start.
    """
    plan = {**plan, "criteria": criteria_of(plan)}
    parsed = {id_: parsed_criteria(body["criteria"]) for id_, body in evidence.items()}
    readings = {id_: read_all(plan, criteria) for id_, criteria in parsed.items()}
    weighed = {id_: [_weighed(r) for r in found] for id_, found in readings.items()}
    logs = [go_log_evalue(criteria) for criteria in weighed.values()]
    let_go = dict(zip(weighed, admitted(logs, plan["alpha"], plan["several"]), strict=True))
    offered = {c["id"]: c for c in offers_of(scenario)}
    candidates = []
    for id_, found in readings.items():
        verdicts = criterion_verdicts(weighed[id_], plan["alpha"], admitted=let_go[id_])
        agreeing = [
            _agreeing(criterion, reading, said, plan)
            for criterion, reading, said in zip(parsed[id_], found, verdicts, strict=True)
        ]
        candidates.append(_candidate(plan, offered[id_], agreeing, verdicts, evidence[id_]))
    return {
        "format": FORMAT,
        "scenario": plan["scenario_id"],
        "estimand": plan["estimand"],
        "plan": {"hash": plan_hash, "witness": witness},
        "candidates": candidates,
        "chosen": _chosen(plan, candidates),
    }


def parsed_criteria(criteria: Sequence[Document]) -> tuple[CriterionEvidence, ...]:
    """The criteria of an evidence body."""
    return evidence_from_json({**_EMPTY, "criteria": criteria}).criteria


def read_all(plan: Document, criteria: Sequence[CriterionEvidence]) -> list[CriterionReading]:
    """Each criterion's reading at its adjusted levels."""
    meets, fails = levels(plan["alpha"], len(plan["candidates"]), sum(c.blocking for c in criteria))
    return [_read(c, plan, meets, fails if c.blocking else plan["alpha"]) for c in criteria]


def _agreeing(
    criterion: CriterionEvidence, reading: CriterionReading, said: str, plan: Document
) -> CriterionReading:
    """The reading at the level at which a step-down procedure decided, so that interval and
    verdict agree; the reading itself where nothing was added to it."""
    if reading.verdict == said:
        return reading
    alpha, count = plan["alpha"], max(len(plan["candidates"]), len(plan["criteria"]) + 1)
    steps = {alpha / k for k in range(1, count + 1)}
    steps |= {alpha * k / count for k in range(1, count + 1)}
    again = (_read(criterion, plan, level, level) for level in sorted(steps))
    return next((found for found in again if found.verdict == said), reading)


_EMPTY = {
    "format": "pilotbase/evidence/1",
    "plan": "",
    "candidate": "",
    "estimand": "",
    "beside": {},
}


def _read(
    criterion: CriterionEvidence, plan: Document, meets: float, fails: float
) -> CriterionReading:
    return read_criterion(criterion, meets, plan["evidence"], alpha_fails=fails)


def _weighed(reading: CriterionReading) -> Weighed:
    return Weighed(reading.blocking, reading.verdict, reading.p_fails, reading.log_evalue_meets)


def _candidate(
    plan: Document,
    offered: Document,
    readings: Sequence[CriterionReading],
    verdicts: Sequence[Any],
    body: Document,
) -> dict[str, Any]:
    shown = [
        {**_shown(plan, reading), "verdict": said}
        for reading, said in zip(readings, verdicts, strict=True)
    ]
    trust = trust_of(plan, offered["id"])
    tool = _tool(plan)
    tried = candidate_verdict(verdicts, [r.blocking for r in readings])
    synthetic = plan.get("data", {}).get("synthetic")
    verdict = graded(tried, trust, synthetic=bool(synthetic))
    hanging = {"no-go": ("fails",), "insufficient": ("undecided",)}.get(
        verdict, ("fails", "undecided")
    )
    open_ = [c for c in shown if c["verdict"] in hanging]
    names = _listed([c["title"] for c in open_ if c["blocking"] or verdict == "conditional"])
    reason, conditions = _grounds(tried, verdict, trust, names, tool, synthetic)
    return {
        "id": offered["id"],
        "title": offered["title"] or {"en": offered["id"], "zh": offered["id"]},
        "provider": offered["provider"],
        "stand_in": offered["stand_in"],
        **({"acts_for": offered["acts_for"]} if offered["acts_for"] else {}),
        "verdict": verdict,
        "trust": trust,
        "reported_by": tool.as_dict() if trust == "reported" else None,
        "reason": reason.as_dict(),
        "condition": _joined(conditions),
        "claims": [_beside(claim, plan["criteria"], shown) for claim in offered["claims"]],
        "criteria": shown,
        "future": _future(plan, body.get("future")),
        **{name: body["beside"].get(name, []) for name in ("importance", "problems")},
        "beside": {
            name: value
            for name, value in body["beside"].items()
            if name not in ("importance", "problems")
        },
    }


def _grounds(
    tried: CandidateVerdict,
    verdict: CandidateVerdict,
    trust: Trust,
    names: Text,
    tool: Text,
    synthetic: Document | None,
) -> tuple[Text, list[Text]]:
    """Why a verdict is what it is, and what it hangs on."""
    reason = REASONS[tried].format(names=names)
    conditions = [CONDITION.format(names=names)] if tried == "conditional" else []
    if synthetic and verdict == "conditional":
        conditions.append(SYNTHETIC_CONDITION.format(**synthetic))
        reason = SYNTHETIC_REASON.format(**synthetic) if tried == "go" else reason
    if trust == "reported" and verdict == "conditional":
        conditions.append(REPORTED_CONDITION.format(tool=tool))
        reason = REPORTED_REASON.format(tool=tool) if tried == "go" else reason
    return reason, conditions


def trust_of(plan: Document, candidate: str) -> Trust:
    """The grade of trust of a candidate's evidence: tried by the base, or reported elsewhere."""
    said: Document = next((c for c in plan["candidates"] if c["id"] == candidate), {})
    return "reported" if said.get("trust") == "reported" else "tried"


def _tool(plan: Document) -> Text:
    said = plan.get("data", {}).get("reported_by")
    return Text(**said) if said else SOME_TOOL


def _joined(texts: Sequence[Text]) -> dict[str, str] | None:
    if not texts:
        return None
    return Text(" ".join(t.en for t in texts), "".join(t.zh for t in texts)).as_dict()


def _shown(plan: Document, reading: CriterionReading) -> dict[str, Any]:
    asked = plan["criteria"]
    criterion = asked[reading.criterion] if reading.criterion < len(asked) else None
    data = reading.as_dict()
    if criterion is not None and criterion["between"] is not None:
        data["threshold"] = criterion["between"]
    title = criterion_title(criterion, reading.metric)
    return {**data, "title": title.as_dict(), "direction": direction(criterion)}


def _future(plan: Document, body: Document | None) -> dict[str, Any] | None:
    """The reading on the hold-out beside the one that decides; it never changes the verdict."""
    if body is None:
        return None
    criteria = [
        _shown(plan, reading) for reading in read_all(plan, parsed_criteria(body["criteria"]))
    ]
    return {"estimand": body["estimand"], "criteria": criteria}


def _beside(
    claim: Document, asked: Sequence[Document], shown: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """What the provider said, beside what was measured of it (None: not asked for by the owner)."""
    same = [i for i, criterion in enumerate(asked) if _is_about(criterion, claim)]
    found = next((c for c in shown if c["criterion"] in same), None)
    return {
        "metric": claim["metric"],
        "by": claim["gap_by"] or claim["worst_of"] or claim["against"] or "",
        "value": claim["value"],
        "measured": found["estimate"] if found else None,
        "interval": found["interval"] if found else None,
    }


def _is_about(criterion: Document, claim: Document) -> bool:
    same = all(criterion[n] == claim[n] for n in ("metric", "gap_by", "worst_of", "against"))
    return same and criterion["under"] is None and criterion["ratio_by"] is None


def _chosen(plan: Document, candidates: Sequence[Mapping[str, Any]]) -> str | None:
    metric = plan["choose"] or plan["criteria"][0]["metric"]
    tried = [(c["id"], c["verdict"], _level(metric, c)) for c in candidates]
    return best_go(tried, higher_is_better=prefers_high(metric))


def _level(metric: str, candidate: Mapping[str, Any]) -> float | None:
    """The candidate's plain value of a metric: of a criterion that compares nothing, else the full
    estimate beside the evidence, else of whichever criterion has the metric."""
    of_metric = [c for c in candidate["criteria"] if c["metric"] == metric]
    plain = [c["estimate"] for c in of_metric if not c["by"]]
    full = candidate["beside"].get("estimates", {}).get("metrics", [])
    usual = [found["estimate"] for found in full if found["metric"] == metric]
    return next(iter([*plain, *usual, *(c["estimate"] for c in of_metric)]), None)


def _listed(titles: Sequence[Mapping[str, str]]) -> Text:
    return Text("; ".join(t["en"] for t in titles), "、".join(t["zh"] for t in titles))
