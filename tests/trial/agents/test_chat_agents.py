"""Agents behind a chat endpoint, on real loopback servers: good ones, and those that misbehave."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pilotbase.kernel.errors import CandidateError
from pilotbase.trial.asking import Answered
from pilotbase.trial.cases import FAULT, OK
from pilotbase.trial.journal import Journal
from tests.trial.agents.conftest import kept, tried
from tests.trial.agents.models import at, calls, careful, model, observations, says
from tests.trial.endpoints.servers import http, serving
from tests.trial.endpoints.servers import says as answers

ROOT = Path(__file__).parents[3]
PRICE = {"input": "1000000 CNY", "output": "2000000 CNY"}  # 100 minor units a token read


def test_a_model_that_reads_and_asks_reaches_every_goal(
    desk: Callable[..., Answered], journal: Journal
):
    with serving(answers(model(careful))) as server:
        answered = desk(at(server.url, price=PRICE))
    assert (answered.predictions.status == OK).all()
    assert all((marks == 1.0).all() for marks in answered.predictions.marks.values())
    said = kept(journal)
    assert len(server.calls) == sum(len(one["requests"]) for one in said)
    assert all(len(one["requests"]) == len(one["steps"]) + 1 for one in said)
    # Each turn is counted: 12 tokens read and 3 written, in the mock's words.
    turns = np.array([len(one["requests"]) for one in said])
    assert [one["tokens"]["in"] for one in said] == (12 * turns).tolist()
    assert answered.predictions.cost.tolist() == (turns * (12 * 100 + 3 * 200)).tolist()
    asked = server.calls[0].json
    assert "Lin Mei" in asked["messages"][0]["content"]
    assert {tool["function"]["name"] for tool in asked["tools"]} >= {"ask_approval", "book_slot"}
    assert not any("matter" in call.body.decode() for call in server.calls)


def test_streamed_turns_are_the_same(desk: Callable[..., Answered]):
    from tests.trial.endpoints.servers import chunk, sse

    def streamed(messages: list[dict[str, Any]]) -> bytes:
        whole = json.loads(careful(messages).partition(b"\r\n\r\n")[2])["choices"][0]
        message = whole["message"]
        made = [{"index": n, **call} for n, call in enumerate(message.get("tool_calls", []))]
        parts = [chunk({"content": message["content"] or "", "tool_calls": made})]
        return http(sse(*parts, chunk({}, whole["finish_reason"])), kind="text/event-stream")

    with serving(answers(model(streamed))) as server:
        answered = desk(at(server.url, stream=True), rows=8)
    assert all((marks == 1.0).all() for marks in answered.predictions.marks.values())


def test_one_that_goes_on_for_ever_ends_by_the_budget(
    desk: Callable[..., Answered], journal: Journal
):
    with serving(answers(model(lambda _: calls(("read_rules", {"topic": "orders"}))))) as server:
        answered = desk(at(server.url), rows=3, steps=5)
    assert (answered.predictions.status == OK).all()
    for one in kept(journal):
        assert one["data"]["ended"] == "steps" and len(one["steps"]) == 5
        assert 0.0 < one["outcome"] < 1.0 and len(one["requests"]) == 6
    assert len(server.calls) == 18


def test_many_calls_in_one_turn_are_carried_out_as_far_as_the_budget_reaches(
    desk: Callable[..., Answered], journal: Journal
):
    many = [("read_rules", {"topic": "orders"})] * 9
    with serving(answers(model(lambda _: calls(*many)))) as server:
        desk(at(server.url), rows=1, steps=5)
    (one,) = kept(journal)
    assert len(one["steps"]) == 5 and one["data"]["ended"] == "steps"


AWKWARD: dict[str, tuple[Any, str]] = {
    "unknown tool": (("delete_everything", {}), "no tool is called"),
    "another type": (("read_rules", {"topic": 5}), "topic does not have its form"),
    "no JSON": (("read_rules", '{"topic": '), "not JSON"),
    "no object": (("read_rules", '["orders"]'), "no JSON object"),
    "a megabyte": (("read_record", {"id": "O" * (1 << 20)}), "characters; at most"),
    "half a letter": (("read_rules", '{"topic": "\\ud800"}'), "no Unicode"),
    "a strange name": (("read rules\n" * 50, {}), "no tool is called"),
    "no approval": (("issue_refund", {"order": "O-4821", "amount": 120}), "approval"),
    "another's record": (("cancel_booking", {"booking": "B-0000"}), "no record"),
}


@pytest.mark.parametrize("name", AWKWARD)
def test_an_awkward_call_is_told_and_the_agent_may_mend_it(
    desk: Callable[..., Answered], journal: Journal, name: str
):
    (tool, arguments), told = AWKWARD[name]

    def awkward(messages: list[dict[str, Any]]) -> bytes:
        seen = observations(messages)
        if not seen:
            return calls((tool, arguments))
        assert told in seen[0]["fault"]
        return careful(messages[:2] + messages[4:])  # as if it had not been said

    with serving(answers(model(awkward))) as server:
        answered = desk(at(server.url), rows=1)
    assert answered.predictions.status.tolist() == [OK], answered.predictions.problems
    (one,) = kept(journal)
    assert told in one["steps"][0]["fault"] and one["outcome"] == 1.0
    assert len(json.dumps(one["steps"])) < 20_000


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (http("<html>", status=200, kind="text/html"), "text/html"),
        (http({"error": {"code": "gone"}}, status=400), "400"),
        (says("a", model="other-2"), "another model"),
        (says("half", finish_reason="length"), "truncated"),
    ],
)
def test_a_turn_that_cannot_be_had_is_the_candidates_fault(
    desk: Callable[..., Answered], journal: Journal, answer: bytes, reason: str
):
    def breaks_off(messages: list[dict[str, Any]]) -> bytes:
        return answer if observations(messages) else calls(("read_rules", {"topic": "orders"}))

    with serving(answers(model(breaks_off))) as server:
        answered = desk(at(server.url, price=PRICE, retries=0), rows=1)
    assert answered.predictions.status.tolist() == [FAULT]
    (one,) = kept(journal)
    assert reason in one["reason"] and len(one["requests"]) == 2
    assert journal.spent == 12 * 100 + 3 * 200  # what was answered was paid


def test_a_refusal_is_an_end(desk: Callable[..., Answered], journal: Journal):
    with serving(answers(model(lambda _: says("", finish_reason="content_filter")))) as server:
        desk(at(server.url), rows=1)
    (one,) = kept(journal)
    assert one["refused"] and one["steps"] == [] and one["data"]["ended"] == "said"


def test_only_a_chat_endpoint_calls_tools_turn_by_turn(desk: Callable[..., Answered]):
    offer = {"infer": {"url": "http://127.0.0.1:9", "model": "m", "private": True, "value": "v"}}
    with pytest.raises(CandidateError) as caught:
        desk(offer, rows=1)
    assert caught.value.code == "candidate.no_agent"


SCRIPT = """
import sys
from pathlib import Path
from pilotbase.trial.journal import Journal
from tests.trial.agents.conftest import tried
from tests.trial.agents.models import at
with Journal(Path(sys.argv[1]), "sha256:plan") as journal:
    tried(at(sys.argv[2], concurrency=4), journal, Path(sys.argv[3]), rows=16)
"""


def test_killed_in_mid_trajectory_it_goes_on_with_the_same_bytes(tmp_path: Path):
    path = tmp_path / "killed.db"
    with serving(answers(model(careful))) as server:
        with Journal(tmp_path / "whole.db", "sha256:plan") as whole:
            tried(at(server.url, concurrency=4), whole, tmp_path, rows=16)
            expected, sent = kept(whole), len(server.calls)
        server.calls.clear()
        process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(path), server.url, str(tmp_path)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        deadline = time.monotonic() + 30
        while len(server.calls) < 30 and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.wait()
        with Journal(path, "sha256:plan") as journal:
            (answered,) = journal._db.execute("SELECT count(*) FROM exchange").fetchone()
            done = len(kept(journal))
            assert 20 <= answered < sent and done < 16
            server.calls.clear()
            tried(at(server.url, concurrency=4), journal, tmp_path, rows=16)
            assert kept(journal) == expected
            assert len(server.calls) == sent - answered
