"""Where fits run: the port, and which executor this installation uses.

The environment variable ``PILOTBASE_EXECUTOR`` chooses: ``local`` (worker processes here),
``ray`` (a Ray cluster started here), ``ray:ADDRESS`` (a cluster that runs, e.g. ``ray:auto``).
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from pilotbase.kernel.errors import RunError
from pilotbase.kernel.text import Text
from pilotbase.trial.workers import shared_workers

R = TypeVar("R")
VARIABLE = "PILOTBASE_EXECUTOR"


class Executor(Protocol):
    """What the trial asks of whatever runs its fits; `trial.workers.Workers` is the local one.

    Attributes:
        size: jobs that run at once.
    """

    @property
    def size(self) -> int: ...

    async def run(self, function: Callable[..., R], *arguments: Any, seconds: float) -> R:
        """Run a function of this package with one thread a process.

        Args:
            seconds: time for the job, which may be raised, not counting a wait for a free place;
                then whatever it has started is killed.

        Raises:
            Ended: the job hung, or its process vanished: the candidate's fault.
            Outage: no place to run could be had, or was lost, or our code broke: the base's fault.
            PilotbaseError: what the function raised.
        """
        ...

    def close(self) -> None:
        """End all processes."""
        ...


_shared: dict[str, Executor] = {}


def shared_executor(environment: Mapping[str, str] = os.environ) -> Executor:
    """The executor of this process, for all its trials; it ends with it.

    Raises:
        RunError: no such executor, or one that cannot be used here.
    """
    chosen = environment.get(VARIABLE, "") or "local"
    kind, _, address = chosen.partition(":")
    if chosen == "local":
        return shared_workers()
    if kind != "ray":
        raise RunError(
            "executor.unknown",
            Text(f"no executor is called {chosen!r}", f"没有名为 {chosen!r} 的执行方式"),
            where=VARIABLE,
            next_step=Text("Use local, ray or ray:ADDRESS.", "可用 local、ray 或 ray:地址。"),
        )
    if chosen not in _shared:
        from pilotbase.trial.adapters.ray_executor import RayExecutor

        _shared[chosen] = RayExecutor(address)
        atexit.register(_shared[chosen].close)
    return _shared[chosen]
