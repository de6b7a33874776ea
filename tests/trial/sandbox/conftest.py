"""A provider's program that does what one of its cases tells it, in a sandbox."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pilotbase.scenario.offer import Candidate
from pilotbase.trial.candidates.callable import launch_of
from pilotbase.trial.candidates.command import Session
from pilotbase.trial.sandbox.boxed import Possible, possible

PROGRAM = '''
"""Runs the Python that stands in the case; answers with what it gives."""
import json, os, signal, socket, subprocess, sys, threading, time


def say(reply):
    sys.stdout.write(json.dumps(reply) + "\\n")
    sys.stdout.flush()


for line in sys.stdin:
    message = json.loads(line)
    if "hello" in message:
        say({"id": message["id"], "protocol": 1, "learns": False})
        continue
    found = {}
    try:
        exec(message["predict"]["code"], globals(), found)
        say({"id": message["id"], "score": 0.5, "found": found.get("found")})
    except Exception as error:
        say({"id": message["id"], "error": f"{type(error).__name__}: {error}"})
'''

Start = Callable[..., Session]


@pytest.fixture
def offered(tmp_path: Path) -> Path:
    """The scenario's folder: the program, the data with the answers, a base's home, a key."""
    folder = tmp_path / "scenario"
    folder.mkdir(mode=0o700)
    (folder / "program.py").write_text(PROGRAM)
    (folder / "cases.csv").write_text("x,answer\n1,secret\n")
    (folder / "words.txt").write_text("beside it")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "home.json").write_text("{}")
    (tmp_path / "home" / "signing.key").write_text("secret key")
    return folder


def without_namespaces() -> Possible:
    return replace(possible(), namespaces="")


@pytest.fixture(params=["namespaces", "no namespaces"])
def ways(request: pytest.FixtureRequest) -> Possible:
    """What is tried with all that this machine has, and as if it had no namespaces."""
    found = possible()
    if request.param == "no namespaces":
        return without_namespaces()
    if not found.namespaces:
        pytest.skip("this machine makes no namespaces")
    return found


@pytest.fixture
def start(offered: Path) -> Iterator[Start]:
    """``start(can=…, seconds=…, python=…, **limits)`` gives a session with the program."""
    opened: list[Session] = []

    def started(
        *, can: Possible | None = None, seconds: float = 20.0, python: str = sys.executable,
        **sandbox: Any,
    ) -> Session:  # fmt: skip
        candidate = Candidate.model_validate(
            {"id": "theirs", "command": [python, "program.py"], "sandbox": sandbox}
        )
        launch = launch_of(candidate, offered, seconds, trust=False)
        assert launch.box is not None
        if can is not None:
            launch = replace(launch, box=replace(launch.box, can=can))
        opened.append(Session(launch, {"task": "detection"}, time.monotonic))
        return opened[-1]

    yield started
    for session in opened:
        session.close()
