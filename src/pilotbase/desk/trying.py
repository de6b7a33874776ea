"""Every candidate tried and its answers turned into integers; no record, no verdict.

The same for an official run and for a rehearsal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pilotbase.assess.rules import levels
from pilotbase.desk.audits import asks_people, audit_of, open_marks, people_of
from pilotbase.desk.examples import examples_of
from pilotbase.desk.prepare import Prepared
from pilotbase.desk.ratings import Rating, means
from pilotbase.desk.sealed import asked_order, masked, unquoted
from pilotbase.kernel.plugins import load
from pilotbase.kernel.verb import Context
from pilotbase.scenario.offer import Candidate
from pilotbase.scenario.schema import Criterion, Estimand, Scenario, Under
from pilotbase.trial.agents.summary import acting_of
from pilotbase.trial.baselines import baseline_predictions
from pilotbase.trial.candidates.boxes import enforced
from pilotbase.trial.cases import FAULT, OUTAGE, Cases, Ints, Predictions
from pilotbase.trial.estimates import estimates_of
from pilotbase.trial.evaluators.metric import Metric
from pilotbase.trial.evidence import CriterionEvidence, Evidence, evidence_to_json
from pilotbase.trial.importance import importance_of
from pilotbase.trial.integrity import barred_evidence
from pilotbase.trial.journal import Journal
from pilotbase.trial.people import People
from pilotbase.trial.question import cases_of, holdout_of
from pilotbase.trial.rules.claims import evidence_of, refusals
from pilotbase.trial.rules.order import committed_order, drawn_seed
from pilotbase.trial.rules.reading import Levels, decided
from pilotbase.trial.run import Answered, answer_all, asked_as

THESE: Estimand = "these cases"
FUTURE: Estimand = "future cases"
PROBLEMS_MAX = 20


@dataclass(frozen=True)
class Tried:
    """What a trial leaves: by candidate the evidence body, and how many answers were missing.

    Attributes:
        people: what people are to rate, where a criterion asks them.
        waiting: the items without whose marks some criterion is not decided.
    """

    evidence: Mapping[str, Mapping[str, Any]]
    faults: Mapping[str, int]
    outages: Mapping[str, int]
    people: People | None = None
    waiting: Sequence[str] = ()


@dataclass(frozen=True)
class Question:
    """One set of cases in its committed order, under one estimand.

    ``order`` holds the units that the plan's cap admits, in committed order.
    """

    cases: Cases
    estimand: Estimand
    seed: bytes
    order: Ints

    @classmethod
    def of(cls, cases: Cases, scenario: Scenario, estimand: Estimand, seed: bytes) -> Question:
        scored = np.unique(cases.unit[cases.scored])
        order = committed_order(seed, cases.unit_ids)
        planned = order[np.isin(order, scored)][: scenario.plan.cap]
        return cls(cases, estimand, seed, planned)


@dataclass(frozen=True)
class Drawing:
    """What is drawn once plan and receipt are fixed: folds, hold-out and order.

    Attributes:
        scenario: the scenario with the drawn seed in place of the one in the file.
        deciding: the question that decides.
        beside: the one on the hold-out that is only read, if there is one.
    """

    scenario: Scenario
    deciding: Question
    beside: Question | None


def draw(prepared: Prepared, seed: bytes) -> Drawing:
    """Folds, hold-out and order from ``order_seed``; the file's seed only feeds the plan's hash."""
    plan = prepared.scenario.plan.model_copy(update={"seed": drawn_seed(seed)})
    scenario = prepared.scenario.model_copy(update={"plan": plan})
    table = prepared.table
    with unquoted(table.sealed is not None):
        cases = masked(cases_of(scenario, table, prepared.documents), table.sealed, seed)
    holdout = holdout_of(cases, scenario)
    if scenario.estimand == FUTURE:
        return Drawing(scenario, Question.of(holdout or cases, scenario, FUTURE, seed), None)
    beside = Question.of(holdout, scenario, FUTURE, seed) if holdout is not None else None
    return Drawing(scenario, Question.of(cases, scenario, THESE, seed), beside)


def order_of(drawing: Drawing) -> dict[str, Any]:
    """Unit ids and readable names of the deciding question in committed order, and its digest."""
    question = drawing.deciding
    cases = question.cases
    first = {int(unit): row for row, unit in reversed(list(enumerate(cases.unit)))}
    return {
        "cases": cases.digest,
        "units": [cases.unit_ids[u] for u in question.order],
        "names": [cases.names[first[int(u)]] for u in question.order],
    }


def try_candidates(
    prepared: Prepared,
    drawing: Drawing,
    folder: Path,
    context: Context,
    *,
    trust: bool,
    ratings: Sequence[Rating] = (),
) -> Tried:
    """Ask every candidate every question; finished answers are kept in ``folder``.

    Args:
        ratings: what people have said of answers so far.

    Raises:
        CandidateError, PluginError, BudgetError: nothing has been asked.
        HomeError: answers cannot be kept; the same call goes on from there.
    """
    scenario, deciding, beside = drawing.scenario, drawing.deciding, drawing.beside
    journal = Journal(folder / f"{prepared.run}.db", prepared.plan_hash)
    people = People(deciding.seed, means(ratings))
    try:
        asked = _ask(prepared, drawing, deciding, journal, context, trust=trust, people=people)
        also = _ask(prepared, drawing, beside, journal, context, trust=trust) if beside else {}
        acted = _acted(drawing, journal, asked) if scenario.task == "act" else {}
        said = _said(prepared, drawing, journal)
    finally:
        journal.close()
    bodies, faults, outages = {}, {}, {}
    for candidate in scenario.candidates:
        answered = asked[candidate.id]
        body = _body(prepared, deciding, candidate, answered, ratings)
        future = None
        if beside is not None:
            future = evidence_to_json(
                _evidence(prepared, beside, candidate, also[candidate.id], integrity=False)
            )
        if said.get(candidate.id):
            body["beside"]["examples"] = said[candidate.id]
        if candidate.id in acted:
            body["beside"]["acting"] = acted[candidate.id]
        bodies[candidate.id] = {**body, "future": future}
        status = answered.predictions.status[deciding.cases.scored]
        faults[candidate.id] = int((status == FAULT).sum())
        outages[candidate.id] = int((status == OUTAGE).sum())
    if not any(map(asks_people, scenario.acceptance)):
        return Tried(bodies, faults, outages)
    waiting = people.waiting(_undecided(prepared, deciding, asked))
    return Tried(bodies, faults, outages, people, waiting)


def _said(
    prepared: Prepared, drawing: Drawing, journal: Journal
) -> dict[str, list[dict[str, Any]]]:
    """By candidate, the first answers in words; none of a sealed set, which is never quoted."""
    scenario, question = drawing.scenario, drawing.deciding
    if scenario.task != "answer" or prepared.table.sealed is not None:
        return {}
    name = asked_as(
        question.cases, scenario, question.order, under=perturbations(scenario),
        importance=question.estimand == scenario.estimand,
    )  # fmt: skip
    return {
        candidate.id: examples_of(journal, name, candidate.id, question.cases, question.order)
        for candidate in scenario.candidates
        if candidate.results is None
    }


def _acted(
    drawing: Drawing, journal: Journal, asked: Mapping[str, Answered]
) -> dict[str, dict[str, Any]]:
    """What each agent did: steps, approvals, ends."""
    scenario, question = drawing.scenario, drawing.deciding
    name = asked_as(
        question.cases, scenario, question.order, under=perturbations(scenario),
        importance=question.estimand == scenario.estimand,
    )  # fmt: skip
    return {
        candidate.id: acting_of(journal, name, candidate, asked[candidate.id].predictions)
        for candidate in scenario.candidates
        if candidate.results is None
    }


def _undecided(
    prepared: Prepared, question: Question, asked: Mapping[str, Answered]
) -> set[tuple[str, str]]:
    """People's marks that some criterion still hangs on."""
    scenario = prepared.scenario
    decided_ = {
        (candidate.id, index): _is_decided(prepared, question, asked[candidate.id], index)
        for candidate in scenario.candidates
        for index, criterion in enumerate(scenario.acceptance)
        if asks_people(criterion)
    }
    return set(open_marks(scenario, decided_))


def _ask(
    prepared: Prepared,
    drawing: Drawing,
    question: Question,
    journal: Journal,
    context: Context,
    *,
    trust: bool,
    people: People | None = None,
) -> dict[str, Answered]:
    scenario = drawing.scenario
    deciding = question.estimand == scenario.estimand
    kept = prepared.table.sealed
    # All of a sealed set is asked: stopping early would tell in which order it was.
    stops = scenario.plan.evidence == "sequential" and kept is None

    def enough(candidate: str, answered: Answered) -> bool:
        offered = next(c for c in scenario.candidates if c.id == candidate)
        return _decided(prepared, question, offered, answered)

    return answer_all(
        question.cases,
        scenario,
        question.order if kept is None else asked_order(question.order, kept, question.seed),
        journal=journal,
        context=context,
        under=perturbations(scenario),
        decided=enough if stops else None,
        importance=deciding,
        trust=trust,
        folder=prepared.file.folder,
        people=people,
    )


def perturbations(scenario: Scenario) -> tuple[Under, ...]:
    """The perturbations that criteria ask for, each once, in the order of the file."""
    asked = [c.under for c in scenario.acceptance if c.under is not None]
    return tuple(dict.fromkeys(asked))


def _decided(
    prepared: Prepared, question: Question, candidate: Candidate, answered: Answered
) -> bool:
    return all(
        _is_decided(prepared, question, answered, index)
        for index in range(len(prepared.scenario.acceptance))
    )


def _is_decided(prepared: Prepared, question: Question, answered: Answered, index: int) -> bool:
    scenario = prepared.scenario
    criterion = scenario.acceptance[index]
    found = _levels(scenario, criterion)
    evidence = _criterion(index, criterion, question, scenario, answered)
    return decided(evidence, found.meets, scenario.plan.evidence, alpha_fails=found.fails)


def _levels(scenario: Scenario, criterion: Criterion) -> Levels:
    """The levels at which a criterion is read."""
    blocking = sum(c.blocking for c in scenario.acceptance) + bool(scenario.barred)
    meets, fails = levels(scenario.plan.alpha, len(scenario.candidates), blocking)
    return Levels(meets, fails if criterion.blocking else scenario.plan.alpha)


def _body(
    prepared: Prepared,
    question: Question,
    candidate: Candidate,
    answered: Answered,
    ratings: Sequence[Rating],
) -> dict[str, Any]:
    evidence = _evidence(prepared, question, candidate, answered, integrity=True)
    beside = {
        "importance": importance_of(answered.drops),
        "problems": _problems(question.cases, answered.predictions),
        "warnings": sorted(answered.warnings)[:PROBLEMS_MAX],
        "cut": answered.cut,
        "estimates": estimates_of(question.cases, answered.predictions),
    }
    if candidate.results is not None:
        by = prepared.table.reported_by
        beside["trust"] = {"grade": "reported", "by": by.as_dict() if by else None}
    if candidate.sandbox is not None:
        beside["sandbox"] = enforced(candidate, prepared.file.folder)
    if any(map(asks_people, prepared.scenario.acceptance)):
        beside["audits"] = _audits(prepared.scenario, question, answered, evidence)
        beside["people"] = people_of(ratings, drawn_seed(question.seed))
    return {**evidence_to_json(evidence), "beside": beside}


def _audits(
    scenario: Scenario, question: Question, answered: Answered, evidence: Evidence
) -> list[dict[str, Any]]:
    """What judges and people did, by criterion that asks them."""
    found = []
    for index, criterion in enumerate(scenario.acceptance):
        if asks_people(criterion):
            under = dict(zip(perturbations(scenario), answered.under, strict=True))
            read = under[criterion.under] if criterion.under else answered.predictions
            several = Levels(*_per_part(_levels(scenario, criterion), evidence.criteria[index]))
            found.append(
                audit_of(
                    index,
                    evidence.criteria[index],
                    scenario,
                    question.cases,
                    read,
                    question.order,
                    question.seed,
                    several,
                )
            )
    return found


def _per_part(found: Levels, evidence: CriterionEvidence) -> tuple[float, float]:
    return found.meets, found.fails / max(1, len(evidence.parts))


def _evidence(
    prepared: Prepared,
    question: Question,
    candidate: Candidate,
    answered: Answered,
    *,
    integrity: bool,
) -> Evidence:
    scenario = prepared.scenario
    criteria = [
        _criterion(index, criterion, question, scenario, answered)
        for index, criterion in enumerate(scenario.acceptance)
        if integrity
        or not (asks_people(criterion) or refused(criterion, scenario, question.estimand))
    ]
    barred = barred_evidence(scenario, candidate) if integrity else None
    if barred is not None:
        criteria.append(barred)
    return Evidence(prepared.plan_hash, candidate.id, question.estimand, tuple(criteria))


def refused(criterion: Criterion, scenario: Scenario, estimand: Estimand) -> bool:
    """Whether a criterion has no meaning under an estimand (a share of a set that has no end)."""
    metric: Metric = load("pilotbase.evaluators", criterion.metric)
    return bool(refusals(metric, criterion, scenario.task, estimand))


def _criterion(
    index: int,
    criterion: Criterion,
    question: Question,
    scenario: Scenario,
    answered: Answered,
) -> CriterionEvidence:
    metric: Metric = load("pilotbase.evaluators", criterion.metric)
    versions = dict(zip(perturbations(scenario), answered.under, strict=True))
    cases = question.cases
    return evidence_of(
        cases,
        answered.predictions,
        criterion,
        index,
        question.order,
        question.seed,
        metric=metric,
        estimand=question.estimand,
        baseline=baseline_predictions(cases, criterion.against) if criterion.against else None,
        perturbed=versions[criterion.under] if criterion.under else None,
    )


def _problems(cases: Cases, predictions: Predictions) -> list[dict[str, str]]:
    """The first few faults in words, by case."""
    said = sorted(predictions.problems)[:PROBLEMS_MAX]
    return [{"case": cases.names[row], "what": what} for row, what in said]
