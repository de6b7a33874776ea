"""Environments: what can be offered, and that the service desk holds what its cases say."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from pilotbase.catalog.datasets.service_desk_cases import load
from pilotbase.kernel.errors import PluginError
from pilotbase.kernel.plugins import names
from pilotbase.kernel.text import Text
from pilotbase.testing import check_environment, check_plugin
from pilotbase.trial.agents import environment
from pilotbase.trial.agents.environment import ASK, GROUP, Opening, Tool, environment_named
from pilotbase.trial.agents.service_desk.desk import ENVIRONMENT
from pilotbase.trial.agents.service_desk.world import KINDS, world_of
from tests.trial.agents.conftest import AMOUNT, Till

CASES = load().frame.to_dict("records")


def test_what_is_installed_can_be_offered():
    assert "service_desk" in names(GROUP)
    for name in names(GROUP):
        assert environment_named(name).tools
        check_plugin(GROUP, name)


@pytest.mark.parametrize(
    "tools",
    [
        (),
        (Tool("two words", Text("a", "b"), AMOUNT),),
        (Tool(ASK, Text("a", "b"), AMOUNT),),
        (Tool("a", Text("a", "b"), AMOUNT),) * 2,
        (Tool("a", Text("a", "b"), {"type": "array"}),),
        (Tool("a", Text("a", "b"), {"type": "object", "$ref": "https://example.org"}),),
        (Tool("a", Text("a", "b"), {"type": "object", "properties": 5}),),
        tuple(Tool(f"t{n}", Text("a", "b"), AMOUNT) for n in range(65)),
        (None,),
    ],
)
def test_tools_that_cannot_be_offered_are_told(tools: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(environment, "load", lambda group, name: Till(tools=tools))
    with pytest.raises(PluginError) as caught:
        environment_named("till")
    assert caught.value.code == "environment.broken" and caught.value.message.zh


def test_the_desk_and_the_till_keep_their_promises():
    check_environment(ENVIRONMENT, [opening(case) for case in CASES[::7]])
    check_environment(Till(), [Opening("Keep ten.")])


class Dice(Till):
    rolled = 0

    def call(self, state: dict[str, int], tool: str, arguments: Any) -> Any:
        self.rolled += 1
        return self.rolled


class Vague(Till):
    def check(self, state: dict[str, int]) -> Any:
        return {"good": 0.5}


@pytest.mark.parametrize(
    ("broken", "said"),
    [(Dice(), "different observations"), (Vague(), "yes or no"), (Till(tools=()), "0 tools")],
)
def test_a_promise_that_is_broken_is_named(broken: Till, said: str):
    with pytest.raises(PluginError, match=said):
        check_environment(broken, [Opening("Keep ten.")])


def opening(case: dict[str, Any]) -> Opening:
    columns = {"person": case["person"]}
    return Opening(case["goal"], columns, (case["matter"],), case["language"])


def test_the_cases_are_of_all_kinds_in_both_languages():
    assert len(CASES) == 48 and len({case["case"] for case in CASES}) == 48
    assert len({case["goal"] for case in CASES}) == len({case["person"] for case in CASES}) == 48
    for kind in KINDS:
        of_kind = [case for case in CASES if case["matter"].split()[0] == kind]
        assert sorted(case["language"] for case in of_kind) == ["en", "en", "zh", "zh"]
    declined = [c for c in CASES if KINDS[c["matter"].split()[0]] != "done"]
    about = load().about
    assert f"{len(declined)} of them" in about.en and f"{len(declined)} 项" in about.zh


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_a_case_begins_alike_every_time_and_names_what_is_there(case: dict[str, Any]):
    world, again = world_of(opening(case)), world_of(opening(case))
    assert world == again
    kind, subject, *_ = case["matter"].split()
    if kind != "book":
        assert subject in case["goal"]
        owner = world.records[subject]["person"]
        assert (owner != case["person"]) == kind.endswith("_other")
    assert bool(world.wanted) == (KINDS[kind] == "done")
    checks = ENVIRONMENT.check(copy.deepcopy(world))
    assert checks["nothing else was done"] and not checks["the request was closed rightly"]
    assert any("\u4e00" <= c <= "\u9fff" for c in case["goal"]) == (case["language"] == "zh")


@pytest.mark.parametrize(
    "said", [Opening("x", {}, ("book waste",)), Opening("x", {"person": "C-1"}, ())]
)
def test_a_case_without_person_or_matter_cannot_be_set_up(said: Opening):
    with pytest.raises(ValueError, match="person"):
        world_of(said)


def test_every_kind_stands_in_the_module_and_an_unknown_one_is_refused():
    text = Path(world_of.__code__.co_filename).read_text(encoding="utf-8")
    assert all(f"``{kind}" in text for kind in KINDS)
    with pytest.raises(ValueError, match="no matter"):
        world_of(Opening("x", {"person": "C-1042"}, ("dance O-1234",)))
