"""Which respondent a candidate is: a program, an endpoint, an agent, another tool's log."""

from __future__ import annotations

from pilotbase.kernel.errors import CandidateError
from pilotbase.kernel.text import Text
from pilotbase.scenario.offer import Candidate
from pilotbase.trial.agents.episode import scene_of
from pilotbase.trial.agents.program import Dialogue
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
        program = _program(asking, candidate, versions)
        if asking.cases.task == "act":
            program.talk = Dialogue(scene_of(asking.scenario, candidate, asking.versions))
        return program
    from pilotbase.trial.endpoints.build import endpoint_of

    endpoint = endpoint_of(
        candidate,
        folder=asking.folder,
        seed=asking.scenario.plan.seed,
        trust=asking.trust,
        refusals=language.refusals if language else (),
        classes=asking.cases.classes,
    )
    if asking.cases.task != "act":
        return Remote(endpoint)
    from pilotbase.trial.agents.chat import ChatAgent
    from pilotbase.trial.endpoints.chat import ChatEndpoint

    if not isinstance(endpoint, ChatEndpoint):
        raise _no_agent(candidate)
    return ChatAgent(endpoint, scene_of(asking.scenario, candidate, asking.versions))


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


def _no_agent(candidate: Candidate) -> CandidateError:
    return CandidateError(
        "candidate.no_agent",
        Text("it cannot call tools turn by turn", "该方案无法逐轮调用工具"),
        where=candidate.id,
        next_step=Text(
            "An agent is a chat endpoint, a program, a callable or a plug-in.",
            "智能体须为 chat 端点、程序、callable 或插件。",
        ),
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
