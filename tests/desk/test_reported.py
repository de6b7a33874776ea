"""What another tool reports: a lower grade of trust, said everywhere, and never a go."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

from pilotbase import Base
from pilotbase.assess.rules import graded
from pilotbase.desk.answers import RunResponse
from pilotbase.faces.cli.call import invoke
from pilotbase.kernel.time import fixed_clock
from pilotbase.main import commands
from tests.catalog.results.logs import HEADER, inspect_samples

SAMPLES = 80


def scenario(folder: Path, bound: float, **changes: Any) -> Path:
    """A log in which 9 of 10 samples are right in both epochs, and a scenario over it."""
    folder.mkdir(parents=True, exist_ok=True)
    (pattern,) = inspect_samples()[:1]
    samples = [
        {
            **pattern,
            "id": f"s{n}",
            "epoch": epoch,
            "scores": {"match": {"value": "I" if n % 10 == 0 else "C"}},
        }
        for n in range(SAMPLES)
        for epoch in (1, 2)
    ]
    log = {**HEADER, "results": {"total_samples": len(samples)}, "samples": samples}
    (folder / "log.json").write_text(json.dumps(log), encoding="utf-8")
    said = {
        "pilotbase": 1,
        "id": "reported",
        "title": {"en": "Reported", "zh": "外部报告"},
        "need": {"en": "To test imports.", "zh": "用于测试导入。"},
        "item": "A2.1",
        "owner": {"name": "Test body", "principal": "Li Wen"},
        "affects_people": False,
        "task": "answer",
        "data": {"results": "log.json"},
        "question": "input",
        "target": "expected",
        "unit": "sample",
        "features": [],
        "split": {"by": "frozen"},
        "acceptance": [{"metric": "reported", "at_least": bound}],
        "candidates": [{"id": "theirs", "results": "score:match"}],
        **changes,
    }
    file = folder / "scenario.yaml"
    with file.open("w", encoding="utf-8") as opened:
        YAML().dump(said, opened)
    return file


def run(tmp_path: Path, bound: float, **changes: Any) -> tuple[Base, RunResponse]:
    here = Base(tmp_path / "home", clock=fixed_clock("2026-11-21T08:00:00Z"))
    return here, here.run(scenario(tmp_path, bound, **changes))


def test_what_is_reported_is_conditional_at_best_and_says_why(tmp_path: Path) -> None:
    here, result = run(tmp_path, 0.8)
    (candidate,) = result.candidates
    assert candidate["criteria"][0]["verdict"] == "meets"
    assert candidate["criteria"][0]["estimate"] > 0.85
    assert (candidate["verdict"], candidate["trust"], result.chosen) == (
        "conditional", "reported", None,
    )  # fmt: skip
    assert candidate["reported_by"]["en"] == "Inspect 0.3.285"
    assert "not tried here" in candidate["condition"]["en"]
    assert "须由本基地试验" in candidate["condition"]["zh"]
    report = here.report(result)
    page, papers = report.html.read_text("utf-8"), json.loads(report.json.read_text("utf-8"))
    assert "reported by Inspect 0.3.285, not tried here" in page
    assert "由 Inspect 0.3.285 报告, 非本基地试验" in page
    assert papers["plan"]["candidates"][0]["trust"] == "reported"
    assert papers["plan"]["data"]["reported_by"]["en"] == "Inspect 0.3.285"
    assert papers["evidence"]["theirs"]["beside"]["trust"]["grade"] == "reported"


def test_the_command_line_says_it_in_both_languages(tmp_path: Path) -> None:
    run(tmp_path, 0.8)
    command = commands(invoke)
    for language, words in (("en", "not tried here"), ("zh", "非本基地试验")):
        found = CliRunner().invoke(
            command, ["verdict", "reported", "--home", str(tmp_path / "home"), "--lang", language]
        )
        assert words in found.output.replace("\n", " "), found.output


def test_what_is_reported_can_still_rule_a_candidate_out(tmp_path: Path) -> None:
    _, result = run(tmp_path, 0.95)
    assert result.candidates[0]["verdict"] == "no-go" and result.candidates[0]["condition"] is None


def test_a_column_that_the_log_does_not_have_is_named(tmp_path: Path) -> None:
    from pilotbase.kernel.errors import ScenarioError

    with pytest.raises(ScenarioError) as raised:
        run(tmp_path, 0.8, candidates=[{"id": "theirs", "results": "score:other"}])
    assert "score:other" in raised.value.render("en")


def test_the_grade_touches_nothing_but_a_go() -> None:
    assert graded("go", "reported") == "conditional" and graded("go", "tried") == "go"
    for verdict in ("conditional", "no-go", "insufficient"):
        assert graded(verdict, "reported") == graded(verdict, "tried") == verdict  # type: ignore[arg-type]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_scenario_on_the_page_runs(tmp_path: Path, language: str) -> None:
    page = Path(__file__).parents[2] / "docs" / language / "results-of-other-tools.md"
    words = YAML(typ="safe").load(page.read_text("utf-8").split("```yaml\n")[1].split("```")[0])
    scenario(tmp_path, 0.8)
    (tmp_path / "log.json").rename(tmp_path / "run.eval")  # the content tells what it is
    (tmp_path / "log.json").write_text("{}", encoding="utf-8")
    said = YAML(typ="safe").load((tmp_path / "scenario.yaml").read_text("utf-8")) | words
    with (tmp_path / "scenario.yaml").open("w", encoding="utf-8") as opened:
        YAML().dump(said, opened)
    (candidate,) = Base(tmp_path / "home").run(tmp_path / "scenario.yaml").candidates
    assert candidate["verdict"] == "conditional"
