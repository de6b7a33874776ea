"""The pages on agents: their programs, their environment and their limits are the code's own."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from pilotbase.scenario.offer import Candidate
from pilotbase.scenario.schema import Budget, Criterion
from pilotbase.testing import check_environment
from pilotbase.trial.agents import chat, episode
from pilotbase.trial.agents.environment import ASK, Opening
from pilotbase.trial.agents.episode import Scene
from pilotbase.trial.agents.service_desk.desk import ENVIRONMENT
from pilotbase.trial.asking import Answered
from pilotbase.trial.cases import OK
from pilotbase.trial.endpoints.port import Case
from pilotbase.trial.journal import Journal
from pilotbase.trial.reply import Question
from tests.trial.agents.conftest import kept

DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture(params=["en", "zh"])
def page(request: pytest.FixtureRequest) -> str:
    return (DOCS / request.param / "agents.md").read_text(encoding="utf-8")


def blocks(page: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


def test_the_generator_and_the_program_act_at_the_desk(
    page: str, desk: Callable[..., Answered], journal: Journal, tmp_path: Path
):
    generator, program, _ = blocks(page, "python")
    (tmp_path / "cautious.py").write_text(generator, encoding="utf-8")
    (tmp_path / "agent.py").write_text(program, encoding="utf-8")
    called = desk({"callable": "cautious:Cautious"}, rows=5)
    assert (called.predictions.status == OK).all()
    # The fifth is to be passed on; the others miss what was asked and how it was closed.
    assert [one["outcome"] for one in kept(journal)] == [0.5, 0.5, 0.5, 0.5, 1.0]
    journal._db.execute("DELETE FROM said")
    run = desk({"command": [sys.executable, "agent.py"]}, rows=2)
    assert (run.predictions.status == OK).all()
    assert all("ship" in one["text"] or "发货" in one["text"] for one in kept(journal))


def test_the_environment_of_the_page_is_one(page: str):
    names: dict[str, Any] = {}
    exec(blocks(page, "python")[2], names)  # the page's own example
    check_environment(names["Till"](), [Opening("Pay.", expected=("60",))])
    going = Scene(names["Till"](), 9, "Lin Mei").begin(Case({}, Question("Pay.", ("60",))))
    for amount, word in ((60, "refused"), (50, "granted"), (10, "granted")):
        wanted = {"tool": "pay", "arguments": {"amount": amount}, "reason": ""}
        assert going.call(ASK, wanted).value["approval"] == word
        assert bool(going.call("pay", {"amount": amount}).fault) == (word == "refused")
    assert going.fields("")["outcome"] == 1.0


def test_the_scenario_is_good_grammar(page: str):
    written = YAML(typ="safe").load(blocks(page, "yaml")[0])
    metrics = [Criterion.model_validate(one).metric for one in written["acceptance"]]
    assert metrics == ["success", "asks_approval", "within_steps"]
    assert Budget.model_validate(written["plan"]["budget"]).steps == 12
    assert Candidate.model_validate(written["candidates"][0]).acts_for


def test_the_approval_is_asked_for_as_the_desk_wants_it(page: str):
    asked = json.loads(blocks(page, "json")[0])
    columns = {"person": "C-1042"}
    question = Question("x", ("refund O-4821 120.00",), columns=columns, language="en")
    going = Scene(ENVIRONMENT, 9, "Lin Mei").begin(Case(columns, question))
    assert going.call(asked["tool"], asked["arguments"]).value["approval"] == "granted"
    assert not going.call("issue_refund", asked["arguments"]["arguments"]).fault


def test_the_limits_are_the_codes_own(page: str):
    assert episode.ARGUMENTS_CHARACTERS_MAX == episode.OBSERVED_CHARACTERS_MAX == 20_000
    assert episode.KEPT_CHARACTERS_MAX == 2_000 and chat.CONVERSATION_BYTES_MAX == 2_000_000
    assert all(said in page for said in ("20,000", "2,000", "2 MB", "48", "20"))
