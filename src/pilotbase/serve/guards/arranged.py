"""From an arrangement's ``guards`` to guards: which, on what, in which process.

    guards:
      personal_data: {on: [request, answer], action: mask}
      toxicity: {process: true, timeout_s: 2, on_timeout: refuse, level: 0.8}

A name is a plug-in of the group ``pilotbase.guards``; what is not said below is its own setting.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pilotbase.kernel import plugins
from pilotbase.kernel.errors import Fault, InputError, PluginError, SheetError
from pilotbase.kernel.text import Text
from pilotbase.serve.ports import Guard
from pilotbase.serve.rules.unfit import Unfit

GROUP = "pilotbase.guards"
PARTS = ("request", "answer")
TIMEOUT_S, TIMEOUT_S_MAX = 2.0, 60.0
_OURS = ("on", "process", "timeout_s", "on_timeout")


@dataclass(frozen=True)
class Arranged:
    """One guard of a route.

    Attributes:
        plugin, settings: how it is made, here or in another process. on: the parts it looks at.
        process: whether it runs in a process of its own; then ``timeout_s`` is how long it may
            take for a message, and ``open`` whether a message passes when it took longer.
    """

    plugin: str
    settings: Mapping[str, Any]
    guard: Guard
    on: tuple[str, ...] = PARTS
    process: bool = False
    timeout_s: float = TIMEOUT_S
    open: bool = False


def arranged(guards: Mapping[str, Any]) -> tuple[Arranged, ...]:
    """The guards of an arrangement, in its order.

    Raises:
        SheetError: all that is wrong with them.
    """
    found, faults = [], []
    for name, said in guards.items():
        try:
            found.append(_one(str(name), {} if said is None or said is True else said))
        except (ValueError, InputError) as error:
            message = error.message if isinstance(error, InputError) else _said(error)
            step = error.next_step if isinstance(error, InputError) else None
            faults.append(Fault("serve.guard", message, f"guards → {name}", expected=step))
    if faults:
        raise SheetError("guards", faults)
    return tuple(found)


def made(plugin: str, settings: Mapping[str, Any]) -> Guard:
    """A guard. Raises ValueError for its settings, PluginError when there is none."""
    maker = plugins.load(GROUP, plugin)
    try:
        guard: Guard = maker(settings)
        whole = guard.reads in ("texts", "whole") and isinstance(guard.name, str)
    except ValueError:
        raise
    except Exception as error:  # a plug-in may fail in any way
        said = f"{type(error).__name__}: {error}"
        raise _broken(plugin, Text(f"it says: {said}", f"插件原话: {said}")) from error
    if not whole:
        raise _broken(plugin, _NO_GUARD)
    return guard


def _broken(plugin: str, why: Text) -> PluginError:
    said = Text("the guard {name!r} cannot be made: {why}", "防护 {name!r} 无法创建: {why}")
    return PluginError("plugin.broken", said.format(name=plugin, why=why), where=GROUP)


def _one(name: str, said: Any) -> Arranged:
    if not isinstance(said, Mapping):
        raise Unfit("settings, as names and values", "须为设置项与值")
    own = {key: value for key, value in said.items() if key not in _OURS}
    guard = made(name, own)
    on = said.get("on", ["answer"] if name == "grounded" else list(PARTS))
    if not isinstance(on, (list, tuple)) or not on or set(on) - set(PARTS):
        raise Unfit("on: request, answer, or both", "on: 须为 request、answer 或两者")
    process, timeout = said.get("process", False), said.get("timeout_s", TIMEOUT_S)
    if not isinstance(process, bool):
        raise Unfit("process: true or false", "process: 须为 true 或 false")
    number = isinstance(timeout, (int, float)) and not isinstance(timeout, bool)
    if not number or not 0 < timeout <= TIMEOUT_S_MAX:
        raise Unfit(f"timeout_s: above 0, at most {TIMEOUT_S_MAX:g}",
                    f"timeout_s: 须大于 0, 至多 {TIMEOUT_S_MAX:g}")  # fmt: skip
    late = said.get("on_timeout", "refuse")
    if late not in ("refuse", "pass"):
        raise Unfit("on_timeout: refuse or pass", "on_timeout: 须为 refuse 或 pass")
    parts = tuple(part for part in PARTS if part in on)
    return Arranged(name, own, guard, parts, process, float(timeout), late == "pass")


def _said(error: ValueError) -> Text:
    """What a guard says; one of somebody else's may say it in one language."""
    if isinstance(error, Unfit):
        return Text(error.en, error.zh)
    return Text(f"the guard says: {error}", f"设置有误, 插件原话: {error}")


_NO_GUARD = Text(
    "it does not say its name and what it reads, texts or whole messages",
    "未说明其名称, 以及读取的是文本还是整条消息",
)
