"""A run that was killed goes on: nothing finished is asked twice, and the answers are the same."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from pilotbase.catalog.table import Table
from pilotbase.kernel.verb import Context
from pilotbase.scenario.schema import Scenario
from pilotbase.trial.asking import Answered
from pilotbase.trial.cases import OK
from pilotbase.trial.journal import Finished, Journal, packed
from pilotbase.trial.question import cases_of
from pilotbase.trial.run import answer_all

START = """
import sys
from pathlib import Path
import numpy as np
import pandas as pd
from pilotbase.catalog.table import Table
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context
from pilotbase.scenario.schema import Scenario
from pilotbase.trial.journal import Journal
from pilotbase.trial.question import cases_of
from pilotbase.trial.run import answer_all

home = Path(sys.argv[1])
scenario = Scenario.model_validate_json((home / "scenario.json").read_text())
cases = cases_of(scenario, Table(pd.read_csv(home / "x.csv"), Text("", ""), "d", "d"))
with Journal(home / "r.db", "sha256:p") as journal:
    answer_all(cases, scenario, np.arange(cases.units), journal=journal, context=Context(home),
               trust=True, folder=home)
"""


def asked(log: Path) -> list[float]:
    if not log.exists():
        return []
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return [line["asked"] for line in lines]


def decisive(answered: Answered) -> bytes:
    answered.predictions.latency_ms[:] = 0.0
    return packed(Finished(answered.versions))


def test_after_a_kill_only_what_is_not_finished_is_asked(
    scenario: Callable[..., Scenario],
    table: Callable[[pd.DataFrame], Table],
    program: Callable[..., tuple[str, ...]],
    tmp_path: Path,
):
    frame = pd.DataFrame({"place": np.arange(60), "sick": np.arange(60) % 2})
    log, undisturbed = tmp_path / "log", tmp_path / "undisturbed"

    def offer(seen: Path) -> Scenario:
        command = program("slow", -1, seen)
        return scenario(
            task="detection", target="sick", candidates=[{"id": "shell", "command": command}]
        )

    (tmp_path / "scenario.json").write_text(offer(log).model_dump_json(by_alias=True))
    frame.to_csv(tmp_path / "x.csv", index=False)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    running = subprocess.Popen([sys.executable, "-c", START, str(tmp_path)], env=environment)
    limit = time.monotonic() + 60
    while len(asked(log)) < 12 and time.monotonic() < limit:
        assert running.poll() is None
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    running.wait()
    before = asked(log)
    assert 12 <= len(before) < 60

    def go_on(seen: Path, journal: Journal) -> Answered:
        asked_for = offer(seen)
        cases = cases_of(asked_for, table(frame))
        return answer_all(
            cases,
            asked_for,
            np.arange(60),
            journal=journal,
            context=Context(tmp_path),
            trust=True,
            folder=tmp_path,
        )["shell"]

    with Journal(tmp_path / "r.db", "sha256:p") as journal:
        resumed = go_on(log, journal)
    assert (resumed.predictions.status == OK).all()
    counts = Counter(asked(log))
    assert set(counts) == set(range(60))
    # Only the case that was under way when the run was killed may have been asked again.
    assert sum(counts.values()) <= 61
    assert all(counts[place] == 1 for place in before[:-1])
    with Journal(tmp_path / "other.db", "sha256:p") as journal:
        assert decisive(go_on(undisturbed, journal)) == decisive(resumed)
