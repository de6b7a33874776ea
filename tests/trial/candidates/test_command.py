"""A program that speaks JSON lines: what it does wrong is one unit's fault, and nothing more."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pilotbase.trial.candidates.command import Gone, Launch, NotStarted, Session
from pilotbase.trial.candidates.messages import BadReply

HELLO = {"task": "detection", "classes": [], "columns": ["place"], "parameters": {}}
Program = Callable[..., tuple[str, ...]]


def start(command: tuple[str, ...], folder: Path, seconds: float = 20.0) -> Session:
    return Session(Launch(command, folder, seconds), HELLO, time.monotonic)


def case(place: float) -> dict[str, Any]:
    return {"features": {"place": place}}


def test_it_is_greeted_taught_and_asked(program: Program, folder: Path):
    session = start(program("learn", -1, folder / "log"), folder)
    assert session.learns
    session.fit(2, [{"features": {"place": n}, "target": 1} for n in (4, 5)])
    reply, taken = session.ask(case(7))
    assert reply["score"] == 0.507 and 0 < taken < 20_000
    session.close()
    assert '"learnt": [4, 5]' in (folder / "log").read_text()


def test_nan_travels_as_null(program: Program, folder: Path):
    session = start(program("ok"), folder)
    assert session.ask(case(float("nan")))[0]["score"] == 0.5
    session.close()


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("text", "not JSON"),
        ("text-and-answer", "not JSON"),
        ("wrong-id", "wrong id 6"),
        ("nan", "not a finite number"),
        ("list", "no JSON object"),
    ],
)
def test_a_broken_reply_costs_one_case(program: Program, folder: Path, mode: str, reason: str):
    session = start(program(mode, 1), folder)
    with pytest.raises(BadReply, match=reason):
        session.ask(case(1))
    assert session.ask(case(2))[0]["score"] == 0.502
    session.close()


def test_what_it_says_on_stderr_does_not_block_it(program: Program, folder: Path):
    session = start(program("stderr", 1), folder)
    assert session.ask(case(1))[0]["score"] == 0.25
    session.close()


def test_a_crash_is_told_with_its_last_words(program: Program, folder: Path):
    session = start(program("crash", 1), folder)
    with pytest.raises(Gone, match=r"^program ended: exit code 3: ValueError: out of ideas$"):
        session.ask(case(1))


@pytest.mark.parametrize(
    ("mode", "reason"),
    [("hang", "no answer within 0.5 s"), ("flood", "more than 1048576"), ("lines", "nobody asked")],
)
def test_a_hang_or_a_flood_ends_its_process_group(
    program: Program, folder: Path, mode: str, reason: str
):
    session = start(program(mode, 1), folder)
    session._launch = Launch(session._launch.command, folder, 0.5 if mode == "hang" else 20.0)
    started = time.monotonic()
    with pytest.raises(Gone, match=reason):
        session.ask(case(1))
    assert time.monotonic() - started < 10
    assert session._process.poll() is not None


@pytest.mark.parametrize("mode", ["stillborn", "old"])
def test_no_proper_greeting_is_no_candidate(program: Program, folder: Path, mode: str):
    words = {"stillborn": "cannot find my weights", "old": "does not speak protocol 1"}
    with pytest.raises(NotStarted, match=words[mode]):
        start(program(mode), folder)


def test_silence_is_no_greeting(program: Program, folder: Path):
    with pytest.raises(NotStarted, match="no answer within"):
        start(program("mute"), folder, seconds=0.5)


def test_a_program_that_is_not_there(folder: Path):
    with pytest.raises(NotStarted, match="no-such-program"):
        start(("no-such-program",), folder)


def test_a_line_that_is_too_long_is_not_sent(program: Program, folder: Path):
    session = start(program("ok"), folder)
    with pytest.raises(BadReply, match="a line holds"):
        session.ask({"features": {"text": "z" * 2_000_000}})
    assert session.ask(case(2))[0]["score"] == 0.502
    session.close()
