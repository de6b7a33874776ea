"""Every answer is checked on its own."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotbase.trial.candidates.answer import blank
from pilotbase.trial.candidates.messages import BadReply, decoded, encoded, read_answer
from pilotbase.trial.cases import FAULT, OK

CLASSES = ("bus", "car")


def read(reply: dict[str, Any], task: str, cut: float = 0.5):
    classes = CLASSES if task == "classification" else ()
    block = blank(1, classes)
    read_answer(block, 0, reply, task=task, classes=classes, cut=cut)
    return block


@pytest.mark.parametrize(
    ("task", "reply", "field", "expected"),
    [
        ("classification", {"label": "car"}, "label", "car"),
        ("classification", {"probability": {"bus": 0.7, "car": 0.3}}, "label", "bus"),
        ("classification", {"label": "car", "probability": {"bus": 0.7}}, "label", "car"),
        ("detection", {"score": 0.7}, "label", 1),
        ("detection", {"score": 0.2, "label": True}, "label", 1),
        ("detection", {"label": 0}, "label", 0),
        ("regression", {"value": 3}, "value", 3.0),
        ("forecast", {"value": 3.5, "lower": 3, "upper": None}, "lower", 3.0),
    ],
)
def test_good_answers(task: str, reply: dict[str, Any], field: str, expected: object):
    block = read(reply, task)
    assert block.status[0] == OK and getattr(block, field)[0] == expected


@pytest.mark.parametrize(
    ("task", "reply", "reason"),
    [
        ("classification", {}, "neither label nor probability"),
        ("classification", {"label": "tram"}, "unknown class 'tram'"),
        ("classification", {"label": ["car"]}, "unknown class"),
        ("classification", {"probability": [0.5, 0.5]}, "must map classes"),
        ("classification", {"probability": {"tram": 1}}, "must map classes"),
        ("classification", {"probability": {"bus": "much"}}, "no number"),
        ("detection", {}, "neither label nor score"),
        ("detection", {"score": "high"}, "no number"),
        ("detection", {"score": True}, "no number"),
        ("detection", {"label": 2}, "must be 0 or 1"),
        ("detection", {"label": "1"}, "must be 0 or 1"),
        ("regression", {"score": 1}, "no value"),
        ("regression", {"value": None}, "no number"),
        ("regression", {"value": 10**400}, "not a finite number"),
        ("forecast", {"value": 1, "lower": "a"}, "no number"),
        ("regression", {"error": "boom 0x7f00aa"}, "error: boom 0x…"),
        ("regression", {"refuse": "no", "value": 3}, "refused: no"),
    ],
)
def test_bad_answers_are_faults_with_a_reason(task: str, reply: dict[str, Any], reason: str):
    block = read(reply, task)
    assert block.status[0] == FAULT
    assert reason in block.problems[0][1]
    assert np.isnan(block.value[0]) and np.isnan(block.score[0]) and not block.label[0]


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=5,
    ),
    st.sampled_from(["label", "score", "value", "lower", "probability", "error"]),
    st.sampled_from(["classification", "detection", "regression"]),
)
def test_nothing_a_program_says_raises(value: Any, field: str, task: str):
    block = read({field: value}, task)
    assert block.status[0] in (OK, FAULT)
    if block.status[0] == OK and task == "regression":
        assert np.isfinite(block.value[0])


@given(st.binary(max_size=60))
def test_any_line_is_an_object_or_a_bad_reply(line: bytes):
    with contextlib.suppress(BadReply):
        assert isinstance(decoded(line), dict)


def test_deep_nesting_is_a_bad_reply():
    with pytest.raises(BadReply):
        decoded(b"[" * 200_000)


def test_messages_are_one_line_and_hold_no_nan():
    line = encoded({"a": np.float64("nan"), "b": [1, float("inf")], "c": "多\n行"})
    assert line.count(b"\n") == 1
    assert json.loads(line) == {"a": None, "b": [1, None], "c": "多\n行"}
