"""A registration moves as its table says: every step, every refusal, and nothing under dispute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pilotbase.catalog.rights.rules import states
from pilotbase.catalog.rights.rules.states import (
    ACTIONS,
    ENDED,
    MOVES,
    PROCEDURE,
    STAGES,
    Action,
    No,
    Outcome,
    Standing,
    disputed,
    moved,
    rivals,
    settled,
)

NOW = datetime(2026, 11, 22, tzinfo=UTC)
DAY = timedelta(days=1)


def test_the_way_from_application_to_code() -> None:
    standing: Standing | No = Standing("applied")
    for action in ("accept", "review", "publish", "code"):
        assert isinstance(standing, Standing)
        standing = moved(standing, action, NOW)  # type: ignore[arg-type]
    assert standing == Standing("coded", in_force=True)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("action", ACTIONS)
def test_only_the_table_s_moves_are_made(stage: states.Stage, action: Action) -> None:
    found = moved(Standing(stage), action, NOW)
    if stage in MOVES[action].sources:
        assert isinstance(found, Standing) and found.stage == MOVES[action].to
    else:
        assert isinstance(found, No) and found.code == "rights.no_such_step"
        assert found.message.en and found.message.zh


def test_no_code_before_the_publication_has_ended() -> None:
    published = Standing("published", until=NOW + DAY)
    early = moved(published, "code", NOW)
    assert isinstance(early, No) and early.code == "rights.still_published"
    assert moved(published, "code", NOW + DAY) == Standing("coded", in_force=True)


@pytest.mark.parametrize("action", ["change", "correct"])
def test_a_refused_change_leaves_the_right_as_it_was(action: Action) -> None:
    coded = Standing("coded", in_force=True)
    asked = moved(coded, action, NOW)
    assert asked == Standing("applied", in_force=True)
    assert isinstance(asked, Standing) and moved(asked, "refuse", NOW) == coded


@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage not in ENDED])
def test_under_dispute_nothing_moves_until_it_is_settled(stage: states.Stage) -> None:
    under = disputed(Standing(stage, in_force=stage == "coded"))
    assert isinstance(under, Standing)
    for action in ACTIONS:
        found = moved(under, action, NOW)
        assert isinstance(found, No) and found.code == "rights.under_dispute"
    assert settled(under, "stands") == Standing(stage, stage == "coded")
    assert settled(under, "falls") == Standing("cancelled" if stage == "coded" else "refused")
    # A dispute over a rival's registration does not end this one.
    assert settled(under, "falls", own=False) == Standing(stage, stage == "coded")


def test_nothing_is_disputed_that_has_ended_and_nothing_settled_that_is_not_disputed() -> None:
    assert isinstance(disputed(Standing("cancelled")), No)
    assert isinstance(settled(Standing("coded", in_force=True), "stands"), No)


def test_one_holds_and_several_process() -> None:
    live = {"r1": "library"}
    assert rivals("hold", "uni", live) == ["r1"] and rivals("process", "uni", live) == []
    assert rivals("operate", "library", live) == ["r1"]


class Registration(RuleBasedStateMachine):
    """Random steps against a plain count of what has happened."""

    def __init__(self) -> None:
        super().__init__()
        self.standing = Standing("applied")
        self.open = 0
        self.coded_ever = False

    @rule(action=st.sampled_from(ACTIONS), late=st.booleans())
    def move(self, action: Action, late: bool) -> None:
        before = self.standing
        after = moved(before, action, NOW + DAY if late else NOW)
        if self.open or before.stage in ENDED:
            assert isinstance(after, No)
            return
        if isinstance(after, Standing):
            forward = {"accept", "review", "publish", "code"}
            if action in forward:
                place = PROCEDURE.index(before.stage)
                assert after.stage == (*PROCEDURE, "coded")[place + 1]
            self.coded_ever |= action == "code"
            if action == "publish":
                after = Standing(after.stage, after.in_force, after.disputes, NOW + DAY)
            assert action != "code" or late or before.until is None
            self.standing = after

    @rule()
    def dispute(self) -> None:
        after = disputed(self.standing)
        if isinstance(after, Standing):
            self.standing, self.open = after, self.open + 1

    @precondition(lambda self: self.open)
    @rule(outcome=st.sampled_from(get_args(Outcome)), own=st.booleans())
    def settle(self, outcome: Outcome, own: bool) -> None:
        before = self.standing
        after = settled(before, outcome, own=own)
        assert isinstance(after, Standing)
        if outcome == "stands" or not own:
            assert (after.stage, after.in_force) == (before.stage, before.in_force)
        self.standing, self.open = after, self.open - 1

    @invariant()
    def what_is_in_force_was_coded_and_has_not_ended(self) -> None:
        assert self.standing.disputes == self.open
        assert not self.standing.in_force or (self.coded_ever and self.standing.stage not in ENDED)
        assert self.standing.stage != "coded" or self.standing.in_force


Registration.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestRegistration = Registration.TestCase
