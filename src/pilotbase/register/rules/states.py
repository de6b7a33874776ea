"""The life of a filing as a table: what may be done in which state, and by whom.

Source: the platform's life-cycle page. Pure: the moment is an argument.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pilotbase.kernel.actor import Role
from pilotbase.kernel.text import Text

State = Literal["filed", "suspended", "stopped", "withdrawn", "exited"]
Action = Literal["suspend", "resume", "stop", "withdraw", "exit"]
Standing = Literal["live", "expired", "suspended", "stopped", "withdrawn", "exited"]


@dataclass(frozen=True)
class Move:
    """Attributes:
    sources: the standings it may be made from. to: the state it leads to. roles: who may.
    """

    sources: frozenset[Standing]
    to: State
    roles: tuple[Role, ...]


# Suspended is for a while, stopped and withdrawn are for good: nothing leads back from those. An
# expired filing is renewed by a new one, on the verdict of that day.
MOVES: dict[Action, Move] = {
    "suspend": Move(frozenset({"live"}), "suspended", ("case officer", "regulator")),
    "resume": Move(frozenset({"suspended"}), "filed", ("case officer", "regulator")),
    "stop": Move(
        frozenset({"live", "suspended", "expired"}), "stopped", ("case officer", "regulator")
    ),
    "withdraw": Move(frozenset({"live", "suspended", "expired"}), "withdrawn", ("case officer",)),
    "exit": Move(frozenset({"stopped", "withdrawn", "expired"}), "exited", ("case officer",)),
}

WORDS: dict[str, Text] = {
    "live": Text("live", "有效"),
    "filed": Text("filed", "已备案"),
    "expired": Text("expired", "已到期"),
    "suspended": Text("suspended", "已暂停"),
    "stopped": Text("stopped", "已终止"),
    "withdrawn": Text("withdrawn", "已撤回"),
    "exited": Text("exited", "已退出"),
}


def standing(state: State, expires: datetime, at: datetime) -> Standing:
    """How a filing stands at a moment: only *live* may be served.

    A filing is live from its entry up to, not including, the moment ``expires``.
    """
    if state == "filed":
        return "live" if at < expires else "expired"
    return "expired" if state == "suspended" and at >= expires else state


def moved(state: State, expires: datetime, at: datetime, action: Action) -> State | None:
    """The state that an action leads to at a moment; None where it may not be taken."""
    move = MOVES[action]
    return move.to if standing(state, expires, at) in move.sources else None
