"""A run from the file to the signed verdict: resumable, idempotent, the same bytes everywhere."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pilotbase import Base, PilotbaseError
from pilotbase.desk.rules import ORDER
from pilotbase.desk.trying import draw, try_candidates
from pilotbase.kernel.errors import HomeError, ScenarioError
from pilotbase.kernel.time import fixed_clock
from pilotbase.kernel.verb import Context
from pilotbase.record.audit import verify
from pilotbase.record.opened import open_record
from pilotbase.trial.rules.order import order_seed
from tests.desk.files import write


def base(home: Path) -> Base:
    return Base(home, clock=fixed_clock("2026-11-21T08:00:00Z"))


def kinds(context: Context) -> list[str]:
    with open_record(context) as record:
        return [entry.kind for entry in record.entries()]


def test_a_run_leaves_one_entry_a_state_and_a_record_that_verifies(tmp_path: Path) -> None:
    here = base(tmp_path / "home")
    result = here.run(write(tmp_path))
    assert [c["verdict"] for c in result.candidates] == ["go"] and result.chosen == "logit"
    assert len(kinds(here.context)) == ORDER.index("evidenced") + 1
    with open_record(here.context) as record:
        report = verify(record)
    assert report.ok and report.size == result.record["size"]
    assert result.report is not None and result.report.exists()
    assert result.report.with_suffix(".json").exists()


def test_running_again_reads_the_verdict_back(tmp_path: Path) -> None:
    here, file = base(tmp_path / "home"), write(tmp_path)
    first, again = here.run(file), here.run(file)
    assert (
        first.as_dict()
        == again.as_dict()
        == {**here.verdict(first).as_dict(), "report": first.as_dict()["report"]}
    )
    assert here.verdict("small").run == first.run == here.verdict(first.run[:5]).run


def test_another_home_gives_the_same_bytes(tmp_path: Path) -> None:
    file = write(tmp_path)
    one, two = base(tmp_path / "one").run(file), base(tmp_path / "two").run(file)
    assert one.plan == two.plan and one.candidates == two.candidates and one.run == two.run
    reports = [
        json.loads(r.report.with_suffix(".json").read_text()) for r in (one, two) if r.report
    ]
    bodies = [{(b["name"]): b["body"] for b in report["bodies"]} for report in reports]
    assert bodies[0] == bodies[1] and {"evidence:logit", "verdict", "plan"} <= set(bodies[0])
    salts = [{b["salt"] for b in report["bodies"]} for report in reports]
    assert not salts[0] & salts[1]


def test_the_plan_alone_tries_nothing(tmp_path: Path) -> None:
    here = base(tmp_path / "home")
    planned = here.plan(write(tmp_path), out=tmp_path / "plan.txt")
    assert planned.hash in (tmp_path / "plan.txt").read_text()
    assert kinds(here.context)[-1] == "pilot.planned/1"
    assert planned.witness == "self-attested: could have been rerun"
    assert len(planned.plan["odds"]) == 2
    with pytest.raises(PilotbaseError, match="unknown"):
        here.verdict(planned.run)


def test_earlier_plans_on_the_same_data_are_counted(tmp_path: Path) -> None:
    here = base(tmp_path / "home")
    here.run(write(tmp_path))
    changed = [{"metric": "recall", "at_least": 0.81}]
    second = here.plan(write(tmp_path, "other.yaml", acceptance=changed))
    assert second.earlier_plans == 1


def test_a_rehearsal_touches_no_home_and_says_so(tmp_path: Path) -> None:
    here, file = base(tmp_path / "home"), write(tmp_path)
    result = here.rehearse(file, candidate="logit")
    assert result.unofficial and result.as_dict()["unofficial"] is True
    assert "unofficial" in result.plan["witness"]
    assert not (tmp_path / "home").exists()
    assert result.candidates[0]["verdict"] == "go"


def test_an_unanswered_leak_blocks_the_plan_and_an_answer_opens_it(tmp_path: Path) -> None:
    data = tmp_path / "data.csv"
    data.write_text("copy,x,y\n" + "".join(f"{i % 2},{i * 7 % 13},{i % 2}\n" for i in range(60)))
    easy = {"groups": {}, "acceptance": [{"metric": "recall", "at_least": 0.9}]}
    here = base(tmp_path / "home")
    with pytest.raises(ScenarioError) as caught:
        here.plan(write(tmp_path, **easy))
    findings = [f for f in caught.value.faults if f.code == "plan.leak_unanswered"]
    assert findings and any("copy" in f.message.en for f in findings)
    named = [f.expected.en.split('"')[1] for f in findings if f.expected]
    said = ("It is known before.", "事先已知。")
    planned = here.plan(
        write(
            tmp_path, answers={n: dict(zip(("en", "zh"), said, strict=True)) for n in named}, **easy
        )
    )
    answered = [leak["answer"] for leak in planned.plan["leaks"] if leak["id"] in named]
    assert answered == [{"en": said[0], "zh": said[1]}] * len(named)


def test_a_newer_home_is_left_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "home.json").write_text('{"format": 99}')
    with pytest.raises(HomeError, match="newer"):
        base(home).run(write(tmp_path))
    assert os.listdir(home) == ["home.json"]


SLOW = """
import json, sys, time
for line in sys.stdin:
    said = json.loads(line)
    reply = {"id": said["id"], "protocol": 1, "learns": False}
    if "predict" in said:
        with open("calls.txt", "a") as calls:
            calls.write(json.dumps(said["predict"], sort_keys=True) + "\\n")
        time.sleep(0.02)
        reply = {"id": said["id"], "label": 1, "score": 0.9}
    print(json.dumps(reply), flush=True)
"""


def test_a_killed_run_goes_on_without_asking_a_finished_unit_twice(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    candidate = {"id": "slow", "command": [sys.executable, "slow.py"]}
    file = write(tmp_path, candidates=[candidate])
    home, calls = tmp_path / "home", tmp_path / "calls.txt"
    command = [sys.executable, "-m", "pilotbase", "run", str(file), "--trust", "--home", str(home)]
    killed = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 60
    while not (calls.exists() and len(calls.read_text().splitlines()) >= 30):
        assert time.monotonic() < deadline and killed.poll() is None
        time.sleep(0.01)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    before = calls.read_text().splitlines()
    assert len(before) < 120
    done = subprocess.run([*command, "--json"], capture_output=True, check=True, text=True)
    asked = calls.read_text().splitlines()
    twice = [unit for unit in set(asked) if asked.count(unit) > 1]
    assert len(set(asked)) == 120
    assert len(twice) <= 1  # the one that was in flight had not finished
    result = json.loads(done.stdout)
    assert result["candidates"][0]["criteria"][0]["units"] > 0


def test_a_full_disk_in_the_middle_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, file = base(tmp_path / "home"), write(tmp_path)

    def full(*args: object, **more: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pilotbase.kernel.home.os.replace", full)
    with pytest.raises(HomeError, match="disk_full"):
        here.run(file)
    monkeypatch.undo()
    assert here.run(file).chosen == "logit"


def test_trying_twice_from_the_same_seed_gives_the_same_integers(tmp_path: Path) -> None:
    from pilotbase.desk.prepare import prepare

    prepared = prepare(write(tmp_path), trust=False)
    drawing = draw(prepared, order_seed(prepared.plan_hash, None))
    context = Context(tmp_path / "home")
    tried = [
        try_candidates(prepared, drawing, tmp_path / name, context, trust=False) for name in "ab"
    ]
    assert dataclasses.asdict(tried[0]) == dataclasses.asdict(tried[1])


def test_another_program_is_another_plan(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("print('first')", encoding="utf-8")
    offer = {"id": "theirs", "command": [sys.executable, "program.py"]}
    path = write(tmp_path, candidates=[offer])
    here = base(tmp_path / "home")
    first = here.plan(path, trust=True)
    program.write_text("print('second')", encoding="utf-8")
    second = here.plan(path, trust=True)
    assert list(first.plan["code"]["theirs"]) == ["program.py"]
    assert first.hash != second.hash
