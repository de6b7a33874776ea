"""The journey by command line: match, read the receipts, list what stays open, check the record."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pilotbase.faces.cli.call import invoke
from pilotbase.main import commands
from tests.conftest import Toured

LISTS = Path(str(files("pilotbase.scenario.packs"))) / "exercises" / "matching"
NEEDS, PRODUCTS = str(LISTS / "needs.csv"), str(LISTS / "products.yaml")


def call(home: Path, *words: str) -> Result:
    command = commands(invoke)
    return CliRunner().invoke(command, [*words, "--home", str(home)])


def answer(home: Path, *words: str) -> dict[str, Any]:
    done = call(home, *words, "--json")
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.output)
    return found


def test_the_example_lists(tmp_path: Path) -> None:
    found = answer(tmp_path, "match", "needs", NEEDS, PRODUCTS, "--seed", "2026")
    assert found["pairs"] == {
        "meter-digits": "digits-a", "storm-drain": "rain", "manual": "answers",
    }  # fmt: skip
    assert found["blocking"] == [] and found["seed_from"] == "given"
    assert found["receipts_of"] == "every pair" and len(found["receipts"]) == 8 * 7
    changes = {one["need"]: (one["product"], one["cost"]) for one in found["open"]}
    assert changes == {
        "garden": (None, None), "follow-up": ("triage", 1), "travel": (None, None),
        "orchard": ("night-frost", 1), "weaving": (None, None),
    }  # fmt: skip
    again = answer(tmp_path, "match", "needs", NEEDS, PRODUCTS, "--seed", "2026")
    assert again == found, "the same lists, seed and evidence are one fact"
    other = answer(tmp_path, "match", "needs", NEEDS, PRODUCTS)
    assert other["id"] != found["id"] and other["seed"].startswith("sha256:")
    assert answer(tmp_path, "record", "verify")["ok"] is True


def test_capacity_and_one_need(tmp_path: Path) -> None:
    words = ("match", "needs", NEEDS, PRODUCTS, "--capacity", "digits-a=0,rain=0")
    found = answer(tmp_path, *words, "--need", "storm-drain")
    assert found["pairs"]["meter-digits"] == "digits-b"
    assert found["receipts_of"] == "need storm-drain" and len(found["receipts"]) == 7
    (rain,) = (one for one in found["receipts"] if one["product"] == "rain")
    assert (rain["outcome"], rain["places"], rain["cost"]) == ("full", 1, 1)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--capacity", "none=1"), "match.capacity"),
        (("--capacity", "-1"), "match.capacity"),
        (("--capacity", "rain=x"), "match.capacity"),
        (("--need", "nothing"), "match.unknown_need"),
    ],
)
def test_what_is_refused_writes_nothing(tmp_path: Path, words: tuple[str, str], code: str) -> None:
    done = call(tmp_path / "home", "match", "needs", NEEDS, PRODUCTS, *words, "--json")
    assert done.exit_code == 2 and code in done.output
    assert not (tmp_path / "home").exists()


def test_open_needs_are_read_back(tmp_path: Path) -> None:
    assert call(tmp_path, "match", "open-needs").exit_code == 3
    made = answer(tmp_path, "match", "needs", NEEDS, PRODUCTS, "--seed", "1")
    listed = answer(tmp_path, "match", "open-needs")
    assert listed["match"] == made["id"] and listed["needs"] == made["open"]
    assert answer(tmp_path, "match", "open-needs", made["id"][:4]) == listed
    assert call(tmp_path, "match", "open-needs", "zzz").exit_code == 2


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_person_reads_it(tmp_path: Path, language: str) -> None:
    words = ("match", "needs", NEEDS, PRODUCTS, "--lang", language)
    told = call(tmp_path, *words)
    assert told.exit_code == 0 and "digits-a" in told.output and "night-frost" in told.output
    said = call(tmp_path, "match", "open-needs", "--lang", language)
    assert said.exit_code == 0 and "weaving" in said.output
    one = call(tmp_path, *words, "--need", "weaving")
    assert one.exit_code == 0 and "→" in one.output


def test_erased_lists_leave_the_record_whole(tmp_path: Path) -> None:
    made = answer(tmp_path, "match", "needs", NEEDS, PRODUCTS)
    words = ("--subject", f"match:{made['id']}", "--reason", "asked for", "--ground", "test")
    assert call(tmp_path, "vault", "erase", *words).exit_code == 0
    assert answer(tmp_path, "record", "verify")["ok"] is True
    assert "record.body_gone" in call(tmp_path, "match", "open-needs", "--json").output


def test_trials_of_the_record_rank(toured: Toured) -> None:
    """After the tour: the product that passed comes first, and a no-go is no choice."""
    home = toured.base.context.home
    found = answer(home, "match", "needs", NEEDS, PRODUCTS, "--seed", "2026")
    verdicts = {
        (run.scenario, c["id"]): c["verdict"] for run in toured.runs for c in run.candidates
    }
    outcomes = {(one["need"], one["product"]): one for one in found["receipts"]}
    tried = {
        ("meter-digits", "digits-a"): verdicts["meter-digits", "support-vectors"],
        ("meter-digits", "digits-b"): verdicts["meter-digits", "linear"],
        ("storm-drain", "rain"): verdicts["storm-drain", "forest"],
        ("manual", "answers"): verdicts["cited-answers", "retrieval"],
    }
    assert "no-go" in tried.values() and "go" in tried.values()
    for pair, verdict in tried.items():
        assert (outcomes[pair]["outcome"] == "no-go") == (verdict == "no-go")
        if outcomes[pair]["outcome"] == "matched":
            assert f"tried: {verdict}" in outcomes[pair]["why"]["en"]
    listed = answer(home, "match", "open-needs")
    failed = {run.scenario for run in toured.runs
              if {c["verdict"] for c in run.candidates} == {"no-go"}}  # fmt: skip
    assert {pilot["scenario"] for pilot in listed["pilots"]} == failed
