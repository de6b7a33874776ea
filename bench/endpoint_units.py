"""What a unit behind a network costs: CPU milliseconds of the trial, evidence and record included.

Run by hand: ``python bench/endpoint_units.py [--units N] [--no-peer]``. A mock chat endpoint on the
loopback answers at once; ``pilotbase run`` tries it 50 requests at a time up to the signed verdict,
report written. The peer is inspect-ai in an environment of its own that this script makes: the same
questions, the same number of connections, its log written. CPU is user + system time of the whole
process; the marginal figure leaves out start and imports, as the difference of a large and a small
run. The project's own limits: 4 ms a unit at 1,000 units; 300 MB at 100,000.
"""

from __future__ import annotations

import argparse
import csv
import os
import resource
import subprocess
import sys
import tempfile
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
plan: {{evidence: {evidence}}}
candidates:
  - id: mock
    stand_in: true
    chat: {{url: "{url}", model: mock, private: true, concurrency: {connections}}}
"""
PEER = """
from inspect_ai import Task, task
from inspect_ai.dataset import csv_dataset, FieldSpec
from inspect_ai.scorer import match
from inspect_ai.solver import generate

@task
def capitals():
    fields = FieldSpec(input="question", target="answer", id="id")
    return Task(csv_dataset("questions.csv", fields), solver=generate(), scorer=match())
"""


def questions(folder: Path, units: int) -> None:
    with (folder / "questions.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "question", "answer"])
        rows.writerows(
            [i, f"What is the capital of France, asked for the {i}th time?", "Paris"]
            for i in range(units)
        )


def measured(command: list[str], folder: Path, **environment: str) -> tuple[float, float]:
    """(CPU seconds, peak resident MB) of one process and its children; it has to succeed."""
    script = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[1:], capture_output=True)\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)\n"
        "sys.stderr.buffer.write(done.stdout[-2000:] + done.stderr[-2000:])\n"
        "sys.exit(done.returncode)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *command],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(f"{' '.join(command[:4])} failed:\n{done.stderr}")
    cpu, megabytes = map(float, done.stdout.split())
    return cpu, megabytes


def ours(url: str, units: int, evidence: str = "fixed") -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        questions(folder, units)
        text = SCENARIO.format(url=url, connections=CONNECTIONS, evidence=evidence)
        (folder / "scenario.yaml").write_text(text)
        command = [sys.executable, "-m", "pilotbase", "run", "scenario.yaml"]
        return measured([*command, "--home", "home"], folder)


def peer(python: Path, url: str, units: int) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        questions(folder, units)
        (folder / "capitals.py").write_text(PEER)
        command = [str(python.parent / "inspect"), "eval", "capitals.py", "--model", "openai/mock"]
        options = ["--max-connections", str(CONNECTIONS), "--max-samples", str(CONNECTIONS)]
        quiet = ["--display", "none", "--log-dir", "logs"]
        keys = {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": "none"}
        return measured([*command, *options, *quiet], folder, **keys)


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


def row(name: str, small: float, large: float, few: int, many: int, megabytes: float) -> float:
    marginal = (large - small) / (many - few) * 1000
    whole = large / many * 1000
    print(f"{name:<14}{whole:12.2f}{marginal:12.2f}{megabytes:12.0f}")
    return marginal


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--units", type=int, default=1000)
    parser.add_argument("--no-peer", action="store_true")
    options = parser.parse_args()
    many, few = options.units, max(10, options.units // 10)
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    server = subprocess.Popen(
        [sys.executable, str(ROOT / "tests/trial/endpoints/servers.py")],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        print(f"{many} units, {CONNECTIONS} at once, loopback mock")
        print(f"{'':<14}{'ms whole':>12}{'ms more':>12}{'peak MB':>12}")
        small, large = ours(url, few)[0], ours(url, many)
        mine = row("pilotbase", small, large[0], few, many, large[1])
        print(
            f"limit {LIMIT_MS} ms: {mine / LIMIT_MS:.2f} of it; limit {LIMIT_MB:.0f} MB at 100,000"
        )
        if not options.no_peer:
            python = peer_environment()
            small, large = peer(python, url, few)[0], peer(python, url, many)
            theirs = row("inspect-ai", small, large[0], few, many, large[1])
            print(f"ratio inspect-ai : pilotbase = {theirs / mine:.1f}")
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    main()
