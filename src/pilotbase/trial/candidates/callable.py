"""A plug-in or a Python function as a candidate: a command whose program is our own adapter."""

from __future__ import annotations

import os
from pathlib import Path

from pilotbase.kernel.errors import CandidateError, PluginError
from pilotbase.kernel.plugins import names
from pilotbase.kernel.text import Text
from pilotbase.scenario.offer import Candidate
from pilotbase.trial.candidates.adapter import GROUP
from pilotbase.trial.candidates.boxes import ADAPTER, sandboxed
from pilotbase.trial.candidates.command import Launch
from pilotbase.trial.candidates.naming import nearest
from pilotbase.trial.workers import single_threaded


def launch_of(candidate: Candidate, folder: Path, seconds: float, *, trust: bool) -> Launch:
    """How to start a plug-in, a callable or a command.

    Args:
        folder: the scenario's folder; commands run in it, callables may be imported from it.
        seconds: deadline of each message.

    Raises:
        PluginError: no plug-in of that name. CandidateError: code is named without trust, or in a
            sandbox that this machine cannot give.
    """
    if candidate.plugin is not None and candidate.plugin not in names(GROUP):
        raise _unknown_plugin(candidate)
    if candidate.sandbox is not None:
        return sandboxed(candidate, candidate.sandbox, folder, seconds)
    if candidate.plugin is not None:
        return _python(("plugin", candidate.plugin), folder, seconds)
    if not trust:
        raise CandidateError(
            "candidate.untrusted",
            Text("the scenario names code to run", "该场景指定了要运行的代码"),
            where=candidate.id,
            next_step=Text(
                "Write `sandbox: {}` beside it, or read that code and allow it with --trust.",
                "请在其旁写明 `sandbox: {}` 以隔离运行; 或先审阅该代码, 再用 --trust 允许运行。",
            ),
        )
    if candidate.callable is not None:
        return _python(("callable", candidate.callable), folder, seconds)
    return Launch(candidate.command or (), folder, seconds)


def _python(arguments: tuple[str, str], folder: Path, seconds: float) -> Launch:
    environment = single_threaded(dict(os.environ))
    if arguments[0] == "callable":
        environment["PYTHONPATH"] = os.pathsep.join([environment["PYTHONPATH"], str(folder)])
    command = (*ADAPTER, *arguments)
    return Launch(command, folder, seconds, environment)


def _unknown_plugin(candidate: Candidate) -> PluginError:
    installed = names(GROUP)
    near = nearest(str(candidate.plugin), installed) if installed else "-"
    return PluginError(
        "plugin.unknown",
        Text(f"no plug-in is called {candidate.plugin!r}", f"没有名为 {candidate.plugin!r} 的插件"),
        where=candidate.id,
        next_step=Text(f"Perhaps: {near}.", f"可能是: {near}。"),
    )
