"""The key of `pilotbase up`: what a kill leaves behind is ended by the next one."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from pilotbase.catalog.parties.who import listed
from pilotbase.kernel.errors import RunError
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import open_record
from pilotbase.serve.routes.verbs import UpRequest
from pilotbase.serve.running.own_key import FOLDER, OPERATOR, own_key
from pilotbase.serve.running.up import up

HOLDS = """
import sys, time
from pathlib import Path
from pilotbase.kernel.verb import Context
from pilotbase.serve.running.own_key import own_key

with own_key(Context(Path(sys.argv[1])), "PT12H") as key:
    print(key.text, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def context(tmp_path: Path) -> Context:
    context = Context(tmp_path / "home")
    with open_record(context):
        return context


@contextmanager
def another(context: Context) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that has a key of its own, and the key."""
    command = [sys.executable, "-P", "-c", HOLDS, str(context.home)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline()
        finally:
            process.kill()


def states(context: Context) -> dict[str, str]:
    with open_record(context) as record:
        return {key["key"]: key["state"] for key in listed(record, OPERATOR, context.clock())}


def test_a_key_that_a_kill_left_is_ended_by_the_next_and_no_living_ones(context: Context) -> None:
    remarks = list[Text]()
    asking = replace(context, remark=remarks.append)
    with another(context) as (living, its), another(context) as (killed, left):
        killed.kill()
        killed.wait()
        assert set(states(context).values()) == {"holds"}
        with own_key(asking, "PT1H") as own:
            for id_, state in states(context).items():
                assert state == ("key.revoked" if id_ in left else "holds")
                assert sum(id_ in text for text in (its, left, own.text)) == 1
        (said,) = remarks
        assert any(id_ in said.en and id_ in said.zh and id_ in left for id_ in states(context))
        living.communicate("")
    assert set(states(context).values()) == {"key.revoked"}
    assert not list((context.home / FOLDER).iterdir())
    with own_key(asking, "PT1H"):
        assert len(remarks) == 1


def test_no_key_is_made_where_the_port_is_taken(context: Context) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(RunError, match=r"serve\.address"):
            up(context, UpRequest(port=taken.getsockname()[1]), lambda said: None)
    assert states(context) == {}
