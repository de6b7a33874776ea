"""May a party exercise an action on an asset? Yes, no, or only once a duty is done.

ODRL 2.2 (Information Model, sections 2.2 to 2.10), read so that nothing undecided lets more happen:

- a permission counts only if everything about it is true; a prohibition counts unless something
  about it is false; a duty is met only by a recorded fulfilment for which everything is true;
- what no permission covers is not permitted; an Offer grants nothing before there is an Agreement;
- where a permission and a prohibition of one policy meet, its ``conflict`` decides: ``perm``, the
  permission; ``prohibit``, the prohibition; ``invalid`` (ODRL's own default), the policy is void
  for this request, which is a no. Between policies a prohibition wins; a base has no say by which
  one owner's permission could overrule another's prohibition.

Hence the decision is total, and monotone: a further prohibition never makes a no into a yes. Pure:
what was done so far is the argument ``state``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from pilotbase.catalog.rights.rules.constraints import (
    Facts,
    all_hold,
    all_of,
    any_of,
    holds,
    open_questions,
)
from pilotbase.catalog.rights.rules.policy import Condition, Duty, Logical, Named, Policy, Rule
from pilotbase.catalog.rights.rules.vocabulary import Truth, within
from pilotbase.kernel.text import Text

Answer = Literal["yes", "duty", "no"]


@dataclass(frozen=True)
class Request:
    """Who wants to do what with which asset.

    Attributes:
        facts: by left operand, what is said of the use. collections: those that the party is a
            member of, and ``asset_collections`` those that the asset belongs to.
        broader: see `Facts`. times: how often it is to be exercised at once.
    """

    party: str
    action: str
    asset: str
    at: datetime
    facts: Mapping[str, str] = field(default_factory=dict)
    collections: frozenset[str] = frozenset()
    asset_collections: frozenset[str] = frozenset()
    broader: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    times: int = 1


@dataclass(frozen=True)
class Fulfilment:
    """A recorded act by which a party did what a duty asks."""

    party: str
    policy: str
    duty: str
    at: datetime
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class State:
    """What happened so far.

    Attributes:
        uses: how often the asking party exercised each action on the asset.
    """

    uses: Mapping[str, int] = field(default_factory=dict)
    fulfilled: Sequence[Fulfilment] = ()


@dataclass(frozen=True)
class Owed:
    """A duty that is not met: its policy and id there, the action, and what was not decided."""

    policy: str
    duty: str
    action: str
    open: tuple[str, ...] = ()


@dataclass(frozen=True)
class Decision:
    """Attributes:
    policy, rule: what decided; empty where nothing did. code, why: the reason.
    duties: what has to be done before the answer is yes. owed: obligations that bind whatever is
        done, and the remedies of a prohibition. open: what could not be decided, by operand.
    but: narrower actions that are prohibited though the answer is yes.
    """

    answer: Answer
    code: str
    why: Text
    policy: str = ""
    rule: str = ""
    duties: tuple[Owed, ...] = ()
    owed: tuple[Owed, ...] = ()
    open: tuple[str, ...] = ()
    but: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Found:
    """How one rule stands to a request; ``missed`` is the condition that alone is false."""

    policy: Policy
    rule: Rule
    truth: Truth
    open: tuple[str, ...] = ()
    missed: str = ""


def evaluate(policy: Policy | Sequence[Policy], request: Request, state: State) -> Decision:
    """The decision under one policy, or under all policies of an asset. It never raises."""
    policies = [policy] if isinstance(policy, Policy) else list(policy)
    owed = tuple(_obligations(policies, request, state))
    refusals: list[Decision] = []
    grants: list[tuple[_Found, tuple[Owed, ...]]] = []
    unclear: list[_Found] = []
    offered: list[_Found] = []
    missed: list[_Found] = []
    for one in policies:
        permits = [_found(one, r, request, state) for r in one.rules if r.kind == "permission"]
        if one.kind == "Offer":
            offered += [found for found in permits if found.truth is not False]
            continue
        granted = [found for found in permits if found.truth]
        unclear += [found for found in permits if found.truth is None]
        missed += [found for found in permits if found.missed]
        against = [
            found
            for found in (_found(one, r, request, state) for r in one.rules)
            if found.rule.kind == "prohibition" and found.truth is not False
        ]
        if against and not (granted and one.conflict == "perm"):
            refusals.append(_prohibited(one, against, granted, request, state))
            continue
        grants += [(found, tuple(_unmet(found, request, state))) for found in granted]
    if refusals:
        return _with(refusals[0], owed)
    if grants:
        return _granted(grants, policies, request, owed)
    return _not_covered(unclear or offered or missed, policies, owed)


def _with(decision: Decision, owed: tuple[Owed, ...]) -> Decision:
    return Decision(**{**vars(decision), "owed": decision.owed + owed})


def _found(policy: Policy, rule: Rule, request: Request, state: State) -> _Found:
    """How a rule stands to a request: its action, target, party and conditions together."""
    facts = _facts(rule, request, state)
    truths = [
        any_of(all_of([within(request.action, a.name), all_hold(a.refinements, facts)])
               for a in rule.actions),
        _names(rule.targets, request.asset, request.asset_collections, facts),
        _names(rule.assignees, request.party, request.collections, facts),
        all_hold(rule.constraints, facts),
    ]  # fmt: skip
    truth = all_of(truths)
    if truth is False:
        about = all_of(truths[:3]) is not False
        missed = [one for one in rule.constraints if holds(one, facts) is False] if about else []
        return _Found(policy, rule, truth, missed=_told(missed[0]) if missed else "")
    return _Found(policy, rule, truth, tuple(_open(rule, truths, facts)) if truth is None else ())


def _told(condition: Condition) -> str:
    """A condition as a reader takes it in."""
    if isinstance(condition, Logical):
        return f" {condition.operand} ".join(_told(part) for part in condition.parts)
    right = ", ".join(condition.right)
    return f"{condition.left} {condition.operator} {right} {condition.unit}".strip()


def _facts(rule: Rule, request: Request, state: State) -> Facts:
    """What conditions are held against. ``count`` is the number of this use: those recorded so far
    of the rule's actions, and what is asked for; undecided where one of those is no known word."""
    meant = {
        action: any_of(within(action, one.name) for one in rule.actions) for action in state.uses
    }
    said = {name: value for name, value in request.facts.items() if name != "count"}
    if None not in meant.values():
        used = sum(times for action, times in state.uses.items() if meant[action])
        said["count"] = str(used + request.times)
    return Facts(request.at, said, request.broader)


def _names(names: Sequence[Named], id_: str, collections: frozenset[str], facts: Facts) -> Truth:
    """Whether a party or asset is meant; a rule that names none means all."""
    if not names:
        return True
    return any_of(_named(name, id_, collections, facts) for name in names)


def _named(name: Named, id_: str, collections: frozenset[str], facts: Facts) -> Truth:
    if name.id == id_ and not name.collection:
        return True
    if name.id in collections:
        return all_hold(name.refinements, facts)
    # Who belongs to a collection that the base does not keep, it cannot know.
    return None if name.collection else False


def _open(rule: Rule, truths: Sequence[Truth], facts: Facts) -> Iterator[str]:
    refinements = [one for action in rule.actions for one in action.refinements]
    named = open_questions([*rule.constraints, *refinements], facts)
    yield from named
    parts = ("action", "target", "assignee")
    yield from (part for part, truth in zip(parts, truths, strict=False) if truth is None)


def _prohibited(
    policy: Policy,
    against: Sequence[_Found],
    granted: Sequence[_Found],
    request: Request,
    state: State,
) -> Decision:
    """A no: by a prohibition, or because the policy contradicts itself here."""
    found = min(against, key=lambda one: (one.truth is None, one.rule.id))
    remedies = tuple(
        owed for duty in found.rule.duties for owed in owing(policy.uid, duty, request, state)
    )
    where = {"policy": policy.uid, "rule": found.rule.id, "owed": remedies, "open": found.open}
    if granted and policy.conflict == "invalid":
        permit = granted[0].rule.id
        why = Text(
            f"{permit} permits it and {found.rule.id} prohibits it, and the policy does not say "
            "which holds: it is void here",
            f"{permit} 允许而 {found.rule.id} 禁止, 且策略未说明以何者为准: 在此情形下策略无效",
        )
        return Decision("no", "terms.conflict", why, **where)  # type: ignore[arg-type]
    if found.truth is None:
        asked = ", ".join(found.open)
        why = Text(
            f"{found.rule.id} may prohibit it: {asked} cannot be decided",
            f"{found.rule.id} 可能禁止: 无法判定 {asked}",
        )
        return Decision("no", "terms.undecided_prohibition", why, **where)  # type: ignore[arg-type]
    why = Text(f"{found.rule.id} prohibits it", f"{found.rule.id} 禁止此行为")
    return Decision("no", "terms.prohibited", why, **where)  # type: ignore[arg-type]


def _granted(
    grants: Sequence[tuple[_Found, tuple[Owed, ...]]],
    policies: Sequence[Policy],
    request: Request,
    owed: tuple[Owed, ...],
) -> Decision:
    """A yes, or the permission that asks for the fewest duties."""
    found, unmet = min(grants, key=lambda grant: len(grant[1]))
    rule = found.rule.id
    but = tuple(sorted(set(_narrower_prohibited(policies, request.action))))
    if not unmet:
        why = Text(f"{rule} permits it", f"{rule} 允许此行为")
        return Decision("yes", "terms.permitted", why, found.policy.uid, rule, owed=owed, but=but)
    names = ", ".join(one.duty for one in unmet)
    why = Text(
        f"{rule} permits it once {names} is fulfilled", f"{rule} 允许此行为, 但须先履行 {names}"
    )
    return Decision(
        "duty", "terms.duty", why, found.policy.uid, rule, duties=unmet, owed=owed, but=but
    )


def _narrower_prohibited(policies: Sequence[Policy], action: str) -> Iterator[str]:
    for policy in policies:
        for rule in policy.rules:
            if rule.kind == "prohibition" and policy.kind != "Offer":
                names = [one.name for one in rule.actions]
                yield from (n for n in names if n != action and within(n, action))


def _not_covered(
    near: Sequence[_Found], policies: Sequence[Policy], owed: tuple[Owed, ...]
) -> Decision:
    """A no, because nothing permits it; with the permission that comes nearest."""
    if not policies:
        return Decision("no", "terms.none", Text("the asset has no terms", "该资产没有使用条款"))
    if not near:
        why = Text("no permission covers it", "没有许可涵盖此行为")
        return Decision("no", "terms.not_permitted", why, owed=owed)
    found = min(near, key=lambda one: (len(one.open), one.rule.id))
    rule, asked = found.rule.id, ", ".join(found.open)
    if found.missed:
        code, why = "terms.condition", Text(
            f"{rule} would permit it, but only if {found.missed}",
            f"{rule} 本可允许, 但须满足 {found.missed}",
        )  # fmt: skip
    elif found.policy.kind == "Offer":
        code, why = "terms.offered", Text(
            f"{rule} only offers it: an agreement with the party is needed",
            f"{rule} 仅为要约: 须与该方达成协议",
        )  # fmt: skip
    else:
        code, why = "terms.undecided", Text(
            f"{rule} would permit it, but {asked} cannot be decided",
            f"{rule} 本可允许, 但无法判定 {asked}",
        )  # fmt: skip
    return Decision("no", code, why, found.policy.uid, rule, owed=owed, open=found.open)


def _unmet(found: _Found, request: Request, state: State) -> Iterator[Owed]:
    for duty in found.rule.duties:
        yield from owing(found.policy.uid, duty, request, state)


def _obligations(policies: Iterable[Policy], request: Request, state: State) -> Iterator[Owed]:
    """Obligations of the asking party that are not met; they bind, but forbid nothing (2.6.5)."""
    for policy in policies:
        for rule in policy.rules:
            if rule.kind != "obligation" or policy.kind == "Offer":
                continue
            facts = _facts(rule, request, state)
            meant = _names(rule.assignees, request.party, request.collections, facts)
            if meant is not False:
                for duty in rule.duties:
                    yield from owing(policy.uid, duty, request, state)


def owing(policy: str, duty: Duty, request: Request, state: State) -> Iterator[Owed]:
    """What of a duty and its consequences is still to be done.

    A duty that was done, but not as its constraints ask (too late, say), is met once all its
    consequences are met as well (section 2.6.6).
    """
    acts = [f for f in state.fulfilled if _by(policy, duty, f, request)]
    done = [_done(duty, fulfilment) for fulfilment in acts]
    if any(full for full, _ in done):
        return
    late = any(act for _, act in done)
    # Only a term can have passed by itself: nothing else is known of what was not done.
    missed = late or all_hold(duty.constraints, Facts(request.at)) is False
    further = [
        one
        for consequence in (duty.consequences if missed else ())
        for one in owing(policy, consequence, request, state)
    ]
    if not (late and duty.consequences and not further):
        action = ", ".join(one.name for one in duty.actions)
        undecided = [what for act in acts for what in _undecided(duty, act)]
        yield Owed(policy, duty.id, action, tuple(dict.fromkeys(undecided)))
    yield from further


def _by(policy: str, duty: Duty, fulfilment: Fulfilment, request: Request) -> bool:
    """Whether a fulfilment is of this duty, by the asking party or by whom the duty names."""
    if (fulfilment.policy, fulfilment.duty) != (policy, duty.id):
        return False
    return fulfilment.party in {request.party, *(name.id for name in duty.assignees)}


def _done(duty: Duty, fulfilment: Fulfilment) -> tuple[bool, bool]:
    """Whether an act is the duty as asked, and whether it is its action at all."""
    facts = Facts(fulfilment.at, fulfilment.facts)
    act = any_of(all_hold(action.refinements, facts) for action in duty.actions)
    return all_of([act, all_hold(duty.constraints, facts)]) is True, act is True


def _undecided(duty: Duty, fulfilment: Fulfilment) -> list[str]:
    facts = Facts(fulfilment.at, fulfilment.facts)
    refinements = [one for action in duty.actions for one in action.refinements]
    return open_questions([*refinements, *duty.constraints], facts)
