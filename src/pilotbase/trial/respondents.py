"""Which respondent a candidate is: a program, an endpoint, an agent, another tool's log."""

from __future__ import annotations

from pilotbase.kernel.errors import CandidateError
from pilotbase.kernel.text import Text
from pilotbase.scenario.schema import Candidate
from pilotbase.trial.asking import Asking
from pilotbase.trial.candidates.callable import launch_of
from pilotbase.trial.candidates.command import GONE
from pilotbase.trial.candidates.results import Results
from pilotbase.trial.program import Program
from pilotbase.trial.respondent import Remote, Respondent
from pilotbase.trial.versions import Versions


def respondent_of(asking: Asking, candidate: Candidate, versions: Versions) -> Respondent:
    """The candidate, ready to be opened.

    Raises:
        CandidateError, PluginError: it is none that can be asked case by case.
    """
    if candidate.cutoff is not None and candidate.cutoff.called_share is not None:
        raise _no_share(candidate)
    language = asking.cases.language
    if candidate.results is not None and language is not None:
        return Results(language.reported[candidate.results])
    if candidate.chat is None and candidate.infer is None and candidate.mcp is None:
        return _program(asking, candidate, versions)
    from pilotbase.trial.endpoints.build import endpoint_of

    return Remote(
        endpoint_of(
            candidate,
            folder=asking.folder,
            seed=asking.scenario.plan.seed,
            trust=asking.trust,
            refusals=language.refusals if language else (),
            classes=asking.cases.classes,
        )
    )


def _program(asking: Asking, candidate: Candidate, versions: Versions) -> Program:
    return Program(
        cases=asking.cases,
        versions=versions,
        launch=launch_of(
            candidate,
            asking.folder,
            asking.scenario.plan.budget.unit_seconds,
            trust=asking.trust,
        ),
        candidate=candidate.id,
        parameters=candidate.parameters,
        seed=asking.scenario.plan.seed,
        clock=asking.clock,
        limiter=asking.limiter,
        endings=asking.journal.endings(asking.question, candidate.id, GONE),
    )


def _no_share(candidate: Candidate) -> CandidateError:
    return CandidateError(
        "candidate.called_share",
        Text(
            "a share to call is chosen by the base for estimators only",
            "called_share 仅适用于由基地拟合的估计器",
        ),
        where=f"{candidate.id}.cutoff",
        next_step=Text(
            "Let the program answer label, or give cutoff.score.",
            "请由程序给出 label, 或写明 cutoff.score。",
        ),
    )
