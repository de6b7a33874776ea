"""What is wrong with a candidate's answer is said in both languages; its own words are marked."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from pilotbase.serve.worker.unusable import own_words, unusable
from pilotbase.trial.candidates.answer import blank
from pilotbase.trial.candidates.messages import BadReply, decoded, encoded, read_answer, read_reply

HAN = re.compile(r"[\u4e00-\u9fff]")


def problem(task: str, reply: dict[str, Any]) -> str:
    """What the trial says of a reply in figures."""
    block = blank(1, ("a", "b"))
    read_answer(block, 0, reply, task=task, classes=("a", "b"), cut=0.5)
    ((_, said),) = block.problems
    return said


def bad(ask: Callable[[], object]) -> str:
    with pytest.raises((BadReply, ValueError)) as caught:
        ask()
    return str(caught.value)


SAID = (
    *(problem("classification", one) for one in (
        {}, {"label": "c"}, {"probability": 1}, {"probability": {"a": "x"}},
        {"probability": {"a": 1e999}},
    )),
    *(problem("detection", one) for one in ({}, {"label": 2}, {"score": "x"})),
    *(problem("regression", one) for one in ({}, {"value": True})),
    *(bad(partial(read_reply, one)) for one in (
        {}, {"text": 3}, {"text": "x", "cites": 3}, {"text": "x", "cites": [3]},
        {"text": "x", "cites": [""]}, {"text": "x", "cites": [{"passage": "p", "quote": 3}]},
        {"text": "x", "steps": [3]}, {"outcome": "x"},
    )),
    *(bad(partial(decoded, line)) for line in (b"{", b"[]", b'{"a": NaN}')),
    bad(lambda: encoded({"a": "x" * 2**20})), "wrong id 'x'", "no answer",
)  # fmt: skip


@pytest.mark.parametrize("said", SAID)
def test_what_the_trial_says_is_said_in_chinese_too(said: str) -> None:
    found = unusable(said)
    assert found.en == f"the candidate's answer: {said}"
    assert found.zh.startswith("候选方案的应答: ") and "原话" not in found.zh
    assert HAN.search(found.zh.removeprefix("候选方案的应答: ")) and not HAN.search(found.en)


def test_a_programs_own_words_are_marked() -> None:
    assert unusable("error: no\nmodel").zh == "候选方案的应答: 程序报错, 原话: no\nmodel"
    assert unusable("of another trial").zh == "候选方案的应答: 原话: of another trial"
    told = own_words("x" * 999)
    assert told.zh == "候选方案程序原话: " + "x" * 200 and told.en.endswith("says: " + "x" * 200)
