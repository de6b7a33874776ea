"""The first duty of the life cycle: a pilot that was not passed owes its exit report."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from pilotbase import Base
from pilotbase.desk import verbs
from pilotbase.desk.rules import outcome_of
from pilotbase.desk.verbs import ExitRequest
from pilotbase.kernel.actor import Actor
from pilotbase.kernel.errors import InputError, RunError
from pilotbase.kernel.event import Entry
from pilotbase.kernel.time import fixed_clock
from pilotbase.kernel.verb import Context
from pilotbase.record.audit import verify
from pilotbase.record.opened import open_record
from pilotbase.record.verbs import overdue
from pilotbase.record.verbs.duties import OverdueRequest
from tests.desk.files import write
from tests.faces.test_cli import call


def at(context: Context, moment: str) -> Context:
    return dataclasses.replace(context, clock=fixed_clock(moment))


def owed(context: Context) -> list[tuple[str, str]]:
    return [(d["duty"], d["state"]) for d in overdue(context, OverdueRequest()).duties]


@pytest.mark.parametrize(
    ("verdicts", "chosen", "outcome"),
    [
        ({"a": "go", "b": "no-go"}, "a", "go"),
        ({"a": "no-go", "b": "no-go"}, None, "no-go"),
        ({"a": "no-go", "b": "insufficient"}, None, "insufficient"),
        ({"a": "conditional", "b": "insufficient"}, None, "conditional"),
    ],
)
def test_the_outcome_of_a_pilot(verdicts: dict[str, str], chosen: str | None, outcome: str) -> None:
    assert outcome_of(verdicts, chosen) == outcome


def test_a_pilot_that_fails_owes_a_report(tmp_path: Path) -> None:
    here = Base(tmp_path / "home", clock=fixed_clock("2026-11-21T08:00:00Z"))
    strict = [{"metric": "recall", "at_least": 0.999}]
    run = here.run(write(tmp_path, acceptance=strict)).run
    now = here.context
    assert owed(now) == [] and owed(at(now, "2027-01-21T23:59:59Z")) == []
    assert owed(at(now, "2027-01-22T00:00:00Z")) == [("exit-report", "not met")]
    report = tmp_path / "exit.md"
    report.write_text("What was learnt.")
    late = at(now, "2027-02-01T00:00:00Z")
    done = verbs.leave(late, ExitRequest(run[:12], report))
    assert done.run == run and verbs.leave(late, ExitRequest(run, report)) == done
    assert owed(late) == [("exit-report", "met late")]
    with open_record(late) as record:
        entry = record.entry(done.entry)
        assert entry.kind == "pilot.exited/1" and entry.envelope["by"]["role"] == "case officer"
        assert record.body(entry, "report") == b"What was learnt." and verify(record).ok
    # The recorded verdict reads back as before.
    assert here.run(tmp_path / "scenario.yaml").run == run


def test_one_that_passes_owes_none(tmp_path: Path) -> None:
    here = Base(tmp_path / "home", clock=fixed_clock("2026-11-21T08:00:00Z"))
    run = here.run(write(tmp_path)).run
    assert owed(at(here.context, "2030-01-01T00:00:00Z")) == []
    for name in ("none", "."):
        with pytest.raises(InputError) as caught:
            verbs.leave(here.context, ExitRequest(run, tmp_path / name))
        assert caught.value.code == "exit.bad_report"
    report = tmp_path / "exit.md"
    report.write_text("The end.")
    done = verbs.leave(here.context, ExitRequest(run, report))
    for language, words in (("en", "has exited"), ("zh", "已退出")):
        said = call("exit", run, str(report), "--lang", language, "--home", str(tmp_path / "home"))
        assert said.exit_code == 0 and words in said.output and str(done.entry) in said.output


def test_a_report_after_the_base_has_changed_its_key(tmp_path: Path) -> None:
    here = Base(tmp_path / "home", clock=fixed_clock("2026-11-21T08:00:00Z"))
    run = here.run(write(tmp_path)).run
    with open_record(here.context) as record:
        old = record.vkey
        rotation = record.rotate_key("yearly", Actor("Li Hua", "case officer"))
        new = record.vkey
    made = json.loads(here.report(run).json.read_text("utf-8"))["record"]
    assert made["vkey"] == new != old
    assert [entry["index"] for entry in made["rotations"]] == [rotation.index]
    assert old in made["rotations"][0]["text"]


def test_the_older_shape_says_no_outcome_and_owes_nothing() -> None:
    data = b'{"about":"","body":{"note":"n"},"kind":"pilot.evidenced/1"}'
    assert Entry(0, data).body == {"note": "n", "outcome": ""}


def test_no_exit_without_a_run(tmp_path: Path) -> None:
    report = tmp_path / "exit.md"
    report.write_text("x")
    with pytest.raises(RunError):
        verbs.leave(Context(tmp_path / "home"), ExitRequest("nothing", report))
