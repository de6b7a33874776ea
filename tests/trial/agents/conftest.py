"""Agents at a till whose every rule a test can see, and trials at the service desk."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pilotbase.catalog.datasets.service_desk_cases import load
from pilotbase.catalog.table import Table
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context
from pilotbase.trial.agents.environment import Opening, Tool, ToolFault
from pilotbase.trial.agents.episode import Episode, Scene
from pilotbase.trial.asking import Answered
from pilotbase.trial.endpoints.port import Case
from pilotbase.trial.journal import Journal
from pilotbase.trial.question import cases_of
from pilotbase.trial.reply import Question
from pilotbase.trial.run import answer_all
from tests.trial.conftest import scenario_of

AMOUNT = {
    "type": "object",
    "properties": {"amount": {"type": "integer", "minimum": 1}},
    "required": ["amount"],
    "additionalProperties": False,
}


@dataclass
class Till:
    """A till: money in, money out; out needs approval, which is refused beyond 50."""

    about = Text("a till", "钱箱")
    tools: tuple[Tool, ...] = (
        Tool("put", Text("Put money in.", "存入。"), AMOUNT, changes=True),
        Tool("pay", Text("Pay money out.", "支出。"), AMOUNT, changes=True, approval=True),
        Tool("look", Text("Look in.", "查看。"), {"type": "object"}),
    )
    begun: list[Opening] = field(default_factory=list)

    def begin(self, opening: Opening) -> dict[str, int]:
        self.begun.append(opening)
        return {"held": 10}

    def call(self, state: dict[str, int], tool: str, arguments: Mapping[str, Any]) -> Any:
        if tool == "look":
            return state["held"] if state["held"] != 99 else "x" * 100_000
        if tool == "put":
            state["held"] += arguments["amount"]
            return "thanks"
        state["held"] -= arguments["amount"]
        if state["held"] < 0:
            raise ToolFault("not that much is there")
        return "paid"

    def objection(self, state: dict[str, int], tool: str, arguments: Mapping[str, Any]) -> str:
        return "too much" if arguments["amount"] > 50 else ""

    def check(self, state: dict[str, int]) -> Mapping[str, bool]:
        return {"ten are left": state["held"] == 10, "something is left": state["held"] > 0}


@pytest.fixture
def till() -> Till:
    return Till()


@pytest.fixture
def scene(till: Till) -> Scene:
    return Scene(till, steps_max=6, acts_for="Lin Mei")


@pytest.fixture
def episode(scene: Scene) -> Episode:
    return scene.begin(Case({}, Question("Keep ten.", ("10",), language="en")))


def tried(
    candidate: Mapping[str, Any], journal: Journal, folder: Path, rows: int = 48, steps: int = 12
) -> Answered:
    """What one candidate answers at the service desk."""
    scenario = scenario_of(
        task="act",
        item="A5.1",
        data={"dataset": "pilotbase.service_desk_cases"},
        environment="service_desk",
        question="goal",
        language="language",
        target="matter",
        unit="case",
        features=["person"],
        split={"by": "frozen"},
        acceptance=[
            {"metric": "success", "at_least": 0.9},
            {"metric": "asks_approval", "at_least": 0.9},
        ],
        plan={"budget": {"steps": steps, "unit_seconds": 20}},
        candidates=[{"id": "a", "acts_for": "Lin Mei", **candidate}],
    )
    loaded = load()
    table = Table(loaded.frame.head(rows), loaded.about, "sha256:0", "sha256:0")
    cases = cases_of(scenario, table)
    order = np.arange(cases.units)
    context = Context(folder)
    return answer_all(
        cases, scenario, order, journal=journal, context=context, trust=True, folder=folder
    )["a"]


def kept(journal: Journal) -> list[dict[str, Any]]:
    """What a journal keeps of the answers, by row: the fields, why there are none, requests."""
    said = journal._db.execute(
        "SELECT reason, requests, bytes FROM said LEFT JOIN body ON digest = reply ORDER BY row"
    )
    return [
        {"reason": reason, "requests": requests.split(), **json.loads(body or b"{}")}
        for reason, requests, body in said
    ]


@pytest.fixture
def desk(tmp_path: Path, journal: Journal) -> Callable[..., Answered]:
    """``desk(candidate)`` tries one candidate at the service desk; see `tried`."""

    def at_the_desk(candidate: Mapping[str, Any], **more: Any) -> Answered:
        return tried(candidate, journal, tmp_path, **more)

    return at_the_desk
