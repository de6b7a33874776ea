"""Policies in few words, and any policy from a seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Any, TypeVar

from pilotbase.catalog.rights.rules.decision import Fulfilment, Request, State
from pilotbase.catalog.rights.rules.policy import (
    Action,
    Condition,
    Constraint,
    Duty,
    Kind,
    Logical,
    Named,
    Policy,
    Rule,
    RuleKind,
)
from pilotbase.catalog.rights.rules.vocabulary import Conflict

T = TypeVar("T")
KINDS: tuple[RuleKind, ...] = ("permission", "permission", "prohibition", "obligation")
CLASSES: tuple[Kind, ...] = ("Set", "Set", "Offer", "Agreement")
CONFLICTS: tuple[Conflict, ...] = ("perm", "prohibit", "invalid")

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
PARTIES, ASSETS = ("library", "uni", "bot"), ("readings", "model")
ACTIONS = ("use", "read", "reproduce", "extract", "distribute", "sell", "transfer", "copy", "fly")
OPERANDS = ("purpose", "spatial", "recipient", "count", "payAmount", "dateTime", "meteredTime",
            "percentage", "http://example.org/mood")  # fmt: skip
VALUES = ("research", "trade", "CN", "CN-BJ", "uni", "1", "3", "2026-11-22", "2027-01-01T00:00:00Z",
          "2027-01-01T00:00:00", "")  # fmt: skip
OPERATORS = ("eq", "neq", "lt", "lteq", "gt", "gteq", "isA", "isPartOf", "hasPart", "isAllOf",
             "isAnyOf", "isNoneOf", "like")  # fmt: skip


def permission(*actions: str, **more: Any) -> Rule:
    id_ = more.pop("id", "permission-0")
    return Rule(id_, "permission", tuple(map(Action, actions)), **more)


def prohibition(*actions: str, **more: Any) -> Rule:
    id_ = more.pop("id", "prohibition-0")
    return Rule(id_, "prohibition", tuple(map(Action, actions)), **more)


def ask(action: str = "read", party: str = "uni", asset: str = "readings", **facts: str) -> Request:
    return Request(party, action, asset, NOW, facts)


class Making:
    """Any policy, request and state from one seed; half of the names meet, so that rules hold."""

    def __init__(self, seed: int) -> None:
        self.draw = Random(seed)

    def some(self, make: Callable[[], T], most: int, least: int = 0) -> tuple[T, ...]:
        return tuple(make() for _ in range(self.draw.randint(least, most)))

    def constraint(self) -> Constraint:
        draw = self.draw
        if draw.random() < 0.4:
            return Constraint("purpose", draw.choice(("eq", "isAnyOf")), (draw.choice(VALUES[:2]),))
        right = self.some(lambda: draw.choice(VALUES), 3)
        kind = draw.choice(("", "", "date", "reference"))
        left, operator = draw.choice(OPERANDS), draw.choice(OPERATORS)
        return Constraint(left, operator, right, draw.choice(("", "CNY", "EUR")), kind)

    def condition(self) -> Condition:
        if self.draw.random() < 0.7:
            return self.constraint()
        operand = self.draw.choice(("and", "or", "xone", "andSequence"))
        return Logical(operand, self.some(self.condition, 3, 1))

    def conditions(self) -> tuple[Condition, ...]:
        return self.some(self.condition, 2) if self.draw.random() < 0.4 else ()

    def action(self) -> Action:
        name = "use" if self.draw.random() < 0.5 else self.draw.choice(ACTIONS)
        return Action(name, self.conditions() if self.draw.random() < 0.2 else ())

    def names(self, ids: tuple[str, ...]) -> tuple[Named, ...]:
        if self.draw.random() < 0.5:
            return ()
        return self.some(lambda: Named(self.draw.choice(ids), self.draw.random() < 0.2), 2)

    def duty(self, depth: int = 0) -> Duty:
        further = self.some(lambda: self.duty(depth + 1), 2) if depth < 2 else ()
        id_, actions = f"d{self.draw.randint(1, 4)}", self.some(self.action, 2, 1)
        return Duty(id_, actions, self.conditions(), self.names(PARTIES), consequences=further)

    def rule(self) -> Rule:
        kind = self.draw.choice(KINDS)
        duties = self.some(self.duty, 2) if self.draw.random() < 0.3 else ()
        return Rule(
            f"r{self.draw.randint(1, 3)}", kind, self.some(self.action, 2, 1), self.names(ASSETS),
            self.names(PARTIES), (), self.conditions(), duties,
        )  # fmt: skip

    def policy(self) -> Policy:
        kind, conflict = self.draw.choice(CLASSES), self.draw.choice(CONFLICTS)
        return Policy(self.draw.choice(("p1", "p2")), kind, conflict, self.some(self.rule, 3, 1))

    def facts(self) -> dict[str, str]:
        values = (*VALUES, "5.00 CNY", "5 EUR")
        said = {one: self.draw.choice(values) for one in OPERANDS if self.draw.random() < 0.3}
        return {"purpose": self.draw.choice(VALUES[:2]), **said}

    def request(self) -> Request:
        draw = self.draw
        party, action, asset = draw.choice(PARTIES), draw.choice(ACTIONS), draw.choice(ASSETS)
        collections = frozenset(one for one in PARTIES if draw.random() < 0.3)
        return Request(party, action, asset, NOW, self.facts(), collections)

    def fulfilment(self) -> Fulfilment:
        draw = self.draw
        duty = f"d{draw.randint(1, 4)}"
        return Fulfilment(draw.choice(PARTIES), draw.choice(("p1", "p2")), duty, NOW, self.facts())

    def state(self) -> State:
        uses = {one: self.draw.randint(0, 4) for one in ACTIONS if self.draw.random() < 0.2}
        return State(uses, self.some(self.fulfilment, 6))

    def readable(self) -> Policy:
        """A policy that could stand in a file: ids of its places, and nothing empty."""
        policy = self.policy()
        rules = []
        counts = dict.fromkeys(KINDS, 0)
        for rule in sorted(policy.rules, key=lambda rule: KINDS.index(rule.kind)):
            id_ = f"{rule.kind}-{counts[rule.kind]}"
            counts[rule.kind] += 1
            rules.append(self._readable_rule(rule, id_))
        return replace(policy, rules=tuple(rules))

    def _readable_rule(self, rule: Rule, id_: str) -> Rule:
        gives = {"assigners": (Named("library"),), "assignees": (Named("uni"),)}
        rule = replace(rule, id=id_, **self._words(rule), **gives)
        side = {"permission": "duty", "prohibition": "remedy"}.get(rule.kind, "consequence")
        duties = tuple(
            self._readable_duty(duty, f"{id_}.{side}-{n}") for n, duty in enumerate(rule.duties)
        )
        if rule.kind != "obligation":
            return replace(rule, duties=duties)
        own = Duty(id_, rule.actions, rule.constraints, targets=rule.targets, consequences=duties,
                   **gives)  # fmt: skip
        return replace(rule, constraints=(), duties=(own,))

    def _readable_duty(self, duty: Duty, id_: str) -> Duty:
        further = tuple(
            self._readable_duty(one, f"{id_}.consequence-{n}")
            for n, one in enumerate(duty.consequences)
        )
        return replace(duty, id=id_, consequences=further, **self._words(duty))

    def _words(self, one: Rule | Duty) -> dict[str, Any]:
        actions = tuple(
            replace(action, refinements=tuple(map(self._filled, action.refinements)))
            for action in one.actions
        )
        return {"actions": actions, "constraints": tuple(map(self._filled, one.constraints))}

    def _filled(self, one: Condition) -> Condition:
        if isinstance(one, Logical):
            return replace(one, parts=tuple(map(self._filled, one.parts)))
        right = tuple(value for value in one.right if value) or ("1",)
        operator = one.operator if one.operator != "like" else "eq"
        return replace(one, right=right, operator=operator, unit=one.unit and "CNY")
