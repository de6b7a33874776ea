"""What an environment promises, tried: it can be offered, is copied, and says the same twice."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Sequence
from typing import Any

from pilotbase.kernel.text import Text
from pilotbase.trial.agents.environment import Environment, Opening, ToolFault, unoffered
from pilotbase.trial.candidates.answer import reason_of


def broken_environment(environment: Environment, openings: Sequence[Opening]) -> Iterator[Text]:
    """Promises that the environment breaks, in words.

    Args:
        openings: cases that it can set up; every tool without arguments is called once in each.
    """
    problem = unoffered(environment)
    if problem is not None:
        yield problem
        return
    for number, opening in enumerate(openings):
        try:
            first, second = (_played(environment, opening) for _ in range(2))
        except Exception as error:
            reason = reason_of(error)
            yield Text(f"case {number}: it raises {reason}", f"案例 {number}: 引发 {reason}")
            return
        if first != second:
            yield Text(
                f"case {number}: the same calls lead to different observations",
                f"案例 {number}: 相同的调用得到不同的观察结果",
            )


def _played(environment: Environment, opening: Opening) -> str:
    """All that is seen of a case when each tool that needs no arguments is called once."""
    state = environment.begin(copy.deepcopy(opening))
    seen: list[Any] = [_checks(environment, state)]
    for tool in environment.tools:
        if not tool.arguments.get("required"):
            tried = copy.deepcopy(state)
            try:
                seen.append(environment.call(tried, tool.name, {}))
            except ToolFault as fault:
                seen.append(str(fault))
            else:
                state = tried
    return json.dumps([*seen, _checks(environment, state)], allow_nan=False)


def _checks(environment: Environment, state: Any) -> dict[str, bool]:
    checks = dict(environment.check(copy.deepcopy(state)))
    if not checks or not all(isinstance(held, bool) for held in checks.values()):
        raise ValueError("checks that do not say yes or no")
    return checks
