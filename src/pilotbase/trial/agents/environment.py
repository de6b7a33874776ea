"""A simulated environment: tools that an agent may call, and checkers that say what it reached.

An environment is a plug-in (group ``pilotbase.environments``). It is deterministic: the same case
and the same calls lead to the same observations, so that a trajectory is replayed from the
exchanges that are kept, and nobody is asked twice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from pilotbase.kernel.errors import PluginError
from pilotbase.kernel.plugins import load
from pilotbase.kernel.text import Text
from pilotbase.scenario.form import form_faults
from pilotbase.trial.candidates.answer import reason_of

GROUP = "pilotbase.environments"
ASK = "ask_approval"
"""The base's own tool: put an act that needs approval before the one whom the agent acts for."""
TOOLS_MAX = 64
CHECKS_MAX = 100
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}", re.ASCII)


class ToolFault(Exception):
    """The call cannot be carried out; the reason is told to the agent, and nothing has changed."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool as it is offered.

    Attributes:
        name: letters, digits, ``_`` and ``-``, at most 64.
        description: what it does, for the agent.
        arguments: JSON Schema (2020-12) of an object.
        changes: whether a call changes anything.
        approval: whether a person has to approve each call beforehand.
    """

    name: str
    description: Text
    arguments: Mapping[str, Any]
    changes: bool = False
    approval: bool = False


@dataclass(frozen=True, slots=True)
class Opening:
    """How a case begins.

    Attributes:
        goal: what the agent is asked to reach.
        columns: the features of the case, which the agent sees too.
        expected: the accepted values of the target column, which it does not see.
        language: "en", "zh" or "" where the data do not say.
    """

    goal: str
    columns: Mapping[str, Any] = field(default_factory=dict)
    expected: tuple[str, ...] = ()
    language: str = ""


class Environment(Protocol):
    """Where an agent acts. Holds no state between calls: the state is handed in."""

    @property
    def about(self) -> Text:
        """One sentence, for people."""
        ...

    @property
    def tools(self) -> tuple[Tool, ...]: ...

    def begin(self, opening: Opening) -> Any:
        """The state at the beginning, anything that `copy.deepcopy` copies.

        Raises:
            ValueError: the case cannot be set up from its columns.
        """
        ...

    def call(self, state: Any, tool: str, arguments: Mapping[str, Any]) -> Any:
        """Carry out a call on the state, a copy that is dropped on a fault; JSON data come back.

        The tool is one of `tools` and the arguments have its form. Raises ToolFault.
        """
        ...

    def objection(self, state: Any, tool: str, arguments: Mapping[str, Any]) -> str:
        """Why the simulated approver refuses a call of a tool with ``approval``; "" grants it."""
        ...

    def check(self, state: Any) -> Mapping[str, bool]:
        """What was to be reached, by name, and whether it was."""
        ...


def environment_named(name: str) -> Environment:
    """An installed environment.

    Raises:
        PluginError: none is called that, it does not load, or its tools cannot be offered.
    """
    environment: Environment = load(GROUP, name)
    try:
        problem = unoffered(environment)
    except Exception as error:  # a plug-in may fail in any way
        problem = Text(f"it raises {reason_of(error)}", f"引发 {reason_of(error)}")
    if problem is not None:
        raise PluginError(
            "environment.broken",
            Text(f"the environment {name!r}: {problem.en}", f"环境 {name!r}: {problem.zh}"),
            where=GROUP,
            next_step=Text("Repair the package that provides it.", "请修复提供该环境的软件包。"),
        )
    return environment


def unoffered(environment: Environment) -> Text | None:
    """Why the tools cannot be offered, if so."""
    names = [tool.name for tool in environment.tools]
    if not 0 < len(names) <= TOOLS_MAX:
        return Text(
            f"{len(names)} tools; 1 to {TOOLS_MAX}", f"{len(names)} 个工具; 应为 1 至 64 个"
        )
    for tool in environment.tools:
        if not _NAME.fullmatch(tool.name) or tool.name == ASK or names.count(tool.name) > 1:
            return Text(
                f"no name of its own for a tool: {tool.name!r}",
                f"工具名称无效或重复: {tool.name!r}",
            )
        faults = list(form_faults(dict(tool.arguments)))
        if tool.arguments.get("type") != "object" or faults:
            return Text(
                f"{tool.name} has no form of an object for its arguments",
                f"{tool.name} 的参数没有规定为对象的格式",
            )
    return None
