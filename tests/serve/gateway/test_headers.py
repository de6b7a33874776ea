"""The receipt in an answer's headers."""

from __future__ import annotations

from pilotbase.serve.call import Grant
from pilotbase.serve.gateway.headers import block_of
from tests.serve.gateway.rig import route

GRANT = Grant("k", "agent", (), "bureau", "officer", 4e9)
NOBODY = {"version": "", "principal": "", "person": "", "source": "development"}


def names(block: bytes) -> list[str]:
    lines = block.decode("ascii").split("\r\n")
    assert all(line.partition(": ")[2] for line in lines[:-1]) and lines[-1] == "pilotbase-usage: "
    return [line.partition(": ")[0].removeprefix("pilotbase-") for line in lines[:-1]]


def test_what_is_filed_says_all() -> None:
    said = ["filing", "version", "served", "principal", "for", "verify"]
    assert names(block_of(route(""), GRANT)) == said


def test_what_nobody_answers_for_does_not_say_that_somebody_does() -> None:
    assert names(block_of(route("", **NOBODY), GRANT)) == ["filing", "for", "development"]
    arranged = route("", **{**NOBODY, "principal": "person-1"})
    assert names(block_of(arranged, GRANT)) == ["filing", "principal", "for", "development"]
