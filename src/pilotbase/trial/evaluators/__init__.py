"""Evaluators: one file each, found by entry point in the group ``pilotbase.evaluators``."""

from __future__ import annotations

from pilotbase.kernel.errors import PluginError
from pilotbase.kernel.plugins import load
from pilotbase.kernel.text import Text
from pilotbase.trial.evaluators.metric import Metric, dimension_of

GROUP = "pilotbase.evaluators"

__all__ = ["GROUP", "Metric", "dimension_of", "metric_named"]


def metric_named(name: str) -> Metric:
    """The installed metric of that name.

    Raises:
        PluginError: none has that name, it does not load, or what it loads is no `Metric` of
            that name.
    """
    found = load(GROUP, name)
    if isinstance(found, Metric) and found.name == name:
        return found
    raise PluginError(
        "plugin.not_conformant",
        Text(
            f"the evaluator {name!r} is not a Metric called {name!r}",
            f"评价指标 {name!r} 不是名为 {name!r} 的 Metric",
        ),
        where=GROUP,
        next_step=Text(
            "Let its entry point name a pilotbase.trial.evaluators.Metric with that name.",
            "请让入口点指向同名的 pilotbase.trial.evaluators.Metric 对象。",
        ),
    )
