"""A scenario on data whose terms do not permit a trial is told so when it is checked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pilotbase.catalog.assets import verbs as assets
from pilotbase.catalog.rights.verbs import terms
from pilotbase.desk.verbs import CheckRequest, scenario_check
from pilotbase.kernel.time import fixed_clock
from pilotbase.kernel.verb import Context

LIST = """\
catalog: 1
parties:
  - {id: person-7, kind: person, name: Li Wen}
  - {id: library, kind: body, name: City Library, principal: person-7}
assets:
  - {id: readings, kind: dataset, title: {en: Readings, zh: 抄表数据}, file: readings.csv}
"""
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
candidates: [{id: logit, estimator: sklearn.linear_model.LogisticRegression}]
"""


@pytest.fixture
def base(tmp_path: Path) -> Context:
    rows = "".join(f"{n * 0.37:.2f},{n % 2}\n" for n in range(40))
    (tmp_path / "readings.csv").write_text("flow,leak\n" + rows, "utf-8")
    (tmp_path / "list.yaml").write_text(LIST, "utf-8")
    (tmp_path / "leaks.yaml").write_text(SCENARIO, "utf-8")
    return Context(tmp_path / "home", clock=fixed_clock("2026-11-22T08:00:00Z"))


def told(base: Context) -> list[str]:
    found = scenario_check(base, CheckRequest(base.home.parent / "leaks.yaml"))
    assert not found.faults and found.rows == 40
    return [one.code for one in found.remarks if one.code.startswith("terms.")]


def set_(base: Context, **words: Any) -> None:
    file = base.home.parent / "terms.json"
    file.write_text(json.dumps({"@type": "Set", "uid": "p1", **words}), "utf-8")
    terms.set_(base, terms.SetRequest("readings", file, "person-7"))


def test_terms_are_asked_for_the_owner_and_the_purpose_trial(base: Context) -> None:
    assert told(base) == []  # no home, no catalog
    assets.add(base, assets.AddRequest(base.home.parent / "list.yaml"))
    assert told(base) == []  # data without terms
    trial = {"leftOperand": "purpose", "operator": "eq", "rightOperand": "trial"}
    permit = {"action": "use", "assignee": "library", "constraint": trial}
    set_(base, permission=permit)
    assert told(base) == []
    set_(base, permission={"action": "read"}, prohibition={"action": "use", "constraint": trial},
         conflict="prohibit")  # fmt: skip
    assert told(base) == ["terms.prohibited"]
