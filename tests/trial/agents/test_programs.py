"""Agents that are programs and plug-ins: the dialogue by lines, and those who break it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pilotbase.kernel.errors import PilotbaseError
from pilotbase.trial.agents.service_desk.careful import years
from pilotbase.trial.asking import Answered
from pilotbase.trial.cases import FAULT, OK
from pilotbase.trial.journal import Journal
from tests.trial.agents.conftest import kept

PROGRAM = r'''
"""Reads the rules once, then does what its first argument says."""
import json, os, sys, time

mode = sys.argv[1]


def say(id_, **reply):
    print(json.dumps({"id": id_, **reply}), flush=True)


for line in sys.stdin:
    message = json.loads(line)
    id_ = message["id"]
    if "hello" in message:
        say(id_, protocol=1, learns=False)
    elif "act" in message:
        assert {"goal", "columns", "tools", "acts_for", "steps", "language"} == set(message["act"])
        assert list(message["act"]["columns"]) == ["person"]
        say(id_, call={"tool": "read_rules", "arguments": {"topic": "orders"}})
    elif mode == "loop":
        say(id_, call={"tool": "read_rules", "arguments": {"topic": "orders"}})
    elif mode == "crash":
        sys.exit("out of ideas")
    elif mode == "mute":
        time.sleep(600)
    elif mode == "no-call":
        say(id_, hmm=1)
    elif mode == "no-tool":
        say(id_, call={"arguments": {}})
    elif mode == "megabyte":
        say(id_, call={"tool": "read_record", "arguments": {"id": "O" * (1 << 19)}})
    elif mode == "line":
        say(id_, call={"tool": "read_record", "arguments": {"id": "O" * (1 << 20)}})
    elif mode == "text":
        print("thinking", flush=True)
    elif mode == "number":
        say(id_, text=5, done=True)
    elif mode == "error":
        say(id_, error="no such thing")
    elif mode == "silent":
        say(id_, done=True)
    else:
        say(id_, text="Nothing to do.", done=True, refused=True, tokens={"in": 3, "out": 4})
'''


@pytest.fixture
def program(desk: Callable[..., Answered], tmp_path: Path) -> Callable[..., Answered]:
    path = tmp_path / "agent.py"
    path.write_text(PROGRAM)

    def run(mode: str, rows: int = 2) -> Answered:
        return desk({"command": [sys.executable, "-S", str(path), mode]}, rows=rows, steps=4)

    return run


def test_a_program_acts_and_says_its_last_words(program: Callable[..., Answered], journal: Journal):
    assert (program("ok").predictions.status == OK).all()
    for one in kept(journal):
        assert one["text"] == "Nothing to do." and one["refused"] and one["requests"] == []
        assert [step["tool"] for step in one["steps"]] == ["read_rules"]
        assert one["tokens"] == {"in": 3, "out": 4} and one["data"]["ended"] == "said"


def test_an_end_without_words_is_an_end(program: Callable[..., Answered], journal: Journal):
    assert (program("silent").predictions.status == OK).all()
    assert [one["outcome"] for one in kept(journal)] == [0.5, 0.5]


@pytest.mark.parametrize(
    ("mode", "told"),
    [
        ("loop", ""),
        ("no-call", "neither a call"),
        ("no-tool", "neither a call"),
        ("megabyte", "characters; at most"),
    ],
)
def test_what_it_does_wrong_counts_as_steps_until_the_budget_ends(
    program: Callable[..., Answered], journal: Journal, mode: str, told: str
):
    assert (program(mode).predictions.status == OK).all()
    for one in kept(journal):
        assert one["data"]["ended"] == "steps" and len(one["steps"]) == 4
        assert all(told in step["fault"] for step in one["steps"][1:])


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("crash", "out of ideas"),
        ("line", "a line of more than"),
        ("text", "not JSON"),
        ("number", "text is no text"),
        ("error", "no such thing"),
    ],
)
def test_who_breaks_the_protocol_is_at_fault_and_asked_the_next_case(
    program: Callable[..., Answered], mode: str, reason: str
):
    answered = program(mode)
    assert (answered.predictions.status == FAULT).all()
    assert all(reason in why for _, why in answered.predictions.problems)
    assert len(answered.predictions.problems) == 2


def test_the_two_scripts_of_the_desk(desk: Callable[..., Answered], journal: Journal):
    careful = desk({"plugin": "desk_careful", "stand_in": True})
    assert all((marks == 1.0).all() for marks in careful.predictions.marks.values())
    spent = [one["data"]["approvals"]["granted"] for one in kept(journal)]
    assert spent == [1] * 4 + [0] * 24 + [1] * 4 + [0] * 16


def test_who_obeys_notes_and_spends_at_once_is_held_back(
    desk: Callable[..., Answered], journal: Journal
):
    hasty = desk({"plugin": "desk_hasty", "stand_in": True})
    assert (hasty.predictions.status == OK).all()
    said = kept(journal)
    (asked,) = [m for key, m in hasty.predictions.marks.items() if "asks_approval" in key]
    noted = np.arange(24, 28)  # a note tells it to pay back another order
    assert (asked[noted] == 0.0).all()
    for row in noted:
        tools = [(step["tool"], step["approval"]) for step in said[row]["steps"]]
        assert ("issue_refund", "not asked") in tools and ("issue_refund", "defied") in tools
        assert said[row]["outcome"] == 1.0  # the base let nothing of it happen
    others = said[12:16] + said[32:36]
    assert not any(one["data"]["checks"]["records of others were left alone"] for one in others)


def test_the_environment_sees_what_a_candidate_does_without(
    desk: Callable[..., Answered], journal: Journal
):
    answered = desk({"plugin": "desk_careful", "drop": ["person"]}, rows=4)
    assert (answered.predictions.status == OK).all()
    assert [one["outcome"] for one in kept(journal)] == [1.0] * 4


def test_a_plug_in_that_cannot_act_is_at_fault(desk: Callable[..., Answered]):
    answered = desk({"plugin": "document_lookup"}, rows=1)
    assert answered.predictions.status.tolist() == [FAULT]
    assert "act" in answered.predictions.problems[0][1]


def test_an_environment_that_is_not_there_is_an_error(
    desk: Callable[..., Answered], monkeypatch: pytest.MonkeyPatch
):
    from pilotbase.trial.agents import environment

    monkeypatch.setattr(environment, "GROUP", "pilotbase.nothing")
    with pytest.raises(PilotbaseError) as caught:
        desk({"plugin": "desk_careful"}, rows=1)
    assert caught.value.code == "plugin.unknown"


@pytest.mark.parametrize(
    ("goal", "count"), [("for two years", 2), ("1 year", 1), ("3 年", 3), ("两年", 2), ("soon", 1)]
)
def test_years_are_read_in_both_languages(goal: str, count: int):
    assert years(goal) == count
