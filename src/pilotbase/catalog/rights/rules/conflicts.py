"""Terms that contradict themselves, found before they hold.

Two rules meet where one request could be under both. Whether two sets of conditions can hold at
once is not decidable in general; so a contradiction is told as a fault only where it is certain
(the prohibition's conditions are none, or are among the permission's), and as a remark where it is
possible. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pilotbase.catalog.rights.rules.constraints import span
from pilotbase.catalog.rights.rules.policy import (
    Action,
    Condition,
    Constraint,
    Logical,
    Named,
    Policy,
    Rule,
)
from pilotbase.catalog.rights.rules.vocabulary import ACTIONS, CARRIED, SAME_ACTION, within
from pilotbase.kernel.text import Text
from pilotbase.scenario.finding import Finding, shown


def faults(policy: Policy) -> Iterator[Finding]:
    """Contradictions that are certain."""
    for permit, ban in _pairs(policy):
        if not _always(permit, ban):
            continue
        if policy.conflict == "invalid":
            yield _finding(
                permit, ban, "contradiction",
                "contradict each other, and the policy does not say which holds",
                "相互矛盾, 且策略未说明以何者为准",
                Text('"conflict": "prohibit" or "perm"', '"conflict": "prohibit" 或 "perm"'),
            )  # fmt: skip
        elif policy.conflict == "prohibit" and _covers(ban, permit):
            yield _finding(
                permit, ban, "never_permitted", "the prohibition leaves nothing of the permission",
                "禁止规则使该许可完全落空",
            )  # fmt: skip
        elif policy.conflict == "perm" and _covers(permit, ban) and not permit.constraints:
            yield _finding(
                permit, ban, "never_prohibited", "the permission leaves nothing of the prohibition",
                "许可规则使该禁止完全落空",
            )  # fmt: skip
    for rule in policy.rules:
        yield from _never(rule)


def remarks(policy: Policy) -> Iterator[Finding]:
    """What is not wrong and has consequences: rules that may meet, and what stays undecided."""
    for permit, ban in _pairs(policy):
        if not _always(permit, ban) and policy.conflict == "invalid":
            yield _finding(
                permit, ban, "may_meet",
                "may meet; the answer is no then, because the policy does not say which holds",
                "可能同时适用; 因策略未说明以何者为准, 届时答复为否",
            )  # fmt: skip
    for rule in policy.rules:
        for name in dict.fromkeys(_undecidable(rule)):
            said = Text(
                f"{rule.id}: {shown(name)} is never decided here, so it permits nothing and "
                "prohibits whatever it may",
                f"{rule.id}: 本基地无法判定 {shown(name)}, 故许可不生效, 禁止则一律生效",
            )
            yield Finding((), "terms.undecidable", said)


def _finding(
    permit: Rule, ban: Rule, code: str, en: str, zh: str, wanted: Text | None = None
) -> Finding:
    both = f"{permit.id}, {ban.id}"
    return Finding((), f"terms.{code}", Text(f"{both}: {en}", f"{both}: {zh}"), wanted)


def _pairs(policy: Policy) -> Iterator[tuple[Rule, Rule]]:
    """Permissions and prohibitions with an action, a target and a party in common."""
    permits = [rule for rule in policy.rules if rule.kind == "permission"]
    bans = [rule for rule in policy.rules if rule.kind == "prohibition"]
    for permit in permits:
        for ban in bans:
            if (
                _actions_meet(permit.actions, ban.actions)
                and _names_meet(permit.targets, ban.targets)
                and _names_meet(permit.assignees, ban.assignees)
            ):
                yield permit, ban


def _actions_meet(ones: Sequence[Action], others: Sequence[Action]) -> bool:
    return any(within(a.name, b.name) or within(b.name, a.name) for a in ones for b in others)


def _names_meet(ones: Sequence[Named], others: Sequence[Named]) -> bool:
    return not ones or not others or bool({one.id for one in ones} & {one.id for one in others})


def _always(permit: Rule, ban: Rule) -> bool:
    """Whether the prohibition holds wherever the permission does, as far as conditions go."""
    refined = any(one.refinements for one in ban.actions) or any(
        one.refinements or one.collection for one in (*ban.targets, *ban.assignees)
    )
    return not refined and set(ban.constraints) <= set(permit.constraints)


def _covers(wide: Rule, narrow: Rule) -> bool:
    """Whether actions, targets and parties of a rule are all among those of another."""
    return (
        all(any(within(a.name, b.name) for b in wide.actions) for a in narrow.actions)
        and _names_cover(wide.targets, narrow.targets)
        and _names_cover(wide.assignees, narrow.assignees)
    )


def _names_cover(wide: Sequence[Named], narrow: Sequence[Named]) -> bool:
    return not wide or (bool(narrow) and {one.id for one in narrow} <= {one.id for one in wide})


def _never(rule: Rule) -> Iterator[Finding]:
    """A rule whose own conditions on time shut each other out."""
    after = [r[0] for c in _times(rule, "gt", "gteq") if (r := span(c.right[0]))]
    before = [r[1] for c in _times(rule, "lt", "lteq") if (r := span(c.right[0]))]
    if after and before and max(after) >= min(before):
        said = Text(f"{rule.id} holds at no time at all", f"{rule.id} 在任何时间都不成立")
        yield Finding((), "terms.empty_time", said)


def _times(rule: Rule, *operators: str) -> Iterator[Constraint]:
    for one in rule.constraints:
        if isinstance(one, Constraint) and one.left == "dateTime" and one.operator in operators:
            yield one


def _undecidable(rule: Rule) -> Iterator[str]:
    """Operands that the base has no means to decide, whoever asks."""
    for action in rule.actions:
        if SAME_ACTION.get(action.name, action.name) not in ACTIONS:
            yield action.name
        yield from _operands(action.refinements)
    yield from _operands(rule.constraints)
    for name in (*rule.assignees, *rule.targets):
        yield from _operands(name.refinements)


def _operands(conditions: Sequence[Condition]) -> Iterator[str]:
    for one in conditions:
        if isinstance(one, Logical):
            yield from ["andSequence"] if one.operand == "andSequence" else []
            yield from _operands(one.parts)
        elif one.left in CARRIED or ":" in one.left or one.type == "reference":
            yield one.left
        elif one.left == "dateTime" and any(span(value) is None for value in one.right):
            yield f"dateTime {one.right[0]}"
