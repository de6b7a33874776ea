"""How open: who may do what under terms or licence, the score as a plain share, model classes."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotbase.catalog.assets import verbs as assets
from pilotbase.catalog.load import load_table
from pilotbase.catalog.openness.rules.licences import FREEDOMS, LICENCES, freedoms, is_open
from pilotbase.catalog.openness.rules.score import COMPONENTS, OWN, Part, model_class, scored
from pilotbase.catalog.openness.verbs import OpennessRequest, OpennessResponse, openness
from pilotbase.catalog.rights.verbs import terms
from pilotbase.kernel.errors import InputError
from pilotbase.kernel.text import Text
from pilotbase.kernel.time import fixed_clock
from pilotbase.kernel.verb import Context
from pilotbase.scenario.packs import __file__ as packs
from pilotbase.scenario.read import read_scenario

LIST = """\
catalog: 1
parties:
  - {id: person-7, kind: person, name: Li Wen}
  - {id: library, kind: body, name: City Library, principal: person-7}
assets:
  - id: readings
    kind: dataset
    title: {en: Readings, zh: 抄表数据}
    text: {en: Water meters, zh: 水表}
    provider: library
    licence: CC-BY-4.0
    url: https://example.org/readings
    file: readings.csv
  - {id: bare, kind: dataset, title: {en: Bare, zh: 无说明}}
  - id: reader
    kind: model
    title: {en: Reader, zh: 识别模型}
    licence: Apache-2.0
    parts: [{name: readings}, {name: bare}, {name: scikit-learn, kind: software}]
    properties: {mof.model-architecture: Apache-2.0, mof.model-parameters: MIT,
                 mof.research-paper: CC-BY-4.0, mof.evaluation-results: CC0-1.0,
                 mof.model-card: CC-BY-4.0, mof.data-card: CC-BY-NC-4.0}
"""


@pytest.fixture
def base(tmp_path: Path) -> Context:
    (tmp_path / "readings.csv").write_text("flow,leak\n1,0\n", "utf-8")
    (tmp_path / "list.yaml").write_text(LIST, "utf-8")
    made = Context(tmp_path / "home", clock=fixed_clock("2026-11-22T08:00:00Z"))
    assets.add(made, assets.AddRequest(tmp_path / "list.yaml"))
    return made


def asked(base: Context, what: str) -> tuple[OpennessResponse, dict[str, bool]]:
    found = openness(base, OpennessRequest(what))
    for part in found.parts:
        assert all(part[word]["en"] and part[word]["zh"] for word in ("question", "why"))
        assert part["source"]
    assert found.yes == sum(part["yes"] for part in found.parts)
    assert found.score == pytest.approx(found.yes / found.asked, abs=1e-4)
    return found, {part["id"]: part["yes"] for part in found.parts}


def test_a_licence_says_what_everybody_may(base: Context) -> None:
    found, parts = asked(base, "readings")
    assert (found.yes, found.asked) == (9, 9) and "parts" not in parts
    found, parts = asked(base, "bare")
    assert found.yes == 0 and found.asked == 9


def set_(base: Context, asset: str = "readings", **words: Any) -> None:
    file = base.home.parent / "terms.json"
    file.write_text(json.dumps({"@type": "Set", "uid": "p1", **words}), "utf-8")
    terms.set_(base, terms.SetRequest(asset, file, "person-7"))


def test_terms_decide_before_the_licence_and_name_who_may(base: Context) -> None:
    only = {"leftOperand": "purpose", "operator": "eq", "rightOperand": "research"}
    set_(base, permission=[{"action": "read"}, {"action": "derive", "assignee": "library"},
                           {"action": "distribute", "constraint": only}])  # fmt: skip
    found, parts = asked(base, "readings")
    assert [parts[freedom] for freedom in FREEDOMS] == [False, True, False, False]
    who = {part["id"]: part["who"] for part in found.parts}
    assert who["study"] == ["anybody"] and who["modify"] == ["library"]
    assert who["share"] == ["anybody", "library"]  # under conditions, as `why` says
    assert "under conditions to: anybody" in found.parts[3]["why"]["en"]


def test_a_model_rests_on_its_parts_and_has_a_class(base: Context) -> None:
    found, parts = asked(base, "reader")
    assert parts["use"] and parts["parts"] and not parts["open-parts"]
    assert "bare" in next(p["why"]["en"] for p in found.parts if p["id"] == "open-parts")
    # The data card is not under an open licence: no class yet.
    assert found.model_class is None and found.lacks == ("data-card",)


def test_classes_are_cumulative() -> None:
    every = list(COMPONENTS)
    assert model_class(every)[0] == 1
    assert model_class([one for one in every if COMPONENTS[one][0] > 1])[0] == 2
    assert model_class([one for one in every if COMPONENTS[one][0] > 2])[0] == 3
    assert model_class([one for one in every if one != "model-card"])[0] is None


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("MIT", True), ("MIT OR LicenseRef-x", None), ("MIT AND CC-BY-NC-4.0", False),
        ("CC-BY-NC-4.0 OR Apache-2.0", True), ("GPL-2.0-only WITH Classpath-exception-2.0", True),
        ("(MIT)", None), ("all rights reserved", None), ("CC-BY-ND-4.0", False),
    ],
)  # fmt: skip
def test_spdx_expressions(expression: str, expected: bool | None) -> None:
    found = freedoms(expression)
    assert (found is None) == (expected is None)
    assert is_open(expression) == bool(expected)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(sorted(LICENCES)), min_size=1, max_size=4))
def test_a_further_condition_never_opens_and_a_further_choice_never_closes(
    names: list[str],
) -> None:
    first, both, either = names[0], " AND ".join(names), " OR ".join(names)
    narrow, one, wide = freedoms(both), freedoms(first), freedoms(either)
    assert narrow is not None and one is not None and wide is not None
    assert narrow <= one <= wide


@settings(max_examples=40, deadline=None)
@given(st.lists(st.booleans(), max_size=12))
def test_the_score_is_the_share_of_yes(answers: list[bool]) -> None:
    same = Text("?", "?")
    found = scored(Part(str(n), same, OWN, yes, same) for n, yes in enumerate(answers))
    assert found.score == (Fraction(sum(answers), len(answers)) if answers else 0)


def test_a_built_in_scenario_can_be_run_again_by_anybody(base: Context) -> None:
    pack = Path(packs).parent / "meter-digits.yaml"
    found, _ = asked(base, str(pack))
    assert (found.kind, found.score) == ("scenario", 1.0)


def test_terms_bind_data_that_come_with_a_package_too(base: Context) -> None:
    pack = Path(packs).parent / "meter-digits.yaml"
    table = load_table(read_scenario(pack).scenario.data, pack.parent)
    listed = base.home.parent / "digits.yaml"
    listed.write_text(
        "catalog: 1\nassets: [{id: digits, kind: dataset, title: {en: Digits, zh: 数字}, "
        f"digest: '{table.loaded_digest}'}}]\n",
        "utf-8",
    )
    assets.add(base, assets.AddRequest(listed))
    assert asked(base, str(pack))[1]["data"]
    set_(base, asset="digits", prohibition={"action": "use"})
    assert not asked(base, str(pack))[1]["data"]


SCENARIO = """\
id: leaks
title: {en: Leaks, zh: 漏水}
need: {en: Find leaks., zh: 发现漏水。}
item: A5.3
owner: {name: City Library, principal: Li Wen}
affects_people: false
task: detection
data: {csv: readings.csv}
target: leak
positive: 1
split: {by: random, folds: 2}
acceptance: [{metric: accuracy, at_least: 0.6}]
candidates:
  - {id: logit, estimator: sklearn.linear_model.LogisticRegression}
  - {id: remote, infer: {url: "https://example.org", model: m, score: s}}
"""


def test_a_scenario_on_an_asset_is_as_open_as_the_asset(base: Context) -> None:
    file = base.home.parent / "leaks.yaml"
    file.write_text(SCENARIO, "utf-8")
    _, parts = asked(base, str(file))
    assert parts == {
        "data": True, "notes": False, "criteria": True, "one-candidate": True,
        "all-candidates": False,
    }  # fmt: skip
    set_(base, permission={"action": "use", "assignee": "library"})
    assert not asked(base, str(file))[1]["data"]
    elsewhere = Context(base.home.parent / "no-home")
    assert not asked(elsewhere, str(file))[1]["data"]


def test_what_is_not_there_is_said(base: Context) -> None:
    with pytest.raises(InputError) as caught:
        openness(base, OpennessRequest("reedings"))
    assert caught.value.code == "catalog.unknown" and "readings" in caught.value.next_step.en
