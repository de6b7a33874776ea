"""Plug-ins by entry point. The whole list of extension points is `GROUPS`."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pilotbase.kernel.errors import PluginError
from pilotbase.kernel.text import Text

GROUPS = {
    "pilotbase.evaluators": Text("a way to score answers", "评价指标"),
    "pilotbase.candidates": Text("a candidate callable", "候选方案"),
    "pilotbase.judges": Text("a judge of answers", "回答的评判者"),
    "pilotbase.environments": Text("a simulated environment with tools", "带工具的模拟环境"),
    "pilotbase.guards": Text("a guard of a service's requests and answers", "服务请求与回答的防护"),
    "pilotbase.datasets": Text("a loader of data", "数据加载器"),
    "pilotbase.packs": Text("a folder of scenario files", "场景包"),
}


@cache
def _installed(group: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=group)}


def names(group: str) -> tuple[str, ...]:
    """Names of the plug-ins of a group, sorted, without loading any."""
    return tuple(sorted(_installed(group)))


def provider(group: str, name: str) -> str:
    """Name and version of the package that provides a plug-in, e.g. ``pilotbase 0.1.0``; "" where
    there is none."""
    point = _installed(group).get(name)
    dist = point.dist if point is not None else None
    return f"{dist.name} {dist.version}" if dist is not None else ""


def load(group: str, name: str) -> Any:
    """The plug-in object.

    Raises:
        PluginError: when no plug-in has that name, or when it does not load; it says why.
    """
    point = _installed(group).get(name)
    if point is None:
        raise PluginError(
            "plugin.unknown",
            Text(f"no plug-in is called {name!r}", f"没有名为 {name!r} 的插件"),
            where=group,
            next_step=Text(
                f"Choose one of: {', '.join(names(group)) or 'none installed'}.",
                f"可选: {', '.join(names(group)) or '尚未安装任何插件'}。",
            ),
        )
    try:
        return point.load()
    except Exception as error:  # a plug-in may fail in any way; the reason is passed on
        reason = f"{type(error).__name__}: {error}"
        raise PluginError(
            "plugin.broken",
            Text(
                f"the plug-in {name!r} does not load: {reason}", f"插件 {name!r} 无法加载: {reason}"
            ),
            where=f"{group} → {point.value}",
            next_step=Text(
                "Repair or uninstall the package that provides it.",
                "请修复或卸载提供该插件的软件包。",
            ),
        ) from error
