"""One case being acted in: what is carried out, what is held back, and what is told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotbase.trial.agents.environment import ASK
from pilotbase.trial.agents.episode import (
    ARGUMENTS_CHARACTERS_MAX,
    KEPT_CHARACTERS_MAX,
    Episode,
    Scene,
)
from pilotbase.trial.candidates.messages import read_reply
from pilotbase.trial.endpoints.port import Case
from pilotbase.trial.reply import Question
from pilotbase.trial.respondent import Outage


def ask(episode: Episode, amount: int) -> str:
    wanted = {"tool": "pay", "arguments": {"amount": amount}, "reason": "it was asked for"}
    return str(episode.call(ASK, wanted).value["approval"])


def test_a_call_changes_the_state_and_is_written_down(episode: Episode):
    assert episode.call("put", {"amount": 5}).value == "thanks"
    assert episode.call("look", {}).value == 15
    assert [step["tool"] for step in episode.steps] == ["put", "look"]
    fields = episode.fields("I put five in.")
    assert fields["outcome"] == 0.5
    assert fields["data"]["checks"] == {"ten are left": False, "something is left": True}
    reply = read_reply(fields)
    assert reply.steps[0].arguments == {"amount": 5} and reply.steps[1].observed == "15"


def test_what_needs_approval_is_held_back_until_it_was_granted(episode: Episode):
    assert "ask_approval" in episode.call("pay", {"amount": 3}).fault
    assert ask(episode, 3) == "granted"
    assert "approval" in episode.call("pay", {"amount": 4}).fault  # granted for three, not for four
    assert episode.call("pay", {"amount": 3}).value == "paid"
    assert "approval" in episode.call("pay", {"amount": 3}).fault  # a grant is good for one call
    assert episode.state == {"held": 7}
    words = [step["approval"] for step in episode.steps]
    assert words == ["not asked", "", "not asked", "granted", "not asked"]
    approvals = episode.fields("")["data"]["approvals"]
    assert approvals == {"granted": 1, "refused": 0, "simulated": True}


def test_what_was_refused_does_not_run(episode: Episode):
    assert ask(episode, 51) == "refused"
    assert "refused" in episode.call("pay", {"amount": 51}).fault
    assert episode.state == {"held": 10} and episode.steps[-1]["approval"] == "defied"
    assert episode.fields("")["data"]["approvals"]["refused"] == 1


def test_a_fault_of_a_tool_leaves_the_state_as_it_was(episode: Episode):
    assert ask(episode, 20) == "granted"
    assert episode.call("pay", {"amount": 20}).fault == "not that much is there"
    assert episode.state == {"held": 10}


@pytest.mark.parametrize(
    ("tool", "arguments", "told"),
    [
        ("steal", {}, "no tool is called 'steal'"),
        ("put", {}, "amount is missing"),
        ("put", {"amount": "5"}, "amount does not have its form"),
        ("put", {"amount": 5, "to": "me"}, "to is no argument"),
        ("put", [5], "no JSON object"),
        ("put", None, "no JSON object"),
        ("put", {"amount": float("nan")}, "no JSON object"),
        ("look", {"x": "y" * (1 << 20)}, "characters; at most"),
        ("look", {"x": "\ud800"}, "no Unicode"),
        (ASK, {"tool": "put", "arguments": {"amount": 1}, "reason": ""}, "tool does not have"),
        (ASK, {"tool": "pay", "arguments": {}, "reason": ""}, "amount is missing"),
    ],
)
def test_calls_that_cannot_be_made_are_told_and_counted(
    episode: Episode, tool: str, arguments: Any, told: str
):
    observed = episode.call(tool, arguments)
    assert told in observed.fault and observed.fields == {"fault": observed.fault}
    assert len(episode.steps) == 1 and episode.state == {"held": 10}
    assert len(json.dumps(episode.steps)) < 2 * KEPT_CHARACTERS_MAX + 1_000
    assert episode.fields("")["data"]["faults"] == 1


def test_long_arguments_and_observations_are_kept_by_their_beginning(episode: Episode):
    episode.call("look", {"x": "y" * (ARGUMENTS_CHARACTERS_MAX - 100)})
    assert episode.steps[0]["arguments"]["characters"] > KEPT_CHARACTERS_MAX
    episode.state["held"] = 99  # the till then says a hundred thousand letters
    observed = episode.call("look", {})
    assert len(observed.text) < 21_000 and "(100002 characters)" in observed.text
    assert len(episode.steps[1]["observed"]) == KEPT_CHARACTERS_MAX


def test_the_budget_of_steps_ends_it(episode: Episode):
    for _ in range(6):
        assert not episode.over
        episode.call("nothing", {})
    assert episode.over and episode.fields("", ended="steps")["data"]["ended"] == "steps"


def test_a_broken_environment_is_an_outage_of_the_base(scene: Scene, monkeypatch: Any):
    case = Case({}, Question("Keep ten."))
    episode = scene.begin(case)
    monkeypatch.setattr(scene.environment, "check", lambda state: {})
    with pytest.raises(Outage, match="environment"):
        episode.fields("")
    monkeypatch.setattr(scene.environment, "call", lambda *_: object())
    with pytest.raises(Outage, match="put"):
        episode.call("put", {"amount": 1})
    monkeypatch.setattr(scene.environment, "objection", lambda *_: 1 / 0)
    with pytest.raises(Outage, match="ZeroDivisionError"):
        ask(episode, 1)
    monkeypatch.setattr(scene.environment, "begin", lambda opening: 1 / 0)
    with pytest.raises(Outage, match="ZeroDivisionError"):
        scene.begin(case)


def test_tools_are_offered_in_the_language_of_the_case(scene: Scene):
    english, chinese = scene.tools("en"), scene.tools("zh")
    assert [tool["name"] for tool in english] == ["put", "pay", "look", ASK]
    assert english[1]["description"] == "Pay money out. Needs approval: call ask_approval first."
    assert chinese[1]["description"].startswith("支出。") and "Lin Mei" in chinese[3]["description"]
    json.dumps(english)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
CALLS = st.tuples(st.sampled_from(["put", "pay", "look", ASK, "", "x"]), JSON)
SENSIBLE = st.tuples(
    st.sampled_from(["put", "pay"]), st.fixed_dictionaries({"amount": st.integers(-2, 60)})
)
ASKED = st.integers(1, 60).map(
    lambda n: (ASK, {"tool": "pay", "arguments": {"amount": n}, "reason": ""})
)


@given(st.lists(CALLS | SENSIBLE | ASKED, max_size=12))
def test_whatever_is_called_nothing_is_paid_without_approval(calls: list[tuple[str, Any]]):
    from tests.trial.agents.conftest import Till

    first, second = (
        Scene(Till(), 50, "Lin Mei").begin(Case({}, Question("Keep ten."))) for _ in range(2)
    )
    for episode in (first, second):
        for tool, arguments in calls:
            episode.call(tool, arguments)
    assert first.steps == second.steps and first.state == second.state
    paid = sum(
        s["arguments"]["amount"] for s in first.steps if s["tool"] == "pay" and not s["fault"]
    )
    put = sum(
        s["arguments"]["amount"] for s in first.steps if s["tool"] == "put" and not s["fault"]
    )
    assert first.state["held"] == 10 + put - paid >= 0
    assert all(
        s["approval"] == "granted" for s in first.steps if s["tool"] == "pay" and not s["fault"]
    )
    assert 0.0 <= first.fields("")["outcome"] <= 1.0
    json.dumps(first.fields("")).encode()
