"""The life of a registered right as a table: what may be done in which state, and by whom.

The three rights that are held apart, and the steps of their registration, are those of the Opinions
on Building Basic Systems for Data (数据二十条, 2 December 2022, 三) and of the Interim Measures for
the Registration of Public Data Resources (发改数据规〔2025〕26号): application, acceptance,
review, publication, code; and change, correction, cancellation. Pure: the moment is an argument.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from pilotbase.kernel.actor import Role
from pilotbase.kernel.text import Text
from pilotbase.kernel.time import stamp

Right = Literal["hold", "process", "operate"]
RIGHTS: tuple[Right, ...] = get_args(Right)
RIGHT_NAMES: dict[str, Text] = {
    "hold": Text("the right to hold the data", "数据资源持有权"),
    "process": Text("the right to process and use the data", "数据加工使用权"),
    "operate": Text("the right to operate data products", "数据产品经营权"),
}

Stage = Literal["applied", "accepted", "reviewed", "published", "coded", "refused", "cancelled"]
STAGES: tuple[Stage, ...] = get_args(Stage)
STAGE_NAMES: dict[str, Text] = {
    "applied": Text("applied for", "已申请"),
    "accepted": Text("accepted", "已受理"),
    "reviewed": Text("reviewed", "已审查"),
    "published": Text("published", "公示中"),
    "coded": Text("registered under a code", "已赋码"),
    "refused": Text("refused", "不予登记"),
    "cancelled": Text("cancelled", "已注销"),
}
ENDED: frozenset[Stage] = frozenset({"refused", "cancelled"})
PROCEDURE: tuple[Stage, ...] = ("applied", "accepted", "reviewed", "published")

Action = Literal[
    "accept", "review", "publish", "code", "refuse", "change", "correct", "cancel"
]  # fmt: skip
ACTIONS: tuple[Action, ...] = get_args(Action)
Outcome = Literal["stands", "falls"]

REGISTRAR: tuple[Role, ...] = ("data steward", "case officer")
HOLDER: tuple[Role, ...] = ("provider", "scenario owner", "data steward")


@dataclass(frozen=True)
class Move:
    """Attributes:
    sources: the stages it may be made from. to: the stage it leads to. roles: who may.
    for_holder: whoever makes it acts for the holder; otherwise for the registrar, and never for
        the holder too.
    """

    sources: frozenset[Stage]
    to: Stage
    roles: tuple[Role, ...]
    for_holder: bool = False


# A change and a correction go through the whole procedure again; until the new code is given, the
# right stays registered as it was. Refused and cancelled are for good: who wants more applies anew.
MOVES: dict[Action, Move] = {
    "accept": Move(frozenset({"applied"}), "accepted", REGISTRAR),
    "review": Move(frozenset({"accepted"}), "reviewed", REGISTRAR),
    "publish": Move(frozenset({"reviewed"}), "published", REGISTRAR),
    "code": Move(frozenset({"published"}), "coded", REGISTRAR),
    "refuse": Move(frozenset(PROCEDURE), "refused", REGISTRAR),
    "change": Move(frozenset({"coded"}), "applied", HOLDER, for_holder=True),
    "correct": Move(frozenset({"coded"}), "applied", HOLDER, for_holder=True),
    "cancel": Move(frozenset({*PROCEDURE, "coded"}), "cancelled", HOLDER, for_holder=True),
}
ACTION_NAMES: dict[str, Text] = {
    "accept": Text("accept", "受理"),
    "review": Text("review", "审查"),
    "publish": Text("publish", "公示"),
    "code": Text("give a code", "赋码"),
    "refuse": Text("refuse", "不予登记"),
    "change": Text("change", "变更"),
    "correct": Text("correct", "更正"),
    "cancel": Text("cancel", "注销"),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """How a registration stands.

    Attributes:
        in_force: a code was given, and it was not cancelled; a change may be under way.
        disputes: how many disputes over this right of this data set are open.
        until: the end of the publication, where it is published.
    """

    stage: Stage
    in_force: bool = False
    disputes: int = 0
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class No:
    """Why something may not be done."""

    code: str
    message: Text


def moved(standing: Standing, action: Action, at: datetime) -> Standing | No:
    """The standing after an action at a moment, or why it may not be taken."""
    if standing.disputes:
        return under_dispute(standing.disputes)
    move = MOVES[action]
    if standing.stage not in move.sources:
        return _not_now(standing.stage, action)
    if action == "code" and standing.until is not None and at < standing.until:
        until = stamp(standing.until)
        said = Text(f"it is published until {until}", f"公示期至 {until}")
        return No("rights.still_published", said)
    if action == "refuse" and standing.in_force:
        return Standing("coded", in_force=True)
    in_force = action == "code" or (standing.in_force and action != "cancel")
    return Standing(move.to, in_force)


def disputed(standing: Standing) -> Standing | No:
    """The standing after one more dispute was opened."""
    if standing.stage in ENDED:
        return No("rights.ended", Text("the registration has ended", "登记已终结"))
    return Standing(standing.stage, standing.in_force, standing.disputes + 1, standing.until)


def settled(standing: Standing, outcome: Outcome, *, own: bool = True) -> Standing | No:
    """The standing after one of its disputes was settled.

    Args:
        outcome: ``falls`` ends the registration that was disputed: one that has no code is refused,
            one that has is cancelled. own: the dispute was over this registration, not over another
            of the same right.
    """
    if not standing.disputes:
        return No("rights.no_dispute", Text("no dispute is open", "没有未决争议"))
    left = standing.disputes - 1
    if outcome == "stands" or not own or standing.stage in ENDED:
        return Standing(standing.stage, standing.in_force, left, standing.until)
    return Standing("cancelled" if standing.in_force else "refused", False, left)


def under_dispute(disputes: int) -> No:
    said = Text(
        f"this right is under dispute ({disputes} open): nothing is registered meanwhile",
        f"此项权利有 {disputes} 项未决争议: 争议期间不予登记",
    )
    return No("rights.under_dispute", said)


def _not_now(stage: Stage, action: Action) -> No:
    sources = [one for one in STAGES if one in MOVES[action].sources]
    said = Text(
        f"the registration is {STAGE_NAMES[stage].en}; to {ACTION_NAMES[action].en} takes one that "
        f"is {' or '.join(STAGE_NAMES[one].en for one in sources)}",
        f"该登记{STAGE_NAMES[stage].zh}; {ACTION_NAMES[action].zh}只适用于: "
        + "、".join(STAGE_NAMES[one].zh for one in sources),
    )
    return No("rights.no_such_step", said)


def rivals(right: Right, holder: str, live: dict[str, str]) -> list[str]:
    """The live registrations that an application for a right cannot stand beside.

    The right to hold has one holder at a time; the two others may be given to several, to each
    once. (The base's own reading: the Opinions leave it to the contract.)

    Args:
        live: by id, the holders of the registrations of this right that have not ended.
    """
    return [id_ for id_, other in live.items() if right == "hold" or other == holder]
