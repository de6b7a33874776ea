"""Programs that speak the protocol, well or badly."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PROGRAM = '''
"""Answers 0.5 + the case's place / 1000; misbehaves on the case named by its second argument."""
import json, os, sys, time

mode, at = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else -1.0
log = open(sys.argv[3], "a") if len(sys.argv) > 3 else None
lessons = []


def say(reply):
    sys.stdout.write(json.dumps(reply) + "\\n")
    sys.stdout.flush()


def trouble(id_):
    if mode == "crash":
        sys.stderr.write("Traceback ...\\nValueError: out of ideas\\n")
        os._exit(3)
    if mode == "hang":
        time.sleep(600)
    if mode == "text":
        print("thinking ...", flush=True)
        return
    if mode == "text-and-answer":
        print("thinking ...", flush=True)
    if mode == "wrong-id":
        return say({"id": id_ + 5, "score": 0.5})
    if mode == "no-field":
        return say({"id": id_})
    if mode == "nan":
        return print('{"id": %d, "score": NaN}' % id_, flush=True)
    if mode == "string":
        return say({"id": id_, "score": "high"})
    if mode == "list":
        return say([id_, 0.5])
    if mode == "error":
        return say({"id": id_, "error": "no such thing"})
    if mode == "refuse":
        return say({"id": id_, "refuse": "not my field"})
    if mode == "flood":
        while True:
            sys.stdout.write("x" * 65536)
    if mode == "lines":
        while True:
            say({"id": 0, "score": 1})
    if mode == "stderr":
        sys.stderr.write("y" * 5_000_000)
    say({"id": id_, "score": 0.25})


if mode == "mute":
    time.sleep(600)
if mode == "stillborn":
    sys.exit("cannot find my weights")
for line in sys.stdin:
    message = json.loads(line)
    id_ = message["id"]
    if "hello" in message:
        say({"id": id_, "protocol": 2 if mode == "old" else 1, "learns": mode.startswith("learn")})
    elif "fit" in message:
        lessons = [json.loads(sys.stdin.readline()) for _ in range(message["fit"]["rows"])]
        if mode == "learn-crash":
            os._exit(4)
        if log:
            places = [lesson["features"]["place"] for lesson in lessons]
            log.write(json.dumps({"learnt": places}) + "\\n"); log.flush()
        say({"id": id_})
    else:
        case = message["predict"]
        place = case["features"].get("place")
        if log:
            log.write(json.dumps({"asked": place, "history": case.get("history")}) + "\\n"); log.flush()
        if mode == "slow":
            time.sleep(0.03)
        if place == at:
            trouble(id_)
        elif mode == "forecast":
            say({"id": id_, "value": case["history"][-1], "lower": 0, "upper": 99})
        else:
            say({"id": id_, "score": 0.5 + (place or 0) / 1000})
'''


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[str, ...]]:
    """``program(mode, place, log)`` gives the command line of the program above."""
    path = tmp_path_factory.mktemp("program") / "candidate.py"
    path.write_text(PROGRAM)

    def command(mode: str = "ok", *more: object) -> tuple[str, ...]:
        return (sys.executable, "-S", "-E", str(path), mode, *map(str, more))

    return command


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
