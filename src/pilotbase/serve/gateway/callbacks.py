"""What raises in a call's callbacks ends that call: it is settled, answered, and logged."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec

if TYPE_CHECKING:
    from pilotbase.serve.gateway.live import Live

P = ParamSpec("P")


def callback(
    step: Callable[Concatenate[Live, P], None],
) -> Callable[Concatenate[Live, P], None]:
    """A step of a call that somebody else calls: an upstream, a guard, a person, the clock.

    Whoever calls it cannot settle the call, and must not fail with it.
    """

    @wraps(step)
    def called(live: Live, /, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            step(live, *args, **kwargs)
        except Exception:
            live.broken()

    return called
