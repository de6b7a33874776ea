"""May somebody? Every kind of rule, and that no further prohibition ever makes a no into a yes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotbase.catalog.rights.rules.constraints import Facts, exactly_one_of, holds
from pilotbase.catalog.rights.rules.decision import (
    Fulfilment,
    Request,
    State,
    evaluate,
)
from pilotbase.catalog.rights.rules.policy import (
    Action,
    Constraint,
    Duty,
    Logical,
    Named,
    Policy,
    Rule,
)
from tests.catalog.rights.rules.making import NOW, Making, ask, permission, prohibition

LEVEL = {"no": 0, "duty": 1, "yes": 2}
NOTHING = State()


def answer(policy: Policy, request: Request, state: State = NOTHING) -> tuple[str, str]:
    found = evaluate(policy, request, state)
    assert found.why.en and found.why.zh and found.code.startswith("terms.")
    return found.answer, found.code


def one(*rules: Rule, **more: object) -> Policy:
    return Policy("p1", rules=rules, **more)  # type: ignore[arg-type]


def limit(left: str, operator: str, *right: str, **more: str) -> dict[str, tuple[Constraint, ...]]:
    return {"constraints": (Constraint(left, operator, right, **more),)}


def test_what_no_permission_covers_is_not_permitted() -> None:
    assert evaluate([], ask(), NOTHING).code == "terms.none"
    assert answer(one(permission("print")), ask()) == ("no", "terms.not_permitted")
    assert answer(one(permission("use")), ask("sell")) == ("no", "terms.not_permitted")
    assert answer(one(permission("read")), ask("use")) == ("no", "terms.not_permitted")


def test_an_action_within_a_permitted_one_is_permitted_and_within_a_prohibited_one_is_not() -> None:
    for action in ("use", "read", "extract", "copy", "cc:Distribution"):
        assert answer(one(permission("use")), ask(action)) == ("yes", "terms.permitted")
        found = answer(
            one(permission(action), prohibition("use"), conflict="prohibit"), ask(action)
        )
        assert found == ("no", "terms.prohibited")


def test_a_yes_names_the_narrower_actions_that_are_prohibited() -> None:
    policy = one(permission("use"), prohibition("distribute"), conflict="prohibit")
    assert evaluate(policy, ask("use"), NOTHING).but == ("distribute",)
    assert answer(policy, ask("distribute"))[0] == "no"


@pytest.mark.parametrize(
    ("conflict", "expected"),
    [
        ("perm", ("yes", "terms.permitted")),
        ("prohibit", ("no", "terms.prohibited")),
        ("invalid", ("no", "terms.conflict")),
    ],
)
def test_where_both_hold_the_policy_s_strategy_decides(
    conflict: str, expected: tuple[str, str]
) -> None:
    assert answer(one(permission("read"), prohibition("use"), conflict=conflict), ask()) == expected


def test_between_policies_a_prohibition_wins() -> None:
    generous = one(permission("use"), conflict="perm")
    strict = Policy("p2", rules=(prohibition("read"),))
    assert evaluate([generous, strict], ask(), NOTHING).policy == "p2"
    assert evaluate([generous, strict], ask("print"), NOTHING).answer == "yes"


def test_an_offer_grants_nothing_and_binds_nobody() -> None:
    offer = one(permission("use"), kind="Offer")
    assert answer(offer, ask()) == ("no", "terms.offered")
    banned = Policy("p2", "Offer", rules=(prohibition("use"),))
    assert evaluate([banned, one(permission("use"))], ask(), NOTHING).answer == "yes"


CASES = [
    # left, operator, right values, the request's value, expected truth
    ("purpose", "eq", ["research"], "research", True),
    ("purpose", "eq", ["research"], "trade", False),
    ("purpose", "eq", ["research"], None, None),
    ("purpose", "neq", ["research"], "trade", True),
    ("purpose", "isAnyOf", ["research", "trial"], "trial", True),
    ("purpose", "isNoneOf", ["research", "trial"], "trial", False),
    ("purpose", "isNoneOf", ["research", "trial"], "trade", True),
    ("purpose", "isNoneOf", ["research", "trial"], None, None),
    ("purpose", "isAllOf", ["research"], "research", True),
    ("purpose", "isA", ["science"], "research", True),
    ("purpose", "isA", ["trade"], "research", False),
    ("purpose", "isA", ["science"], "unheard-of", None),
    ("purpose", "hasPart", ["research"], "science", True),
    ("purpose", "lt", ["research"], "research", None),
    ("spatial", "eq", ["https://www.iso.org/obp/ui/#iso:code:3166:CN"], "CN", True),
    ("spatial", "isPartOf", ["CN"], "CN-BJ", True),
    ("spatial", "isPartOf", ["CN-BJ"], "CN", False),
    ("spatial", "eq", ["IT"], "CN", False),
    ("spatial", "neq", ["Beijing"], "CN-BJ", None),
    ("count", "lteq", ["3"], "3", True),
    ("count", "lt", ["3"], "3", False),
    ("percentage", "lteq", ["50"], "12.5", True),
    ("percentage", "lteq", ["half"], "12.5", None),
    ("payAmount", "gteq", ["5.00"], "5 CNY", True),
    ("payAmount", "gteq", ["5.00"], "4.99 CNY", False),
    ("payAmount", "gteq", ["5.00"], "5 EUR", None),
    ("dateTime", "lt", ["2026-11-22"], None, False),
    ("dateTime", "lteq", ["2026-11-22"], None, True),
    ("dateTime", "eq", ["2026-11-22"], None, True),
    ("dateTime", "neq", ["2026-11-22"], None, False),
    ("dateTime", "gt", ["2026-11-22"], None, False),
    ("dateTime", "gteq", ["2026-11-22T16:00:00+08:00"], None, True),
    ("dateTime", "lt", ["2026-11-22T16:00:00+08:00"], None, False),
    ("dateTime", "lt", ["2030-01-01T00:00:00"], None, None),
    ("meteredTime", "lteq", ["P1D"], "PT1H", None),
    ("recipient", "eq", ["library"], "library", True),
]  # fmt: skip


@pytest.mark.parametrize(("left", "operator", "right", "value", "expected"), CASES)
def test_a_constraint_is_true_false_or_undecided(
    left: str, operator: str, right: list[str], value: str | None, expected: bool | None
) -> None:
    unit = "CNY" if left == "payAmount" else ""
    constraint = Constraint(left, operator, tuple(right), unit)
    facts = Facts(NOW, {left: value} if value else {}, {"research": ("science",)})
    assert holds(constraint, facts) is expected


def test_undecided_is_a_no_on_either_side_and_says_what_was_not_known() -> None:
    research = limit("purpose", "eq", "research")
    found = evaluate(one(permission("use", **research)), ask(), NOTHING)
    assert (found.answer, found.code, found.open) == ("no", "terms.undecided", ("purpose",))
    policy = one(permission("use"), prohibition("read", **research), conflict="prohibit")
    found = evaluate(policy, ask(), NOTHING)
    assert (found.answer, found.code) == ("no", "terms.undecided_prohibition")
    assert found.open == ("purpose",)
    assert answer(policy, ask(purpose="trade"))[0] == "yes"
    assert answer(one(permission("fly")), ask()) == ("no", "terms.undecided")


@pytest.mark.parametrize(
    ("operand", "values", "expected"),
    [
        ("and", [True, None], None), ("and", [False, None], False), ("or", [True, None], True),
        ("or", [False, None], None), ("xone", [True, False], True), ("xone", [True, True], False),
        ("xone", [True, None], None), ("xone", [True, True, None], False),
        ("andSequence", [True, False], False), ("andSequence", [True, True], None),
    ],
)  # fmt: skip
def test_logical_constraints_are_kleene_s(
    operand: str, values: list[bool | None], expected: bool | None
) -> None:
    right = {True: "CN", False: "IT", None: "Beijing"}
    parts = tuple(Constraint("spatial", "eq", (right[value],)) for value in values)
    assert holds(Logical(operand, parts), Facts(NOW, {"spatial": "CN"})) is expected
    assert operand != "xone" or exactly_one_of(values) is expected


def test_counts_come_from_recorded_uses() -> None:
    policy = one(permission("use", **limit("count", "lteq", "3")))
    assert answer(policy, ask(count="1"), State({"read": 2}))[0] == "yes"
    assert answer(policy, ask(count="1"), State({"read": 2, "print": 1}))[0] == "no"
    assert answer(policy, replace(ask(), times=4)) == ("no", "terms.condition")
    assert "count lteq 3" in evaluate(policy, replace(ask(), times=4), NOTHING).why.en
    assert answer(policy, ask(), State({"sell": 9}))[0] == "yes"  # selling is no use
    assert answer(policy, ask(), State({"fly": 1})) == ("no", "terms.undecided")


PAY = Duty("d1", (Action("compensate", (Constraint("payAmount", "gteq", ("5",), "CNY"),)),))


def paid(amount: str, duty: str = "d1", party: str = "uni") -> Fulfilment:
    return Fulfilment(party, "p1", duty, NOW, {"payAmount": amount})


def test_a_duty_is_met_by_a_recorded_act_that_is_enough() -> None:
    policy = one(permission("use", duties=(PAY,)))
    found = evaluate(policy, ask(payAmount="5 CNY"), NOTHING)
    assert found.answer == "duty" and [owed.action for owed in found.duties] == ["compensate"]
    for short in ("4.99 CNY", "5 EUR", ""):
        assert evaluate(policy, ask(), State(fulfilled=[paid(short)])).answer == "duty"
    assert evaluate(policy, ask(), State(fulfilled=[paid("5 CNY", party="bot")])).answer == "duty"
    assert evaluate(policy, ask(), State(fulfilled=[paid("5.00 CNY")])).answer == "yes"


def test_what_was_done_too_late_is_met_with_its_consequence() -> None:
    fine = Duty("d2", (Action("compensate", (Constraint("payAmount", "gteq", ("9",), "CNY"),)),))
    term = Constraint("dateTime", "lt", ("2026-11-01",))
    policy = one(
        permission("use", duties=(replace(PAY, constraints=(term,), consequences=(fine,)),))
    )
    owed = evaluate(policy, ask(), NOTHING).duties
    assert [one.duty for one in owed] == ["d1", "d2"]
    late = State(fulfilled=[paid("5 CNY")])
    assert [one.duty for one in evaluate(policy, ask(), late).duties] == ["d1", "d2"]
    both = State(fulfilled=[paid("5 CNY"), paid("9 CNY", "d2")])
    assert evaluate(policy, ask(), both).answer == "yes"


def test_obligations_and_remedies_are_owed_and_forbid_nothing() -> None:
    report = Rule("o", "obligation", (Action("inform"),), duties=(Duty("o", (Action("inform"),)),))
    found = evaluate(one(permission("use"), report), ask(), NOTHING)
    assert (found.answer, [owed.duty for owed in found.owed]) == ("yes", ["o"])
    done = State(fulfilled=[Fulfilment("uni", "p1", "o", NOW)])
    assert evaluate(one(permission("use"), report), ask(), done).owed == ()
    found = evaluate(one(prohibition("use", duties=(PAY,))), ask(), NOTHING)
    assert (found.answer, [owed.duty for owed in found.owed]) == ("no", ["d1"])


def test_members_of_a_collection_are_meant_and_strangers_cannot_be_told() -> None:
    policy = one(permission("use", assignees=(Named("labs", collection=True),)))
    assert answer(policy, ask()) == ("no", "terms.undecided")
    assert answer(policy, replace(ask(), collections=frozenset({"labs"})))[0] == "yes"
    parts = one(permission("use", targets=(Named("suite", collection=True),)))
    assert answer(parts, replace(ask(), asset_collections=frozenset({"suite"})))[0] == "yes"


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 2**32))
def test_a_further_prohibition_never_lets_more_happen(seed: int) -> None:
    made = Making(seed)
    policies, request, state = made.some(made.policy, 3), made.request(), made.state()
    before = evaluate(policies, request, state)
    further = replace(made.rule(), kind="prohibition")
    for place in range(len(policies)):
        longer = replace(policies[place], rules=(*policies[place].rules, further))
        after = evaluate([*policies[:place], longer, *policies[place + 1 :]], request, state)
        assert LEVEL[after.answer] <= LEVEL[before.answer]
    beside = evaluate([*policies, Policy("p9", rules=(further,))], request, state)
    assert LEVEL[beside.answer] <= LEVEL[before.answer]


@settings(max_examples=250, deadline=None)
@given(st.integers(0, 2**32))
def test_a_decision_names_what_decided_and_what_is_fulfilled_takes_nothing_away(seed: int) -> None:
    made = Making(seed)
    policies, request, state = made.some(made.policy, 3, 1), made.request(), made.state()
    found = evaluate(policies, request, state)
    assert (found.answer == "duty") == bool(found.duties)
    if found.answer != "no":
        permits = [r.id for p in policies for r in p.rules if r.kind == "permission"]
        assert found.rule in permits and found.policy in {p.uid for p in policies}
    richer = State(state.uses, [*state.fulfilled, made.fulfilment(), made.fulfilment()])
    assert LEVEL[evaluate(policies, request, richer).answer] >= LEVEL[found.answer]


def test_the_seeds_reach_every_answer() -> None:
    """The properties above say little of answers that never come."""
    found = set()
    for seed in range(800):
        made = Making(seed)
        policies = made.some(made.policy, 3)
        found.add(evaluate(policies, made.request(), made.state()).code.removeprefix("terms."))
    assert found == {
        "none", "permitted", "prohibited", "conflict", "undecided", "undecided_prohibition",
        "offered", "not_permitted", "duty", "condition",
    }  # fmt: skip
