"""What a unit behind a network costs: CPU milliseconds of the trial, evidence and record included.

Run by hand: ``python bench/endpoint_units.py [--units N] [--runs N] [--no-peer]``. A mock chat
endpoint on the loopback answers at once. Ours is all that ``pilotbase run`` does with a scenario
file, 50 requests at a time, up to the signed verdict and the report; the peer is what inspect-ai
does with the same questions and as many connections, its log written, in an environment of its own
that this script makes. CPU is user + system time of the process while it does so; start and imports
stand beside it. The project's own limits: 4 ms a unit at 1,000 units; 300 MB at 100,000.
"""

from __future__ import annotations

import argparse
import csv
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
LIMIT_MS = 4.0
LIMIT_MB = 300.0
CONNECTIONS = 50
SCENARIO = """
pilotbase: 1
id: bench-endpoint
title: {{en: Bench, zh: 基准}}
need: {{en: Bench of one endpoint., zh: 单一端点基准。}}
item: A2.1
owner: {{name: bench, principal: bench}}
affects_people: false
task: answer
estimand: future cases
data: {{csv: questions.csv}}
question: question
target: answer
unit: id
split: {{by: frozen}}
acceptance:
  - {{metric: exact_match, at_least: 0.9}}
  - {{metric: latency, limit: 60000, at_least: 0.9}}
plan: {{evidence: fixed}}
candidates:
  - id: mock
    stand_in: true
    chat: {{url: "{url}", model: mock, private: true, concurrency: {connections}}}
"""
PEER_TASK = """
from inspect_ai import Task, task
from inspect_ai.dataset import csv_dataset, FieldSpec
from inspect_ai.scorer import match
from inspect_ai.solver import generate

@task
def capitals():
    fields = FieldSpec(input="question", target="answer", id="id")
    return Task(csv_dataset("questions.csv", fields), solver=generate(), scorer=match())
"""
OURS = """
from pathlib import Path
from pilotbase.desk.conduct import conduct
from pilotbase.kernel.verb import Context

def work():
    conduct(Context(Path("home").resolve()), Path("scenario.yaml"), receipt=None, trust=False)
"""
PEERS = """
from inspect_ai import eval
from capitals import capitals

def work():
    done = eval(capitals(), model="openai/mock", model_args={{"responses_api": False}},
                max_connections={connections}, max_samples={connections}, display="none",
                log_dir="logs")
    assert done[0].status == "success", done[0].error
"""
MEASURED = """
import resource, time
before = time.process_time()
work()
used = time.process_time()
print(used - before, before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


@dataclass(frozen=True)
class Cost:
    """CPU seconds of the work and of the start before it, and the peak of resident memory in MB."""

    work: float
    start: float
    megabytes: float


def questions(folder: Path, units: int) -> None:
    with (folder / "questions.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "question", "answer"])
        rows.writerows(
            [i, f"What is the capital of France, asked for the {i}th time?", "Paris"]
            for i in range(units)
        )


def measured(python: str, script: str, folder: Path, **environment: str) -> Cost:
    """One process of its own; it has to succeed."""
    done = subprocess.run(
        [python, "-c", script + MEASURED],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(f"{python} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    work, start, megabytes = map(float, done.stdout.split()[-3:])
    return Cost(work, start, megabytes)


def ours(url: str, units: int) -> Cost:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        questions(folder, units)
        text = SCENARIO.format(url=url, connections=CONNECTIONS)
        (folder / "scenario.yaml").write_text(text)
        return measured(sys.executable, OURS, folder)


def peer(python: Path, url: str, units: int) -> Cost:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        questions(folder, units)
        (folder / "capitals.py").write_text(PEER_TASK)
        keys = {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": "none"}
        return measured(str(python), PEERS.format(connections=CONNECTIONS), folder, **keys)


def peer_environment() -> Path:
    """An environment of its own with inspect-ai, made once."""
    home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "pilotbase-bench"
    python = home / "inspect" / "bin" / "python"
    if not python.exists():
        print("making an environment for the peer ...")
        subprocess.run([sys.executable, "-m", "venv", python.parents[1]], check=True)
        packages = ["inspect-ai", "openai"]
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
    return python


def row(name: str, found: Sequence[Cost], units: int) -> float:
    """Prints the medians; gives milliseconds of work a unit."""
    work = statistics.median(cost.work for cost in found) / units * 1000
    start = statistics.median(cost.start for cost in found)
    megabytes = max(cost.megabytes for cost in found)
    print(f"{name:<14}{work:12.2f}{start:12.2f}{megabytes:12.0f}")
    return work


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--units", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--no-peer", action="store_true")
    options = parser.parse_args()
    units, runs = options.units, range(options.runs)
    server = subprocess.Popen(
        [sys.executable, str(ROOT / "tests/trial/endpoints/servers.py")],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        print(f"{units} units, {CONNECTIONS} at once, loopback mock, median of {options.runs}")
        print(f"{'':<14}{'ms a unit':>12}{'s to start':>12}{'peak MB':>12}")
        mine = row("pilotbase", [ours(url, units) for _ in runs], units)
        print(f"{mine / LIMIT_MS:.2f} of the limit of {LIMIT_MS} ms; {LIMIT_MB:.0f} MB at 100,000")
        if not options.no_peer:
            python = peer_environment()
            theirs = row("inspect-ai", [peer(python, url, units) for _ in runs], units)
            print(f"ratio inspect-ai : pilotbase = {theirs / mine:.1f}")
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    main()
