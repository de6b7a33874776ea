"""Several processes at one home, and a process that is killed while it appends."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

from pilotbase.kernel.verb import Context
from pilotbase.record.audit import verify
from pilotbase.record.opened import open_record

WRITER = """
import sys
from dataclasses import dataclass
from pathlib import Path
from pilotbase.kernel.actor import Actor
from pilotbase.kernel.event import Draft, event
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import open_record

@event("process.wrote/1")
@dataclass(frozen=True)
class Wrote:
    "A process wrote."
    who: str
    n: int

home, who, first, count, shared = Path(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:])
with open_record(Context(home)) as record:
    for n in range(first, first + count):
        by = Actor(who, "evaluator")
        one = record.append(Draft(Wrote(who, n), by, who, {"e": f"{who} {n}".encode()}))
        print(one.index, n, flush=True)
        if n < shared:
            print("shared", record.append(Draft(Wrote("all", n), by)).index, n, flush=True)
        if n % 10 == 0:
            record.checkpoint()
"""


def start(home: Path, who: str, first: int, count: int, shared: int = 0) -> subprocess.Popen[str]:
    words = [str(home), who, str(first), str(count), str(shared)]
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": ":".join(p for p in sys.path if p), "PATH": ""},
    )


def test_processes_at_once_make_one_order(tmp_path: Path) -> None:
    writers = [start(tmp_path, who, 0, 25, shared=15) for who in ("a", "b", "c")]
    outputs = [writer.communicate(timeout=60) for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0, 0], outputs
    lines = [line.split() for out, _ in outputs for line in out.splitlines()]
    own = [int(line[0]) for line in lines if line[0] != "shared"]
    assert len(own) == len(set(own)) == 75
    shared = {(int(line[1]), int(line[2])) for line in lines if line[0] == "shared"}
    assert len(shared) == 15, "each shared fact is kept once and all are told the same index"
    with open_record(Context(tmp_path)) as record:
        report = verify(record)
        assert report.ok and report.findings == () and record.size == 75 + 15
        for who in ("a", "b", "c"):
            assert [e.body["n"] for e in record.entries(about=who)] == list(range(25))
        assert len(list((tmp_path / "keys").iterdir())) == 2


def test_what_was_acknowledged_survives_being_killed(tmp_path: Path) -> None:
    choose, acknowledged, signed = random.Random(2026), dict[int, int](), list[tuple[int, str]]()
    for round_ in range(5):
        first = 1000 * round_
        writer = start(tmp_path, "a", first, 1000)
        assert writer.stdout is not None
        for _ in range(choose.randrange(5, 60)):
            index, n = writer.stdout.readline().split()
            acknowledged[int(index)] = int(n)
        writer.kill()
        for line in writer.communicate(timeout=60)[0].splitlines():
            if len(words := line.split()) == 2 and line == " ".join(words):
                acknowledged[int(words[0])] = int(words[1])
        with open_record(Context(tmp_path)) as record:
            report = verify(record)
            assert report.ok, report.findings
            assert all(finding.severity == "note" for finding in report.findings)
            for index, n in acknowledged.items():
                entry = record.entry(index)
                assert entry.body == {"who": "a", "n": n}
                assert record.body(entry, "e") == f"a {n}".encode()
            assert record.size - len(acknowledged) <= round_ + 1, "at most one unheard a kill"
            now = list(record.log.checkpoints())
            assert now[: len(signed)] == signed
            signed = now
            counts = [e.envelope["count"] for e in record.entries()]
            assert counts == list(range(record.size))
