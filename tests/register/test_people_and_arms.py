"""What judges, raters and arms add to a report; it still verifies itself in the browser."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path

import pytest

from pilotbase import Base
from pilotbase.desk import verbs
from pilotbase.desk.verbs import ArmsRequest, RateRequest
from pilotbase.kernel.errors import InputError, RunError, ScenarioError
from pilotbase.register.documents.figures import kind_of, printed
from tests.desk import files
from tests.desk.asking import HOSTILE, honest, write
from tests.register.conftest import Reader


def decisions(folder: Path, deciders: int = 12) -> None:
    """Persons who are right 7 times in 10 alone, and mostly follow an AI that is right 4 in 5."""
    draw = random.Random(3)
    with (folder / "decisions.csv").open("w", newline="") as opened:
        rows = csv.writer(opened)
        rows.writerow(["case", "who", "saw", "decision", "truth", "ai"])
        for who in range(deciders):
            for case in range(20):
                truth, ai = case % 2, (case % 2 if case % 5 else 1 - case % 2)
                alone = truth if draw.random() < 0.7 else 1 - truth
                pair = ai if draw.random() < 0.8 else alone
                rows.writerow([f"c{case}", f"nurse-{who}", "nothing", alone, truth, ai])
                rows.writerow([f"c{case}", f"nurse-{who}", "ai", pair, truth, ai])


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report of a judged trial with arms."""
    folder = tmp_path_factory.mktemp("judged")
    base = Base(folder / "home")
    decisions(folder)
    file = write(folder, decisions={"data": {"csv": "decisions.csv"}})
    with pytest.raises(RunError):
        base.run(file, trust=True)
    for rater in ("a", "b"):
        left = verbs.rate(base.context, RateRequest("judged", rater)).items
        said = [{"item": i["item"], "mark": honest(i)} for i in left]
        (folder / "r.json").write_text(json.dumps(said))
        verbs.rate(base.context, RateRequest("judged", rater, folder / "r.json"))
    report = base.run(file, trust=True).report
    assert report is not None
    return report.read_text("utf-8")


def test_a_judged_report_verifies_itself_and_says_who_marked(judged: str, reader: Reader) -> None:
    page = reader.open(judged)
    assert page.inner_text("#alarm") == "" and reader.said == []
    assert page.query_selector("#status.holds") is not None
    told = page.inner_text("#c0-audits")
    assert "stand-in: a scripted judge" in told and "labels were used" in told
    assert "Krippendorff" in told and "Several ratings of one answer count with their mean" in told
    assert "nearly" not in told


def test_first_answers_are_quoted_and_harmless(judged: str, reader: Reader) -> None:
    page = reader.open(judged)
    quoted = page.eval_on_selector("details.examples", "e => e.textContent")
    assert "It is" in quoted or HOSTILE[:20] in quoted
    assert page.query_selector("details.examples img") is None


def test_arms_are_shown_and_no_decider(judged: str, reader: Reader) -> None:
    page = reader.open(judged)
    told = page.inner_text("#arms")
    assert "Do person and AI together beat the better of the two?" in told
    assert "RAIR" in told and "nurse" not in told


def test_deciders_are_in_no_part_of_the_report(judged: str) -> None:
    assert "nurse-" not in judged


def test_a_forged_share_of_the_arms_is_seen(judged: str, reader: Reader) -> None:
    at = judged.index('data-at="arms/shares/ai/estimate"')
    end = judged.index("</span>", at)
    start = judged.index(">", at) + 1
    page = reader.open(judged[:start] + "99.9%" + judged[end:])
    assert page.query_selector("#status.broken") is not None


def test_an_audited_share_is_shown_inside_0_and_1() -> None:
    assert kind_of({"metric": "judged", "audit": 4}) == "share"
    assert kind_of({"metric": "judged", "audit": 1}) == "number"
    assert printed(1.09, "share") == "1.000" and printed(-0.3, "share") == "0.000"
    assert printed(0.85, "share-bound") == "0.85"


def test_arms_alone(tmp_path: Path) -> None:
    base = Base(tmp_path / "home")
    with pytest.raises(InputError, match="no_decisions"):
        verbs.arms(base.context, ArmsRequest(files.write(tmp_path)))
    decisions(tmp_path)
    file = files.write(tmp_path, decisions={"data": {"csv": "decisions.csv"}})
    found = verbs.arms(base.context, ArmsRequest(file)).as_dict()
    assert found["scenario"] == "small" and found["deciders"] == 12
    assert found["gain"]["verdict"] in ("meets", "fails", "undecided")
    assert "nurse" not in repr(found)
    plan = base.plan(file).plan
    assert plan["data"]["decisions"].startswith("sha256:")


def test_faulty_decisions_are_told_before_anything_runs(tmp_path: Path) -> None:
    base = Base(tmp_path / "home")
    (tmp_path / "decisions.csv").write_text("case,who,saw,decision\nc,w,later,1\n")
    file = files.write(tmp_path, decisions={"data": {"csv": "decisions.csv"}})
    with pytest.raises((InputError, ScenarioError), match="column"):
        base.plan(file)


def test_limits_and_odds_name_what_judge_and_people_leave_open(judged: str, reader: Reader) -> None:
    page = reader.open(judged)
    assert "not told which answers people check" in page.inner_text("#limits")
    assert "a judge that is always right" in page.inner_text("#method")
