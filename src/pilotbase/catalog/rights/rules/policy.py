"""A policy of ODRL 2.2 as plain data (Information Model 2.2, section 2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pilotbase.catalog.rights.rules.vocabulary import Conflict

Kind = Literal["Set", "Offer", "Agreement"]
RuleKind = Literal["permission", "prohibition", "obligation"]
Side = Literal["assignee", "assigner"]


@dataclass(frozen=True)
class Constraint:
    """``left operator right`` (section 2.5.1).

    Attributes:
        right: one value, or several for the set operators. unit: of an amount, e.g. CNY. type: the
            values' data type by its local name, e.g. ``date``; ``iri`` for what is said to be an
            IRI, ``reference`` for one behind which the value would have to be fetched.
    """

    left: str
    operator: str
    right: tuple[str, ...]
    unit: str = ""
    type: str = ""


@dataclass(frozen=True)
class Logical:
    """Several conditions under ``and``, ``or``, ``xone`` or ``andSequence`` (section 2.5.2)."""

    operand: str
    parts: tuple[Condition, ...]


Condition = Constraint | Logical


@dataclass(frozen=True)
class Action:
    """An action and its refinements."""

    name: str
    refinements: tuple[Condition, ...] = ()


@dataclass(frozen=True)
class Named:
    """A party or an asset by its id; or a collection, whose members may be refined."""

    id: str
    collection: bool = False
    refinements: tuple[Condition, ...] = ()


@dataclass(frozen=True)
class Duty:
    """What has to be done (section 2.6.3).

    Attributes:
        id: its uid, or its place in the policy. consequences: what is owed in addition if it is
            not done as asked.
    """

    id: str
    actions: tuple[Action, ...]
    constraints: tuple[Condition, ...] = ()
    assignees: tuple[Named, ...] = ()
    assigners: tuple[Named, ...] = ()
    targets: tuple[Named, ...] = ()
    consequences: tuple[Duty, ...] = ()


@dataclass(frozen=True)
class Rule:
    """A permission, a prohibition or an obligation. Several actions, targets or assignees stand for
    as many rules of one each (section 2.7.1).

    Attributes:
        duties: of a permission, what has to be done before; of a prohibition, its remedies; of an
            obligation, the obligation itself.
    """

    id: str
    kind: RuleKind
    actions: tuple[Action, ...]
    targets: tuple[Named, ...] = ()
    assignees: tuple[Named, ...] = ()
    assigners: tuple[Named, ...] = ()
    constraints: tuple[Condition, ...] = ()
    duties: tuple[Duty, ...] = ()


@dataclass(frozen=True)
class Policy:
    """Attributes:
    conflict: what holds where a permission and a prohibition meet; where the policy does not say,
        ``invalid``, as ODRL has it (section 2.10).
    """

    uid: str
    kind: Kind = "Set"
    conflict: Conflict = "invalid"
    rules: tuple[Rule, ...] = ()

    def duties(self) -> Iterator[Duty]:
        """All duties, remedies, obligations and consequences."""
        waiting = [duty for rule in self.rules for duty in rule.duties]
        while waiting:
            duty = waiting.pop(0)
            yield duty
            waiting += duty.consequences
