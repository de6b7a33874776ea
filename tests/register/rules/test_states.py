"""The life of a filing: what can follow what, whatever anybody tries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from pilotbase.register.rules.states import (
    MOVES,
    WORDS,
    Action,
    Standing,
    State,
    moved,
    standing,
)

START = datetime(2026, 11, 22, tzinfo=UTC)
EXPIRES = START + timedelta(days=100)
ACTIONS: tuple[Action, ...] = get_args(Action)
STATES: tuple[State, ...] = get_args(State)


class Life(RuleBasedStateMachine):
    """Somebody tries every action at every time, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.state: State = "filed"
        self.day = 0
        self.ended = False

    @property
    def now(self) -> datetime:
        return START + timedelta(days=self.day)

    @rule(days=st.integers(0, 40))
    def wait(self, days: int) -> None:
        self.day += days

    @rule(action=st.sampled_from(ACTIONS))
    def tried(self, action: Action) -> None:
        reached = moved(self.state, EXPIRES, self.now, action)
        if reached is not None:
            self.ended |= action in ("stop", "withdraw", "exit")
            self.state = reached

    @invariant()
    def what_has_ended_is_never_served_again(self) -> None:
        stands = standing(self.state, EXPIRES, self.now)
        assert not (self.ended and stands in ("live", "suspended"))
        assert not (self.day >= 100 and stands in ("live", "suspended"))

    @invariant()
    def everything_can_be_brought_to_an_end(self) -> None:
        state: State | None = self.state
        for action in ("stop", "exit"):
            state = moved(state or "filed", EXPIRES, self.now, action) or state
        assert state == "exited"


TestLife = Life.TestCase


@given(st.sampled_from(STATES), st.sampled_from(ACTIONS), st.integers(-10, 200))
def test_the_table_answers_everything(state: State, action: Action, day: int) -> None:
    at = START + timedelta(days=day)
    stands = standing(state, EXPIRES, at)
    reached = moved(state, EXPIRES, at, action)
    assert (reached is not None) == (stands in MOVES[action].sources)
    if state in ("stopped", "withdrawn"):
        assert reached in (None, "exited")
    if state == "exited":
        assert reached is None


def test_every_word_is_said_in_both_languages() -> None:
    assert {*get_args(Standing), *STATES} == set(WORDS)
    assert set(MOVES) == set(ACTIONS) and all(move.roles for move in MOVES.values())
