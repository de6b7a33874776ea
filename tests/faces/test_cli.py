"""The command line as a user meets it: help, exit codes, languages, one JSON object."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from pilotbase.faces.cli.call import invoke
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context, verb
from pilotbase.main import commands
from pilotbase.record.verbs.asking import QueryRequest
from tests.conftest import Toured
from tests.desk.files import write

HEAVY = ("numpy", "scipy", "pandas", "sklearn", "statsmodels", "duckdb", "pydantic", "rich")
# The published shape of a criterion; others may be added, none of these may go.
CRITERION = {
    "dimension", "metric", "by", "verdict", "estimate", "interval", "threshold", "units",
    "successes", "errors", "decided_at", "log_evalue_meets", "log_evalue_fails", "blocking",
}  # fmt: skip


def call(*words: str) -> Result:
    command: click.Group = commands(invoke)
    return CliRunner().invoke(command, list(words))


def test_help_lists_every_verb_and_loads_nothing_heavy() -> None:
    code = (
        "import sys; from click.testing import CliRunner\n"
        "from pilotbase.main import *; from pilotbase.faces.cli.call import invoke\n"
        "from pilotbase.faces.cli.project import project\n"
        "command = commands(invoke)\n"
        "print(CliRunner().invoke(command, ['--help']).output)\n"
        f"print('HEAVY', [m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "HEAVY []" in done.stdout
    for name in ("run", "plan", "report", "scenario", "record", "packs"):
        assert name in done.stdout


def test_the_json_of_a_run_has_the_published_shape(toured: Toured) -> None:
    home = str(toured.base.context.home)
    result = call("verdict", "meter-digits", "--json", "--home", home)
    assert result.exit_code == 0
    found = json.loads(result.output)
    assert {"scenario", "estimand", "plan", "candidates", "chosen", "record"} <= set(found)
    assert set(found["plan"]) == {"hash", "witness"} and set(found["record"]) == {"size", "root"}
    for candidate in found["candidates"]:
        assert {"id", "verdict", "claims", "criteria"} <= set(candidate)
        for criterion in candidate["criteria"]:
            assert set(criterion) >= CRITERION


@pytest.mark.parametrize(("language", "words"), [("en", ["go", "exact"]), ("zh", ["通过", "精确"])])
def test_a_verdict_reads_in_both_languages(toured: Toured, language: str, words: list[str]) -> None:
    home = str(toured.base.context.home)
    result = call("verdict", "follow-up-triage", "--lang", language, "--home", home)
    assert result.exit_code == 0 and all(word in result.output for word in words)


def test_what_every_command_takes_may_stand_before_it(toured: Toured) -> None:
    home = str(toured.base.context.home)
    shown = call("--home", home, "--lang", "zh", "verdict", "follow-up-triage")
    assert shown.exit_code == 0 and "通过" in shown.output
    shown = call("--home", "/nowhere", "catalog", "--json", "key", "list", "--home", home)
    assert shown.exit_code == 0 and json.loads(shown.output) == {"keys": []}
    listed = call("--lang", "zh", "catalog", "--home", home, "list", "--lang", "en")
    assert listed.exit_code == 0 and "provider" in listed.output and "供给方" not in listed.output
    assert call("--lang", "fr", "packs").exit_code == 2


def test_help_is_in_the_language_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for words in (("--lang", "zh", "catalog"), ("--lang=zh", "run"), ("--lang", "zh")):
        monkeypatch.setattr(sys, "argv", ["pilotbase", *words, "--help"])
        assert "输出语言" in call(*words, "--help").output


def test_the_record_of_the_tour_verifies_and_rebuilds(toured: Toured) -> None:
    home = str(toured.base.context.home)
    assert call("record", "verify", "--home", home).exit_code == 0
    rebuilt = call("rebuild", "--json", "--home", home)
    views = json.loads(rebuilt.output)["views"]
    assert views.pop("pilots") and views.pop("exposures")
    # Of the rooms that have not been in use nothing stood there.
    assert set(views) >= {"parties", "assets", "filings"} and False not in views.values()


def test_a_faulty_file_exits_with_2_and_names_every_fault(tmp_path: Path) -> None:
    file = write(tmp_path, target="why", acceptance=[{"metric": "acuracy", "at_least": 0.5}])
    for words in (("scenario", "check"), ("run",)):
        result = call(*words, str(file), "--home", str(tmp_path / "home"))
        assert result.exit_code == 2
        assert "accuracy" in result.output
    chinese = call("scenario", "check", str(file), "--lang", "zh")
    assert chinese.exit_code == 2 and "是否想写" in chinese.output


def test_faults_of_the_data_come_with_line_and_nearest_column(tmp_path: Path) -> None:
    file = write(tmp_path, target="yy", barred=["x9"])
    result = call("scenario", "check", str(file), "--json")
    assert result.exit_code == 2
    faults = {f["path"]: f for f in json.loads(result.output)["faults"]}
    assert faults["target"]["line"] > 1 and faults["target"]["nearest"] == "y"
    assert len(faults) == 2


def test_an_error_with_json_is_one_object(tmp_path: Path) -> None:
    result = call("verdict", "nothing", "--json", "--home", str(tmp_path / "none"))
    assert result.exit_code == 3
    assert json.loads(result.stdout)["error"] == "record.missing"
    assert "pilotbase run" in result.stderr


def test_a_missing_file_and_a_wrong_word_exit_with_2(tmp_path: Path) -> None:
    assert call("run", str(tmp_path / "no.yaml"), "--home", str(tmp_path / "h")).exit_code == 2
    assert call("run").exit_code == 2
    assert call("no-such-command").exit_code == 2


def test_code_in_a_file_needs_trust(tmp_path: Path) -> None:
    file = write(tmp_path, candidates=[{"id": "c", "command": ["true"]}])
    result = call("run", str(file), "--home", str(tmp_path / "h"))
    assert result.exit_code == 2 and "--trust" in result.output


def test_a_plan_prints_its_odds(tmp_path: Path) -> None:
    result = call("plan", str(write(tmp_path)), "--home", str(tmp_path / "home"))
    assert result.exit_code == 0 and "sha256:" in result.output and "P(meets)" in result.output


def test_a_fault_of_a_form_is_told_as_a_fault_of_pilotbase(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    @verb("record.query", summary=Text("", ""), changes=False, roles=())
    def odd(context: Context, request: QueryRequest) -> QueryRequest:
        return request  # no answer, so that the form finds no columns in it

    assert invoke(odd, QueryRequest("SELECT 1"), tmp_path, "en", as_json=False) == 3
    said = capsys.readouterr().err
    assert "a fault of Pilotbase itself: AttributeError" in said and "Traceback" in said
