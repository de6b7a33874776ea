"""The life cycle as a table: which state may follow which, and in which role one moves it.

Source: the platform's life-cycle page (docs/en/life-cycle.md). Pure: no I/O, no clock.
"""

from __future__ import annotations

from collections.abc import Mapping

from pilotbase.kernel.actor import Role
from pilotbase.kernel.errors import RunError
from pilotbase.kernel.text import Text

# state -> (the states it may be entered from, the role that moves it there)
TRANSITIONS: dict[str, tuple[frozenset[str], Role]] = {
    "submitted": (frozenset({"draft"}), "scenario owner"),
    "eligible": (frozenset({"submitted"}), "case officer"),
    "matched": (frozenset({"eligible"}), "case officer"),
    "planned": (frozenset({"matched"}), "case officer"),
    "ready": (frozenset({"planned"}), "data steward"),
    "running": (frozenset({"ready"}), "evaluator"),
    "evaluated": (frozenset({"running"}), "evaluator"),
    "judged": (frozenset({"evaluated"}), "verdict panel"),
    "evidenced": (frozenset({"judged"}), "signatory"),
    "filed": (frozenset({"evidenced"}), "case officer"),
    "exited": (frozenset({"evidenced", "filed"}), "case officer"),
}
ORDER = tuple(TRANSITIONS)


def outcome_of(verdicts: Mapping[str, str], chosen: str | None) -> str:
    """A pilot's outcome: the verdict on the chosen candidate; where none was chosen, whether more
    evidence or a condition could still change that, or ``no-go``."""
    if chosen is not None:
        return verdicts[chosen]
    found = set(verdicts.values())
    return next((word for word in ("conditional", "insufficient") if word in found), "no-go")


def reached(state: str, wanted: str) -> bool:
    """Whether a pilot in ``state`` has already been through ``wanted``."""
    return state != "draft" and ORDER.index(state) >= ORDER.index(wanted)


def role_of(state: str, wanted: str) -> Role:
    """The role that may move a pilot from ``state`` to ``wanted``.

    Raises:
        RunError: when the life cycle knows no such step.
    """
    sources, role = TRANSITIONS[wanted]
    if state not in sources:
        raise RunError(
            "pilot.no_such_step",
            Text(
                f"a pilot that is {state} cannot become {wanted}",
                f"处于 {state} 的试点不能转为 {wanted}",
            ),
            next_step=Text(
                f"It has to be {' or '.join(sorted(sources))} first.",
                f"须先处于 {' 或 '.join(sorted(sources))}。",
            ),
        )
    return role
