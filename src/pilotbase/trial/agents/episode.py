"""One case being acted in: each call checked, approved where a person has to, and written down.

Calls that cannot be carried out are told to the agent and count as its steps, so that it may mend
them and cannot go on for ever. The end by the budget of steps is an end like any other: what the
environment's checkers find then is the outcome.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pilotbase.scenario.offer import Candidate
from pilotbase.scenario.schema import Scenario
from pilotbase.trial.agents.environment import (
    ASK,
    CHECKS_MAX,
    Environment,
    Opening,
    Tool,
    ToolFault,
    environment_named,
)
from pilotbase.trial.candidates.answer import reason_of, short
from pilotbase.trial.endpoints.port import Case
from pilotbase.trial.respondent import Outage
from pilotbase.trial.rules.json_form import valid, within_limits
from pilotbase.trial.versions import Versions

ARGUMENTS_CHARACTERS_MAX = 20_000
OBSERVED_CHARACTERS_MAX = 20_000
KEPT_CHARACTERS_MAX = 2_000
"""Of the arguments and of the observation, as they stand in the trajectory."""
NOT_ASKED = "it needs the approval of a person, which was not asked for"
REFUSED = "the approval was refused"


@dataclass(frozen=True, slots=True)
class Observed:
    """What an agent is told after a call: what came back, or why it was not carried out."""

    value: Any = None
    fault: str = ""

    @property
    def fields(self) -> dict[str, Any]:
        return {"fault": self.fault} if self.fault else {"value": self.value}

    @property
    def text(self) -> str:
        """As a model reads it."""
        return json.dumps({"fault": self.fault} if self.fault else self.value, ensure_ascii=False)


@dataclass(frozen=True)
class Scene:
    """What all cases of one candidate have in common.

    Attributes:
        steps_max: tool calls in one case, refused ones included.
        acts_for: the named person or body who answers for the agent and is asked for approval;
            simulated by the environment's policy.
        versions: where the environment sees all features of a case, also those that the candidate
            does without.
    """

    environment: Environment
    steps_max: int
    acts_for: str
    versions: Versions | None = None

    def begin(self, case: Case) -> Episode:
        """Raises Outage when the environment cannot set the case up."""
        question = case.question
        if question is None:
            raise ValueError("an agent is asked in words")
        whole = self.versions.case(case.row, 0).features if self.versions else question.columns
        opening = Opening(question.text, whole, question.expected, question.language)
        try:
            return Episode(self, opening, self.environment.begin(copy.deepcopy(opening)))
        except Exception as error:
            raise Outage(f"environment: {reason_of(error)}") from error

    def tools(self, language: str) -> list[dict[str, Any]]:
        """All tools as they are offered: ``name``, ``description``, ``arguments``, ``approval``."""
        offered = [
            {
                "name": tool.name,
                "description": _described(tool, language),
                "arguments": dict(tool.arguments),
                "approval": tool.approval,
            }
            for tool in self.environment.tools
        ]
        asking = self.asking(language)
        return [*offered, asking] if asking else offered

    def asking(self, language: str) -> dict[str, Any] | None:
        guarded = [tool.name for tool in self.environment.tools if tool.approval]
        if not guarded:
            return None
        who = self.acts_for
        said = {
            "en": f"Ask {who}, for whom you act, to approve one call of a tool that needs it.",
            "zh": f"就一次须经批准的工具调用, 请示您所代表的 {who}。",
        }
        form = {
            "type": "object",
            "properties": {
                "tool": {"type": "string", "enum": guarded},
                "arguments": {"type": "object"},
                "reason": {"type": "string"},
            },
            "required": ["tool", "arguments", "reason"],
            "additionalProperties": False,
        }
        description = said["zh" if language == "zh" else "en"]
        return {"name": ASK, "description": description, "arguments": form, "approval": False}


def scene_of(scenario: Scenario, candidate: Candidate, versions: Versions) -> Scene:
    """Where a candidate acts.

    Args:
        versions: of the question as it is, before a candidate leaves columns out.

    Raises:
        PluginError: the scenario's environment is not installed, or cannot be used.
    """
    environment = environment_named(scenario.environment or "")
    return Scene(environment, scenario.plan.budget.steps, candidate.acts_for or "", versions)


@dataclass
class Episode:
    """A case on its way: the state, and the steps so far."""

    scene: Scene
    opening: Opening
    state: Any
    steps: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[str, bool] = field(default_factory=dict)
    """Granted or refused, by the act that was asked about. A grant is good for one call."""
    asked: dict[str, int] = field(default_factory=lambda: {"granted": 0, "refused": 0})

    @property
    def over(self) -> bool:
        """Whether the budget of steps is used up."""
        return len(self.steps) >= self.scene.steps_max

    def call(self, name: str, arguments: Any) -> Observed:
        """Carry out one call, if it may be. Raises Outage for a fault of the environment's own."""
        tool = next((one for one in self._tools if one.name == name), None)
        if tool is None and name != ASK:
            return self.fault(f"no tool is called {short(name)[:60]!r}", short(name)[:60])
        wrong = _argument_fault(self._form(tool), arguments)
        if wrong:
            return self.fault(wrong, name, arguments)
        if tool is None:
            return self._ask(arguments)
        approval, barred = self._approval(tool, arguments)
        if barred:
            return self._told(Observed(fault=barred), name, arguments, approval)
        return self._told(self._done(tool, arguments), name, arguments, approval)

    def fault(self, reason: str, tool: str = "", arguments: Any = None) -> Observed:
        """A step that came to nothing by the agent's fault."""
        return self._told(Observed(fault=reason), tool, arguments)

    @property
    def _tools(self) -> tuple[Tool, ...]:
        return self.scene.environment.tools

    def _form(self, tool: Tool | None) -> Mapping[str, Any]:
        if tool is not None:
            return tool.arguments
        asking = self.scene.asking("")
        # Without a guarded tool nothing can be asked: no arguments fit.
        return asking["arguments"] if asking else {"type": "object", "not": {}}

    def _approval(self, tool: Tool, arguments: Mapping[str, Any]) -> tuple[str, str]:
        """The word for the trajectory, and why the call is held back."""
        if not tool.approval:
            return "", ""
        granted = self.answers.pop(_act(tool.name, arguments), None)
        if granted is None:
            return "not asked", f"{NOT_ASKED}: call {ASK} first"
        return ("granted", "") if granted else ("defied", REFUSED)

    def _ask(self, arguments: Mapping[str, Any]) -> Observed:
        name, wanted = arguments["tool"], arguments["arguments"]
        tool = next(one for one in self._tools if one.name == name)
        wrong = _argument_fault(tool.arguments, wanted)
        if wrong:
            return self.fault(wrong, ASK, arguments)
        try:
            objection = self.scene.environment.objection(
                copy.deepcopy(self.state), name, copy.deepcopy(wanted)
            )
        except Exception as error:
            raise Outage(f"environment: {reason_of(error)}") from error
        self.answers[_act(name, wanted)] = not objection
        word = "refused" if objection else "granted"
        self.asked[word] += 1
        said = {"approval": word, "by": self.scene.acts_for, "reason": short(objection)}
        return self._told(Observed(said), ASK, arguments)

    def _done(self, tool: Tool, arguments: Mapping[str, Any]) -> Observed:
        state = copy.deepcopy(self.state)
        try:
            value = self.scene.environment.call(state, tool.name, copy.deepcopy(arguments))
            text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        except ToolFault as error:
            return Observed(fault=short(str(error)) or "refused")
        except Exception as error:
            raise Outage(f"environment: {tool.name}: {reason_of(error)}") from error
        self.state = state
        if len(text) > OBSERVED_CHARACTERS_MAX:
            return Observed(f"{text[:OBSERVED_CHARACTERS_MAX]} … ({len(text)} characters)")
        return Observed(json.loads(text))

    def _told(self, observed: Observed, tool: str, arguments: Any, approval: str = "") -> Observed:
        self.steps.append(
            {
                "tool": tool,
                "arguments": _kept(arguments),
                "observed": "" if observed.fault else observed.text[:KEPT_CHARACTERS_MAX],
                "approval": approval,
                "fault": observed.fault,
            }
        )
        return observed

    def fields(self, text: str, *, refused: bool = False, ended: str = "said") -> dict[str, Any]:
        """The answer in the words of `candidates.messages`.

        Args:
            ended: "said": by the agent; "steps": by the budget; "length": by the longest
                conversation.

        Raises:
            Outage: the checkers failed.
        """
        try:
            checks = dict(self.scene.environment.check(copy.deepcopy(self.state)))
            if not 0 < len(checks) <= CHECKS_MAX or not set(checks.values()) <= {True, False}:
                raise ValueError(f"{len(checks)} checks that say yes or no")
        except Exception as error:
            raise Outage(f"environment: {reason_of(error)}") from error
        held = {str(name): bool(value) for name, value in checks.items()}
        return {
            "text": text,
            "refused": refused,
            "steps": self.steps,
            "outcome": sum(held.values()) / len(held),
            "data": {
                "ended": ended,
                "checks": held,
                "approvals": {**self.asked, "simulated": True},
                "faults": sum(bool(step["fault"]) for step in self.steps),
            },
        }


def _described(tool: Tool, language: str) -> str:
    description = tool.description.in_language("zh" if language == "zh" else "en")
    if not tool.approval:
        return description
    needs = f"须先以 {ASK} 请示。" if language == "zh" else f"Needs approval: call {ASK} first."
    return f"{description} {needs}"


def _argument_fault(form: Mapping[str, Any], arguments: Any) -> str:
    """What is wrong with the arguments of a call, in words that help to mend them."""
    if not isinstance(arguments, dict) or not within_limits(arguments):
        return "the arguments are no JSON object of reasonable size"
    text = json.dumps(arguments, ensure_ascii=False)
    length = len(text)
    if not text.isascii() and _broken(text):
        return "text that is no Unicode"
    if length > ARGUMENTS_CHARACTERS_MAX:
        return f"arguments of {length} characters; at most {ARGUMENTS_CHARACTERS_MAX}"
    if valid(arguments, form):
        return ""
    return short("; ".join(_mismatches(form, arguments)) or "the arguments do not have the form")


def _broken(text: str) -> bool:
    """Whether half of a surrogate pair stands in a text: UTF-8 cannot hold it."""
    return any("\ud800" <= character <= "\udfff" for character in text)


def _mismatches(form: Mapping[str, Any], arguments: Mapping[str, Any]) -> Iterator[str]:
    known = form.get("properties", {})
    for name in form.get("required", ()):
        if name not in arguments:
            yield f"{name} is missing"
    for name, value in arguments.items():
        if name not in known:
            if form.get("additionalProperties") is False:
                yield f"{short(name)[:40]} is no argument"
        elif not valid(value, known[name]):
            yield f"{name} does not have its form"


def _act(tool: str, arguments: Mapping[str, Any]) -> str:
    return json.dumps([tool, arguments], sort_keys=True)


def _kept(arguments: Any) -> dict[str, Any]:
    """The arguments as they stand in the trajectory: whole, or their beginning."""
    if not isinstance(arguments, dict):
        return {}
    text = json.dumps(arguments, sort_keys=True, default=str)
    if len(text) <= KEPT_CHARACTERS_MAX:
        return arguments
    return {"shortened": text[:KEPT_CHARACTERS_MAX], "characters": len(text)}
