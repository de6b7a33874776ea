"""Several processes at one home, and a process that is killed while it appends."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pilotbase.kernel.actor import Actor
from pilotbase.kernel.errors import PilotbaseError
from pilotbase.kernel.event import Draft, event
from pilotbase.kernel.verb import Context
from pilotbase.record.audit import verify
from pilotbase.record.opened import open_record
from tests.record.cluster import Cluster

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


def test_processes_at_once_make_one_order(tmp_path: Path, new_home: Callable[[Path], Path]) -> None:
    new_home(tmp_path)
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


MANY = """
import json, os, sys, threading
from dataclasses import dataclass
from pathlib import Path
from pilotbase.kernel.actor import Actor
from pilotbase.kernel.event import Draft, event
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import open_record

@event("process.wrote/1")
@dataclass(frozen=True)
class Wrote:
    "A thread wrote."
    round: int
    thread: int
    n: int

round, threads = int(sys.argv[2]), int(sys.argv[3])
by = Actor("many", "evaluator")

def say(said):
    os.write(1, json.dumps(said).encode() + b"\\n")  # whole: shorter than a pipe's PIPE_BUF

with open_record(Context(Path(sys.argv[1]))) as record:
    def work(thread):
        for n in range(10**9):
            body = f"{round} {thread} {n}".encode()
            one = record.append(Draft(Wrote(round, thread, n), by, "a", {"e": body}))
            say([one.index, round, thread, n])
    for thread in range(threads):
        threading.Thread(target=work, args=(thread,), daemon=True).start()
    while True:
        say(record.checkpoint())
"""
THREADS = 8
KILLS = int(os.environ.get("PILOTBASE_TEST_KILLS", "4"))
"""Rounds per store; set it high to look for what is rare."""


def killed_while_writing(home: Path, round_: int, choose: random.Random) -> list[Any]:
    """What a process with many writing threads said before it was killed at some point."""
    writer = subprocess.Popen(
        [sys.executable, "-c", MANY, str(home), str(round_), str(THREADS)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"PYTHONPATH": ":".join(p for p in sys.path if p), "PATH": ""},
    )
    assert writer.stdout is not None
    said = [writer.stdout.readline() for _ in range(choose.randrange(1, 200))]
    time.sleep(choose.random() * 0.05)
    writer.kill()
    rest, errors = writer.communicate(timeout=60)
    said += rest.splitlines(keepends=True)
    assert said[0].endswith(b"\n"), errors.decode()
    return [json.loads(line) for line in said if line.endswith(b"\n")]


def test_what_was_acknowledged_survives_being_killed(
    tmp_path: Path, new_home: Callable[[Path], Path]
) -> None:
    home, choose = new_home(tmp_path), random.Random(2026)
    acknowledged, signed, stored = dict[int, list[int]](), set[str](), list[tuple[int, str]]()
    for round_ in range(KILLS):
        for said in killed_while_writing(home, round_, choose):
            if isinstance(said, str):
                signed.add(said)
            else:
                acknowledged[said[0]] = said[1:]
        with open_record(Context(home)) as record:
            report = verify(record)
            assert report.ok, report.findings
            assert all(finding.severity == "note" for finding in report.findings)
            entries = list(record.entries(kind="process.wrote/1"))
            facts = [
                tuple(entry.body[name] for name in ("round", "thread", "n")) for entry in entries
            ]
            assert len(set(facts)) == len(facts), "nothing twice"
            for index, fact in acknowledged.items():
                assert facts[index] == tuple(fact)
                assert record.body(entries[index], "e") == " ".join(map(str, fact)).encode()
            assert len(facts) - len(acknowledged) <= THREADS * (round_ + 1)
            # The audit has shown that each stored checkpoint extends the one before.
            now = list(record.log.checkpoints())
            assert now[: len(stored)] == stored and signed <= {note for _, note in now}
            stored = now


def test_a_server_that_crashes_and_comes_back(
    tmp_path: Path, in_postgres: Callable[[Path], Path], cluster: Cluster
) -> None:
    home = in_postgres(tmp_path)
    by, told, failed = Actor("a", "evaluator"), dict[int, int](), list[str]()
    with open_record(Context(home)) as record:

        def work(thread: int) -> None:
            for n in range(10**6 * thread, 10**6 * thread + 4000):
                try:
                    told[record.append(Draft(Survived(n), by)).index] = n
                except PilotbaseError as error:
                    failed.append(error.code)
                    return

        threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
        for thread in threads:
            thread.start()
        while len(told) < 50:
            time.sleep(0.01)
        cluster.stop("immediate")
        for thread in threads:
            thread.join(30)
        assert failed and set(failed) == {"home.store_unreachable"}
        cluster.start()
        again = {record.append(Draft(Survived(n), by)).index: n for n in told.values()}
        assert again == told, "what was acknowledged is there, once"
        assert verify(record).ok and record.size - len(told) <= len(threads)


@event("process.survived/1")
@dataclass(frozen=True)
class Survived:
    """Something survived."""

    n: int
